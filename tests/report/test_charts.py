"""The charts hold the numbers they are given, and Vega-Lite can draw them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from galaxy_morphology.report import charts

from .conclusions import comparison_of


def rows_of(chart: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(chart["data"]["values"])


def drawn(chart: dict[str, Any]) -> str:
    return str(vl_convert.vegalite_to_svg(chart))


def predictions(n_classes: int) -> tuple[pd.DataFrame, list[str]]:
    rng = np.random.default_rng(1)
    names = ["Elliptical", "Spiral", "Ring"][:n_classes]
    truth = rng.integers(0, n_classes, 900)
    shares = rng.random((900, n_classes)) + np.eye(n_classes)[truth]
    shares /= shares.sum(axis=1, keepdims=True)
    table = pd.DataFrame(shares, columns=[f"probability_{name}" for name in names])
    return table.assign(split="test", class_name=np.array(names)[truth]), names


def test_the_area_under_the_roc_curve_is_that_of_the_predictions() -> None:
    table, names = predictions(2)
    chart = charts.roc(table, {"test": {}}, names)
    assert chart is not None
    curve = rows_of(chart)
    area = np.trapezoid(curve["y"], curve["x"])
    expected = roc_auc_score(table["class_name"] == names[1], table[f"probability_{names[1]}"])
    assert area == pytest.approx(expected, abs=2e-3)
    assert ">false positive rate<" in drawn(chart)


def test_with_many_classes_each_has_a_curve_and_each_split_a_panel() -> None:
    table, names = predictions(3)
    both = pd.concat([table, table.assign(split="validation")])
    chart = charts.roc(both, {"validation": {}, "test": {}}, names)
    assert chart is not None
    rows = rows_of(chart)
    assert set(rows["curve"]) == set(names)
    assert set(rows["panel"]) == {"validation", "test"}
    assert ">validation<" in drawn(chart)


def test_there_is_no_roc_curve_of_one_class() -> None:
    table, names = predictions(2)
    assert charts.roc(table[table["class_name"] == names[0]], {"test": {}}, names) is None


def test_training_curves_are_those_of_the_history() -> None:
    history = pd.DataFrame(
        {
            "epoch": [1, 2], "loss": [0.7, 0.5], "accuracy": [0.5, 0.75],
            "validation_loss": [0.6, np.nan], "validation_accuracy": [0.55, 0.8],
        }
    )  # fmt: skip
    chart = charts.training_curves(history, 2)
    assert chart is not None
    rows = rows_of(chart).set_index(["panel", "curve", "epoch"])["value"]
    assert rows["accuracy", "validation", 2] == 0.8
    assert rows["loss", "training", 1] == 0.7
    assert pd.isna(rows["loss", "validation", 2])
    assert ">loss<" in drawn(chart)
    assert charts.training_curves(history.head(0), 1) is None


def test_reliability_and_selective_accuracy_show_their_curves() -> None:
    ends = {"low": [0.5, 0.8], "high": [0.7, 1.0]}
    bins = pd.DataFrame({"certainty": [0.6, 0.9], "accuracy": [0.6, 0.95], "n": [5, 6], **ends})
    chart = charts.reliability({"validation": {"before": bins, "after": bins}})
    assert rows_of(chart)["accuracy"].tolist() == [0.6, 0.95] * 2
    assert ">after calibration<" in drawn(chart)
    kept = pd.DataFrame({"kept": [0.5, 1.0], "threshold": 0.7, "accuracy": [0.9, 0.8], **ends})
    chart = charts.selective_accuracy({"test": kept})
    assert rows_of(chart)["kept"].tolist() == [0.5, 1.0]
    assert ">share of galaxies kept<" in drawn(chart)


def test_error_rates_have_a_panel_for_each_quantity() -> None:
    rates = pd.DataFrame(
        {
            "quantity": ["half_light_radius", "half_light_radius", "flag"],
            "bin": ["1 to 2", "2 to 3", "not_measured"], "n": [3, 4, 7], "centre": np.nan,
            "error_rate": [0.1, 0.2, 0.15], "low": [0.0, 0.1, 0.1], "high": [0.2, 0.3, 0.2],
        }
    )  # fmt: skip
    chart = charts.error_rates(rates, 0.125)
    rows = rows_of(chart)
    assert rows["error_rate"].tolist() == [0.1, 0.2, 0.15]
    assert (rows["all"] == 0.125).all()
    picture = drawn(chart)
    for words in ("half light radius", "1 to 2", "not measured"):
        assert f">{words}<" in picture


def test_long_curves_keep_their_ends_and_few_points() -> None:
    n = 20_000
    curve = pd.DataFrame({"kept": np.linspace(0, 1, n), "accuracy": 0.9, "threshold": 0.5,
                          "low": 0.8, "high": 1.0})  # fmt: skip
    rows = rows_of(charts.selective_accuracy({"test": curve}))
    assert len(rows) == charts.MOST_POINTS
    assert (rows["kept"].min(), rows["kept"].max()) == (0, 1)


@given(n_entries=st.integers(1, 6), n_seeds=st.integers(1, 3))
@settings(max_examples=10)
def test_compared_scores_are_those_of_the_table_with_the_best_first(
    n_entries: int, n_seeds: int
) -> None:
    entries = [f"network_{i}" for i in range(n_entries)]
    seeds = [*map(str, range(n_seeds)), *(["ensemble"] if n_seeds > 1 else [])]
    table = comparison_of(entries, seeds)
    chart = charts.compared_scores(table, "network_0", ensemble="ensemble")
    rows = rows_of(chart)
    for name, words in charts.MEASURES.items():
        some = rows[rows["measure"] == words].reset_index(drop=True)
        assert some["entry"].tolist() == table["entry"].str.replace("_", " ").tolist()
        np.testing.assert_allclose(some["value"], table[name], rtol=1e-4)
        np.testing.assert_allclose(some["low"].astype(float), table[f"{name}_low"], rtol=1e-4)
        np.testing.assert_allclose(
            some["difference_high"], table[f"{name}_difference_high"], rtol=1e-4
        )
        assert (some["reference"] == some["value"][0]).all()
        best_first = some.sort_values("order")["entry"].drop_duplicates().tolist()
        assert best_first == [f"network {i}" for i in reversed(range(n_entries))]
    assert set(rows["curve"]) == {each if each == "ensemble" else f"seed {each}" for each in seeds}


def test_a_measure_is_chosen_and_names_are_text() -> None:
    evil = "<script>alert(1)</script>"
    table = comparison_of(["plain", evil], ["1", "2", "ensemble"])
    chart = charts.compared_scores(table, "plain", ensemble="ensemble")
    for measure in charts.MEASURES.values():
        for param in chart["params"]:
            if param["name"] == "measure":
                assert measure in param["bind"]["options"]
                param["value"] = measure
        picture = drawn(chart)
        assert "<script" not in picture
        assert "&lt;script&gt;" in picture
        assert picture.count('aria-roledescription="circle"') == 2 * 3


def test_curves_can_be_chosen_in_the_legend_of_every_chart_that_has_one() -> None:
    curve = pd.DataFrame({"kept": [0.5, 1.0], "threshold": 0.7, "accuracy": [0.9, 0.8], "n": 3,
                          "certainty": [0.6, 0.9], "low": 0.7, "high": 1.0})  # fmt: skip
    epochs = pd.DataFrame({"epoch": [1, 2], "loss": 1.0, "accuracy": 0.5, "validation_loss": 1.0,
                           "validation_accuracy": 0.5})  # fmt: skip
    table, names = predictions(2)
    assert "symbolOpacity" in str(charts.selective_accuracy({"test": curve}))  # of a faint band
    for chart in (
        charts.training_curves(epochs, 1),
        charts.roc(table, {"test": {}}, names),
        charts.reliability({"test": {"before": curve, "after": curve}}),
        charts.selective_accuracy({"test": curve}),
        charts.compared_scores(comparison_of(["a"], ["1", "2"]), "a", ensemble="ensemble"),
    ):
        assert chart is not None
        (legend,) = vl_convert.vegalite_to_vega(chart)["legends"]
        assert legend["encode"]["symbols"]["interactive"]
