"""Scores that follow from confusion matrices, with intervals that allow for few galaxies."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.evaluation.intervals import (
    Score,
    combined_interval,
    correlation_of,
    score,
    wilson_interval,
)
from galaxy_morphology.typing import FloatArray, IntArray

RATIOS = ("precision", "recall", "f1")


def confusion_matrix(
    truth: IntArray, predicted: IntArray, n_classes: int, n_columns: int | None = None
) -> NDArray[np.int_]:
    """How many galaxies of each class are predicted to be what, int [K, K]; rows are true classes.

    Args:
        truth: Index of each galaxy's class, [N].
        predicted: What it is taken for, [N].
        n_classes: The number of classes K.
        n_columns: What there is to be predicted, where that is something else than classes.
    """
    confusion = np.zeros((n_classes, n_columns or n_classes), int)
    np.add.at(confusion, (truth, predicted), 1)
    return confusion


def class_weights(truth: IntArray, weights: FloatArray, n_classes: int) -> NDArray[np.float64]:
    """What a galaxy of each class weighs, [K]; 0 for a class without galaxies.

    Args:
        truth: Index of each galaxy's class, [N].
        weights: Of each galaxy, equal within a class, [N].
        n_classes: The number of classes K.
    """
    of_class = np.zeros(n_classes)
    of_class[truth] = weights
    return of_class


def class_scores(
    ratio: str, confusion: NDArray[np.int_], weights: FloatArray, confidence: float
) -> list[Score]:
    """Precision, recall or F1 of each class, with Wilson intervals.

    F1 is 2 J / (1 + J) of the share J (Jaccard 1912) of galaxies of the class or taken for it that
    are both, and so are the ends of its interval (Goutte & Gaussier 2005).

    Args:
        ratio: One of ``RATIOS``.
        confusion: From :func:`confusion_matrix`, [K, K].
        weights: What a galaxy of each class weighs, [K].
        confidence: Level of the intervals.

    Returns:
        K scores, undefined where there is nothing to divide by.
    """
    if ratio == "recall":  # whatever the class weighs
        weights = np.ones(len(confusion))
    part, whole = (
        (of_classes * (confusion * weights[:, None])).sum(axis=(1, 2))
        for of_classes in _parts(ratio, len(confusion))
    )
    if ratio != "f1":
        return [wilson_interval(*counts, confidence) for counts in zip(part, whole, strict=True)]
    shares = [
        wilson_interval(both, either, confidence)
        for both, either in zip(part / 2, whole - part / 2, strict=True)
    ]
    return [
        {end: None if j is None else 2 * j / (1 + j) for end, j in share.items()}
        for share in shares
    ]


def mean_score(
    ratio: str,
    confusion: NDArray[np.int_],
    weights: FloatArray,
    confidence: float,
    shares: FloatArray | None = None,
) -> Score:
    """Precision, recall or F1, averaged over classes.

    The errors of the classes are correlated as they are in small changes of a confusion matrix,
    and their intervals combined accordingly.

    Args:
        ratio: One of ``RATIOS``.
        confusion: From :func:`confusion_matrix`, [K, K].
        weights: What a galaxy of each class weighs, [K].
        confidence: Level of the interval.
        shares: Of each class in the mean, [K]; None for equal ones.
    """
    n_classes = len(confusion)
    shares = np.full(n_classes, 1 / n_classes) if shares is None else shares
    scores = class_scores(ratio, confusion, weights, confidence)
    # A class that is never claimed has no right claims, as in scikit-learn's report.
    scores = [score(0, 0, 1) if one["value"] is None else one for one in scores]
    correlation = _correlation(_gradients(ratio, confusion, weights), confusion, weights)
    return combined_interval(shares, scores, correlation, within=(0, 1))


def accuracy_score(confusion: NDArray[np.int_], weights: FloatArray, confidence: float) -> Score:
    """Share of the galaxies that are classified correctly, with its Wilson interval.

    Args:
        confusion: From :func:`confusion_matrix`, [K, K].
        weights: What a galaxy of each class weighs, [K].
        confidence: Level of the interval.
    """
    weighed = confusion * weights[:, None]
    return wilson_interval(np.trace(weighed), weighed.sum(), confidence)


def score_difference(
    ratio: str,
    together: NDArray[np.int_],
    weights: FloatArray,
    scores: tuple[Score, Score],
) -> Score:
    """The difference of accuracies or of macro averages of two classifiers of the same galaxies.

    Their intervals are combined (Newcombe 1998, Stat. Med. 17, 2635, method 10, for accuracies).

    Args:
        ratio: "accuracy", or one of ``RATIOS``.
        together: How many galaxies of each class are predicted to be what by the one and what by
            the other, [K, K, K].
        weights: What a galaxy of each class weighs, [K].
        scores: Of the one and of the other, with their intervals.
    """
    gradients = [
        np.expand_dims(_gradients(ratio, together.sum(axis=other), weights).mean(axis=0), other)
        for other in (2, 1)
    ]
    flat = [np.broadcast_to(gradient, together.shape) for gradient in gradients]
    rows = np.array(flat).reshape(2, len(together), -1)
    correlation = _correlation(rows, together.reshape(len(together), -1), weights)
    return combined_interval(np.array([1.0, -1.0]), list(scores), correlation, within=(-1, 1))


def _parts(ratio: str, n_classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which cells of the confusion matrix are counted in a ratio of each class, and over which."""
    of_class = np.broadcast_to(np.eye(n_classes)[:, :, None], (n_classes,) * 3)
    taken_for_it = np.swapaxes(of_class, 1, 2)
    both = of_class * taken_for_it
    return {
        "accuracy": (both.sum(axis=0)[None], np.ones((1, n_classes, n_classes))),
        "precision": (both, taken_for_it),
        "recall": (both, of_class),
        "f1": (2 * both, of_class + taken_for_it),
    }[ratio]


def _gradients(ratio: str, confusion: NDArray[np.int_], weights: FloatArray) -> NDArray[np.float64]:
    """How much one more galaxy in a cell changes each ratio, [K, K, K]; the accuracy, [1, K, K]."""
    part, whole = _parts(ratio, len(confusion))
    weighed = (confusion + 1 / len(confusion)) * weights[:, None]
    totals = np.maximum((whole * weighed).sum(axis=(1, 2)), np.finfo(float).tiny)[:, None, None]
    values = (part * weighed).sum(axis=(1, 2))[:, None, None] / totals
    return np.asarray(weights[:, None] * (part - values * whole) / totals, np.float64)


def _correlation(
    gradients: FloatArray, counts: NDArray[np.int_], weights: FloatArray
) -> NDArray[np.float64]:
    """Correlation of n sums over cells, [n, n], when galaxies are drawn anew within each class.

    One more galaxy of each class is spread over all cells, so that what did not happen among a few
    is not taken for impossible.
    """
    expected = counts + 1 / counts.shape[1]
    shares = expected / expected.sum(axis=1, keepdims=True)
    centred = gradients - (shares * gradients).sum(axis=2, keepdims=True)
    errors = (centred * np.sqrt(expected)).reshape(len(gradients), -1)
    return correlation_of(errors, unknown=0.0)
