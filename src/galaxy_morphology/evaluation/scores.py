"""Scores of a classifier, each with the interval that its number of galaxies allows."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.confusion import (
    RATIOS,
    accuracy_score,
    class_scores,
    class_weights,
    confusion_matrix,
    mean_score,
)
from galaxy_morphology.evaluation.intervals import (
    Score,
    area_interval,
    combined_interval,
    correlation_of,
    mean_interval,
    score,
)
from galaxy_morphology.evaluation.predictions import class_codes, probabilities_of, weights_of
from galaxy_morphology.typing import FloatArray, IntArray

FEWEST_WRONG = 5
ROUNDING = 1e-9
SMALLEST = np.finfo(np.float64).eps


def score_predictions(
    predictions: pd.DataFrame,
    class_names: list[str],
    *,
    confidence: float,
) -> dict[str, Any]:
    """Score the predictions for one set of galaxies.

    Every interval allows for few galaxies. Those of proportions (accuracy, precision, recall) are
    Wilson's (1927). F1 is a function of one more, the share of those of a class or taken for it
    that are both (Goutte & Gaussier 2005). Averages over classes have the intervals of
    these combined, see :func:`combined_interval`, and the area under the ROC curve has
    Newcombe's, see :func:`area_interval`.

    Args:
        predictions: Columns ``class_name``, ``predicted_class``, ``probability_<class>`` and
            ``simulated``; and ``weight``, from :func:`mix_weights`, where another mix of classes
            is meant.
        class_names: The classes, in the order to report them.
        confidence: Level of the intervals, e.g. 0.95.

    Returns:
        ``n``, ``n_effective`` (the sum of the weights), ``simulated``, ``confidence``,
        ``class_shares`` (of the mix that scores are for, by name), then ``accuracy``,
        ``macro_precision``, ``macro_recall``, ``macro_f1``, the same ``weighted_...`` by share,
        and ``roc_auc`` (one class against the rest, mean over classes when there are more than
        two), each a dict of ``value``, ``low`` and ``high``, None where it is undefined;
        ``confusion_matrix`` (rows true, columns predicted, numbers of galaxies whatever they
        weigh); and ``classes`` with ``precision``, ``recall``, ``f1`` and ``support`` by name.
    """
    truth = class_codes(predictions["class_name"], class_names)
    predicted = class_codes(predictions["predicted_class"], class_names)
    probability, weights = probabilities_of(predictions, class_names), weights_of(predictions)
    confusion = confusion_matrix(truth, predicted, len(class_names))
    of_class = class_weights(truth, weights, len(class_names))
    shares = confusion.sum(axis=1) * of_class / weights.sum()
    per_class = {ratio: class_scores(ratio, confusion, of_class, confidence) for ratio in RATIOS}
    return {
        "n": len(predictions),
        "n_effective": float(weights.sum()),
        "simulated": bool(predictions["simulated"].any()),
        "confidence": confidence,
        "class_shares": dict(zip(class_names, shares.tolist(), strict=True)),
        "accuracy": accuracy_score(confusion, of_class, confidence),
        **{
            f"{average}_{ratio}": mean_score(ratio, confusion, of_class, confidence, of_each)
            for average, of_each in (("macro", None), ("weighted", shares))
            for ratio in RATIOS
        },
        "roc_auc": roc_auc(probability, truth, weights, confidence)[0],
        "confusion_matrix": confusion.tolist(),
        "classes": {
            name: {ratio: scores[i] for ratio, scores in per_class.items()}
            | {"support": int(confusion[i].sum())}
            for i, name in enumerate(class_names)
        },
    }


def as_fractions(truth: IntArray | FloatArray, n_classes: int) -> NDArray[np.float64]:
    """What galaxies are, as fractions of each class, float64 [N, K].

    Args:
        truth: Index of each galaxy's class, [N], or fractions already, [N, K].
        n_classes: The number of classes K.
    """
    return np.asarray(truth if truth.ndim == 2 else np.eye(n_classes)[truth], np.float64)


def squared_errors(probability: FloatArray, truth: IntArray | FloatArray) -> NDArray[np.float64]:
    """Squared error of each galaxy's probabilities, halved where there are two classes, [N].

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N], or fraction of each class, [N, K].
    """
    n_classes = probability.shape[1]
    squares = ((probability - as_fractions(truth, n_classes)) ** 2).sum(axis=1)
    return np.asarray(squares / 2 if n_classes == 2 else squares, np.float64)


def log_losses(probability: FloatArray, truth: IntArray | FloatArray) -> NDArray[np.float64]:
    """Cross-entropy of each galaxy's probabilities with what it is, [N].

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N], or fraction of each class, [N, K].
    """
    fractions = as_fractions(truth, probability.shape[1])
    return np.asarray(-(fractions * np.log(np.maximum(probability, SMALLEST))).sum(axis=1))


def agreement(probability: FloatArray, truth: IntArray | FloatArray) -> NDArray[np.float64]:
    """How much of each galaxy is of its predicted class, [N]: 0 or 1 where classes are known.

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N], or fraction of each class, [N, K].
    """
    fractions = as_fractions(truth, probability.shape[1])
    return np.asarray(fractions[np.arange(len(fractions)), probability.argmax(axis=1)])


def mean_loss(
    losses: FloatArray,
    wrong: NDArray[np.bool_],
    weights: FloatArray,
    confidence: float,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Score:
    """Mean of a loss, or of a difference of losses, over galaxies.

    It hangs on galaxies that are classified wrongly. Where there are fewer than five of them nobody
    knows how many there might have been, and no interval is claimed: simulated, one of what there
    is would hold the truth in a third of the cases.

    Args:
        losses: Of each galaxy, [N].
        wrong: Whether it is classified wrongly, [N], or not all of its votes agree; by either, of
            a difference.
        weights: Of each galaxy, from :func:`mix_weights`, [N].
        confidence: Level of the interval, see :func:`mean_interval`.
        within: The least and the largest value there can be.
    """
    mean = mean_interval(losses, confidence, within=within, weights=weights)
    if wrong.sum() < FEWEST_WRONG:
        return score(mean["value"], np.nan, np.nan)
    return score(**mean)


def roc_auc(
    probability: FloatArray, truth: IntArray, weights: FloatArray, confidence: float
) -> tuple[Score, NDArray[np.float64]]:
    """Area under the ROC curve, averaged over classes when there are more than two.

    With more than two classes the errors of their areas are correlated as those of DeLong et al.
    (1988) are, and the interval of their mean is recovered from those of the areas.

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N].
        weights: Of each galaxy, from :func:`mix_weights`, [N].
        confidence: Level of the interval.

    Returns:
        The area, undefined where a class is missing; and what each galaxy contributes to its
        error, [N]: its influence on the area (DeLong et al. 1988).
    """
    n_classes = probability.shape[1]
    if len(np.unique(truth)) < n_classes:
        return score(np.nan, np.nan, np.nan), np.zeros(len(truth))
    scores, influences = [], []
    for index in range(1, 2) if n_classes == 2 else range(n_classes):
        is_class = truth == index
        area, influence, n_misranked = _area(probability[:, index], is_class, weights)
        of_others = weights[~is_class]
        n_others = of_others.sum() ** 2 / (of_others**2).sum()  # Kish 1965
        scores.append(
            area_interval(
                area, is_class.sum(), n_others, confidence,
                variance=float(influence @ influence), n_misranked=n_misranked,
            )
        )  # fmt: skip
        influences.append(influence)
    shares, errors = np.full(len(scores), 1 / len(scores)), np.array(influences)
    correlation = correlation_of(errors, unknown=1.0)
    return combined_interval(shares, scores, correlation, within=(0, 1)), shares @ errors


def _area(
    probability: FloatArray, is_class: NDArray[np.bool_], weights: FloatArray
) -> tuple[float, NDArray[np.float64], int]:
    """Area of one class against the rest, each galaxy's influence on it, and misranked ones."""
    of_class, of_others = probability[is_class], probability[~is_class]
    share = weights[~is_class] / weights[~is_class].sum()
    # How often a galaxy of the class outranks another (Mann & Whitney 1947), seen from either.
    outranks = _share_below(of_class, of_others, share)
    equal = np.full(len(of_class), 1 / len(of_class))
    outranked = 1 - _share_below(of_others, of_class, equal)
    area = float(outranks.mean())
    influence = np.empty(len(probability))
    influence[is_class] = (outranks - area) / len(of_class)
    influence[~is_class] = (outranked - area) * share
    n_misranked = int((outranks < 1 - ROUNDING).sum() + (outranked < 1 - ROUNDING).sum())
    return area, influence, n_misranked


def _share_below(values: FloatArray, others: FloatArray, shares: FloatArray) -> NDArray[np.float64]:
    """Share of others that lie below each value, ties counting half."""
    order = np.argsort(others, kind="stable")
    below = np.append(0, np.cumsum(shares[order]))
    ends = [np.searchsorted(others[order], values, side) for side in ("left", "right")]
    return np.asarray((below[ends[0]] + below[ends[1]]) / 2, np.float64)
