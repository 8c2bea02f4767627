"""What the options of all pipelines share."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, Self, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    create_model,
    field_validator,
    model_validator,
)

from galaxy_morphology.attribution import METHODS, Explain, explainer


class Options(BaseModel):
    """Typed parameters: unknown names and impossible values fail before anything runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def options_of(function: Callable[..., Any], *, but: tuple[str, ...] = ()) -> type[Options]:
    """Typed parameters for the keyword arguments of a function, as it hints and defaults them.

    Args:
        function: Its hints say what values each argument may have.
        but: Arguments that are set elsewhere.
    """
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], parameter.default)
        for name, parameter in signature(function).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and name not in but
    }
    return create_model(function.__name__, __base__=Options, **fields)


class Classes(RootModel[dict[int, str]]):
    """Class name by value of TARGET; everything downstream counts its classes here."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root", mode="before")
    @classmethod
    def _as_they_were_written(cls, classes: object) -> object:
        for target, name in classes.items() if isinstance(classes, dict) else ():
            if type(target) is not int:
                raise ValueError(f"a value of TARGET was read as {target!r}: write a whole number")
            if not isinstance(name, str):
                raise ValueError(
                    f"the name of class {target} was read as {name!r}: put it in quotes, since "
                    "YAML takes no, yes, null and numbers for something else"
                )
        return classes

    @field_validator("root")
    @classmethod
    def _two_or_more_with_names_of_their_own(cls, classes: dict[int, str]) -> dict[int, str]:
        if len(classes) < 2 or len(set(classes.values())) < len(classes):
            raise ValueError(f"expected two or more classes with different names, found {classes}")
        return classes

    @property
    def names(self) -> list[str]:
        """The class names in the order of their values of TARGET: the order of probabilities."""
        return [self.root[target] for target in sorted(self.root)]


class ExplanationOptions(Options):
    """Which of ``attribution.METHODS`` explain, and the options of each.

    Where galaxies are explained again and again, to see what a map hangs on, the options of
    ``again`` take the place of others.
    """

    methods: tuple[str, ...] = Field(min_length=1)
    options: dict[str, dict[str, Any]]
    again: dict[str, dict[str, Any]]

    @model_validator(mode="before")
    @classmethod
    def _are_arguments_of_their_methods(cls, values: dict[str, Any]) -> dict[str, Any]:
        parts = {part: values.get(part) or {} for part in ("options", "again")}
        for name in (*values.get("methods", ()), *parts["options"], *parts["again"]):
            if name not in METHODS:
                raise ValueError(f"no method is named {name}; known are {', '.join(METHODS)}")
        options, again = (
            {
                name: options_of(METHODS[name]).model_validate({**first, **changes}).model_dump()
                for name in METHODS
                for first, changes in [(parts["options"].get(name, {}), all_changes.get(name, {}))]
            }
            for all_changes in ({}, parts["again"])
        )
        return {**values, "options": options, "again": again}

    def explainers(self, *, again: bool = False) -> dict[str, Explain]:
        """The methods, ready to be asked for maps.

        Args:
            again: With the options for explaining galaxies again.
        """
        options = self.again if again else self.options
        return {name: explainer(name, **options[name]) for name in self.methods}


class CutoutOptions(Options):
    """Which cut-outs are used, at what size in pixels, and what their numbers stand for."""

    side: int = Field(ge=16, le=1024)
    minimum_side: int = Field(ge=1)
    maximum_side: int = Field(ge=1, le=13_000)  # Pillow refuses more than 179 million pixels
    white_level: int | None = Field(ge=1, le=65_535)
    arcsec_per_pixel: float | None = Field(gt=0)

    @model_validator(mode="after")
    def _some_size_is_allowed(self) -> Self:
        if self.minimum_side > self.maximum_side:
            raise ValueError(
                f"minimum_side {self.minimum_side} is above maximum_side {self.maximum_side}: no "
                "cut-out would be used"
            )
        return self
