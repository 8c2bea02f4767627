"""Control maps against what smoothed noise and a Gaussian are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology.attribution.controls import control_maps

SHAPES = st.tuples(st.integers(1, 4), st.integers(5, 32), st.integers(5, 32))


@given(SHAPES, st.integers(0, 99))
def test_controls_are_maps_that_start_at_zero(shape: tuple[int, int, int], seed: int) -> None:
    controls = control_maps(shape, seed)
    assert list(controls) == ["random", "centre"]
    for maps in controls.values():
        assert maps.shape == shape
        assert maps.dtype == np.float32
        assert maps.min() >= 0
    assert (controls["random"].min(axis=(1, 2)) == 0).all()


@given(SHAPES, st.integers(0, 99))
def test_a_random_map_depends_on_seed_and_row_alone(shape: tuple[int, int, int], seed: int) -> None:
    maps = control_maps(shape, seed)["random"]
    np.testing.assert_array_equal(maps, control_maps((5, *shape[1:]), seed)["random"][: len(maps)])
    assert not np.array_equal(maps[0], control_maps(shape, seed + 1)["random"][0])
    assert len({row.tobytes() for row in maps}) == len(maps)


def test_random_maps_are_as_smooth_as_they_say() -> None:
    # White noise after a Gaussian filter of σ correlates as exp(-d² / 4σ²) over a distance d,
    # so that values so far apart differ by 1 less that as a share of those far apart.
    maps = control_maps((80, 64, 64), 3)["random"]  # σ = 64 / 16
    for axis in (1, 2):
        differences = {
            distance: ((maps - np.roll(maps, distance, axis)) ** 2).mean()
            for distance in (2, 4, 8, 32)
        }
        for distance in (2, 4, 8):
            expected = 1 - np.exp(-(distance**2) / (4 * 4**2))
            np.testing.assert_allclose(differences[distance] / differences[32], expected, rtol=0.1)


def test_random_maps_are_as_strong_at_the_edge_as_in_the_middle() -> None:
    maps = control_maps((300, 16, 16), 3)["random"]
    spread = maps.std(axis=0)
    assert abs(spread[0].mean() / spread[8].mean() - 1) < 0.1


def test_the_centre_is_a_round_gaussian() -> None:
    maps = control_maps((2, 25, 41), 0)["centre"]  # σ = 25 / 8
    np.testing.assert_array_equal(maps[0], maps[1])
    assert maps[0, 12, 20] == 1
    for pixel in ((12 + 5, 20), (12 - 5, 20), (12, 20 + 5), (12 + 3, 20 - 4)):
        np.testing.assert_allclose(maps[(0, *pixel)], np.exp(-0.5 * 1.6**2), rtol=1e-6)
