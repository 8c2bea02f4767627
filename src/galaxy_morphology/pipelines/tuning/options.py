"""Typed parameters of the search for parameters."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from galaxy_morphology.networks import TRAINED
from galaxy_morphology.options import AugmentationOptions, NetworkOptions, Options, TrainingOptions

SET_ELSEWHERE = {
    "training.epochs": "`tuning.epochs` and `tuning.finalists.epochs`",
    "training.seed": "`tuning.finalists.seeds`",
}
"""Parameters that cannot be searched, and what sets them in trials."""
Scalar = bool | int | float | str | None


class Recipe(NamedTuple):
    """How a classifier is built, shown galaxies and trained."""

    network: NetworkOptions
    augmentation: AugmentationOptions
    training: TrainingOptions

    def value(self, parameter: str) -> Any:
        """The value of a parameter.

        Args:
            parameter: Its name with dots, as in ``training.optimizer.learning_rate``.

        Raises:
            ValueError: There is none of this name.
        """
        found: Any = {name: options.model_dump() for name, options in self._asdict().items()}
        for step in parameter.split("."):
            if not isinstance(found, dict) or step not in found:
                raise ValueError(
                    f"there is no parameter {parameter} of network, augmentation or training"
                )
            found = found[step]
        return found

    def changed(self, values: dict[str, Any]) -> "Recipe":
        """The same with some values changed.

        Args:
            values: By the names of parameters, with dots.

        Raises:
            ValueError: There is no such parameter, or it cannot have such a value, or not together
                with the others.
        """
        groups = {name: options.model_dump() for name, options in self._asdict().items()}
        for parameter, value in values.items():
            self.value(parameter)
            put(groups, parameter, value)
        try:
            return Recipe(
                NetworkOptions.model_validate(groups["network"]),
                AugmentationOptions.model_validate(groups["augmentation"]),
                TrainingOptions.model_validate(groups["training"]),
            )
        except ValidationError as error:
            what = ", ".join(f"{name}={value}" for name, value in values.items())
            why = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
            raise ValueError(f"{what}: {why}") from None


class Dimension(Options):
    """A parameter that is searched.

    Attributes:
        parameter: Its name with dots.
        when: Values that other parameters must have, searched or not, for it to matter.
    """

    parameter: str
    when: dict[str, Scalar] = Field(default_factory=dict)


class Range(Dimension):
    """Numbers between two, in steps of equal ratios where ``log`` is set."""

    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        low, high = self.ends
        if low >= high:
            raise ValueError(f"{self.parameter}: low {low} is not below high {high}")
        if self.log and low <= 0:
            raise ValueError(f"{self.parameter}: low must be above 0 where log is set, not {low}")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return self.low, self.high  # type: ignore[attr-defined]

    def holds(self, value: Any) -> bool:
        """Whether a value is one of those that are tried."""
        return isinstance(value, int | float) and self.ends[0] <= value <= self.ends[1]


class FloatRange(Range):
    """Any number between two."""

    kind: Literal["float"]
    low: float
    high: float

    @property
    def probes(self) -> tuple[float, ...]:
        """Values to see by whether all are possible: the ends, and one that is no whole number."""
        return (*self.ends, self.low + (self.high - self.low) / math.pi)

    def suggest(self, trial: Any) -> float:
        """A value to try."""
        return float(trial.suggest_float(self.parameter, self.low, self.high, log=self.log))


class IntegerRange(Range):
    """Whole numbers between two."""

    kind: Literal["integer"]
    low: int
    high: int

    @property
    def probes(self) -> tuple[float, ...]:
        """Values to see by whether all are possible."""
        return self.ends

    def suggest(self, trial: Any) -> int:
        """A value to try."""
        return int(trial.suggest_int(self.parameter, self.low, self.high, log=self.log))


class Choice(Dimension):
    """One of several values, of any kind."""

    kind: Literal["categorical"]
    choices: tuple[Any, ...] = Field(min_length=2)

    @field_validator("choices")
    @classmethod
    def _every_choice_once(cls, choices: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(map(_text, choices))) < len(choices):
            raise ValueError(f"expected each choice once, found {list(choices)}")
        return choices

    @property
    def ends(self) -> tuple[Any, Any]:
        """The first and the last value."""
        return self.choices[0], self.choices[-1]

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values to see by whether all are possible."""
        return self.choices

    def holds(self, value: Any) -> bool:
        """Whether a value is one of those that are tried."""
        return _text(value) in map(_text, self.choices)

    def suggest(self, trial: Any) -> Any:
        """A value to try; as text it may be a list too."""
        by_text = {_text(choice): choice for choice in self.choices}
        return by_text[trial.suggest_categorical(self.parameter, list(by_text))]


AnyDimension = Annotated[FloatRange | IntegerRange | Choice, Field(discriminator="kind")]


class SamplerOptions(Options):
    """The tree-structured Parzen estimator."""

    startup_trials: int = Field(ge=1)
    seed: int = Field(ge=0, lt=2**32)


class PrunerOptions(Options):
    """When trials are ended early."""

    name: Literal["median", "hyperband", "none"]
    startup_trials: int = Field(ge=0)
    warm_up_epochs: int = Field(ge=0)


class BudgetOptions(Options):
    """When the search ends: whichever comes first."""

    trials: int | None = Field(ge=1)
    hours: float | None = Field(gt=0)

    @model_validator(mode="after")
    def _the_search_ends(self) -> Self:
        if self.trials is None and self.hours is None:
            raise ValueError("the search would never end: set budget.trials or budget.hours")
        return self


class FinalistOptions(Options):
    """The best few, trained again with several seeds."""

    n: int = Field(ge=1)
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(min_length=2)
    epochs: int | None = Field(ge=1)

    @field_validator("seeds")
    @classmethod
    def _every_seed_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"expected each seed once, found {list(seeds)}")
        return seeds


class TuningOptions(Options):
    """What is searched, how, and for how long."""

    space: tuple[AnyDimension, ...]
    epochs: int = Field(ge=1)
    sampler: SamplerOptions
    pruner: PrunerOptions
    budget: BudgetOptions
    finalists: FinalistOptions

    @model_validator(mode="after")
    def _some_epoch_may_end_a_trial(self) -> Self:
        if self.pruner.name != "none" and self.pruner.warm_up_epochs >= self.epochs:
            raise ValueError(
                f"pruner.warm_up_epochs {self.pruner.warm_up_epochs} leave none of the "
                f"{self.epochs} epochs to end a trial in: set fewer, or pruner.name to none"
            )
        return self

    @field_validator("space")
    @classmethod
    def _every_parameter_once(cls, space: tuple[AnyDimension, ...]) -> tuple[AnyDimension, ...]:
        if not space:
            raise ValueError("the space is empty: name a parameter to search")
        names = [dimension.parameter for dimension in space]
        for i, dimension in enumerate(space):
            if dimension.parameter in names[:i]:
                raise ValueError(f"{dimension.parameter} stands twice in the space")
            if dimension.parameter in SET_ELSEWHERE:
                where = SET_ELSEWHERE[dimension.parameter]
                raise ValueError(f"{dimension.parameter} is not searched: {where} set it")
            for condition in dimension.when:
                if condition in names[i:]:
                    raise ValueError(
                        f"{dimension.parameter} hangs on {condition}, which must stand before it"
                    )
        return space

    def check(self, configured: Recipe) -> None:
        """Refuse a space in which there is something that the configuration cannot have.

        The ends of every range and all choices are tried alone, and then all the lowest and all
        the highest together.

        Args:
            configured: What is changed.

        Raises:
            ValueError: Says which parameter cannot have which value.
        """
        try:
            for dimension in self.space:
                for parameter, value in dimension.when.items():
                    configured.changed({parameter: value})
                for value in dimension.probes:
                    configured.changed({**dimension.when, dimension.parameter: value})
            for end in (0, -1):
                configured.changed(
                    {each.parameter: each.ends[end] for each in self.space if not each.when}
                )
        except ValueError as error:
            raise ValueError(f"tuning.space: {error}.") from None

    def check_search(self, configured: Recipe) -> None:
        """Refuse what no search can be made with, and other runs can.

        Args:
            configured: What is changed.

        Raises:
            ValueError: The network is not trained, or a finalist has the seed of the trials.
        """
        searched = [each.probes for each in self.space if each.parameter == "network.name"]
        names = {configured.network.name, *(name for probes in searched for name in probes)}
        if not_trained := sorted(names & TRAINED):
            raise ValueError(
                f"A network `{not_trained[0]}` is not trained, so that no better parameters can be "
                "searched for it: name another one in `network.name`."
            )
        if configured.training.seed in self.finalists.seeds:
            raise ValueError(
                f"tuning.finalists.seeds has {configured.training.seed}, which is the seed of the "
                "trials (training.seed): name others."
            )

    def active(self, values: dict[str, Any], configured: Recipe) -> Iterator[AnyDimension]:
        """The dimensions that matter, given values that may be added to on the way.

        Args:
            values: Of the dimensions before.
            configured: The values of all other parameters.
        """
        for dimension in self.space:
            if all(
                (values[name] if name in values else configured.value(name)) == wanted
                for name, wanted in dimension.when.items()
            ):
                yield dimension

    def suggest(self, trial: Any, configured: Recipe) -> dict[str, Any]:
        """Values to try.

        Args:
            trial: Optuna's.
            configured: The values of all other parameters.
        """
        values: dict[str, Any] = {}
        for dimension in self.active(values, configured):
            values[dimension.parameter] = dimension.suggest(trial)
        return values

    def configured_values(self, configured: Recipe) -> dict[str, Any] | None:
        """The values that the searched parameters have now; None where one is not in the space.

        Args:
            configured: With these values.
        """
        values: dict[str, Any] = {}
        for dimension in self.active(values, configured):
            value = configured.value(dimension.parameter)
            if not dimension.holds(value):
                return None
            values[dimension.parameter] = value
        return values

    def as_optuna_has_them(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values as a study stores them: choices as text.

        Args:
            values: As :meth:`suggest` returns them.
        """
        choices = {each.parameter for each in self.space if isinstance(each, Choice)}
        return {name: _text(value) if name in choices else value for name, value in values.items()}


def put(groups: dict[str, Any], parameter: str, value: Any) -> None:
    """Set a parameter among others, in groups in groups.

    Args:
        groups: Changed in place; groups that are missing are made.
        parameter: Its name with dots.
        value: What to set it to.
    """
    *path, last = parameter.split(".")
    for step in path:
        groups = groups.setdefault(step, {})
    groups[last] = value


def _text(value: Any) -> str:
    """A choice as text: a word as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
