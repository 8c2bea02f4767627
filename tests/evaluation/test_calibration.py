"""Probabilities that mean what they say, against scikit-learn, closed forms and known answers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.metrics import brier_score_loss, log_loss

from galaxy_morphology.evaluation import (
    adjust_prior,
    calibration_scores,
    fit_temperature,
    mix_weights,
    reliability,
)
from galaxy_morphology.typing import FloatArray, IntArray

INTERVALS: dict[str, Any] = {"confidence": 0.95, "n_resamples": 200, "seed": 0}


def drawn_from(probability: FloatArray, seed: int = 0) -> IntArray:
    """A true class for each galaxy, drawn with these probabilities."""
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(len(row), p=row) for row in probability])


def two(probability: FloatArray) -> FloatArray:
    return np.stack([1 - probability, probability], axis=1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_known_temperature_is_found(temperature: float, n_classes: int) -> None:
    rng = np.random.default_rng(1)
    if n_classes == 2:
        honest = rng.normal(0, 2, (6000, 1))
        truth = drawn_from(two(expit(honest[:, 0])))
    else:
        honest = rng.normal(0, 2, (6000, n_classes))
        truth = drawn_from(softmax(honest, axis=1))
    assert fit_temperature(honest * temperature, truth) == pytest.approx(temperature, rel=0.1)


def test_single_galaxies_with_extreme_logits_do_not_decide_the_temperature() -> None:
    honest = np.random.default_rng(2).normal(0, 2, 2000)
    truth = drawn_from(two(expit(honest)))
    logits, wrong = np.append(honest, [60.0, 45.0]), np.append(truth, [0, 0])
    assert fit_temperature(logits[:, None], wrong) == pytest.approx(1, rel=0.1)


def test_another_mix_of_classes_is_bayes_theorem() -> None:
    # By hand: odds of 3 : 1 for equal shares, times 0.7 / 0.3.
    adjusted = adjust_prior(np.array([[0.25, 0.75]]), np.array([0.3, 0.7]))
    assert adjusted[0, 1] / adjusted[0, 0] == pytest.approx(3 * 0.7 / 0.3)
    same = np.array([[0.1, 0.2, 0.7]])
    np.testing.assert_allclose(adjust_prior(same, np.array([2.0, 2.0, 2.0])), same)


def test_the_adjusted_mix_is_right_where_the_mix_is_known() -> None:
    # Two normal distributions: the logit for equal shares is 2x, and Bayes' theorem known.
    rng = np.random.default_rng(3)
    truth = (rng.random(40_000) < 0.9).astype(int)
    x = rng.normal(2 * truth - 1, 1)
    adjusted = adjust_prior(two(expit(2 * x)), np.array([0.1, 0.9]))[:, 1]
    some = (adjusted > 0.6) & (adjusted < 0.7)
    assert truth[some].mean() == pytest.approx(adjusted[some].mean(), abs=0.04)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_log_loss_and_brier_score_are_those_of_scikit_learn(n_classes: int) -> None:
    rng = np.random.default_rng(4)
    before, after = (rng.dirichlet(np.ones(n_classes), 300) for _ in range(2))
    truth = drawn_from(after)
    scores = calibration_scores(before, after, truth, **INTERVALS)
    for stage, probability in (("before", before), ("after", after)):
        expected = log_loss(truth, probability, labels=range(n_classes))
        assert scores[stage]["log_loss"]["value"] == pytest.approx(expected)
        if n_classes == 2:
            brier = brier_score_loss(truth, probability[:, 1])
            assert scores[stage]["brier"]["value"] == pytest.approx(brier)
    for measure, difference in scores["difference"].items():
        values = [scores[stage][measure]["value"] for stage in ("after", "before")]
        assert difference["value"] == pytest.approx(values[0] - values[1])  # type: ignore[operator]
        if measure == "calibration_error":
            assert difference["low"] is None
        else:
            assert difference["low"] < difference["value"] < difference["high"]  # type: ignore[operator]


def test_paired_differences_are_surer_than_the_scores_themselves() -> None:
    before = two(np.random.default_rng(5).uniform(0.05, 0.95, 400))
    after = 0.9 * before + 0.05
    scores = calibration_scores(before, after, drawn_from(before), **INTERVALS)
    widths = {
        stage: scores[stage]["brier"]["high"] - scores[stage]["brier"]["low"]  # type: ignore[operator]
        for stage in scores
    }
    assert widths["difference"] < widths["after"] / 4


def test_the_calibration_error_of_known_cases() -> None:
    # Always 80 % sure and always right: off by 0.2. Right in 80 % of the cases: not off at all,
    # but for the bins of ten, which hold eight right ones each.
    sure = two(np.full(100, 0.8))
    always, mostly = np.ones(100, int), np.tile([1] * 8 + [0] * 2, 10)
    for truth, error in ((always, 0.2), (mostly, 0.0)):
        scores = calibration_scores(sure, sure, truth, **INTERVALS)
        assert scores["after"]["calibration_error"]["value"] == pytest.approx(error)


def of_a_mix(
    prior: FloatArray, n: int, rng: np.random.Generator
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Perfect probabilities for a mix, of as many galaxies of each class, and their weights."""
    truth = np.arange(n) % 2
    x = rng.normal(2 * truth - 1, 1)  # the logit for equal shares is 2x
    return adjust_prior(two(expit(2 * x)), prior), truth, mix_weights(truth, prior)


@pytest.mark.parametrize("prior", [None, np.array([0.1, 0.9])])
def test_the_error_of_perfect_probabilities_is_where_it_is_said_to_be(prior: Any) -> None:
    rng = np.random.default_rng(6)
    options: dict[str, Any] = {"confidence": 0.9, "n_resamples": 150}
    errors: list[Any] = []
    ranges: list[Any] = []
    for seed in range(80):
        some, truth, weights = of_a_mix(np.ones(2) if prior is None else prior, 544, rng)
        scores = calibration_scores(some, some, truth, weights, seed=seed, **options)["after"]
        errors.append(scores["calibration_error"]["value"])
        ranges.append(scores["calibration_error_if_perfect"])
    within = [one["low"] <= error <= one["high"] for error, one in zip(errors, ranges, strict=True)]
    # A standard error of 0.034.
    assert np.mean(within) == pytest.approx(0.9, abs=0.1)
    assert np.mean(errors) == pytest.approx(np.mean([one["value"] for one in ranges]), rel=0.1)
    assert np.mean(errors) > 0.01  # which is no sign of anything
    sure = some**2 / (some**2).sum(axis=1, keepdims=True)
    scores = calibration_scores(sure, sure, truth, weights, seed=0, **options)["after"]
    perfect = scores["calibration_error_if_perfect"]
    assert scores["calibration_error"]["value"] > perfect["high"]  # type: ignore[operator]


def test_scores_for_another_mix_are_those_of_galaxies_in_that_mix() -> None:
    prior = np.array([0.1, 0.9])
    rng = np.random.default_rng(7)
    some, truth, weights = of_a_mix(prior, 40_000, rng)
    drawn = (rng.random(40_000) < 0.9).astype(int)
    there = adjust_prior(two(expit(2 * rng.normal(2 * drawn - 1, 1))), prior)
    options: dict[str, Any] = {"confidence": 0.95, "n_resamples": 40, "seed": 0}
    weighed = calibration_scores(some, some, truth, weights, **options)["after"]
    expected = calibration_scores(there, there, drawn, **options)["after"]
    for measure in ("log_loss", "brier"):
        low, high = weighed[measure]["low"], weighed[measure]["high"]
        assert low < expected[measure]["value"] < high  # type: ignore[operator]
    assert weighed["calibration_error"]["value"] < 0.01  # type: ignore[operator]
    unweighed = calibration_scores(some, some, truth, **options)["after"]
    assert unweighed["calibration_error"]["value"] > 0.1  # type: ignore[operator]
    table = reliability(some, truth, weights, confidence=0.95)
    assert (table["accuracy"] - table["certainty"]).abs().max() < 0.06


def test_a_temperature_for_another_mix_is_found_with_weights() -> None:
    # One class of 0.5 about -1, and rarer one of 1.5 about 1; the logits are for equal shares.
    rng = np.random.default_rng(8)
    truth = (rng.random(20_000) < 0.05).astype(int)
    x = rng.normal(2 * truth - 1, truth + 0.5)[:, None]
    logits = norm.logpdf(x, 1, 1.5) - norm.logpdf(x, -1, 0.5)
    weights = mix_weights(truth, np.ones(2))
    assert fit_temperature(1.5 * logits, truth, weights) == pytest.approx(1.5, rel=0.1)
    assert fit_temperature(1.5 * logits, truth) != pytest.approx(1.5, rel=0.1)


def test_where_few_are_wrong_no_interval_of_a_loss_is_claimed() -> None:
    sure = two(np.full(40, 0.9))
    for n_wrong in (4, 5):
        truth = (np.arange(40) >= n_wrong).astype(int)
        brier = calibration_scores(sure, sure, truth, **INTERVALS)["after"]["brier"]
        assert (brier["low"] is None) == (n_wrong == 4)


def test_intervals_of_losses_end_where_losses_do() -> None:
    sure = two(np.array([0.02] * 5 + [0.1, 0.999]))
    scores = calibration_scores(sure, sure, np.ones(7, int), **INTERVALS)["after"]
    assert scores["brier"]["high"] == 1  # of a mean of 0.80, give or take 0.34
    mostly_right = two(np.array([0.4] * 5 + [0.97] * 9))
    scores = calibration_scores(mostly_right, mostly_right, np.ones(14, int), **INTERVALS)["after"]
    for measure in ("log_loss", "brier"):
        assert scores[measure]["low"] >= 0  # type: ignore[operator]


@given(n=st.integers(1, 60), seed=st.integers(0, 99))
def test_bins_hold_every_galaxy_once(n: int, seed: int) -> None:
    probability = two(np.random.default_rng(seed).uniform(size=n))
    table = reliability(probability, drawn_from(probability), confidence=0.95)
    assert table["n"].sum() == n
    assert table["n"].max() - table["n"].min() <= 1
    assert table["certainty"].is_monotonic_increasing
    assert table["accuracy"].between(table["low"], table["high"]).all()
