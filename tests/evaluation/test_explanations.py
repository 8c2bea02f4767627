"""Means over galaxies and their intervals, by hand and against scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from galaxy_morphology.evaluation import summarise_quality

RNG = np.random.default_rng(0)
N = 40


def quality() -> pd.DataFrame:
    """A method that beats a control by 0.1 on every galaxy, however much galaxies differ."""
    of_galaxy = RNG.normal(0, 1, N)
    rows = [
        {
            "cataid": i,
            "method": method,
            "correct": i % 4 != 0,
            "simulated": False,
            "faithfulness": of_galaxy[i] + gain,
            "pointing": "none" if i < 10 else "target" if i < 25 else "sky",
            "r_squared": 0.5 if method == "lime" else np.nan,
        }
        for method, gain in (("lime", 0.1), ("random", 0.0), ("centre", 0.3))
        for i in range(N)
    ]
    return pd.DataFrame(rows)


def row(summary: pd.DataFrame, measure: str, method: str, group: str = "all") -> pd.Series:
    some = summary[
        (summary["measure"] == measure)
        & (summary["method"] == method)
        & (summary["group"] == group)
    ]
    assert len(some) == 1
    return some.iloc[0]


def test_methods_are_compared_with_controls_galaxy_by_galaxy() -> None:
    summary = summarise_quality(quality(), confidence=0.95, n_resamples=200, seed=0)
    over_random = row(summary, "faithfulness_over_random", "lime")
    assert over_random["value"] == pytest.approx(0.1)
    assert over_random["high"] - over_random["low"] < 1e-9
    assert row(summary, "faithfulness_over_centre", "lime")["value"] == pytest.approx(-0.2)
    alone = row(summary, "faithfulness", "lime")
    assert alone["high"] - alone["low"] > 0.3
    assert "random" not in set(
        summary.loc[summary["measure"] == "faithfulness_over_centre", "method"]
    )


def test_intervals_are_those_of_scipy() -> None:
    table = quality()
    summary = summarise_quality(table, confidence=0.9, n_resamples=4000, seed=0)
    values = table.loc[table["method"] == "centre", "faithfulness"].to_numpy()
    expected = bootstrap(
        (values,), np.mean, confidence_level=0.9, method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    found = row(summary, "faithfulness", "centre")
    assert found["value"] == pytest.approx(values.mean())
    assert found["low"] == pytest.approx(expected.low, abs=0.05)
    assert found["high"] == pytest.approx(expected.high, abs=0.05)


def test_groups_and_missing_values_are_counted() -> None:
    summary = summarise_quality(quality(), confidence=0.95, n_resamples=20, seed=0)
    assert row(summary, "faithfulness", "lime", "correct")["n"] == 30
    assert row(summary, "faithfulness", "lime", "wrong")["n"] == 10
    assert row(summary, "r_squared", "lime")["value"] == 0.5
    assert set(summary.loc[summary["measure"] == "r_squared", "method"]) == {"lime"}
    # Fifteen of the thirty maps that point anywhere.
    on_target = row(summary, "on_target", "lime")
    assert (on_target["n"], on_target["value"]) == (30, 0.5)


def test_with_nothing_wrong_there_is_no_such_group() -> None:
    summary = summarise_quality(
        quality().assign(correct=True), confidence=0.95, n_resamples=20, seed=0
    )
    assert set(summary["group"]) == {"all", "correct"}
