"""Classifying only what one is sure of, and handing the rest to a human."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.intervals import Score, wilson_interval
from galaxy_morphology.typing import FloatArray

N_CANDIDATES = 20


def selective_accuracy(
    certainty: FloatArray,
    correct: NDArray[np.bool_],
    weights: FloatArray | None = None,
    *,
    confidence: float,
) -> pd.DataFrame:
    """Accuracy among the galaxies that are kept, when the least certain are handed to a human.

    Args:
        certainty: Probability of each galaxy's predicted class, [N].
        correct: Whether it is the true one, [N].
        weights: Of each galaxy, from :func:`mix_weights`, [N]; None for equal ones.
        confidence: Level of the intervals.

    Returns:
        A row for each number of galaxies that can be kept, from one to all: the ``threshold``
        of certainty, the share that is ``kept``, and the ``accuracy`` with ``low`` and ``high``
        (Wilson). Galaxies of equal certainty are kept or handed over together.
    """
    weights = np.ones(len(certainty)) if weights is None else weights
    order = np.argsort(-certainty, kind="stable")
    sorted_certainty = certainty[order]
    totals, hits = np.cumsum(weights[order]), np.cumsum((weights * correct)[order])
    last_of_its_kind = np.append(sorted_certainty[1:] < sorted_certainty[:-1], True)
    rows = []
    for i in np.flatnonzero(last_of_its_kind):
        accuracy = wilson_interval(hits[i], totals[i], confidence)
        rows.append(
            {
                "threshold": sorted_certainty[i],
                "kept": totals[i] / totals[-1],
                "accuracy": accuracy["value"],
                "low": accuracy["low"],
                "high": accuracy["high"],
            }
        )
    return pd.DataFrame(rows)


def choose_threshold(
    certainty: FloatArray,
    correct: NDArray[np.bool_],
    accuracy_wanted: float,
    weights: FloatArray | None = None,
    *,
    confidence: float,
) -> float | None:
    """The least certainty from which on classifications are surely right often enough.

    Selection with guaranteed risk (Geifman & El-Yaniv 2017, arXiv:1705.08500): of twenty
    candidates, which keep 5, 10 ... 100 % of the galaxies, chosen is the lowest at which the lower
    bound of the accuracy (Clopper & Pearson 1934) is not below the one wanted. Each candidate may
    fail with a twentieth of the probability that is allowed, so that all of them together do with
    no more than that. What is promised holds for galaxies like these, and as far as nothing
    else was chosen by them.

    Args:
        certainty: Probability of each galaxy's predicted class, [N]; of validation galaxies.
        correct: Whether it is the true one, [N].
        accuracy_wanted: Among the galaxies that are kept.
        weights: Of each galaxy, from :func:`mix_weights`, [N]; None for equal ones. Their sums
            stand for numbers of galaxies: as if those of other classes had been thinned out.
        confidence: How sure it is that the accuracy is the one wanted, e.g. 0.95.

    Returns:
        The threshold that keeps the most galaxies, or None where no threshold is good enough.
    """
    from scipy.special import betaincinv

    weights = np.ones(len(certainty)) if weights is None else weights
    shares = np.arange(1, N_CANDIDATES + 1) / N_CANDIDATES
    candidates = np.quantile(certainty, 1 - shares, method="closest_observation")
    for threshold in candidates[::-1]:
        kept = certainty >= threshold
        right, wrong = (weights[kept & is_so].sum() for is_so in (correct, ~correct))
        if right == 0:
            continue
        least = betaincinv(right, wrong + 1, (1 - confidence) / N_CANDIDATES)
        if least >= accuracy_wanted:
            return float(threshold)
    return None


def selection_scores(
    certainty: FloatArray,
    correct: NDArray[np.bool_],
    threshold: float | None,
    weights: FloatArray | None = None,
    *,
    confidence: float,
) -> dict[str, Score]:
    """What a threshold keeps, and how often that is right.

    Args:
        certainty: Probability of each galaxy's predicted class, [N].
        correct: Whether it is the true one, [N].
        threshold: From :func:`choose_threshold`.
        weights: Of each galaxy, from :func:`mix_weights`, [N]; None for equal ones.
        confidence: Level of the intervals (Wilson).

    Returns:
        ``kept``, the share of galaxies at or above the threshold, and their ``accuracy``.
    """
    weights = np.ones(len(certainty)) if weights is None else weights
    kept = certainty >= (np.inf if threshold is None else threshold)
    n_kept, n_right = weights[kept].sum(), weights[kept & correct].sum()
    return {
        "kept": wilson_interval(n_kept, weights.sum(), confidence),
        "accuracy": wilson_interval(n_right, n_kept, confidence),
    }
