"""Agreement with known structure, worked by hand and against scikit-learn."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from galaxy_morphology.attribution.structure import MEASURES, agreement_with_structure


def planes(share: Any, target: Any, neighbours: Any) -> NDArray[np.uint8]:
    """The structure of one galaxy from shares of 0 to 1 and masks."""
    stacked = np.stack([np.asarray(plane, float) for plane in (share, target, neighbours)], -1)
    return np.asarray(np.rint(255 * stacked), np.uint8)[None]


BY_HAND = planes(
    share=[[0.9, 0.5, 0.2], [0.0, 1.0, 0.0]],
    target=[[1, 1, 1], [1, 1, 0]],
    neighbours=[[0, 0, 0], [0, 1, 0]],
)
"""Four pixels of the galaxy alone: two of structure, two of none."""


def test_agreement_worked_by_hand() -> None:
    # The last two pixels belong to a neighbour and to the sky: what lies there does not count.
    maps = np.array([[[-4, 1, 2], [1, 50, 60]]], np.float32)
    agreement = agreement_with_structure(maps, BY_HAND, n_rings=1)
    assert agreement["share_on_structure"].item() == pytest.approx(5 / 8)
    assert agreement["structure_area"].item() == 2 / 4
    # Pairs: 4 > 2, 4 > 1, 1 < 2, and 1 = 1 is half a win.
    assert agreement["ranking"].item() == pytest.approx(2.5 / 4)


def test_the_threshold_says_what_structure_is() -> None:
    maps = np.array([[[4, 1, 2], [1, 50, 60]]], np.float32)
    for threshold, area, share in ((0.2, 3 / 4, 7 / 8), (0.6, 1 / 4, 4 / 8)):
        agreement = agreement_with_structure(maps, BY_HAND, threshold=threshold, n_rings=1)
        assert agreement["structure_area"].item() == area
        assert agreement["share_on_structure"].item() == share


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 5))
def test_the_ranking_is_the_roc_area_of_scikit_learn(
    seed: int, n_pixels: int, n_values: int
) -> None:
    rng = np.random.default_rng(seed)
    maps = rng.integers(-n_values, n_values + 1, (1, 1, n_pixels)).astype(np.float32)  # ties
    maps[0, 0, 0] = 1
    is_structure = rng.random(n_pixels) < 0.5
    is_structure[:2] = False, True
    structure = planes([is_structure], np.ones((1, n_pixels)), np.zeros((1, n_pixels)))
    (ranking,) = agreement_with_structure(maps, structure, n_rings=1)["ranking"]
    assert ranking == pytest.approx(roc_auc_score(is_structure, np.abs(maps[0, 0])))
    reverse = 9 - np.abs(maps)
    (reversed_ranking,) = agreement_with_structure(reverse, structure, n_rings=1)["ranking"]
    assert ranking + reversed_ranking == pytest.approx(1)


@given(st.integers(0, 10_000))
def test_a_flat_map_is_at_chance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    structure = planes(rng.random((6, 6)), rng.random((6, 6)) < 0.8, rng.random((6, 6)) < 0.2)
    agreement = agreement_with_structure(np.full((1, 6, 6), -2, np.float32), structure, n_rings=3)
    np.testing.assert_allclose(agreement["share_on_structure"], agreement["structure_area"])
    assert agreement["ranking"][0] in (0.5, pytest.approx(np.nan, nan_ok=True))


def spiral(
    axis_ratio: float, angle: float, side: int = 96
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Two arms of a logarithmic spiral in the outer half of an inclined disc; radii in the disc."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    across = across / axis_ratio
    radius = np.hypot(along, across)
    phase = 2 * (np.arctan2(across, along) - 3 * np.log(radius))
    arms = (np.cos(phase) > 0) & (radius > side / 5)
    return planes(arms, radius < 0.45 * side, np.zeros((side, side))), radius


@pytest.mark.parametrize("axis_ratio", [1.0, 0.6, 0.35])
def test_the_radius_alone_is_at_chance_within_rings(axis_ratio: float) -> None:
    spirals, radii = zip(
        *(spiral(axis_ratio, angle) for angle in (0.0, 0.5, 1.3, 2.4)), strict=True
    )
    structure, radius = np.concatenate(spirals), np.stack(radii)

    def ranking(maps: NDArray[np.float64], **options: int) -> float:
        return float(agreement_with_structure(maps, structure, **options)["ranking"].mean())

    assert ranking(radius, n_rings=1) == pytest.approx(0.66, abs=0.02)
    assert ranking(np.exp(-radius / 20), n_rings=1) == pytest.approx(0.34, abs=0.02)
    assert ranking(radius) == pytest.approx(0.5, abs=0.02)
    assert ranking(np.exp(-radius / 20)) == pytest.approx(0.5, abs=0.02)
    arms, noise = structure[..., 0] / 255, np.random.default_rng(0).normal(0, 1, radius.shape)
    assert ranking(noise) == pytest.approx(0.5, abs=0.02)
    assert ranking(np.exp(-radius / 20) * (1 + arms)) > 0.9  # arms, beneath the slope of a disc
    # One normal deviate is above another, whose mean is lower by 1, with Φ(1 / √2).
    assert ranking(50 + arms + noise) == pytest.approx(0.760, abs=0.02)


def test_pairs_within_rings_worked_by_hand() -> None:
    # A line of pixels 1.5, 0.5, 0.5 and 1.5 from the middle: two rings of two.
    structure = planes([[1, 0, 1, 0]], [[1, 1, 1, 1]], [[0, 0, 0, 0]])
    # The middle ring has 1 above 2, lost, the outer one 9 above 3, won: one of two pairs.
    # Across the rings, 1 is below 3 and 9 above 2: two of four.
    for values, ranking, of_all in (([9, 2, 1, 3], 1 / 2, 2 / 4), ([9, 0, 1, 3], 1, 3 / 4)):
        maps = np.array([[values]], np.float32)
        for n_rings, expected in ((2, ranking), (1, of_all)):
            found = agreement_with_structure(maps, structure, n_rings=n_rings)
            assert found["ranking"].item() == pytest.approx(expected)
            assert found["share_on_structure"].item() == pytest.approx(10 / sum(values))
    alone = agreement_with_structure(np.ones((1, 1, 4), np.float32), structure, n_rings=4)
    assert all(np.isnan(values).all() for values in alone.values())  # no ring holds a pair


def test_there_is_no_agreement_where_there_is_nothing_to_agree_with() -> None:
    on_sky_only = np.array([[[0, 0, 0], [0, 0, 1]]], np.float32)
    smooth, uneven, nowhere = BY_HAND.copy(), BY_HAND.copy(), BY_HAND.copy()
    smooth[..., 0] = 0
    uneven[..., 0] = 255
    nowhere[..., 1] = 0
    agreement = agreement_with_structure(
        np.concatenate([np.ones((4, 2, 3), np.float32), on_sky_only]),
        np.concatenate([BY_HAND, smooth, uneven, nowhere, BY_HAND]),
        n_rings=1,
    )
    assert tuple(agreement) == MEASURES
    for values in agreement.values():
        np.testing.assert_array_equal(np.isnan(values), [False, True, True, True, True])


def test_no_galaxies_have_no_agreement() -> None:
    agreement = agreement_with_structure(np.empty((0, 2, 3), np.float32), BY_HAND[:0])
    assert tuple(agreement) == MEASURES
    assert all(values.shape == (0,) for values in agreement.values())


def test_what_is_no_structure_is_refused_with_a_reason() -> None:
    maps = np.ones((1, 2, 3), np.float32)
    with pytest.raises(ValueError, match=r"Found structure float64 \(1, 2, 3, 3\); expected uint8"):
        agreement_with_structure(maps, BY_HAND / 255)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Found structure uint8 \(1, 2, 3\)"):
        agreement_with_structure(maps, BY_HAND[..., 0])
    with pytest.raises(ValueError, match=r"maps \(1, 3, 2\) for structure \(1, 2, 3\)"):
        agreement_with_structure(maps.reshape(1, 3, 2), BY_HAND)
    with pytest.raises(ValueError, match="threshold 128; expected a share above 0, at most 1"):
        agreement_with_structure(maps, BY_HAND, threshold=128)
    with pytest.raises(ValueError, match="Found 0 rings; expected 1 or more"):
        agreement_with_structure(maps, BY_HAND, n_rings=0)
    with pytest.raises(ValueError, match="not finite in 1 of 1 maps"):
        agreement_with_structure(maps * np.inf, BY_HAND)
