"""Scores against scikit-learn, intervals against closed forms."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import classification_report, confusion_matrix, roc_auc_score

from galaxy_morphology.evaluation import (
    format_metrics,
    logit_table,
    logits_of,
    prediction_table,
    probabilities_of,
    score_predictions,
)
from galaxy_morphology.evaluation.scores import wilson_interval
from galaxy_morphology.typing import FloatArray

NAMES = {2: ["Elliptical", "Other"], 4: ["Elliptical", "Spiral", "Edge-on", "Merger"]}


def predictions_of(truth: list[int], probability: FloatArray) -> pd.DataFrame:
    names = NAMES[probability.shape[1]]
    galaxies = pd.DataFrame(
        {
            "cataid": range(len(truth)),
            "simulated": False,
            "split": "test",
            "target": truth,
            "class_name": [names[index] for index in truth],
        }
    )
    logits = np.log(probability[:, 1:] / probability[:, :1]) if len(names) == 2 else probability
    return prediction_table(logit_table(galaxies, logits, names), probability, names)


def score(predictions: pd.DataFrame, n_classes: int) -> dict[str, Any]:
    return score_predictions(
        predictions, NAMES[n_classes], confidence=0.95, n_resamples=200, seed=0
    )


@pytest.mark.parametrize("n_classes", [2, 4])
def test_values_are_scikit_learns(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, n_classes, 300).tolist()
    probability = rng.dirichlet(np.ones(n_classes), 300)
    probability[np.arange(300), truth] += 0.3
    probability /= probability.sum(axis=1, keepdims=True)
    table = predictions_of(truth, probability)
    scores = score(table, n_classes)
    report = classification_report(table["class_name"], table["predicted_class"], output_dict=True)
    assert scores["n"] == 300
    assert scores["accuracy"]["value"] == pytest.approx(report["accuracy"])
    for average in ("macro", "weighted"):
        for ours, theirs in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score")):
            value = scores[f"{average}_{ours}"]["value"]
            assert value == pytest.approx(report[f"{average} avg"][theirs])
    for name in NAMES[n_classes]:
        row = scores["classes"][name]
        assert row["precision"]["value"] == pytest.approx(report[name]["precision"])
        assert row["recall"]["value"] == pytest.approx(report[name]["recall"])
        assert row["f1"]["value"] == pytest.approx(report[name]["f1-score"])
        assert row["support"] == report[name]["support"]
    expected = confusion_matrix(
        table["class_name"], table["predicted_class"], labels=NAMES[n_classes]
    )
    assert scores["confusion_matrix"] == expected.tolist()
    auc = (
        roc_auc_score(truth, probability[:, 1])
        if n_classes == 2
        else roc_auc_score(truth, probability, multi_class="ovr")
    )
    assert scores["roc_auc"]["value"] == pytest.approx(auc)
    json.dumps(scores, allow_nan=False)


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_interval_is_the_closed_form(n: int, share: float) -> None:
    k = round(share * n)
    z, p = 1.959963984540054, k / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    score = wilson_interval(k, n, 0.95)
    assert score["value"] == p
    assert score["low"] == pytest.approx(max(0, centre - half), abs=1e-9)
    assert score["high"] == pytest.approx(min(1, centre + half), abs=1e-9)


def test_bootstrap_interval_of_a_mean_recall_is_the_normal_one() -> None:
    # Recalls of 0.8 and 0.6 among 500 each: the macro recall has a standard error of
    # sqrt(0.8 × 0.2 / 500 + 0.6 × 0.4 / 500) / 2 = 0.0141.
    truth = [0] * 500 + [1] * 500
    right = [True] * 400 + [False] * 100 + [True] * 300 + [False] * 200
    said = np.where(right, truth, 1 - np.array(truth))
    table = predictions_of(truth, np.where(said[:, None] == [0, 1], 0.9, 0.1))
    scores = score_predictions(table, NAMES[2], confidence=0.95, n_resamples=4000, seed=1)
    recall = scores["macro_recall"]
    assert recall["value"] == pytest.approx(0.7)
    assert recall["low"] == pytest.approx(0.7 - 1.96 * 0.01414, abs=0.004)
    assert recall["high"] == pytest.approx(0.7 + 1.96 * 0.01414, abs=0.004)


def test_what_is_undefined_is_said_to_be() -> None:
    table = predictions_of([0, 0, 0], np.array([[0.9, 0.1]] * 3))
    scores = score(table, 2)
    assert scores["roc_auc"] == {"value": None, "low": None, "high": None}
    assert scores["classes"]["Other"]["recall"]["value"] is None
    assert "undefined" in format_metrics({"test": scores})


def test_the_same_seed_gives_the_same_intervals() -> None:
    rng = np.random.default_rng(2)
    table = predictions_of(rng.integers(0, 2, 60).tolist(), rng.dirichlet([1, 1], 60))
    assert score(table, 2) == score(table, 2)


def test_the_table_of_predictions() -> None:
    table = predictions_of([0, 1, 1], np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]))
    assert table["predicted_class"].tolist() == ["Elliptical", "Elliptical", "Other"]
    assert table["correct"].tolist() == [True, False, True]
    assert table["probability_Other"].tolist() == [0.1, 0.4, 0.8]
    np.testing.assert_allclose(
        logits_of(table, NAMES[2])[:, 0], np.log([0.1 / 0.9, 0.4 / 0.6, 0.8 / 0.2])
    )
    np.testing.assert_array_equal(
        probabilities_of(table, NAMES[2])[:, 1], table["probability_Other"]
    )


def test_the_report_is_a_table_that_lines_up() -> None:
    rng = np.random.default_rng(2)
    table = predictions_of(rng.integers(0, 4, 2000).tolist(), rng.dirichlet(np.ones(4), 2000))
    text = format_metrics({"test": score(table, 4)})
    title, *lines = text.splitlines()
    assert title == "Test: 2,000 galaxies (value and 95% interval)"
    assert [line.split("  ")[0] for line in lines[1:]] == [
        *NAMES[4], "macro average", "weighted average", "accuracy", "ROC AUC",
    ]  # fmt: skip
    assert len({len(line) for line in lines[:-2]}) == 1
