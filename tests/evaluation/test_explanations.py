"""Means over galaxies and their intervals, worked by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from galaxy_morphology.evaluation import mean_interval, summarise_quality
from galaxy_morphology.evaluation.intervals import wilson_interval

N = 40
GAINS = {"lime": 0.1, "random": 0.0, "centre": 0.3, "brightness": -0.1, "lime_of_another": 0.05}


def quality() -> pd.DataFrame:
    """Maps that differ from each other by the same on every galaxy, however these differ."""
    rng = np.random.default_rng(0)
    of_galaxy = rng.uniform(-0.5, 0.5, N)
    spread = rng.normal(0, 0.01, (len(GAINS), N))
    spread[0] = 0
    spread -= spread.mean(axis=1, keepdims=True)
    rows = [
        {
            "cataid": i,
            "method": method,
            "correct": i % 4 != 0,
            "class_name": "Elliptical" if i < 12 else "Other",
            "measured": True,
            "simulated": False,
            "faithfulness": of_galaxy[i] + gain + deviation,
            "pointing": np.nan
            if method == "lime_of_another"
            else "none" if i < 10 else "target" if i < 25 else "sky",
            "r_squared": 0.5 + i / 100 if method == "lime" else np.nan,
        }
        for (method, gain), deviations in zip(GAINS.items(), spread, strict=True)
        for i, deviation in enumerate(deviations)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def row(summary: pd.DataFrame, measure: str, method: str, group: str = "all") -> dict[str, Any]:
    some = summary[
        (summary["measure"] == measure)
        & (summary["method"] == method)
        & (summary["group"] == group)
    ]
    assert len(some) == 1
    return dict(some.iloc[0])


def test_methods_are_compared_with_controls_galaxy_by_galaxy() -> None:
    summary = summarise_quality(quality(), confidence=0.95)
    assert list(summary) == [
        "measure", "method", "group", "n", "value", "low", "high", "simulated"
    ]  # fmt: skip
    expected = {"random": 0.1, "centre": -0.2, "brightness": 0.2, "another": 0.05}
    for control, gain in expected.items():
        over = row(summary, f"faithfulness_over_{control}", "lime")
        assert over["value"] == pytest.approx(gain)
        assert 0 < over["high"] - over["low"] < 0.02
        of_measure = summary[summary["measure"] == f"faithfulness_over_{control}"]
        assert set(of_measure["method"]) == {"lime"}
    alone = row(summary, "faithfulness", "lime")
    assert alone["high"] - alone["low"] > 0.1
    assert set(summary.loc[summary["measure"] == "faithfulness", "method"]) == set(GAINS)


def test_another_galaxys_map_is_that_of_the_same_method() -> None:
    table = quality()
    others = {"lime": "occlusion", "lime_of_another": "occlusion_of_another"}
    second = table[table["method"].isin(others)].replace({"method": others})
    second["faithfulness"] -= 0.2 * (second["method"] == "occlusion")
    summary = summarise_quality(pd.concat([table, second]), confidence=0.95)
    for method, gain in (("lime", 0.05), ("occlusion", -0.15)):
        assert row(summary, "faithfulness_over_another", method)["value"] == pytest.approx(gain)


def test_a_control_that_was_not_measured_is_not_compared_with() -> None:
    table = quality()
    summary = summarise_quality(table[table["method"] != "brightness"], confidence=0.95)
    assert "faithfulness_over_brightness" not in set(summary["measure"])
    assert row(summary, "faithfulness_over_centre", "lime")["value"] == pytest.approx(-0.2)


def test_groups_and_missing_values_are_counted() -> None:
    summary = summarise_quality(quality(), confidence=0.95)
    counts = {"all": 40, "correct": 30, "wrong": 10, "class Elliptical": 12, "class Other": 28}
    for group, n in counts.items():
        assert row(summary, "faithfulness", "lime", group)["n"] == n
    assert set(summary["group"]) == set(counts)
    # 0.50 to 0.61, and 0.62 to 0.89.
    assert row(summary, "r_squared", "lime", "class Elliptical")["value"] == pytest.approx(0.555)
    assert row(summary, "r_squared", "lime", "class Other")["value"] == pytest.approx(0.755)
    assert set(summary.loc[summary["measure"] == "r_squared", "method"]) == {"lime"}


def test_shares_of_galaxies_have_wilson_intervals() -> None:
    table = quality()
    table["complete"] = table["cataid"] != 7
    summary = summarise_quality(table, confidence=0.9)
    # Fifteen of the thirty maps that point anywhere; those of other galaxies were not asked.
    for measure, k, n in (("on_target", 15, 30), ("complete", 39, 40)):
        found = row(summary, measure, "lime")
        assert found["n"] == n
        assert {end: found[end] for end in ("value", "low", "high")} == wilson_interval(k, n, 0.9)
    assert "lime_of_another" not in set(summary.loc[summary["measure"] == "on_target", "method"])


def test_intervals_are_those_of_the_mean_and_of_what_is_possible() -> None:
    table = quality()
    summary = summarise_quality(table, confidence=0.9)
    values = table.loc[table["method"] == "centre", "faithfulness"].to_numpy()
    found = row(summary, "faithfulness", "centre")
    assert {end: found[end] for end in ("value", "low", "high")} == mean_interval(values, 0.9)
    few = table[table["cataid"] > 36].assign(noise=[0.1, 0.9, 0.9] * len(GAINS))
    assert row(summarise_quality(few, confidence=0.95), "noise", "lime")["high"] == 1


def test_only_galaxies_drawn_by_lot_count() -> None:
    table = quality()
    table["measured"] = table["cataid"] < 30
    expected = summarise_quality(table[table["cataid"] < 30], confidence=0.95)
    pd.testing.assert_frame_equal(summarise_quality(table, confidence=0.95), expected)
    assert row(expected, "faithfulness", "lime")["n"] == 30
    none = summarise_quality(table.assign(measured=False), confidence=0.95)
    assert none.empty
    assert list(none) == list(expected)


def test_with_nothing_wrong_there_is_no_such_group() -> None:
    summary = summarise_quality(quality().assign(correct=True), confidence=0.95)
    assert "wrong" not in set(summary["group"])
    assert "correct" in set(summary["group"])
