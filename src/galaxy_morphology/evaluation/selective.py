"""Classifying only what one is sure of, and handing the rest to a human."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.scores import Score, wilson_interval
from galaxy_morphology.typing import FloatArray


def selective_accuracy(
    certainty: FloatArray, correct: NDArray[np.bool_], *, confidence: float
) -> pd.DataFrame:
    """Accuracy among the galaxies that are kept, when the least certain are handed to a human.

    Args:
        certainty: Probability of each galaxy's predicted class, [N].
        correct: Whether it is the true one, [N].
        confidence: Level of the intervals.

    Returns:
        A row for each number of galaxies that can be kept, from one to all: the ``threshold``
        of certainty, the share that is ``kept``, and the ``accuracy`` with ``low`` and ``high``
        (Wilson). Galaxies of equal certainty are kept or handed over together.
    """
    order = np.argsort(-certainty, kind="stable")
    sorted_certainty, hits = certainty[order], np.cumsum(correct[order])
    last_of_its_kind = np.append(sorted_certainty[1:] < sorted_certainty[:-1], True)
    rows = []
    for i in np.flatnonzero(last_of_its_kind):
        score = wilson_interval(int(hits[i]), int(i + 1), confidence)
        rows.append(
            {
                "threshold": sorted_certainty[i],
                "kept": (i + 1) / len(certainty),
                "accuracy": score["value"],
                "low": score["low"],
                "high": score["high"],
            }
        )
    return pd.DataFrame(rows)


def choose_threshold(
    certainty: FloatArray, correct: NDArray[np.bool_], accuracy_wanted: float
) -> float | None:
    """The least certainty at which classifications are right often enough.

    Args:
        certainty: Probability of each galaxy's predicted class, [N]; of validation galaxies.
        correct: Whether it is the true one, [N].
        accuracy_wanted: Among the galaxies that are kept.

    Returns:
        The threshold that keeps the most galaxies, or None where no threshold is good enough.
    """
    curve = selective_accuracy(certainty, correct, confidence=0.95)
    good = curve[curve["accuracy"] >= accuracy_wanted]
    return None if good.empty else float(good["threshold"].min())


def selection_scores(
    certainty: FloatArray,
    correct: NDArray[np.bool_],
    threshold: float | None,
    *,
    confidence: float,
) -> dict[str, Score]:
    """What a threshold keeps, and how often that is right.

    Args:
        certainty: Probability of each galaxy's predicted class, [N].
        correct: Whether it is the true one, [N].
        threshold: From :func:`choose_threshold`.
        confidence: Level of the intervals (Wilson).

    Returns:
        ``kept``, the share of galaxies at or above the threshold, and their ``accuracy``.
    """
    kept = certainty >= (np.inf if threshold is None else threshold)
    return {
        "kept": wilson_interval(int(kept.sum()), len(kept), confidence),
        "accuracy": wilson_interval(int(correct[kept].sum()), int(kept.sum()), confidence),
    }
