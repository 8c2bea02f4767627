"""Classifiers on the same galaxies: how much better one is, and how sure that is."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.scores import (
    Score,
    bootstrap_interval,
    point_scores,
    resampled_rows,
    wilson_interval,
)
from galaxy_morphology.typing import FloatArray, IntArray

COMPARED = ("accuracy", "macro_f1", "roc_auc", "brier")
COSTS = ("n_weights", "training_seconds", "galaxies_per_second")


def compare_classifiers(
    probability: FloatArray,
    reference: FloatArray,
    truth: IntArray,
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> dict[str, float]:
    """Score a classifier, and say by how much it differs from another on the same galaxies.

    Both are scored on the same bootstrap samples (Efron 1979), drawn within each true class:
    galaxies that are easy or hard for both cancel.

    Args:
        probability: Of each class, [N, K].
        reference: Of each class by the other classifier, [N, K].
        truth: Index of each galaxy's class, [N].
        confidence: Level of the intervals.
        n_resamples: Bootstrap samples.
        seed: Seeds them.

    Returns:
        ``accuracy`` (interval: Wilson), ``macro_f1``, ``roc_auc`` and ``brier``, each with
        ``<score>_low`` and ``_high``; ``<score>_difference`` from the reference, with
        ``_difference_low`` and ``_high``; ``only_this_right`` and ``only_reference_right``,
        numbers of galaxies; and ``mcnemar_p``, the probability of so uneven numbers if neither
        were better (McNemar 1947, exact). NaN where a score is undefined.

    Raises:
        ValueError: The probabilities are of different numbers of galaxies or classes.
    """
    if probability.shape != reference.shape or len(probability) != len(truth):
        raise ValueError(
            f"Cannot compare probabilities of shape {probability.shape} with some of shape "
            f"{reference.shape} for {len(truth)} galaxies: both must be of the same galaxies."
        )
    rng = np.random.default_rng(seed)
    samples = list(resampled_rows(truth, n_resamples, rng))
    here, spread_here = _scores(probability, truth, samples)
    there, spread_there = _scores(reference, truth, samples)
    right = probability.argmax(axis=1) == truth
    row: dict[str, float] = {}
    for name in COMPARED:
        interval = bootstrap_interval(here[name], spread_here[name], confidence)
        if name == "accuracy":
            interval = wilson_interval(int(right.sum()), len(right), confidence)
        difference = bootstrap_interval(
            here[name] - there[name], spread_here[name] - spread_there[name], confidence
        )
        row |= _flat(name, interval) | _flat(f"{name}_difference", difference)
    return row | _mcnemar(right, reference.argmax(axis=1) == truth)


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


def _scores(
    probability: FloatArray, truth: IntArray, samples: list[NDArray[np.int_]]
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """The scores of all galaxies, and those of each bootstrap sample."""
    drawn = [point_scores(probability[rows], truth[rows]) for rows in samples]
    spread = {name: np.array([scores[name] for scores in drawn]) for name in COMPARED}
    return point_scores(probability, truth), spread


def _flat(name: str, score: Score) -> dict[str, float]:
    """An interval as three columns."""
    columns = {"value": name, "low": f"{name}_low", "high": f"{name}_high"}
    return {
        column: np.nan if score[end] is None else float(score[end] or 0.0)
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
