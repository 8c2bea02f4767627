"""Scores against fractions of votes: by hand, and those of classes where all votes agree."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import roc_auc_score

from galaxy_morphology.evaluation import (
    calibration_scores,
    fit_temperature,
    format_metrics,
    fractions_of,
    logit_table,
    prediction_table,
    reliability,
    score_predictions,
    score_votes,
    truth_of,
)
from galaxy_morphology.typing import FloatArray

NAMES = ["Smooth", "Disc", "Artefact"]
INTERVALS: dict[str, Any] = {"confidence": 0.95, "n_resamples": 200, "seed": 0}


def predictions_of(
    fractions: FloatArray, probability: FloatArray, clear: NDArray[np.bool_] | bool = True
) -> pd.DataFrame:
    names = NAMES[: fractions.shape[1]]
    galaxies = pd.DataFrame(fractions, columns=[f"fraction_{name}" for name in names]).assign(
        cataid=range(len(fractions)),
        simulated=False,
        split="test",
        target=fractions.argmax(axis=1),
        class_name=np.array(names)[fractions.argmax(axis=1)],
        n_votes=40.0,
        clear=clear,
    )
    logits = np.log(probability[:, 1:] / probability[:, :1]) if len(names) == 2 else probability
    return prediction_table(logit_table(galaxies, logits, names), probability, names)


def test_scores_worked_by_hand() -> None:
    fractions = np.array([[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]])
    probability = np.array([[0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    table = predictions_of(fractions, probability, np.array([True, True, False]))
    scores = score_votes(table, NAMES[:2], confidence=0.95)
    assert scores["brier"]["value"] == pytest.approx((0.2**2 + 0 + 0.3**2) / 3)
    by_hand = -(0.8 * np.log(0.6) + 0.2 * np.log(0.4)) - (0.3 * np.log(0.3) + 0.7 * np.log(0.7))
    by_hand -= 0.5 * np.log(0.2) + 0.5 * np.log(0.8)
    assert scores["cross_entropy"]["value"] == pytest.approx(by_hand / 3)
    assert scores["entropy"] == pytest.approx(entropy(fractions, axis=1).mean())
    assert scores["n_clear"] == 2
    assert scores["accuracy"]["value"] == scores["roc_auc"]["value"] == 1
    # Of all of them, one is of the class that is named first of equal ones.
    usual = score_predictions(table, NAMES[:2], confidence=0.95)
    assert usual["accuracy"]["value"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_where_all_votes_agree_scores_are_those_of_classes(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, n_classes, 400)
    probability = rng.dirichlet(np.ones(n_classes), 400)
    probability[np.arange(400), truth] += 0.4
    probability /= probability.sum(axis=1, keepdims=True)
    fractions, names = np.eye(n_classes)[truth], NAMES[:n_classes]
    clear = rng.random(400) < 0.7
    scores = score_votes(predictions_of(fractions, probability, clear), names, confidence=0.95)
    of_classes = calibration_scores(probability, probability, truth, **INTERVALS)["after"]
    assert scores["brier"] == of_classes["brier"]
    assert scores["cross_entropy"] == of_classes["log_loss"]
    assert scores["entropy"] == 0
    says = probability[clear] if n_classes > 2 else probability[clear, 1]
    area = roc_auc_score(truth[clear], says, multi_class="ovr")
    assert scores["roc_auc"]["value"] == pytest.approx(area)
    right = probability.argmax(axis=1) == truth
    assert scores["accuracy"]["value"] == pytest.approx(right[clear].mean())

    of_votes = calibration_scores(probability, probability, fractions, **INTERVALS)["after"]
    for name in ("brier", "log_loss", "calibration_error"):
        assert of_votes[name] == of_classes[name]
    pd.testing.assert_frame_equal(
        reliability(probability, fractions, confidence=0.95),
        reliability(probability, truth, confidence=0.95),
    )
    logits = np.log(probability)
    assert fit_temperature(logits, fractions) == fit_temperature(logits, truth)


def test_what_is_not_clear_in_a_split_is_said_to_be_undefined() -> None:
    fractions = np.array([[0.6, 0.4], [0.45, 0.55]])
    scores = score_votes(predictions_of(fractions, fractions, False), NAMES[:2], confidence=0.95)
    assert scores["n_clear"] == 0
    assert scores["accuracy"]["value"] is scores["roc_auc"]["value"] is None
    assert scores["brier"]["value"] == 0


def test_labels_are_fractions_where_there_are_such() -> None:
    fractions = np.array([[0.8, 0.2], [0.3, 0.7]])
    table = predictions_of(fractions, fractions)
    np.testing.assert_array_equal(fractions_of(table, NAMES[:2]), fractions)
    np.testing.assert_array_equal(truth_of(table, NAMES[:2]), fractions)
    of_classes = table[["class_name"]]
    np.testing.assert_array_equal(fractions_of(of_classes, NAMES[:2]), np.eye(2))
    np.testing.assert_array_equal(truth_of(of_classes, NAMES[:2]), [0, 1])


@pytest.mark.parametrize("temperature", [0.5, 2.5])
def test_the_temperature_of_votes_is_found(temperature: float) -> None:
    rng = np.random.default_rng(1)
    honest = rng.normal(0, 1.5, (3000, 3))
    votes = rng.multinomial(30, softmax(honest, axis=1)) / 30
    assert fit_temperature(honest * temperature, votes) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("spread", [5.0, 1000.0])
def test_calibration_errors_of_perfect_fractions_lie_where_they_should(spread: float) -> None:
    """Votes scatter more than people who decide by chance would have it, or hardly more."""
    rng, inside, n = np.random.default_rng(2), 0, 60
    for seed in range(n):
        probability = rng.dirichlet([4.0, 2.0], 300)
        drawn = np.stack([rng.dirichlet(spread * row) for row in probability])
        votes = rng.multinomial(40, drawn) / 40
        options = INTERVALS | {"n_resamples": 100, "seed": seed}
        scores = calibration_scores(probability, probability, votes, **options)["after"]
        error, perfect = scores["calibration_error"], scores["calibration_error_if_perfect"]
        low, value, high = perfect["low"], error["value"], perfect["high"]
        assert None not in (low, value, high)
        inside += bool(low <= value <= high)  # type: ignore[operator]
    assert inside >= 0.85 * n

    off = np.clip(probability + np.array([0.1, -0.1]), 0.01, 0.99)
    scores = calibration_scores(off, off, votes, **INTERVALS)["after"]
    found, most = (
        scores["calibration_error"]["value"],
        scores["calibration_error_if_perfect"]["high"],
    )
    assert found is not None
    assert most is not None
    assert found > most


def test_they_stand_in_the_table_of_scores() -> None:
    rng = np.random.default_rng(3)
    fractions = rng.dirichlet([1.0, 1.0], 200)
    table = predictions_of(fractions, fractions[::-1], rng.random(200) < 0.5)
    names = NAMES[:2]
    scores = score_predictions(table, names, confidence=0.95)
    assert "votes" not in format_metrics({"test": scores})
    votes = score_votes(table, names, confidence=0.95)
    text = format_metrics({"test": scores | {"votes": votes}})
    for words, name in (
        ("Brier score against votes", "brier"),
        ("cross-entropy with votes", "cross_entropy"),
        ("accuracy of the clear ones", "accuracy"),
        ("ROC AUC of the clear ones", "roc_auc"),
    ):
        line = next(line for line in text.splitlines() if line.startswith(words))
        assert f"{votes[name]['value']:.3f}" in line
    assert f"{votes['n_clear']} are of a clear class" in text
    assert f"an entropy of {votes['entropy']:.3f}" in text
