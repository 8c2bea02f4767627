"""Handing the least certain galaxies to a human: hand-worked cases and simulated promises."""

import numpy as np
import pytest
from numpy.typing import NDArray

from galaxy_morphology.evaluation import (
    choose_threshold,
    mix_weights,
    selection_scores,
    selective_accuracy,
)
from galaxy_morphology.typing import FloatArray, IntArray

CERTAINTY = np.array([0.6, 0.9, 0.8, 0.9, 0.7])
CORRECT = np.array([False, True, False, True, True])


def test_the_curve_adds_galaxies_from_the_most_certain_on() -> None:
    curve = selective_accuracy(CERTAINTY, CORRECT, confidence=0.95)
    # The two at 0.9 are kept together.
    assert curve["threshold"].tolist() == [0.9, 0.8, 0.7, 0.6]
    assert curve["kept"].tolist() == pytest.approx([0.4, 0.6, 0.8, 1.0])
    assert curve["accuracy"].tolist() == pytest.approx([1, 2 / 3, 3 / 4, 3 / 5])
    assert (curve["low"] < curve["accuracy"]).all()


@pytest.mark.parametrize(("n", "is_enough"), [(116, False), (117, True)])
def test_so_many_right_ones_are_needed_for_a_promise(n: int, is_enough: bool) -> None:
    # A twentieth of 0.05 is below 0.95ⁿ until n = 117.
    certainty = np.linspace(0.5, 1, n)
    threshold = choose_threshold(certainty, np.ones(n, bool), 0.95, confidence=0.95)
    assert threshold == (0.5 if is_enough else None)


def test_the_threshold_keeps_as_many_as_it_can() -> None:
    # The less certain half is right in half of the cases.
    certainty, correct = np.linspace(0, 1, 2000), np.arange(2000) % 2 == 0
    correct[1000:] = True
    threshold = choose_threshold(certainty, correct, 0.95, confidence=0.95)
    # With a twentieth of all 100 galaxies more, 50 of 1,100 are wrong: 0.9545, but not for sure.
    assert threshold == pytest.approx(0.5, abs=0.001)


def broken_promises(
    prior: FloatArray | None, wanted: float, n: int, n_cases: int
) -> tuple[float, float]:
    """How often a threshold does not give what it promises, and how often there is none."""
    rng = np.random.default_rng(0)
    mix = np.array([0.5, 0.5]) if prior is None else prior

    def draw(share: float, n: int) -> tuple[FloatArray, NDArray[np.bool_], IntArray]:
        truth = (np.arange(n) < share * n).astype(int)
        odds = np.exp(2.0 * rng.normal(2 * truth - 1, 1)) * mix[1] / mix[0]
        certainty = np.maximum(odds, 1) / (1 + odds)
        return certainty, (odds > 1) == truth, truth

    certainty, correct, _ = draw(mix[1], 400_000)
    order = np.argsort(-certainty)
    accuracies = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    sorted_certainty = certainty[order]
    broken = missing = 0
    for _ in range(n_cases):
        some, is_right, truth = draw(0.5, n)
        threshold = choose_threshold(
            some, is_right, wanted, mix_weights(truth, prior), confidence=0.9
        )
        if threshold is None:
            missing += 1
        else:
            n_kept = np.searchsorted(-sorted_certainty, -threshold, "right")
            broken += accuracies[n_kept - 1] < wanted
    return broken / n_cases, missing / n_cases


@pytest.mark.parametrize("prior", [None, np.array([0.1, 0.9]), np.array([0.7, 0.3])])
def test_what_is_promised_is_kept(prior: FloatArray | None) -> None:
    # At most nine of ten are of one class.
    wanted = 0.95 if prior is not None and prior.max() == 0.9 else 0.9
    broken, missing = broken_promises(prior, wanted, 600, 300)
    # A standard error of 0.017; a threshold chosen by its own accuracy breaks half of them.
    assert broken <= 0.1 + 3 * 0.017
    assert missing < 0.3  # or it would be no art


def test_a_threshold_for_another_mix_keeps_what_is_right_there() -> None:
    # Perfect probabilities for nine of ten galaxies being of the second class.
    rng = np.random.default_rng(1)
    prior, truth = np.array([0.1, 0.9]), np.arange(40_000) % 2
    odds = np.exp(2.0 * rng.normal(2 * truth - 1, 1)) * 9
    certainty, correct = np.maximum(odds, 1) / (1 + odds), (odds > 1) == truth
    weights = mix_weights(truth, prior)
    curve = selective_accuracy(certainty, correct, weights, confidence=0.95)
    best = curve[curve["accuracy"] >= 0.95]["kept"].max()
    threshold = choose_threshold(certainty, correct, 0.95, weights, confidence=0.95)
    kept = selection_scores(certainty, correct, threshold, weights, confidence=0.95)["kept"]
    assert best > 0.9
    assert kept["value"] == pytest.approx(best, abs=0.06)
    unweighed = choose_threshold(certainty, correct, 0.95, confidence=0.95)
    assert unweighed > threshold + 0.1  # type: ignore[operator]


def test_where_no_threshold_is_good_enough_nothing_is_kept() -> None:
    assert choose_threshold(CERTAINTY, ~CORRECT, 0.9, confidence=0.95) is None
    assert choose_threshold(CERTAINTY, CORRECT, 0.9, confidence=0.95) is None
    scores = selection_scores(CERTAINTY, CORRECT, None, confidence=0.95)
    assert scores["kept"]["value"] == 0
    assert scores["accuracy"]["value"] is None


def test_scores_of_a_threshold_are_those_of_the_galaxies_above_it() -> None:
    scores = selection_scores(CERTAINTY, CORRECT, 0.7, confidence=0.95)
    assert scores["kept"]["value"] == 0.8
    assert scores["accuracy"]["value"] == 0.75
