"""Distributions that lie apart by a known amount are found to, and by how much."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from galaxy_morphology.evaluation.shifts import distribution_shifts


def shift_of(ours: list[float], theirs: list[float]) -> pd.Series:
    training, others = (pd.DataFrame({"sky": values}) for values in (ours, theirs))
    return distribution_shifts(training, others, ["sky"], least_distance=0.2).iloc[0]


@pytest.mark.parametrize("sigma", [0.5, 3.0])
@pytest.mark.parametrize("shift", [0.0, 0.3, -0.8])
def test_normal_distributions_have_the_closed_form(shift: float, sigma: float) -> None:
    rng = np.random.default_rng(0)
    ours = rng.normal(10, sigma, 40_000)
    theirs = rng.normal(10 + shift * sigma, sigma, 40_000)
    found = shift_of(list(ours), list(theirs))
    assert found["ks_distance"] == pytest.approx(2 * ndtr(abs(shift) / 2) - 1, abs=0.01)
    assert found["cliffs_delta"] == pytest.approx(2 * ndtr(shift / 2**0.5) - 1, abs=0.012)
    assert found["wasserstein"] == pytest.approx(abs(shift), abs=0.03)
    assert found["differs"] == (abs(shift) > 0.5)


def test_a_sure_but_small_difference_of_many_galaxies_is_no_warning() -> None:
    rng = np.random.default_rng(0)
    found = shift_of(list(rng.normal(0, 1, 200_000)), list(rng.normal(0.05, 1, 200_000)))
    assert found["p_value"] < 1e-20
    assert not found["differs"]


def test_a_large_difference_of_a_few_galaxies_may_be_chance() -> None:
    found = shift_of([1.0, 2.0, 3.0], [2.5, 3.5, 4.5])
    assert found["ks_distance"] > 0.5
    assert not found["differs"]


def test_other_shapes_with_one_median_differ() -> None:
    rng = np.random.default_rng(0)
    found = shift_of(list(rng.normal(0, 1, 3000)), list(rng.normal(0, 3, 3000)))
    assert abs(found["cliffs_delta"]) < 0.05
    assert found["differs"]


def test_what_was_not_measured_does_not_count() -> None:
    found = shift_of([1.0, np.nan, 2.0, 3.0], [np.nan, 2.0, 2.0])
    assert (found["n_training"], found["n_survey"]) == (3, 2)
    nothing = pd.DataFrame({"sky": [np.nan, 1.0]})
    assert distribution_shifts(nothing, nothing, ["sky"], least_distance=0.2).empty


def test_equal_values_do_not_differ_and_have_no_spread() -> None:
    same = shift_of([256.0] * 50, [256.0] * 50)
    assert same["ks_distance"] == 0
    assert not same["differs"]
    other = shift_of([256.0] * 50, [128.0] * 50)
    assert other["ks_distance"] == 1
    assert np.isnan(other["wasserstein"])
    assert other["differs"]
