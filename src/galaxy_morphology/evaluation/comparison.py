"""Two classifiers on the same galaxies: how much better one is, and how sure that is."""

from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.evaluation.scores import (
    Score,
    bootstrap_interval,
    class_codes,
    point_scores,
    resampled_rows,
)


def compare_predictions(
    one: pd.DataFrame,
    other: pd.DataFrame,
    class_names: list[str],
    *,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Differences between two classifiers' scores on the same galaxies.

    Both are scored on the same bootstrap samples (Efron 1979), drawn within each true class:
    galaxies that are easy or hard for both cancel.

    Args:
        one: A row per galaxy: ``cataid``, ``class_name``, ``probability_<class>``.
        other: The same galaxies, in any order.
        class_names: The classes in order.
        confidence: Level of the intervals.
        n_resamples: Bootstrap samples.
        seed: Seeds them.

    Returns:
        ``one`` less ``other`` of ``accuracy``, ``macro_f1``, ``roc_auc`` and ``brier``, each
        with its interval; ``only_one_right`` and ``only_other_right``, numbers of galaxies; and
        ``mcnemar_p``, the exact probability of so uneven numbers if neither were better
        (McNemar 1947).

    Raises:
        ValueError: The tables are of different galaxies, or label them differently.
    """
    same_galaxies = sorted(one["cataid"]) == sorted(other["cataid"])
    other = other.set_index("cataid").reindex(one["cataid"]).reset_index()
    if not same_galaxies or not np.array_equal(one["class_name"], other["class_name"]):
        raise ValueError(
            "Cannot compare two classifiers: their predictions are of different galaxies, or "
            "of galaxies with different labels. Predict both on one table of galaxies."
        )
    truth = class_codes(one["class_name"], class_names)
    columns = [f"probability_{name}" for name in class_names]
    pair = [table[columns].to_numpy(np.float64) for table in (one, other)]

    def differences(rows: Any) -> dict[str, float]:
        of_one, of_other = (point_scores(p[rows], truth[rows]) for p in pair)
        return {name: of_one[name] - of_other[name] for name in of_one}

    value = differences(np.arange(len(truth)))
    rng = np.random.default_rng(seed)
    spread = pd.DataFrame([differences(rows) for rows in resampled_rows(truth, n_resamples, rng)])
    intervals: dict[str, Score] = {
        name: bootstrap_interval(value[name], spread[name].to_numpy(), confidence) for name in value
    }
    return {**intervals, **_mcnemar(*(p.argmax(axis=1) == truth for p in pair))}


def _mcnemar(one_right: Any, other_right: Any) -> dict[str, float | int]:
    from scipy.stats import binomtest

    only_one = int((one_right & ~other_right).sum())
    only_other = int((other_right & ~one_right).sum())
    discordant = only_one + only_other
    return {
        "only_one_right": only_one,
        "only_other_right": only_other,
        "mcnemar_p": float(binomtest(only_one, discordant).pvalue) if discordant else 1.0,
    }
