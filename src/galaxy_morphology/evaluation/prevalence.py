"""How frequent the classes are among galaxies without labels.

A classifier that takes some of one class for another counts wrongly, the more so the more the mix
of classes differs from the one that it learned. Both corrections take from labelled galaxies how
it errs. They hold where only the mix differs: where galaxies of a class look as the labelled ones
of that class do (label shift).
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.confusion import confusion_matrix
from galaxy_morphology.evaluation.intervals import (
    Score,
    percentile_interval,
    score,
    wilson_interval,
)
from galaxy_morphology.typing import FloatArray, IntArray

METHODS = ("counted", "Rogan-Gladen", "Saerens")
LEAST_PROBABILITY = 1e-12
MOST_STEPS = 2_000
MOST_NEWTON_STEPS = 50
PRECISION = 1e-6
WORST_CONDITION = 1e6
"""Of a confusion matrix: beyond, classes are not told apart."""


class Recalibration(NamedTuple):
    """A temperature and a bias for each class (Alexandari, Kundaje & Shrikumar 2020).

    Attributes:
        slope: Factor of log probabilities, the inverse of a temperature.
        biases: Added to them, [K]; that of the first class is 0.
        shares: Of each class in the mix that the new probabilities are for, [K].
    """

    slope: float
    biases: NDArray[np.float64]
    shares: NDArray[np.float64]


def class_shares(
    counts: IntArray,
    probability: FloatArray,
    tested_probability: FloatArray,
    tested_fractions: FloatArray,
    class_names: list[str],
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """The share of each class among unlabelled galaxies: as counted, and corrected in two ways.

    Args:
        counts: How many galaxies are predicted to be of each class, [K].
        probability: Of each class, [n, K], for all of them or for random ones.
        tested_probability: The same for labelled galaxies that the classifier has not learned
            from, [m, K].
        tested_fractions: Their labels as fractions of each class, [m, K].
        class_names: The classes in order.
        confidence: Level of the intervals.
        n_resamples: Draws of labelled and unlabelled galaxies, for the intervals.
        seed: Seeds them.

    Returns:
        A row for each method and class: ``method``, ``class_name``, ``share``, ``low`` and
        ``high``, NaN where it is not defined. Intervals of what is counted (Wilson) allow for
        the number of galaxies, and not for wrong classifications.
    """
    n_classes = len(class_names)
    truth, predicted = tested_fractions.argmax(axis=1), tested_probability.argmax(axis=1)
    how: dict[str, Any] = {"confidence": confidence, "n_resamples": n_resamples, "seed": seed}
    scores = {
        "counted": [wilson_interval(count, counts.sum(), confidence) for count in counts],
        "Rogan-Gladen": rogan_gladen(counts, confusion_matrix(truth, predicted, n_classes), **how),
        "Saerens": saerens(probability, tested_probability, tested_fractions, **how),
    }
    return pd.DataFrame(
        [
            {"method": method, "class_name": name, "share": one["value"], **_ends(one)}
            for method in METHODS
            for name, one in zip(class_names, scores[method], strict=True)
        ]
    ).astype({"share": float, "low": float, "high": float})


def rogan_gladen(
    counts: IntArray,
    confusion: NDArray[np.int_],
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> list[Score]:
    """Shares from counts and a confusion matrix (Rogan & Gladen 1978, for K classes).

    Galaxies that are predicted to be of a class are those of each class times the probability
    with which it is taken for that; these K equations are solved. The nearest shares that are
    possible count where the solution has some below 0. Intervals are percentiles of solutions with
    both kinds of galaxies drawn anew: labelled ones within their class, with one more of each
    spread over all predictions, so that what did not happen among a few is not taken for
    impossible.

    Args:
        counts: How many unlabelled galaxies are predicted to be of each class, [K].
        confusion: Of labelled galaxies: rows are true classes, columns predicted ones, [K, K].
        confidence: Level of the intervals.
        n_resamples: Draws for the intervals.
        seed: Seeds them.

    Returns:
        K scores; undefined where a class has no labelled galaxy, or the confusion matrix does not
        tell classes apart.
    """
    n_classes = len(counts)
    undefined = [score(np.nan, np.nan, np.nan)] * n_classes
    if counts.sum() == 0 or (confusion.sum(axis=1) == 0).any():
        return undefined
    rates = _rates(confusion)
    if np.linalg.cond(rates) > WORST_CONDITION:
        return undefined
    shares = _nearest_shares(np.linalg.solve(rates.T, counts / counts.sum()))
    rng = np.random.default_rng(seed)
    drawn_counts = rng.multinomial(counts.sum(), counts / counts.sum(), n_resamples)
    smoothed = _rates(confusion + 1 / n_classes)
    drawn_rates = np.stack(
        [
            rng.multinomial(n_of_class, shares_of_class, n_resamples)
            for n_of_class, shares_of_class in zip(confusion.sum(axis=1), smoothed, strict=True)
        ],
        axis=1,
    )
    observed = drawn_counts / counts.sum()
    inverses = np.linalg.pinv(_rates(drawn_rates).swapaxes(1, 2))
    drawn = (inverses @ observed[:, :, None])[:, :, 0].clip(0, 1)
    return [percentile_interval(*one, confidence) for one in zip(shares, drawn.T, strict=True)]


def saerens(
    probability: FloatArray,
    tested_probability: FloatArray,
    tested_fractions: FloatArray,
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> list[Score]:
    """Shares of highest likelihood, given probabilities (Saerens, Latinne & Decaestecker 2002).

    That needs probabilities which are calibrated, for a mix of classes that is known. Both are
    made sure of by calibrating once more, with a bias for each class, on labelled galaxies: then
    the probabilities are for their mix, whatever mix they were for before (Alexandari, Kundaje &
    Shrikumar 2020). Intervals are percentiles, with both kinds of galaxies drawn anew, labelled
    ones within their class, and with the calibration repeated.

    Args:
        probability: Of each class for unlabelled galaxies, [n, K].
        tested_probability: The same for labelled galaxies that the classifier has not learned
            from, [m, K].
        tested_fractions: Their labels as fractions of each class, [m, K].
        confidence: Level of the intervals.
        n_resamples: Draws for the intervals.
        seed: Seeds them.

    Returns:
        K scores; undefined where a class has no labelled galaxy, or there are no others.
    """
    n_classes = probability.shape[1]
    truth = tested_fractions.argmax(axis=1)
    if len(probability) == 0 or (np.bincount(truth, minlength=n_classes) == 0).any():
        return [score(np.nan, np.nan, np.nan)] * n_classes
    rng = np.random.default_rng(seed)
    of_class = [np.flatnonzero(truth == k) for k in range(n_classes)]

    def estimate(
        labelled: FloatArray, unlabelled: FloatArray, start: Recalibration | None, at: FloatArray
    ) -> tuple[Recalibration, NDArray[np.float64]]:
        found = fit_recalibration(tested_probability, tested_fractions, labelled, start)
        return found, em_shares(recalibrate(probability, found), found.shares, unlabelled, at)

    everyone = np.ones(len(truth)), np.ones(len(probability))
    recalibration, shares = estimate(*everyone, None, np.full(n_classes, 1 / n_classes))
    drawn = np.empty((n_resamples, n_classes))
    for i in range(n_resamples):
        labelled = np.zeros(len(truth))
        for rows in of_class:
            labelled[rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)))
        unlabelled = rng.poisson(1.0, len(probability)).astype(float)
        if not unlabelled.any():
            unlabelled[:] = 1
        _, drawn[i] = estimate(labelled, unlabelled, recalibration, shares)
    return [percentile_interval(*one, confidence) for one in zip(shares, drawn.T, strict=True)]


def em_shares(
    probability: FloatArray,
    prior: FloatArray,
    weights: FloatArray | None = None,
    start: FloatArray | None = None,
) -> NDArray[np.float64]:
    """The mix of classes that makes what a classifier says of galaxies most likely.

    Expectation and maximisation in turns: probabilities for the present shares, and their mean as
    new ones (Saerens et al. 2002, equations 2.9), in longer steps where these go on in the same
    direction (SQUAREM; Varadhan & Roland 2008, Scand. J. Stat. 35, 335).

    Args:
        probability: Calibrated, for the mix ``prior``, [n, K].
        prior: Share of each class in that mix, [K], above 0.
        weights: Of each galaxy, [n]; None for equal ones.
        start: Shares to start from, [K], above 0; None for those of ``prior``.

    Returns:
        Shares of the classes, float64 [K], which sum to 1.
    """
    ratio = np.asarray(probability, np.float64) / prior
    weights = np.ones(len(ratio)) if weights is None else weights
    weights = weights / weights.sum()

    def step(shares: NDArray[np.float64]) -> NDArray[np.float64]:
        return shares * ((weights / (ratio @ shares)) @ ratio)

    shares = np.asarray(prior if start is None else start, np.float64)
    shares = np.maximum(shares, LEAST_PROBABILITY) / np.maximum(shares, LEAST_PROBABILITY).sum()
    for _ in range(MOST_STEPS):
        once = step(shares)
        twice = step(once)
        if np.abs(twice - once).max() < PRECISION**2:
            return twice
        change, turn = once - shares, twice - 2 * once + shares
        length = max(1.0, float(np.linalg.norm(change)) / (float(np.linalg.norm(turn)) or 1.0))
        leap = shares + 2 * length * change + length**2 * turn
        shares = step(leap) if leap.min() > 0 else twice
        if np.abs(change).max() < PRECISION and length < 1 / PRECISION:
            return shares
    return shares


def fit_recalibration(
    probability: FloatArray,
    fractions: FloatArray,
    weights: FloatArray | None = None,
    start: Recalibration | None = None,
) -> Recalibration:
    """Fit a temperature and a bias for each class to labelled galaxies.

    The cross-entropy is least. One galaxy more of each class is spread over all of them, as Platt
    (1999) does, so that a classifier that was never wrong is not taken to be infallible.

    Args:
        probability: Of each class, [m, K].
        fractions: Labels as fractions of each class, [m, K].
        weights: Of each galaxy, [m]; None for equal ones.
        start: A fit to start from.
    """
    n_classes = probability.shape[1]
    weights = np.ones(len(probability)) if weights is None else weights
    weights = weights / weights.sum()
    n_of_class = np.maximum(fractions.sum(axis=0), 1)
    targets = fractions @ ((np.diag(n_of_class) + 1 / n_classes) / (n_of_class[:, None] + 1))
    said = _logs(probability)
    # What changes the logits of each class: the slope, and all biases but one.
    biases = np.broadcast_to(np.eye(n_classes)[:, 1:], (*said.shape, n_classes - 1))
    moves = np.concatenate([said[:, :, None], biases], axis=2)
    rows = moves.reshape(-1, n_classes)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shares = _softmax(moves @ values)
        return -float(weights @ (targets * _logs(shares)).sum(axis=1)), shares

    values = np.eye(n_classes)[0] if start is None else np.r_[start.slope, start.biases[1:]]
    least, shares = loss(values)
    for _ in range(MOST_NEWTON_STEPS):
        slope = (weights[:, None] * (shares - targets)).ravel() @ rows
        mean = (shares[:, None] @ moves)[:, 0]
        curvature = (rows.T * (weights[:, None] * shares).ravel()) @ rows
        curvature -= (mean.T * weights) @ mean
        step = -np.linalg.pinv(curvature, hermitian=True) @ slope
        reached, shares_there = loss(values + step)
        while reached > least and np.abs(step).max() > PRECISION:
            step /= 2
            reached, shares_there = loss(values + step)
        values, least, shares = values + step, reached, shares_there
        if np.abs(step).max() < PRECISION:
            break
    return Recalibration(float(values[0]), np.r_[0.0, values[1:]], weights @ shares)


def recalibrate(probability: FloatArray, recalibration: Recalibration) -> NDArray[np.float64]:
    """Probabilities for the mix of classes of the galaxies that a recalibration was fitted to.

    Args:
        probability: [n, K], rows that sum to 1.
        recalibration: From :func:`fit_recalibration`.

    Returns:
        float64 [n, K], rows that sum to 1.
    """
    return _softmax(recalibration.slope * _logs(probability) + recalibration.biases)


def _softmax(logits: FloatArray) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def _logs(probability: FloatArray) -> NDArray[np.float64]:
    return np.log(np.maximum(np.asarray(probability, np.float64), LEAST_PROBABILITY))


def _rates(confusion: FloatArray | IntArray) -> NDArray[np.float64]:
    """With which probability each class is taken for what, [..., K, K], rows that sum to 1."""
    return np.asarray(confusion / confusion.sum(axis=-1, keepdims=True), np.float64)


def _nearest_shares(values: FloatArray) -> NDArray[np.float64]:
    """The nearest values that are not below 0 and sum to 1 (Duchi et al. 2008), [K]."""
    falling = np.sort(values)[::-1]
    excess = (np.cumsum(falling) - 1) / np.arange(1, len(values) + 1)
    kept = np.flatnonzero(falling > excess)[-1]
    return np.asarray(np.maximum(values - excess[kept], 0), np.float64)


def _ends(one: Score) -> dict[str, float | None]:
    return {"low": one["low"], "high": one["high"]}
