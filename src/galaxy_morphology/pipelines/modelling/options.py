"""Typed parameters of evaluation alone."""

from pydantic import Field

from galaxy_morphology.options import Options


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
