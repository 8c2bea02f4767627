"""Control maps against what smoothed noise and a Gaussian are."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.attribution.controls import control_maps, maps_of_others

SHAPES = st.tuples(st.integers(1, 4), st.integers(5, 32), st.integers(5, 32))


def galaxies(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)


@given(SHAPES, st.integers(0, 99))
def test_controls_are_maps_that_start_at_zero(shape: tuple[int, int, int], seed: int) -> None:
    controls = control_maps(galaxies(shape), seed)
    assert list(controls) == ["random", "centre", "brightness"]
    for maps in controls.values():
        assert maps.shape == shape
        assert maps.dtype == np.float32
        assert maps.min() >= 0
    assert (controls["random"].min(axis=(1, 2)) == 0).all()


@given(SHAPES, st.integers(0, 99))
def test_a_random_map_depends_on_seed_and_row_alone(shape: tuple[int, int, int], seed: int) -> None:
    maps = control_maps(galaxies(shape), seed)["random"]
    more = control_maps(galaxies((5, *shape[1:])), seed)["random"]
    np.testing.assert_array_equal(maps, more[: len(maps)])
    assert not np.array_equal(maps[0], control_maps(galaxies(shape), seed + 1)["random"][0])
    assert len({row.tobytes() for row in maps}) == len(maps)


def test_random_maps_are_as_smooth_as_they_say() -> None:
    # White noise after a Gaussian filter of σ correlates as exp(-d² / 4σ²) over a distance d,
    # so that values so far apart differ by 1 less that as a share of those far apart.
    maps = control_maps(galaxies((80, 64, 64)), 3)["random"]  # σ = 64 / 16
    for axis in (1, 2):
        differences = {
            distance: ((maps - np.roll(maps, distance, axis)) ** 2).mean()
            for distance in (2, 4, 8, 32)
        }
        for distance in (2, 4, 8):
            expected = 1 - np.exp(-(distance**2) / (4 * 4**2))
            np.testing.assert_allclose(differences[distance] / differences[32], expected, rtol=0.1)


def test_random_maps_are_as_strong_at_the_edge_as_in_the_middle() -> None:
    maps = control_maps(galaxies((300, 16, 16)), 3)["random"]
    spread = maps.std(axis=0)
    assert abs(spread[0].mean() / spread[8].mean() - 1) < 0.1


def test_the_centre_is_a_round_gaussian() -> None:
    maps = control_maps(galaxies((2, 25, 41)), 0)["centre"]  # σ = 25 / 8
    np.testing.assert_array_equal(maps[0], maps[1])
    assert maps[0, 12, 20] == 1
    for pixel in ((12 + 5, 20), (12 - 5, 20), (12, 20 + 5), (12 + 3, 20 - 4)):
        np.testing.assert_allclose(maps[(0, *pixel)], np.exp(-0.5 * 1.6**2), rtol=1e-6)


def test_brightness_is_that_above_the_sky_and_smooth() -> None:
    side, colour = 64, np.array([20, 30, 40])
    image = np.broadcast_to(colour, (1, side, side, 3)).astype(np.float32).copy()
    image[0, 20, 40] += [30, 60, 90]  # a mean of 60, which a Gaussian of σ = 64 / 64 spreads
    image[0, 50, 10] -= 20  # darker than the sky is not bright
    maps = control_maps(image, 0)["brightness"]
    y, x = np.indices((side, side))
    # The integral of a Gaussian over pixels and its value in their middle differ by some percent.
    gaussian = np.exp(-((y - 20) ** 2 + (x - 40) ** 2) / 2) / (2 * np.pi)
    np.testing.assert_allclose(maps[0], 60 * gaussian, atol=0.05 * 60 * gaussian.max())
    assert maps.sum() == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_brightness_ranks_a_galaxy_above_its_sky(dtype: Any) -> None:
    galaxy = draw_galaxy(np.random.default_rng(1), axis_ratio=0.5, side=48).astype(dtype)
    (map_,) = control_maps(galaxy[None], 0)["brightness"]
    light = galaxy.mean(axis=-1)
    assert map_[light > 100].min() > map_[:8].max()


@given(st.integers(2, 9))
def test_everyone_gets_the_map_of_another(n: int) -> None:
    maps = np.arange(n, dtype=np.float32)[:, None, None] * np.ones((n, 2, 3), np.float32)
    others = maps_of_others(maps)
    assert (others != maps).all()
    np.testing.assert_array_equal(np.sort(others, axis=0), maps)
    assert others.dtype == maps.dtype


def test_alone_there_is_no_other() -> None:
    with pytest.raises(ValueError, match="maps of 1 galaxies; expected 2 or more"):
        maps_of_others(np.zeros((1, 2, 3)))
