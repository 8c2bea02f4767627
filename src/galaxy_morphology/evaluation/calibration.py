"""Probabilities that mean what they say: temperature, calibration error, other class mixes."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.confusion import class_weights
from galaxy_morphology.evaluation.intervals import (
    Score,
    percentile_interval,
    score,
    wilson_interval,
)
from galaxy_morphology.evaluation.scores import (
    agreement,
    as_fractions,
    log_losses,
    mean_loss,
    squared_errors,
)
from galaxy_morphology.typing import FloatArray, IntArray

N_BINS = 10
TEMPERATURES = 0.05, 20.0


def fit_temperature(
    logits: FloatArray, truth: IntArray | FloatArray, weights: FloatArray | None = None
) -> float:
    """The temperature that makes probabilities fit the truth best (Guo et al. 2017).

    Logits divided by it have the lowest Brier score. Guo et al. minimise the log loss, which
    single galaxies with extreme logits decide: with two of 544 wrong by logits of 43 and 57, it
    made all others far less sure than they were right. The temperature changes no predicted
    class.

    Args:
        logits: [N, 1] for two classes, [N, K] for K.
        truth: Index of each galaxy's class, [N], or fraction of each class, [N, K].
        weights: Of each galaxy, from :func:`mix_weights`, [N]; None for equal ones.

    Returns:
        Above 1 where the classifier is too sure of itself, below 1 where it is not sure enough;
        between 0.05 and 20.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import softmax

    logits = np.asarray(logits, np.float64)
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    right = as_fractions(truth, logits.shape[1])

    def brier(log_temperature: float) -> float:
        probability = softmax(logits / np.exp(log_temperature), axis=1)
        return float(np.average(((probability - right) ** 2).sum(axis=1), weights=weights))

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
    truth: IntArray | FloatArray,
    weights: FloatArray | None = None,
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> dict[str, dict[str, Score]]:
    """How well probabilities fit the truth, before and after a calibration, and the difference.

    Log loss and Brier score are means over galaxies, and their differences those on the same
    galaxies, see :func:`mean_loss`.

    The calibration error is a sum of distances and above 0 for perfect probabilities too, the
    more so the fewer galaxies there are. It has no interval, but something to be compared with: the
    errors that the same probabilities would have if they were perfect, with true classes drawn
    from them (consistency resampling, Bröcker & Smith 2007). An error within that range is no
    sign that anything is to be mended. Of fractions of votes nobody knows how far they scatter
    about perfect probabilities; there, the residuals that are found have their signs drawn (the
    wild bootstrap, Liu 1988, Ann. Stat. 16, 1696).

    Args:
        before: Probability of each class, [N, K].
        after: The same, calibrated.
        truth: Index of each galaxy's class, [N], or fraction of each class, [N, K].
        weights: Of each galaxy, from :func:`mix_weights`, [N]; None for equal ones.
        confidence: Level of the intervals.
        n_resamples: How often true classes, or signs, are drawn.
        seed: Seeds that.

    Returns:
        ``before``, ``after`` and ``difference`` (after minus before), each with ``log_loss``,
        ``brier`` (Brier 1950; summed over classes, halved for two of them) and
        ``calibration_error`` (expected calibration error of the predicted class's probability,
        in ten bins of equally many galaxies); before and after also with
        ``calibration_error_if_perfect``, its mean and range if the probabilities were perfect.
    """
    weights = np.ones(len(truth)) if weights is None else weights
    by_stage = {"before": before, "after": after}
    losses = {
        stage: {
            "log_loss": log_losses(probability, truth),
            "brier": squared_errors(probability, truth),
        }
        for stage, probability in by_stage.items()
    }
    losses["difference"] = {
        name: losses["after"][name] - losses["before"][name] for name in losses["after"]
    }
    agreed = {stage: agreement(probability, truth) for stage, probability in by_stage.items()}
    wrong = {stage: share < 1 for stage, share in agreed.items()}
    wrong["difference"] = wrong["before"] | wrong["after"]
    errors = {
        stage: _calibration_error(probability.max(axis=1), agreed[stage], weights)
        for stage, probability in by_stage.items()
    }
    errors["difference"] = errors["after"] - errors["before"]
    most = {"log_loss": np.inf, "brier": 1.0 if before.shape[1] == 2 else 2.0}
    scores = {
        stage: {
            name: mean_loss(
                values,
                wrong[stage],
                weights,
                confidence,
                (-most[name] if stage == "difference" else 0.0, most[name]),
            )
            for name, values in losses[stage].items()
        }
        | {"calibration_error": score(errors[stage], np.nan, np.nan)}
        for stage in losses
    }
    for stage, probability in by_stage.items():
        rng = np.random.default_rng(seed)
        draw = _errors_if_perfect if truth.ndim == 1 else _errors_if_perfect_fractions
        drawn = draw(probability, truth, weights, n_resamples, rng)
        scores[stage]["calibration_error_if_perfect"] = percentile_interval(
            float(drawn.mean()), drawn, confidence
        )
    return scores


def reliability(
    probability: FloatArray,
    truth: IntArray | FloatArray,
    weights: FloatArray | None = None,
    *,
    confidence: float,
) -> pd.DataFrame:
    """How often the classifier is right where it is how sure.

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N], or fraction of each class, [N, K].
        weights: Of each galaxy, from :func:`mix_weights`, [N]; None for equal ones.
        confidence: Level of the intervals.

    Returns:
        A row per bin of equally many galaxies: mean ``certainty`` (probability of the predicted
        class), ``accuracy``, or the fraction of votes for it, with ``low`` and ``high`` (Wilson, as
        if each galaxy had one vote), and ``n``.
    """
    certainty, agreed = probability.max(axis=1), agreement(probability, truth)
    weights = np.ones(len(truth)) if weights is None else weights
    rows = []
    for some in _bins(certainty):
        total = weights[some].sum()
        accuracy = wilson_interval((weights * agreed)[some].sum(), total, confidence)
        rows.append(
            {
                "certainty": np.average(certainty[some], weights=weights[some]),
                "accuracy": accuracy["value"],
                "low": accuracy["low"],
                "high": accuracy["high"],
                "n": len(some),
            }
        )
    return pd.DataFrame(rows)


def _calibration_error(certainty: FloatArray, agreed: FloatArray, weights: FloatArray) -> float:
    """Expected calibration error."""
    return _mean_gap(certainty - agreed, _bins(certainty), weights)


def _mean_gap(gaps: FloatArray, bins: list[NDArray[np.int_]], weights: FloatArray) -> float:
    """Mean distance of the means of bins from 0."""
    ordered = (weights * gaps)[np.concatenate(bins)]
    sums = np.add.reduceat(ordered, np.cumsum([0, *map(len, bins[:-1])]))
    return float(np.abs(sums).sum() / weights.sum())


def _errors_if_perfect(
    probability: FloatArray,
    truth: NDArray[Any],
    weights: FloatArray,
    n_resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Calibration errors with true classes that are drawn from the probabilities, [n_resamples]."""
    certainty, predicted = probability.max(axis=1), probability.argmax(axis=1)
    of_class = class_weights(truth, weights, probability.shape[1])
    # In the mix of these galaxies, who weigh less are more frequent. Classes that none of them
    # has stay what they are not.
    shares = np.divide(1, of_class, out=np.zeros(len(of_class)), where=of_class > 0)
    steps = np.cumsum(adjust_prior(probability, shares), axis=1)[:, :-1]
    errors = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = (rng.random((len(truth), 1)) > steps).sum(axis=1)
        errors[i] = _calibration_error(certainty, drawn == predicted, of_class[drawn])
    return errors


def _errors_if_perfect_fractions(
    probability: FloatArray,
    fractions: NDArray[Any],
    weights: FloatArray,
    n_resamples: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Calibration errors with residuals of drawn signs, [n_resamples]."""
    certainty = probability.max(axis=1)
    gaps, bins = certainty - agreement(probability, fractions), _bins(certainty)
    signs = (rng.choice([-1.0, 1.0], len(gaps)) for _ in range(n_resamples))
    return np.array([_mean_gap(gaps * some, bins, weights) for some in signs])


def _bins(certainty: FloatArray) -> list[NDArray[np.int_]]:
    """Rows in bins of equally many galaxies, from the least certain to the most."""
    order = np.argsort(certainty, kind="stable")
    return [rows for rows in np.array_split(order, N_BINS) if len(rows)]
