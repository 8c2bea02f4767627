"""Classifiers on the same galaxies: how much better one is, and how sure that is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.confusion import (
    accuracy_score,
    class_weights,
    confusion_matrix,
    mean_score,
    score_difference,
)
from galaxy_morphology.evaluation.intervals import Score, combined_interval, correlation_of, score
from galaxy_morphology.evaluation.scores import mean_loss, roc_auc, squared_errors
from galaxy_morphology.typing import FloatArray, IntArray

COMPARED = ("accuracy", "macro_f1", "roc_auc", "brier")
COSTS = ("n_weights", "training_seconds", "galaxies_per_second")


def compare_classifiers(
    probability: FloatArray,
    reference: FloatArray,
    truth: IntArray,
    weights: FloatArray | None = None,
    *,
    confidence: float,
) -> dict[str, float]:
    """Score a classifier, and say by how much it differs from another on the same galaxies.

    Galaxies that are easy or hard for both cancel in the differences. That of Brier scores is a
    mean over galaxies, see :func:`mean_loss`. The others have the intervals of both scores
    combined, see :func:`combined_interval`, with the correlation that the galaxies show: of
    accuracies and macro F1 in what both say of each, of ROC AUCs that of DeLong et al. (1988).

    Args:
        probability: Of each class, [N, K].
        reference: Of each class by the other classifier, [N, K].
        truth: Index of each galaxy's class, [N].
        weights: Of each galaxy, from :func:`mix_weights`, [N]; None for equal ones.
        confidence: Level of the intervals.

    Returns:
        ``accuracy`` (interval: Wilson), ``macro_f1``, ``roc_auc`` and ``brier``, each with
        ``<score>_low`` and ``_high``; ``<score>_difference`` from the reference, with
        ``_difference_low`` and ``_high``, all 0 where both are the same;
        ``only_this_right`` and ``only_reference_right``, numbers of galaxies; and ``mcnemar_p``,
        the probability of so uneven numbers if neither were better (McNemar 1947, exact), both
        whatever galaxies weigh. NaN where a score is undefined, or its interval unknown.

    Raises:
        ValueError: The probabilities are of different numbers of galaxies or classes.
    """
    if probability.shape != reference.shape or len(probability) != len(truth):
        raise ValueError(
            f"Cannot compare probabilities of shape {probability.shape} with some of shape "
            f"{reference.shape} for {len(truth)} galaxies: both must be of the same galaxies."
        )
    weights = np.ones(len(truth)) if weights is None else weights
    n_classes = probability.shape[1]
    said, said_by_other = probability.argmax(axis=1), reference.argmax(axis=1)
    right, other_right = said == truth, said_by_other == truth
    wrong = ~(right & other_right)
    together = confusion_matrix(truth, said * n_classes + said_by_other, n_classes, n_classes**2)
    together = together.reshape((n_classes,) * 3)
    of_class = class_weights(truth, weights, n_classes)
    errors = [squared_errors(some, truth) for some in (probability, reference)]
    most = 1.0 if n_classes == 2 else 2.0
    scores = {
        "accuracy": _compare_confusions("accuracy", together, of_class, confidence),
        "macro_f1": _compare_confusions("f1", together, of_class, confidence),
        "roc_auc": _compare_areas(probability, reference, truth, weights, confidence),
        "brier": (
            mean_loss(errors[0], ~right, weights, confidence, (0, most)),
            mean_loss(errors[0] - errors[1], wrong, weights, confidence, (-most, most)),
        ),
    }
    if np.array_equal(probability, reference):  # no galaxies could tell them apart
        none = score(0.0, 0.0, 0.0)
        scores = {
            name: (here, none if difference["value"] == 0 else difference)
            for name, (here, difference) in scores.items()
        }
    row: dict[str, float] = {}
    for name, (here, difference) in scores.items():
        row |= _flat(name, here) | _flat(f"{name}_difference", difference)
    return row | _mcnemar(right, other_right)


def summarise_seeds(comparison: pd.DataFrame, *, ensemble: str) -> pd.DataFrame:
    """Summarise the seeds of every entry of a comparison.

    Args:
        comparison: A row per ``entry`` and ``seed``, with the columns that
            :func:`compare_classifiers` returns and those of ``COSTS``.
        ensemble: What stands for a seed in the rows of averaged probabilities.

    Returns:
        A row per entry in the order of their first rows: ``n_seeds``; of every score the mean
        over seeds, its standard deviation (``<score>_spread``, missing for one seed) and that of
        the ensemble (``<score>_ensemble``); and mean costs.
    """
    rows = []
    for entry, some in comparison.groupby("entry", sort=False):
        of_seeds = some[some["seed"] != ensemble]
        of_ensemble = some[some["seed"] == ensemble]
        row: dict[str, Any] = {
            "entry": entry,
            "split": some["split"].iloc[0],
            "simulated": bool(some["simulated"].any()),
            "n_seeds": len(of_seeds),
        }
        for name in COMPARED:
            row[name] = of_seeds[name].mean()
            row[f"{name}_spread"] = of_seeds[name].std(ddof=1)
            row[f"{name}_ensemble"] = of_ensemble[name].mean()
        rows.append(row | {name: of_seeds[name].mean() for name in COSTS})
    return pd.DataFrame(rows)


def conclude_comparison(
    comparison: pd.DataFrame,
    reference: str,
    baselines: Sequence[str],
    *,
    ensemble: str,
    confidence: float,
) -> dict[str, Any]:
    """Say which classifier of a comparison is best, and what the reference and the baselines reach.

    An entry stands for the averaged probabilities of its seeds where there are several. The best
    has the highest ROC AUC, or accuracy where some have no ROC AUC.

    Args:
        comparison: A row per ``entry`` and ``seed``, with the columns that
            :func:`compare_classifiers` returns, ``split``, ``n`` and ``simulated``.
        reference: The entry that the others are compared with.
        baselines: The entries that are classical.
        ensemble: What stands for a seed in the rows of averaged probabilities.
        confidence: Level of the intervals.

    Returns:
        ``split``, ``n``, ``simulated``, ``confidence``, ``n_entries``, ``n_seeds`` and
        ``n_baselines``; ``decided_by``, the name of the score that decides; and the entries
        ``reference``, ``rival``, the best of all others, and ``baseline``, the best of the
        baselines, None where there is none. Of each its ``entry``, ``accuracy`` and ``roc_auc``;
        ``difference`` of the score that decides from that of the reference, paired;
        ``mean`` and ``spread`` of that score over seeds, None where there is one; and
        ``n_seeds_higher``, the number of seeds with which it is higher than the reference's.
    """
    averaged = comparison["seed"] == ensemble
    seeds = comparison[~averaged]
    shown = comparison[averaged] if averaged.any() else seeds
    decided_by = "roc_auc" if shown["roc_auc"].notna().all() else "accuracy"
    order = shown.sort_values(decided_by, ascending=False, kind="stable")["entry"].tolist()

    def standing(entry: str | None) -> dict[str, Any] | None:
        if entry is None:
            return None
        row = shown[shown["entry"] == entry].iloc[0]
        of_seeds = seeds[seeds["entry"] == entry]
        several = len(of_seeds) > 1
        scores = {
            to: score(row[name], row[f"{name}_low"], row[f"{name}_high"])
            for to, name in (
                ("accuracy", "accuracy"),
                ("roc_auc", "roc_auc"),
                ("difference", f"{decided_by}_difference"),
            )
        }
        return {
            "entry": entry,
            **scores,
            "mean": float(of_seeds[decided_by].mean()) if several else None,
            "spread": float(of_seeds[decided_by].std(ddof=1)) if several else None,
            "n_seeds_higher": int((of_seeds[f"{decided_by}_difference"] > 0).sum()),
        }

    first = shown.iloc[0]
    return {
        "split": str(first["split"]),
        "n": int(first["n"]),
        "simulated": bool(comparison["simulated"].any()),
        "confidence": confidence,
        "n_entries": len(order),
        "n_seeds": int(seeds["seed"].nunique()),
        "n_baselines": len(baselines),
        "decided_by": decided_by,
        "reference": standing(reference),
        "rival": standing(next((entry for entry in order if entry != reference), None)),
        "baseline": standing(next((entry for entry in order if entry in baselines), None)),
    }


def _compare_confusions(
    ratio: str, together: NDArray[np.int_], weights: FloatArray, confidence: float
) -> tuple[Score, Score]:
    """Accuracy or macro F1, and its difference from that of the reference."""
    here, there = (
        accuracy_score(confusion, weights, confidence)
        if ratio == "accuracy"
        else mean_score(ratio, confusion, weights, confidence)
        for confusion in (together.sum(axis=2), together.sum(axis=1))
    )
    return here, score_difference(ratio, together, weights, (here, there))


def _compare_areas(
    probability: FloatArray,
    reference: FloatArray,
    truth: IntArray,
    weights: FloatArray,
    confidence: float,
) -> tuple[Score, Score]:
    """The ROC AUC, and its difference from that of the reference."""
    areas, influences = zip(
        *(roc_auc(some, truth, weights, confidence) for some in (probability, reference)),
        strict=True,
    )
    if areas[0]["value"] is None:
        return areas[0], areas[0]
    correlation = correlation_of(np.array(influences), unknown=0.0)
    # One more galaxy of each class, of which both think otherwise: a few may agree by chance.
    n_rarest = np.unique(truth, return_counts=True)[1].min()
    correlation[~np.eye(2, dtype=bool)] *= n_rarest / (n_rarest + 1)
    difference = combined_interval(np.array([1.0, -1.0]), list(areas), correlation, within=(-1, 1))
    return areas[0], difference


def _flat(name: str, interval: Score) -> dict[str, float]:
    """An interval as three columns."""
    columns = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
    return {
        column: np.nan if interval[end] is None else float(interval[end] or 0.0)
        for end, column in columns.items()
    }


def _mcnemar(right: NDArray[np.bool_], reference_right: NDArray[np.bool_]) -> dict[str, float]:
    from scipy.stats import binomtest

    only_this = int((right & ~reference_right).sum())
    only_reference = int((reference_right & ~right).sum())
    discordant = only_this + only_reference
    return {
        "only_this_right": only_this,
        "only_reference_right": only_reference,
        "mcnemar_p": float(binomtest(only_this, discordant).pvalue) if discordant else 1.0,
    }
