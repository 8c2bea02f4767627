"""Where maps lie, worked by hand and against what any partition must do."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from galaxy_morphology.attribution.place import PARTS, pointing_game, shares_by_part
from galaxy_morphology.morphology import segmentation

PARTS_BY_HAND = np.array([[[0, 1, 1], [0, 1, 2]]], np.uint8)

MAPS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    elements=st.floats(-100, 100, width=32),
)


def random_parts(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 3, shape, np.uint8)


def test_parts_are_those_of_the_segmentation() -> None:
    numbers = [PARTS.index(name) for name in ("sky", "target", "neighbour")]
    assert numbers == [segmentation.SKY, segmentation.TARGET, segmentation.NEIGHBOUR]


def test_shares_worked_by_hand() -> None:
    maps = np.array([[[1, -2, 3], [0, -4, 10]]], np.float32)
    shares = shares_by_part(maps, PARTS_BY_HAND)
    expected = {
        "sky": 1 / 20, "target": 9 / 20, "neighbour": 10 / 20,
        "sky_area": 2 / 6, "target_area": 3 / 6, "neighbour_area": 1 / 6,
    }  # fmt: skip
    assert {name: share.item() for name, share in shares.items()} == pytest.approx(expected)


def test_a_map_that_says_nothing_has_no_shares() -> None:
    maps = np.zeros((2, 2, 3), np.float32)
    maps[1, 0, 1] = -1
    shares = shares_by_part(maps, np.repeat(PARTS_BY_HAND, 2, axis=0))
    for share in shares.values():
        np.testing.assert_array_equal(np.isnan(share), [True, False])
    assert shares["target"][1] == 1


@given(MAPS)
def test_shares_of_a_partition_sum_to_one(maps: NDArray[np.float32]) -> None:
    shares = shares_by_part(maps, random_parts(maps.shape))
    expected = np.where((maps == 0).all(axis=(1, 2)), np.nan, 1)
    for suffix in ("", "_area"):
        np.testing.assert_allclose(sum(shares[part + suffix] for part in PARTS), expected)


@given(MAPS)
def test_a_flat_map_lies_where_the_pixels_are(maps: NDArray[np.float32]) -> None:
    parts = random_parts(maps.shape)
    shares = shares_by_part(np.full_like(maps, -3), parts)
    for number, part in enumerate(PARTS):
        np.testing.assert_allclose(shares[part], (parts == number).mean(axis=(1, 2)))
        np.testing.assert_allclose(shares[f"{part}_area"], shares[part])


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ([[1, 5, 3], [0, -9, 4]], "target"),
        ([[1, 5, 3], [0, -9, 6]], "neighbour"),
        ([[-3, -3, -3], [0.5, -3, -3]], "sky"),
        ([[-1, -2, 0], [0, -4, -1]], "none"),
        ([[0, 0, 0], [0, 0, 0]], "none"),
        ([[7, 7, 7], [7, 7, 7]], "target"),  # three of the six pixels
        ([[7, 7, 7], [0, 0, 7]], "target"),  # one of the sky comes first, two of the target
        ([[0, 7, 7], [0, 0, 7]], "target"),
    ],
)
def test_pointing_worked_by_hand(values: Any, part: str) -> None:
    assert pointing_game(np.array([values], np.float32), PARTS_BY_HAND).tolist() == [part]


@given(MAPS, st.integers(0, 99))
def test_pointing_finds_the_pixel_made_largest(maps: NDArray[np.float32], seed: int) -> None:
    parts = random_parts(maps.shape)
    rows = np.arange(len(maps))
    pixel = np.random.default_rng(seed).integers(0, maps.shape[1:], (len(maps), 2)).T
    maps[(rows, *pixel)] = 101
    expected = [PARTS[number] for number in parts[(rows, *pixel)]]
    assert pointing_game(maps, parts).tolist() == expected


def test_maps_that_do_not_fit_are_refused_with_a_reason() -> None:
    maps = np.ones((1, 2, 3), np.float32)
    for measure in (shares_by_part, pointing_game):
        with pytest.raises(ValueError, match=r"maps \(1, 2, 3, 3\) for parts .* Sum maps"):
            measure(np.ones((1, 2, 3, 3), np.float32), PARTS_BY_HAND)
        with pytest.raises(ValueError, match=r"maps \(2, 2, 3\) for parts \(1, 2, 3\)"):
            measure(np.ones((2, 2, 3), np.float32), PARTS_BY_HAND)
        with pytest.raises(ValueError, match=r"Found \[3\] in the parts; expected 0 for sky"):
            measure(maps, PARTS_BY_HAND + np.uint8(1))
        with pytest.raises(ValueError, match="not finite in 1 of 1 maps, the first in row 0"):
            measure(maps * np.nan, PARTS_BY_HAND)
