"""Typed parameters of evaluation."""

from pydantic import Field, PositiveFloat

from galaxy_morphology.pipelines.options import Options


class EvaluationOptions(Options):
    """Intervals of the scores, and the gallery of mistakes."""

    confidence: float = Field(gt=0, lt=1)
    n_resamples: int = Field(ge=1)
    seed: int = Field(ge=0)
    n_mistakes: int = Field(ge=1, le=200)


class ClassificationOptions(Options):
    """How logits become classifications."""

    calibrate: bool
    class_prior: dict[str, PositiveFloat] | None
    accuracy_wanted: float = Field(gt=0, lt=1)


class SuspectOptions(Options):
    """How labels are doubted; see ``evaluation.cross_validated_probabilities``."""

    n_trees: int = Field(ge=1)
    n_folds: int = Field(ge=2)
    seed: int = Field(ge=0, lt=2**32)
    n_shown: int = Field(ge=1, le=200)


class ErrorRateOptions(Options):
    """What the error rate is shown against."""

    quantities: tuple[str, ...] = Field(min_length=1)
    n_bins: int = Field(ge=1, le=100)
