"""Shares of classes among unlabelled galaxies: right where the truth is known, counts are not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxy_morphology.evaluation.prevalence import (
    METHODS,
    class_shares,
    em_shares,
    fit_recalibration,
    recalibrate,
    rogan_gladen,
    saerens,
)

Array = NDArray[np.float64]


def classified(
    rng: np.random.Generator, n: int, shares: list[float], *, distance: float = 1.5
) -> tuple[NDArray[np.int_], Array]:
    """True classes, and their posteriors for equal shares: Gaussians of unit width, K in K axes."""
    n_classes = len(shares)
    truth = rng.choice(n_classes, n, p=shares)
    seen = rng.normal(size=(n, n_classes)) + distance * np.eye(n_classes)[truth]
    powers = np.exp(distance * seen)
    return truth, powers / powers.sum(axis=1, keepdims=True)


def too_sure(probability: Array) -> Array:
    """The same ranking by a classifier that is too sure, and prefers the first class."""
    distorted = probability**1.7
    distorted[:, 0] *= 2
    return np.asarray(distorted / distorted.sum(axis=1, keepdims=True), np.float64)


def test_two_classes_have_the_closed_form_of_rogan_and_gladen() -> None:
    # Of 100 ill 90 are found, of 200 healthy 20 taken for ill; 300 of 1000 are taken for ill.
    confusion = np.array([[180, 20], [10, 90]])
    healthy, ill = rogan_gladen(
        np.array([700, 300]), confusion, confidence=0.95, n_resamples=4000, seed=0
    )
    assert ill["value"] == pytest.approx((0.3 + 0.9 - 1) / (0.9 + 0.9 - 1))
    assert healthy["value"] == pytest.approx(1 - 0.25)
    # Rogan & Gladen's variance, of the apparent share, the sensitivity and the specificity.
    youden = 0.8
    variance = (
        0.3 * 0.7 / 1000 + 0.25**2 * 0.9 * 0.1 / 100 + 0.75**2 * 0.9 * 0.1 / 200
    ) / youden**2
    assert ill["low"] is not None
    assert ill["high"] is not None
    assert ill["high"] - ill["low"] == pytest.approx(2 * 1.96 * variance**0.5, rel=0.08)


def test_shares_that_are_impossible_become_the_nearest_possible_ones() -> None:
    confusion = np.array([[80, 20, 0], [10, 80, 10], [0, 20, 80]])
    shares = rogan_gladen(
        np.array([900, 90, 10]), confusion, confidence=0.95, n_resamples=200, seed=0
    )
    values = [one["value"] for one in shares]
    assert values == [1, 0, 0]


def test_what_cannot_be_told_is_undefined() -> None:
    how: dict[str, Any] = {"confidence": 0.95, "n_resamples": 40, "seed": 0}
    guess, unseen = np.array([[50, 50], [50, 50]]), np.array([[50, 5], [0, 0]])
    for confusion in (guess, unseen):
        assert rogan_gladen(np.array([7, 3]), confusion, **how)[0]["value"] is None
    probability = np.full((4, 2), 0.5)
    of_one_class = np.tile([1.0, 0.0], (4, 1))
    assert saerens(probability, probability, of_one_class, **how)[0]["value"] is None
    assert saerens(probability[:0], probability, np.eye(2)[[0, 1, 0, 1]], **how)[0]["value"] is None


@given(
    st.lists(st.floats(0.05, 1), min_size=2, max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_saerens_maximises_the_likelihood(weights: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = np.array(weights) / sum(weights)
    prior = np.full(len(shares), 1 / len(shares))
    _, probability = classified(rng, 300, list(shares))

    def likelihood(mix: Array) -> float:
        return float(np.log(probability / prior @ mix).sum())

    found = em_shares(probability, prior)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    for other in [shares, prior, *rng.dirichlet(np.ones(len(shares)), 20)]:
        near = 0.999 * found + 0.001 * other
        assert likelihood(found) >= max(likelihood(other), likelihood(near)) - 1e-6


def test_plain_steps_of_saerens_lead_to_the_same_shares() -> None:
    rng = np.random.default_rng(3)
    _, probability = classified(rng, 500, [0.1, 0.3, 0.6], distance=0.8)
    prior = np.array([0.5, 0.3, 0.2])
    adapted = probability * prior
    adapted /= adapted.sum(axis=1, keepdims=True)
    shares = prior
    for _ in range(3_000):  # equations 2.9 as they stand in the paper
        now = adapted * (shares / prior)
        shares = (now / now.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(em_shares(adapted, prior), shares, atol=1e-5)


def test_recalibration_is_a_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    truth, probability = classified(rng, 4000, [0.3, 0.7])
    said = too_sure(probability)
    fit = fit_recalibration(said, np.eye(2)[truth])
    log_odds = np.log(said[:, 1:] / said[:, :1])
    other = LogisticRegression(C=np.inf).fit(log_odds, truth)
    assert fit.slope == pytest.approx(other.coef_[0, 0], rel=0.02)  # but for Platt's targets
    assert fit.biases[1] == pytest.approx(other.intercept_[0], abs=0.02)
    now = recalibrate(said, fit)
    np.testing.assert_allclose(now.mean(axis=0), fit.shares)
    np.testing.assert_allclose(fit.shares, np.bincount(truth) / 4000, atol=1e-3)
    np.testing.assert_allclose(now, other.predict_proba(log_odds), atol=0.01)


def test_it_does_not_matter_for_which_mix_the_probabilities_were() -> None:
    rng = np.random.default_rng(1)
    truth, tested = classified(rng, 800, [0.5, 0.5])
    _, survey = classified(rng, 800, [0.2, 0.8])
    mix = np.array([0.1, 0.9])
    shares = [
        saerens(
            survey * prior / (survey @ prior)[:, None],
            tested * prior / (tested @ prior)[:, None],
            np.eye(2)[truth], confidence=0.95, n_resamples=40, seed=0,
        )
        for prior in (np.ones(2), mix)
    ]  # fmt: skip
    for one, other in zip(*shares, strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_a_classifier_that_was_never_wrong_is_not_taken_to_be_infallible() -> None:
    truth = np.arange(40) % 2
    sure = np.where(np.eye(2)[truth] > 0, 1 - 1e-9, 1e-9)
    survey = np.repeat(sure[:2], [990, 10], axis=0)
    table = class_shares(
        np.array([990, 10]), survey, sure, np.eye(2)[truth], ["a", "b"],
        confidence=0.95, n_resamples=200, seed=0,
    ).set_index(["method", "class_name"])  # fmt: skip
    width = table["high"] - table["low"]
    assert table.loc[("Rogan-Gladen", "a"), "share"] == pytest.approx(0.99)
    assert table.loc[("Saerens", "a"), "share"] == pytest.approx(0.99, abs=0.01)
    assert width["Rogan-Gladen", "a"] > width["counted", "a"]


def coverage(
    shares: list[float], n_runs: int, *, n_tested: int, n_survey: int, n_resamples: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Mean share and how often the interval holds the truth, by method, in simulated surveys."""
    n_classes = len(shares)
    rng = np.random.default_rng(0)
    found: dict[str, list[Array]] = {method: [] for method in METHODS}
    held: dict[str, list[Any]] = {method: [] for method in METHODS}
    for run in range(n_runs):
        truth, tested = classified(rng, n_tested, [1 / n_classes] * n_classes)
        _, survey = classified(rng, n_survey, shares)
        tested, survey = too_sure(tested), too_sure(survey)
        table = class_shares(
            np.bincount(survey.argmax(axis=1), minlength=n_classes), survey, tested,
            np.eye(n_classes)[truth], [str(k) for k in range(n_classes)],
            confidence=0.9, n_resamples=n_resamples, seed=run,
        )  # fmt: skip
        for method, some in table.groupby("method"):
            found[str(method)].append(some["share"].to_numpy())
            is_held = some["low"].le(shares) & some["high"].ge(shares)
            held[str(method)].append(is_held.to_numpy(np.float64))
    return (
        {method: np.mean(values, axis=0) for method, values in found.items()},
        {method: np.mean(values, axis=0) for method, values in held.items()},
    )


def test_corrected_shares_are_right_where_counts_are_not() -> None:
    shares = [0.15, 0.85]
    found, held = coverage(shares, 12, n_tested=1000, n_survey=2000, n_resamples=40)
    assert abs(found["counted"][0] - 0.15) > 0.1
    assert held["counted"].max() == 0
    for method in METHODS[1:]:
        np.testing.assert_allclose(found[method], shares, atol=0.02)
        assert held[method].min() > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("shares", [[0.05, 0.95], [0.1, 0.3, 0.6]])
def test_intervals_hold_the_truth_as_often_as_they_say(shares: list[float]) -> None:
    found, held = coverage(shares, 60, n_tested=500, n_survey=1000, n_resamples=100)
    assert held["counted"].min() < 0.1
    for method in METHODS[1:]:
        np.testing.assert_allclose(found[method], shares, atol=0.02)
        assert held[method].min() > 0.75  # of 0.9, in 60 runs
