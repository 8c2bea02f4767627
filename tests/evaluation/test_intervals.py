"""Intervals of a mean: by solving for their ends, and by how often they hold the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import skew
from scipy.stats import t as student

from galaxy_morphology.evaluation import mean_interval
from galaxy_morphology.evaluation.intervals import (
    area_interval,
    combined_interval,
    wilson_interval,
)

VALUES = (
    st.lists(st.floats(-100, 100), min_size=3, max_size=12, unique=True)
    .map(np.array)
    .filter(lambda values: values.std() > 1e-3)  # else rounding decides
)


@given(VALUES, st.sampled_from([0.5, 0.9, 0.95]))
def test_the_transformed_t_of_the_ends_is_that_of_student(
    values: NDArray[np.float64], confidence: float
) -> None:
    n, skewness = len(values), skew(values)

    def transformed(mean: float) -> float:  # Hall 1992
        t = np.sqrt(n) * (values.mean() - mean) / values.std(ddof=1)
        a, b = skewness / 3, skewness / 6
        return float(t + (a * t**2 + b) / np.sqrt(n) + a**2 * t**3 / (3 * n))

    most = student.ppf((1 + confidence) / 2, max(n - 2, 1))
    mean, reach = values.mean(), 1e3 * values.std()
    expected = [
        brentq(lambda other, end=end: transformed(other) - end, mean - reach, mean + reach)
        for end in (most, -most)
    ]
    found = mean_interval(values, confidence)
    assert found["value"] == pytest.approx(mean)
    np.testing.assert_allclose([found["low"], found["high"]], expected, atol=1e-6 * reach)


def test_without_skewness_it_is_that_of_student() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    # Two degrees of freedom: 4.303 standard errors of the root of 5 / 3 / 4.
    reach = 4.3026527 * np.sqrt(5 / 12)
    found = mean_interval(values, 0.95)
    assert found == pytest.approx({"value": 2.5, "low": 2.5 - reach, "high": 2.5 + reach})


@given(VALUES, st.floats(0.1, 10), st.floats(-5, 5))
def test_units_do_not_matter(values: NDArray[np.float64], scale: float, shift: float) -> None:
    found = mean_interval(values, 0.95)
    moved = mean_interval(shift - scale * values, 0.95)
    for end, other_end in (("low", "high"), ("value", "value"), ("high", "low")):
        assert moved[other_end] == pytest.approx(shift - scale * found[end], abs=1e-4)
    assert found["low"] < found["value"] < found["high"]


def test_one_value_or_one_kind_of_value_tells_of_no_spread() -> None:
    for values in (np.array([0.3]), np.full(9, 0.1), np.zeros(4)):
        found = mean_interval(values, 0.95)
        assert found["value"] == pytest.approx(values[0])
        assert np.isnan([found["low"], found["high"]]).all()


def test_it_ends_where_values_must() -> None:
    values = np.array([0.0, 0.0, 0.1, 0.9])
    free, bounded = mean_interval(values, 0.95), mean_interval(values, 0.95, within=(0, 1))
    assert free["low"] < 0
    assert free["high"] > 1
    assert bounded == {"value": 0.25, "low": 0, "high": 1}


def half_zeros(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.where(rng.random(shape) < 0.5, 0, rng.beta(1, 5, shape))


Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]
DISTRIBUTIONS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.normal(0, 1, shape), 0),
    "share that is mostly large": (lambda rng, shape: rng.beta(8, 1, shape), 8 / 9),
    "share that is mostly small": (lambda rng, shape: rng.beta(1, 5, shape), 1 / 6),
    "share at both ends": (lambda rng, shape: rng.beta(0.5, 0.5, shape), 1 / 2),
    "half of them zero": (half_zeros, 1 / 12),
    "residual": (lambda rng, shape: rng.exponential(1, shape), 1),
    "skewed to below": (lambda rng, shape: -rng.gumbel(0, 1, shape), -np.euler_gamma),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("n", [4, 8, 16, 100])
def test_the_truth_is_within_as_often_as_it_says(name: str, n: int) -> None:
    draw, truth = DISTRIBUTIONS[name]
    samples = draw(np.random.default_rng(n), (2000, n))
    samples = samples[np.ptp(samples, axis=1) > 0]
    found = [mean_interval(values, 0.95) for values in samples]
    holds = np.mean([one["low"] <= truth <= one["high"] for one in found])
    # A standard error of 0.005. Percentiles of a bootstrap hold 0.75 to 0.80 at 4 values.
    assert 0.93 <= holds <= 0.99


def test_equal_weights_change_nothing_and_whole_ones_move_the_mean() -> None:
    values = np.array([0.1, 0.5, 0.2, 0.9, 0.4])
    plain = mean_interval(values, 0.95)
    assert mean_interval(values, 0.95, weights=np.full(5, 0.3)) == pytest.approx(plain)
    weighed = mean_interval(values, 0.95, weights=np.array([1, 1, 1, 2, 1]))
    assert weighed["value"] == pytest.approx(np.append(values, 0.9).mean())
    assert weighed["high"] - weighed["low"] > plain["high"] - plain["low"]


def test_a_difference_has_the_interval_of_newcombe() -> None:
    # Newcombe (1998), Stat. Med. 17, 873, table II, method 10: 56 of 70 less 48 of 80.
    scores = [wilson_interval(56, 70, 0.95), wilson_interval(48, 80, 0.95)]
    found = combined_interval(np.array([1.0, -1.0]), scores, np.eye(2), within=(-1, 1))
    assert found == pytest.approx({"value": 0.2, "low": 0.0524, "high": 0.3339}, abs=1e-4)


def test_what_errs_alike_cancels_in_differences_and_adds_in_means() -> None:
    scores = [wilson_interval(5, 10, 0.95)] * 2
    alike, other = np.ones((2, 2)), np.eye(2)
    for shares, widths in (([1.0, -1.0], (0, 2**0.5)), ([0.5, 0.5], (1, 0.5**0.5))):
        for correlation, width in zip((alike, other), widths, strict=True):
            found = combined_interval(np.array(shares), scores, correlation, within=(-1, 1))
            reach = scores[0]["high"] - scores[0]["low"]  # type: ignore[operator]
            assert found["high"] - found["low"] == pytest.approx(width * reach)  # type: ignore[operator]


@pytest.mark.parametrize("beside", [1e-10, 1e-13, 1e-15, 0.0])
def test_an_area_beside_0_or_1_has_an_interval(beside: float) -> None:
    low = area_interval(beside, 1000, 20, 0.95, variance=1e-20, n_misranked=2)
    high = area_interval(1 - beside, 1000, 20, 0.95, variance=1e-20, n_misranked=2)
    assert low["low"] is not None
    assert high["high"] is not None
    assert 0 <= low["low"] <= beside
    assert 1 - beside <= high["high"] <= 1
