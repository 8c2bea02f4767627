"""Distributions against their closed forms."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kstest, truncnorm, uniform

from galaxy_morphology.simulation.distributions import draw

Array = NDArray[np.float64]


def sample(distribution: Any, n: int = 4000, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return np.array([draw(distribution, rng) for _ in range(n)])


def truncated_normal(mean: float, sd: float, low: float, high: float) -> Callable[[Array], Array]:
    frozen = truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)
    return lambda values: np.asarray(frozen.cdf(values))


def number_counts(slope: float, bright: float, faint: float) -> Callable[[Array], Array]:
    def brighter_than(magnitude: Array | float) -> Array:
        return np.asarray(10 ** (slope * magnitude) - 10 ** (slope * bright))

    return lambda values: np.asarray(brighter_than(values) / brighter_than(faint))


@pytest.mark.parametrize(
    ("distribution", "cumulative"),
    [
        ({"minimum": -2.0, "maximum": 3.0}, uniform(-2, 5).cdf),
        (
            {"mean": 1.0, "sd": 2.0, "minimum": 0.0, "maximum": 9.0},
            truncated_normal(1, 2, 0, 9),
        ),
        (
            {"median": 3.0, "dex": 0.2, "minimum": 1.5, "maximum": 20.0},
            lambda values: truncated_normal(np.log10(3), 0.2, np.log10(1.5), np.log10(20))(
                np.log10(values)
            ),
        ),
        ({"bright": 14.3, "faint": 17.7, "slope": 0.3}, number_counts(0.3, 14.3, 17.7)),
    ],
    ids=["uniform", "normal", "log-normal", "number counts"],
)
def test_draws_follow_the_closed_form(
    distribution: dict[str, float], cumulative: Callable[[Array], Array]
) -> None:
    assert kstest(sample(distribution), cumulative).pvalue > 0.01


def test_a_number_stands_for_itself() -> None:
    assert set(sample(0.15, 10)) == {0.15}


def test_counts_of_slope_log_2_double_with_every_magnitude() -> None:
    magnitudes = sample({"bright": 10.0, "faint": 20.0, "slope": np.log10(2)}, 8000)
    counts = [np.sum((magnitudes >= m) & (magnitudes < m + 1)) for m in (16, 17, 18, 19)]
    # Half of all lie in the last magnitude, a quarter in the one before.
    assert counts[3] == pytest.approx(4000, abs=4 * np.sqrt(2000))
    for brighter, fainter in pairwise(counts):
        error = 2 * np.sqrt(1 / brighter + 1 / fainter)
        assert fainter / brighter == pytest.approx(2, abs=4 * error)


def test_values_come_in_the_proportion_of_their_weights() -> None:
    drawn = sample({"values": [2, 3, 4, 5], "weights": [7.0, 2.0, 1.0, 0.0]})
    for value, share in {2: 0.7, 3: 0.2, 4: 0.1, 5: 0.0}.items():
        error = np.sqrt(share * (1 - share) / 4000)
        assert np.mean(drawn == value) == pytest.approx(share, abs=4 * error)


@st.composite
def limited(draw_one: st.DrawFn) -> tuple[dict[str, float], float, float]:
    """A distribution whose limits cut far into it, and these limits."""
    low = draw_one(st.floats(0.1, 100))
    high = low * draw_one(st.floats(1.01, 10))
    centre = low + draw_one(st.floats(0, 1)) * (high - low)
    limits = {"minimum": low, "maximum": high}
    spread = draw_one(st.floats(0.1, 2))
    kind = draw_one(
        st.sampled_from(
            [
                limits,
                {"mean": centre, "sd": spread * (high - low), **limits},
                {"median": centre, "dex": spread * np.log10(high / low), **limits},
                {"bright": low, "faint": high, "slope": spread},
                {"values": [low, high], "weights": [1.0, spread]},
            ]
        )
    )
    return kind, low, high


@given(case=limited(), seed=st.integers(0, 1000))
def test_no_draw_lies_beyond_the_limits(
    case: tuple[dict[str, float], float, float], seed: int
) -> None:
    distribution, low, high = case
    drawn = sample(distribution, 20, seed)
    # Number counts pass through a logarithm and back.
    assert (drawn >= low * (1 - 1e-12)).all()
    assert (drawn <= high * (1 + 1e-12)).all()
