"""How good explanations are on the whole: means over galaxies, and how sure they are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.evaluation.intervals import mean_interval, wilson_interval

CONTROLS = ("random", "centre", "brightness")
"""Maps that know nothing of the classifier."""
OF_ANOTHER = "_of_another"
"""How the name of a method's maps of other galaxies ends."""
POINTED_AT = ("target", "neighbour", "sky")
SHARE, CORRELATION = (0.0, 1.0), (-1.0, 1.0)
MEASURES = {
    "faithfulness": (-1.0, 1.0),
    **{f"faithfulness_over_{control}": (-2.0, 2.0) for control in (*CONTROLS, "another")},
    "deletion_area": SHARE,
    "insertion_area": SHARE,
    "empty_probability": SHARE,
    **{f"{part}_{kind}": SHARE for kind in ("share", "area") for part in POINTED_AT},
    "on_target": SHARE,
    "turned": CORRELATION,
    "noise": CORRELATION,
    "randomised": CORRELATION,
    "randomised_absolute": CORRELATION,
    "completeness_residual": (0.0, np.inf),
    "complete": SHARE,
    "r_squared": (-np.inf, 1.0),
    "top_overlap": SHARE,
    "positive_share": SHARE,
}
"""What is summarised, with the least and the largest value that it can have."""
YES_OR_NO = ("on_target", "complete")
COLUMNS = ("measure", "method", "group", "n", "value", "low", "high", "simulated")


def summarise_quality(quality: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Mean of every measure of every method over galaxies, by right and wrong and by class.

    Only galaxies drawn by lot count: others were chosen for being telling. They differ far more
    from each other than methods do, so a method is compared with a control galaxy by galaxy.

    Args:
        quality: A row per galaxy and method: ``cataid``, ``method``, ``class_name``, ``correct``,
            ``simulated``, ``measured`` (drawn by lot), ``faithfulness``, ``pointing`` and any of
            the other ``MEASURES``, missing where a method has none. The controls ``random``,
            ``centre``, ``brightness`` and ``<method>_of_another`` have rows as methods have.
        confidence: Level of the intervals.

    Returns:
        A row per ``measure``, ``method`` and ``group`` ("all", "correct", "wrong", "class <name>")
        with any values: their number ``n``, ``value`` (the mean), ``low`` and ``high``, see
        :func:`mean_interval`, and ``simulated``. Shares of galaxies have Wilson intervals. Added
        are ``faithfulness_over_<control>``, the difference from that control on the same galaxy,
        ``faithfulness_over_another`` from the map of another galaxy, and ``on_target``, whether
        the largest value of the map lies on the galaxy.
    """
    table = quality[quality["measured"].astype(bool)]
    table = table.assign(on_target=_on_target(table), **_gains(table))
    rows = [
        {
            "measure": measure,
            "method": method,
            "group": group,
            "n": len(values),
            **_mean(values, measure, confidence),
            "simulated": bool(table["simulated"].any()),
        }
        for measure in MEASURES
        if measure in table
        for method, of_method in table.groupby("method", sort=False)
        for group, some in _groups(of_method)
        if len(values := some[measure].dropna().to_numpy(float))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _gains(table: pd.DataFrame) -> dict[str, Any]:
    """How much more faithful each map is than the controls on the same galaxy; NaN for controls."""
    faithfulness = table.set_index(["cataid", "method"])["faithfulness"]
    method = table["method"]
    is_method = ~(method.isin(CONTROLS) | method.str.endswith(OF_ANOTHER))

    def gain(controls: Any) -> Any:
        maps = pd.MultiIndex.from_arrays([table["cataid"], controls])
        of_controls = faithfulness.reindex(maps).to_numpy(float)
        return (table["faithfulness"] - of_controls).where(is_method)

    gains = {
        f"faithfulness_over_{name}": gain(pd.Series(name, table.index, dtype=str))
        for name in CONTROLS
    }
    return gains | {"faithfulness_over_another": gain(method + OF_ANOTHER)}


def _on_target(table: pd.DataFrame) -> pd.Series:
    """Whether a map points at the galaxy; NaN for one that points nowhere."""
    pointing = table["pointing"]
    return (pointing == "target").astype(float).where(pointing.isin(POINTED_AT))


def _groups(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All galaxies, the right and the wrong ones, and those of each class."""
    is_right = table["correct"].astype(bool)
    yield from (("all", table), ("correct", table[is_right]), ("wrong", table[~is_right]))
    for name, of_class in table.groupby("class_name"):
        yield f"class {name}", of_class


def _mean(values: Any, measure: str, confidence: float) -> dict[str, Any]:
    """The mean of a measure with its interval."""
    if measure in YES_OR_NO:
        return dict(wilson_interval(int(values.sum()), len(values), confidence))
    return dict(mean_interval(values, confidence, within=MEASURES[measure]))
