"""Scores against scikit-learn, intervals against closed forms."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import binomtest
from sklearn.metrics import classification_report, confusion_matrix, roc_auc_score

from galaxy_morphology.evaluation import (
    format_metrics,
    logit_table,
    logits_of,
    prediction_table,
    probabilities_of,
    score_predictions,
)
from galaxy_morphology.evaluation.intervals import area_interval, wilson_interval
from galaxy_morphology.typing import FloatArray

NAMES = {2: ["Elliptical", "Other"], 4: ["Elliptical", "Spiral", "Edge-on", "Merger"]}


def predictions_of(
    truth: list[int], probability: FloatArray, prior: FloatArray | None = None
) -> pd.DataFrame:
    names = NAMES[4][: probability.shape[1]] if probability.shape[1] > 2 else NAMES[2]
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
    return prediction_table(logit_table(galaxies, logits, names), probability, names, prior=prior)


def score(predictions: pd.DataFrame, n_classes: int) -> dict[str, Any]:
    names = NAMES[2] if n_classes == 2 else NAMES[4][:n_classes]
    return score_predictions(predictions, names, confidence=0.95)


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


@given(n=st.integers(1, 500), share=st.floats(0, 1), confidence=st.floats(0.5, 0.99))
def test_wilson_interval_is_scipys(n: int, share: float, confidence: float) -> None:
    k = round(share * n)
    score = wilson_interval(k, n, confidence)
    expected = binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert score["value"] == k / n
    assert [score["low"], score["high"]] == pytest.approx([*expected], abs=1e-9)
    assert score["low"] <= k / n <= score["high"]  # type: ignore[operator]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_values_for_another_mix_are_those_of_scikit_learn_with_weights(n_classes: int) -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, n_classes, 300)
    prior = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    probability = rng.dirichlet(np.ones(n_classes), 300)
    table = predictions_of(truth.tolist(), probability, prior)
    weights = prior[truth] / np.bincount(truth)[truth]
    np.testing.assert_allclose(table["weight"], weights / weights.max())
    scores = score(table, n_classes)
    report = classification_report(
        table["class_name"], table["predicted_class"], output_dict=True, sample_weight=weights
    )
    assert scores["accuracy"]["value"] == pytest.approx(report["accuracy"])
    assert list(scores["class_shares"].values()) == pytest.approx(prior.tolist())
    for average in ("macro", "weighted"):
        for ours, theirs in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score")):
            value = scores[f"{average}_{ours}"]["value"]
            assert value == pytest.approx(report[f"{average} avg"][theirs])
    areas = [
        roc_auc_score(truth == i, probability[:, i], sample_weight=weights)
        for i in range(n_classes)
    ]
    assert scores["roc_auc"]["value"] == pytest.approx(np.mean(areas))
    assert scores["n"] == 300 > scores["n_effective"]


def test_the_intervals_for_another_mix_hold_as_often_as_they_say() -> None:
    # The heavy class is the one that is often wrong, and few of its galaxies are there.
    rng, prior = np.random.default_rng(4), np.array([0.9, 0.1])
    recalls, truth = np.array([0.8, 0.97]), np.repeat([0, 1], [20, 200])
    accuracy, precision = prior @ recalls, 0.72 / (0.72 + 0.1 * 0.03)
    held = []
    for _ in range(300):
        right = rng.random(220) < recalls[truth]
        said = np.where(right, truth, 1 - truth)
        scores = score(predictions_of(truth.tolist(), np.eye(2)[said] * 0.8 + 0.1, prior), 2)
        of_first = scores["classes"]["Elliptical"]["precision"]
        held.append([
            scores["accuracy"]["low"] <= accuracy <= scores["accuracy"]["high"],
            of_first["low"] <= precision <= of_first["high"],
        ])  # fmt: skip
    assert (np.mean(held, axis=0) >= 0.92).all()


@pytest.mark.parametrize("area", [0.0, 1.0])
def test_the_area_of_one_against_one_is_a_proportion_of_one(area: float) -> None:
    assert area_interval(area, 1, 1, 0.95) == pytest.approx(wilson_interval(area, 1, 0.95))


def test_the_area_of_many_has_the_interval_of_delong() -> None:
    rng = np.random.default_rng(5)
    truth = np.repeat([0, 1], 4000)
    probability = expit(rng.normal(1.5 * truth, 1))
    scores = score(predictions_of(truth.tolist(), np.stack([1 - probability, probability], 1)), 2)
    # DeLong et al. (1988), by ranks.
    others, of_class = probability[:4000], probability[4000:]
    outranks = (of_class[:, None] > others).mean(axis=1)
    outranked = (of_class[:, None] > others).mean(axis=0)
    error = np.sqrt(outranks.var(ddof=1) / 4000 + outranked.var(ddof=1) / 4000)
    ends = outranks.mean() + np.array([-1.96, 1.96]) * error
    found = [scores["roc_auc"]["low"], scores["roc_auc"]["high"]]
    assert found == pytest.approx(ends.tolist(), abs=0.1 * error)


@pytest.mark.parametrize("n", [1, 5, 10, 30])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_of_few_galaxies_hold_the_truth_as_often_as_they_say(n: int, n_classes: int) -> None:
    rng = np.random.default_rng(n)

    def draw(n: int) -> dict[str, Any]:
        truth = np.repeat(np.arange(n_classes), n)
        logits = rng.normal(size=(len(truth), n_classes))
        logits[np.arange(len(truth)), truth] += 1.5
        return score(predictions_of(truth.tolist(), softmax(2 * logits, axis=1)), n_classes)

    expected = draw(40_000)
    names = ("accuracy", "macro_f1", "macro_precision", "macro_recall", "roc_auc")
    found = [draw(n) for _ in range(150)]
    for name in names:
        truth = expected[name]["value"]
        held = np.mean([some[name]["low"] <= truth <= some[name]["high"] for some in found])
        # Discrete as these scores are, Wilson's intervals too hold between 0.85 and 1 at few.
        assert held >= 0.84, name


def test_the_interval_of_a_mean_recall_is_the_normal_one() -> None:
    # Recalls of 0.8 and 0.6 among 500 each: the macro recall has a standard error of
    # sqrt(0.8 × 0.2 / 500 + 0.6 × 0.4 / 500) / 2 = 0.0141.
    truth = [0] * 500 + [1] * 500
    right = [True] * 400 + [False] * 100 + [True] * 300 + [False] * 200
    said = np.where(right, truth, 1 - np.array(truth))
    table = predictions_of(truth, np.where(said[:, None] == [0, 1], 0.9, 0.1))
    scores = score(table, 2)
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


def test_the_report_shows_any_name_in_one_line_and_says_which_mix_it_is_for() -> None:
    rng = np.random.default_rng(6)
    table = predictions_of(rng.integers(0, 2, 60).tolist(), rng.dirichlet([1, 1], 60))
    odd = {"Elliptical": "E\n| *0*", "Other": "\x1b[31mS\tb"}
    table = table.rename(columns=lambda name: f"probability_{odd[name.split('_')[1]]}"
                         if name.startswith("probability_") else name)  # fmt: skip
    table[["class_name", "predicted_class"]] = table[["class_name", "predicted_class"]].replace(odd)
    scores = score_predictions(table, list(odd.values()), confidence=0.95)
    assert list(scores["classes"]) == list(odd.values())
    plain = format_metrics({"test": scores})
    assert plain.isprintable() or set(plain) - {"\n"} == {c for c in plain if c.isprintable()}
    assert len({len(line) for line in plain.splitlines()[1:-2]}) == 1
    assert "for a mix of" not in plain
    mixed = format_metrics({"test": scores | {"class_prior": {}}})
    assert "for a mix of" in mixed.splitlines()[1]


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
