"""Typed parameters of scores, and of what logits become."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat

from galaxy_morphology.options.base import Options
from galaxy_morphology.options.galaxies import Classes


class EvaluationOptions(Options):
    """Intervals of the scores, and the gallery of mistakes."""

    confidence: float = Field(ge=0.5, le=0.999)
    n_resamples: int = Field(ge=40, le=100_000)
    seed: int = Field(ge=0)
    n_mistakes: int = Field(ge=1, le=200)


class ClassificationOptions(Options):
    """How logits become classifications."""

    calibrate: bool
    class_prior: dict[str, PositiveFloat] | None
    accuracy_wanted: float = Field(gt=0, lt=1)
    accuracy_confidence: float = Field(ge=0.5, lt=1)

    def prior(self, classes: Classes) -> NDArray[np.float64] | None:
        """Share of each class where galaxies are to be classified, [K]; None where none is set.

        Args:
            classes: The classes in order.

        Raises:
            ValueError: The class prior names other classes than there are.
        """
        if self.class_prior is None:
            return None
        if set(self.class_prior) != set(classes.names):
            raise ValueError(
                f"classification.class_prior has shares for {sorted(self.class_prior)}, but the "
                f"classes are {sorted(classes.names)}. Give a share to each of them, or null for "
                "none."
            )
        shares = np.array([self.class_prior[name] for name in classes.names])
        return np.asarray(shares / shares.sum(), np.float64)
