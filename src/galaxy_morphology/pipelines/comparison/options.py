"""Typed parameters of the comparison."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from galaxy_morphology.evaluation.baselines import Baseline
from galaxy_morphology.options import (
    AugmentationOptions,
    NetworkOptions,
    Options,
    PredictionOptions,
    TrainingOptions,
)


class NetworkEntry(Options):
    """What sets a network apart from ``network``, ``augmentation`` and the others."""

    network: dict[str, Any] = Field(default_factory=dict)
    augmentation: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)
    prediction: dict[str, Any] = Field(default_factory=dict)


class ComparisonOptions(Options):
    """What is compared, over which seeds, and with what."""

    reference: str
    seeds: tuple[int, ...] = Field(min_length=1)
    networks: dict[str, NetworkEntry]
    baselines: tuple[Baseline, ...]
    feature_sets: tuple[Literal["colour", "shape", "both"], ...]
    n_folds: int = Field(ge=2)

    @field_validator("seeds")
    @classmethod
    def _every_seed_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"expected each seed once, found {list(seeds)}")
        return seeds

    @model_validator(mode="after")
    def _the_reference_is_compared(self) -> Self:
        if self.reference not in self.entries:
            raise ValueError(
                f"reference {self.reference!r} is none of what is compared: "
                f"{', '.join(self.entries)}"
            )
        return self

    @property
    def entries(self) -> list[str]:
        """The names of all that is compared, networks first."""
        return [*self.networks, *self.baseline_entries]

    @property
    def baseline_entries(self) -> dict[str, tuple[Baseline, Literal["colour", "shape", "both"]]]:
        """Each baseline on each set of features, by name."""
        return {
            f"{baseline}_{feature_set}": (baseline, feature_set)
            for baseline in self.baselines
            for feature_set in self.feature_sets
        }


def recipe(
    entry: NetworkEntry,
    network: NetworkOptions,
    augmentation: AugmentationOptions,
    training: TrainingOptions,
    prediction: PredictionOptions,
    seed: int,
) -> tuple[NetworkOptions, AugmentationOptions, TrainingOptions, PredictionOptions]:
    """How a network of the comparison is built, trained and asked.

    Args:
        entry: What sets it apart.
        network: What is configured for all.
        augmentation: What is configured for all.
        training: What is configured for all.
        prediction: What is configured for all.
        seed: Of the training.

    Raises:
        ValueError: The entry sets something that there is not, or to what it cannot be.
    """
    taught = _merged(training.model_dump(), entry.training) | {"seed": seed}
    try:
        return (
            NetworkOptions.model_validate(_merged(network.model_dump(), entry.network)),
            AugmentationOptions.model_validate(
                _merged(augmentation.model_dump(), entry.augmentation)
            ),
            TrainingOptions.model_validate(taught),
            PredictionOptions.model_validate(_merged(prediction.model_dump(), entry.prediction)),
        )
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ValueError(f"comparison.networks: {'; '.join(found)}") from None


def _merged(configured: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Configured values with some of them changed, at any depth."""
    merged = dict(configured)
    for name, value in changes.items():
        inner = merged.get(name)
        deeper = isinstance(inner, dict) and isinstance(value, dict)
        merged[name] = _merged(dict(inner or {}), value) if deeper else value
    return merged
