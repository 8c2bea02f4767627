"""How good explanations are on the whole: means over galaxies, and how sure they are."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.scores import bootstrap_interval

CONTROLS = ("random", "centre")
MEASURES = (
    "faithfulness",
    *(f"faithfulness_over_{control}" for control in CONTROLS),
    "deletion_area",
    "insertion_area",
    "empty_probability",
    *(f"{part}_{kind}" for kind in ("share", "area") for part in ("target", "neighbour", "sky")),
    "on_target",
    "turned",
    "noise",
    "randomised",
    "completeness_residual",
    "complete",
    "r_squared",
    "top_overlap",
    "positive_share",
)


def summarise_quality(
    quality: pd.DataFrame, *, confidence: float, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Mean of every measure of every method over galaxies, split by right and wrong.

    Intervals are percentiles of a bootstrap over galaxies (Efron 1979). Galaxies differ far more
    from each other than methods do, so a method is compared with a control galaxy by galaxy.

    Args:
        quality: A row per galaxy and method, the controls ``random`` and ``centre`` among them:
            ``cataid``, ``method``, ``correct``, ``simulated``, ``faithfulness`` and any of the
            other ``MEASURES``, missing where a method has none.
        confidence: Level of the intervals.
        n_resamples: Bootstrap samples.
        seed: Seeds them.

    Returns:
        A row per ``measure``, ``method`` and ``group`` ("all", "correct", "wrong") with any
        values: their number ``n``, ``value`` (the mean), ``low``, ``high`` and ``simulated``.
        Added are ``faithfulness_over_<control>``, the difference from that control on the same
        galaxy, and ``on_target``, whether the largest value of the map lies on the galaxy.
    """
    table = quality.copy()
    faithfulness = table.pivot_table(index="cataid", columns="method", values="faithfulness")
    for control in CONTROLS:
        of_control = table["cataid"].map(faithfulness[control])
        is_method = ~table["method"].isin(CONTROLS)
        table[f"faithfulness_over_{control}"] = (table["faithfulness"] - of_control).where(
            is_method
        )
    points = table["pointing"] != "none"
    table["on_target"] = (table["pointing"] == "target").astype(float).where(points)
    groups = {"all": table, "correct": table[table["correct"]], "wrong": table[~table["correct"]]}
    rows = []
    for measure in (name for name in MEASURES if name in table):
        for method in table["method"].unique():
            for group, some in groups.items():
                values = some.loc[some["method"] == method, measure].dropna().to_numpy(float)
                if len(values):
                    interval = bootstrap_interval(
                        values.mean(), _resampled_means(values, n_resamples, seed), confidence
                    )
                    rows.append(
                        {
                            "measure": measure,
                            "method": method,
                            "group": group,
                            "n": len(values),
                            **interval,
                            "simulated": bool(table["simulated"].any()),
                        }
                    )
    return pd.DataFrame(rows)


def _resampled_means(
    values: NDArray[np.float64], n_resamples: int, seed: int
) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    drawn = values[rng.integers(0, len(values), (n_resamples, len(values)))]
    return np.asarray(drawn.mean(axis=1))
