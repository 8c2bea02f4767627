"""Probabilities that mean what they say: temperature, calibration error, other class mixes."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.scores import (
    Score,
    bootstrap_interval,
    brier_score,
    resampled_rows,
    wilson_interval,
)
from galaxy_morphology.typing import FloatArray, IntArray

N_BINS = 10
TEMPERATURES = 0.05, 20.0
MEASURES = ("log_loss", "brier", "calibration_error")
SMALLEST = np.finfo(np.float64).eps


def fit_temperature(logits: FloatArray, truth: IntArray) -> float:
    """The temperature that makes probabilities fit the truth best (Guo et al. 2017).

    Logits divided by it have the lowest Brier score. Guo et al. minimise the log loss, which
    single galaxies with extreme logits decide: with two of 544 wrong by logits of 43 and 57, it
    made all others far less sure than they were right. The temperature changes no predicted
    class.

    Args:
        logits: [N, 1] for two classes, [N, K] for K.
        truth: Index of each galaxy's class, [N].

    Returns:
        Above 1 where the classifier is too sure of itself, below 1 where it is not sure enough;
        between 0.05 and 20.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import softmax

    logits = np.asarray(logits, np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    right = np.eye(logits.shape[1])[truth]

    def brier(log_temperature: float) -> float:
        probability = softmax(logits / np.exp(log_temperature), axis=1)
        return float(((probability - right) ** 2).sum(axis=1).mean())

    best = minimize_scalar(brier, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(best.x))


def adjust_prior(probability: FloatArray, prior: FloatArray) -> NDArray[np.float64]:
    """Probabilities for galaxies in another mix of classes (Saerens et al. 2002, equation 2.4).

    Args:
        probability: [N, K], for classes that are equally frequent, as balanced class weights
            make them look.
        prior: Share of each class where the galaxies are to be classified, [K], above 0.

    Returns:
        float64 [N, K], rows that sum to 1.
    """
    adjusted = np.asarray(probability, np.float64) * (np.asarray(prior) / np.sum(prior))
    return np.asarray(adjusted / adjusted.sum(axis=1, keepdims=True))


def calibration_scores(
    before: FloatArray,
    after: FloatArray,
    truth: IntArray,
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> dict[str, dict[str, Score]]:
    """How well probabilities fit the truth, before and after a calibration, and the difference.

    Intervals are percentiles of a bootstrap (Efron 1979) that draws galaxies anew within each
    true class, the same ones before and after.

    Args:
        before: Probability of each class, [N, K].
        after: The same, calibrated.
        truth: Index of each galaxy's class, [N].
        confidence: Level of the intervals.
        n_resamples: Bootstrap samples.
        seed: Seeds them.

    Returns:
        ``before``, ``after`` and ``difference`` (after minus before), each with the intervals
        of ``log_loss``, ``brier`` (Brier 1950; summed over classes, halved for two of them) and
        ``calibration_error`` (expected calibration error of the predicted class's probability,
        in ten bins of equally many galaxies).
    """
    by_stage = {"before": before, "after": after}
    values = {name: _measures(probability, truth) for name, probability in by_stage.items()}
    rng = np.random.default_rng(seed)
    samples: dict[str, list[NDArray[np.float64]]] = {"before": [], "after": []}
    for rows in resampled_rows(truth, n_resamples, rng):
        for name, probability in by_stage.items():
            samples[name].append(_measures(probability[rows], truth[rows]))
    values["difference"] = values["after"] - values["before"]
    spreads = {name: np.array(drawn) for name, drawn in samples.items()}
    spreads["difference"] = spreads["after"] - spreads["before"]
    return {
        name: {
            measure: bootstrap_interval(value[i], spreads[name][:, i], confidence)
            for i, measure in enumerate(MEASURES)
        }
        for name, value in values.items()
    }


def reliability(probability: FloatArray, truth: IntArray, *, confidence: float) -> pd.DataFrame:
    """How often the classifier is right where it is how sure.

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N].
        confidence: Level of the intervals.

    Returns:
        A row per bin of equally many galaxies: mean ``certainty`` (probability of the predicted
        class), ``accuracy`` with ``low`` and ``high`` (Wilson), and ``n``.
    """
    certainty, correct = _certainty(probability, truth)
    rows = []
    for some in _bins(certainty):
        score = wilson_interval(int(correct[some].sum()), len(some), confidence)
        rows.append(
            {
                "certainty": certainty[some].mean(),
                "accuracy": score["value"],
                "low": score["low"],
                "high": score["high"],
                "n": len(some),
            }
        )
    return pd.DataFrame(rows)


def _measures(probability: FloatArray, truth: IntArray) -> NDArray[np.float64]:
    """Log loss, Brier score and calibration error."""
    of_truth = probability[np.arange(len(truth)), truth]
    log_loss = -np.log(np.maximum(of_truth, SMALLEST)).mean()
    certainty, correct = _certainty(probability, truth)
    gaps = [
        len(some) * abs(certainty[some].mean() - correct[some].mean()) for some in _bins(certainty)
    ]
    return np.array([log_loss, brier_score(probability, truth), sum(gaps) / len(truth)])


def _certainty(
    probability: FloatArray, truth: IntArray
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probability of each galaxy's predicted class, and whether it is the true one."""
    return np.asarray(probability.max(axis=1)), probability.argmax(axis=1) == truth


def _bins(certainty: NDArray[np.float64]) -> list[NDArray[np.int_]]:
    """Rows in bins of equally many galaxies, from the least certain to the most."""
    order = np.argsort(certainty, kind="stable")
    return [rows for rows in np.array_split(order, N_BINS) if len(rows)]
