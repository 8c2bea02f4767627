"""Scores of a classifier, each with the interval that its number of galaxies allows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray, IntArray

Score = dict[str, float | None]


def score_predictions(
    predictions: pd.DataFrame,
    class_names: list[str],
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Score the predictions for one set of galaxies.

    Proportions (accuracy, precision, recall) have Wilson intervals (Wilson 1927). The other
    scores have percentile intervals of a bootstrap (Efron 1979) that draws galaxies anew
    within each true class.

    Args:
        predictions: Columns ``class_name``, ``predicted_class``, ``probability_<class>`` and
            ``simulated``.
        class_names: The classes, in the order to report them.
        confidence: Level of the intervals, e.g. 0.95.
        n_resamples: Bootstrap samples.
        seed: Seeds them.

    Returns:
        ``n``, ``simulated``, ``confidence``, then ``accuracy``, ``macro_precision``,
        ``macro_recall``, ``macro_f1``, the same ``weighted_...`` by support, and ``roc_auc`` (one
        class against the rest, mean over classes when there are more than two), each a dict of
        ``value``, ``low`` and ``high``, None where it is undefined; ``confusion_matrix`` (rows
        true, columns predicted); and ``classes`` with ``precision``, ``recall``, ``f1`` and
        ``support`` by name.
    """
    truth = class_codes(predictions["class_name"], class_names)
    predicted = class_codes(predictions["predicted_class"], class_names)
    probability = predictions[[f"probability_{name}" for name in class_names]].to_numpy()
    n_classes = len(class_names)
    confusion = np.zeros((n_classes, n_classes), int)
    np.add.at(confusion, (truth, predicted), 1)

    rng = np.random.default_rng(seed)
    # Drawing galaxies anew within a true class is a multinomial draw of its confusion row.
    resampled = np.stack(
        [
            rng.multinomial(row.sum(), row / max(row.sum(), 1), size=n_resamples)
            if row.any()
            else np.zeros((n_resamples, n_classes), int)
            for row in confusion
        ],
        axis=1,
    )
    averages, spread = _averages(confusion), _averages(resampled)
    f1, f1_spread = _f1(confusion), _f1(resampled)
    hits, supports, claims = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    auc_spread = np.array(
        [
            _roc_auc(truth[rows], probability[rows])
            for rows in resampled_rows(truth, n_resamples, rng)
        ]
    )
    return {
        "n": len(predictions),
        "simulated": bool(predictions["simulated"].any()),
        "confidence": confidence,
        "accuracy": wilson_interval(int(hits.sum()), len(predictions), confidence),
        **{name: bootstrap_interval(averages[name], spread[name], confidence) for name in averages},
        "roc_auc": bootstrap_interval(_roc_auc(truth, probability), auc_spread, confidence),
        "confusion_matrix": confusion.tolist(),
        "classes": {
            name: {
                "precision": wilson_interval(int(hits[i]), int(claims[i]), confidence),
                "recall": wilson_interval(int(hits[i]), int(supports[i]), confidence),
                "f1": bootstrap_interval(f1[i], f1_spread[:, i], confidence),
                "support": int(supports[i]),
            }
            for i, name in enumerate(class_names)
        },
    }


def point_scores(probability: FloatArray, truth: IntArray) -> dict[str, float]:
    """The scores that classifiers are compared by, without intervals.

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N].

    Returns:
        ``accuracy``, ``macro_f1``, ``roc_auc`` (NaN where a class is missing) and ``brier``.
    """
    n_classes = probability.shape[1]
    confusion = np.zeros((n_classes, n_classes), int)
    np.add.at(confusion, (truth, probability.argmax(axis=1)), 1)
    return {
        "accuracy": float(np.diag(confusion).sum() / len(truth)),
        "macro_f1": float(_averages(confusion)["macro_f1"]),
        "roc_auc": _roc_auc(truth, probability),
        "brier": brier_score(probability, truth),
    }


def brier_score(probability: FloatArray, truth: IntArray) -> float:
    """Mean squared error of the probabilities (Brier 1950), halved where there are two classes.

    Args:
        probability: Of each class, [N, K].
        truth: Index of each galaxy's class, [N].
    """
    n_classes = probability.shape[1]
    squares = ((probability - np.eye(n_classes)[truth]) ** 2).sum(axis=1).mean()
    return float(squares / 2 if n_classes == 2 else squares)


def wilson_interval(n_successes: int, n_trials: int, confidence: float) -> Score:
    """A proportion and its score interval (Wilson 1927), good for few trials and extreme rates.

    Args:
        n_successes: Cases that count.
        n_trials: All cases; with none of them the proportion is undefined, None.
        confidence: Level of the interval, e.g. 0.95.

    Returns:
        ``value``, ``low`` and ``high``.
    """
    from scipy.stats import binomtest

    if n_trials == 0:
        return {"value": None, "low": None, "high": None}
    low, high = binomtest(n_successes, n_trials).proportion_ci(confidence, method="wilson")
    return {"value": n_successes / n_trials, "low": float(low), "high": float(high)}


def bootstrap_interval(value: float, resampled: FloatArray, confidence: float) -> Score:
    """A score with the percentile interval of its bootstrap samples.

    Args:
        value: The score of the galaxies as they are; NaN where it is undefined.
        resampled: Its values in the bootstrap samples, NaN where undefined.
        confidence: Level of the interval.
    """
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None}
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(resampled, [tail, 100 - tail])
    return {"value": float(value), "low": float(low), "high": float(high)}


def _averages(confusion: NDArray[np.int_]) -> dict[str, Any]:
    """Macro and weighted averages from one confusion matrix or many, [..., K, K]."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    supports, claims = confusion.sum(axis=-1), confusion.sum(axis=-2)
    per_class = {
        # A class that is never claimed has no right claims, as in scikit-learn's report.
        "precision": hits / np.maximum(claims, 1),
        "recall": hits / np.maximum(supports, 1),
        "f1": _f1(confusion),
    }
    shares = supports / supports.sum(axis=-1, keepdims=True)
    macro = {f"macro_{name}": values.mean(axis=-1) for name, values in per_class.items()}
    weighted = {
        f"weighted_{name}": (shares * values).sum(axis=-1) for name, values in per_class.items()
    }
    return macro | weighted


def _f1(confusion: NDArray[np.int_]) -> NDArray[np.float64]:
    """F1 of each class from one confusion matrix or many, [..., K, K] to [..., K]."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return np.asarray(2 * hits / np.maximum(total, 1), np.float64)


def _roc_auc(truth: IntArray, probability: FloatArray) -> float:
    """Area under the ROC curve, averaged over classes; NaN where a class is missing."""
    from scipy.stats import rankdata

    n_classes = probability.shape[1]
    if len(np.unique(truth)) < n_classes:
        return float("nan")
    areas = []
    for index in range(1, 2) if n_classes == 2 else range(n_classes):
        is_class = truth == index
        n_class = is_class.sum()
        # Mann & Whitney (1947): how often a galaxy of the class outranks another.
        ranks = rankdata(probability[:, index])[is_class].sum() - n_class * (n_class + 1) / 2
        areas.append(ranks / (n_class * (len(truth) - n_class)))
    return float(np.mean(areas))


def resampled_rows(
    truth: IntArray, n_resamples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int_]]:
    """Rows of each bootstrap sample, drawn with replacement within each true class.

    Args:
        truth: Index of each galaxy's class, [N].
        n_resamples: How many samples.
        rng: Where the randomness comes from.
    """
    by_class = [np.flatnonzero(truth == index) for index in np.unique(truth)]
    for _ in range(n_resamples):
        yield np.concatenate([rng.choice(rows, len(rows)) for rows in by_class])


def class_codes(names: pd.Series, class_names: list[str]) -> NDArray[np.int_]:
    """Index of each name in the list of classes.

    Args:
        names: Names of classes.
        class_names: The classes in order.
    """
    return np.asarray(pd.Categorical(names, categories=class_names).codes, np.int_)
