"""Handing the least certain galaxies to a human: hand-worked cases."""

import numpy as np
import pytest

from galaxy_morphology.evaluation import choose_threshold, selection_scores, selective_accuracy

CERTAINTY = np.array([0.6, 0.9, 0.8, 0.9, 0.7])
CORRECT = np.array([False, True, False, True, True])


def test_the_curve_adds_galaxies_from_the_most_certain_on() -> None:
    curve = selective_accuracy(CERTAINTY, CORRECT, confidence=0.95)
    # The two at 0.9 are kept together.
    assert curve["threshold"].tolist() == [0.9, 0.8, 0.7, 0.6]
    assert curve["kept"].tolist() == pytest.approx([0.4, 0.6, 0.8, 1.0])
    assert curve["accuracy"].tolist() == pytest.approx([1, 2 / 3, 3 / 4, 3 / 5])
    assert (curve["low"] < curve["accuracy"]).all()


@pytest.mark.parametrize(
    ("wanted", "threshold"), [(0.9, 0.9), (0.74, 0.7), (0.5, 0.6), (2 / 3, 0.7)]
)
def test_the_threshold_keeps_as_many_as_it_can(wanted: float, threshold: float) -> None:
    assert choose_threshold(CERTAINTY, CORRECT, wanted) == threshold


def test_where_no_threshold_is_good_enough_nothing_is_kept() -> None:
    assert choose_threshold(CERTAINTY, ~CORRECT, 0.9) is None
    scores = selection_scores(CERTAINTY, CORRECT, None, confidence=0.95)
    assert scores["kept"]["value"] == 0
    assert scores["accuracy"]["value"] is None


def test_scores_of_a_threshold_are_those_of_the_galaxies_above_it() -> None:
    scores = selection_scores(CERTAINTY, CORRECT, 0.7, confidence=0.95)
    assert scores["kept"]["value"] == 0.8
    assert scores["accuracy"]["value"] == 0.75
