"""Rank correlations against SciPy's, worked by hand, and on the scale of cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.stats import spearmanr

from galaxy_morphology.attribution.agreement import rank_correlation

SHAPES = npst.array_shapes(min_dims=3, max_dims=3, max_side=5)
RNG = np.random.default_rng(0)


@pytest.mark.filterwarnings("ignore:An input array is constant")
@given(st.data(), SHAPES, st.sampled_from([1, 3, 1000]))
def test_it_is_that_of_scipy_with_and_without_ties(
    data: st.DataObject, shape: tuple[int, ...], largest: int
) -> None:
    values = npst.arrays(np.float32, shape, elements=st.integers(-largest, largest))
    one, other = data.draw(values), data.draw(values)
    expected = [
        spearmanr(a.ravel(), b.ravel()).statistic if a.size > 1 else np.nan
        for a, b in zip(one, other, strict=True)
    ]
    np.testing.assert_allclose(rank_correlation(one, other), expected, atol=1e-12)


def test_worked_by_hand() -> None:
    # Ranks 1 2 3 4 and 1 2 4 3: 1 - 6 (1 + 1) / (4 (16 - 1)) = 0.8.
    one = np.array([[[-3.0, 0.0], [0.5, 90.0]]])
    other = np.array([[[1.0, 2.0], [4.0, 3.0]]])
    assert rank_correlation(one, other).tolist() == pytest.approx([0.8])


def test_only_the_order_counts() -> None:
    maps = RNG.normal(0, 1, (3, 9, 7)).astype(np.float32)
    assert rank_correlation(maps, np.exp(maps)).tolist() == [1, 1, 1]
    assert rank_correlation(maps, -5 * maps).tolist() == [-1, -1, -1]
    other = RNG.normal(0, 1, maps.shape)
    np.testing.assert_array_equal(rank_correlation(maps, other), rank_correlation(other, maps))


@pytest.mark.parametrize("cells", [None, 1, 3])
def test_a_flat_map_ranks_nothing(cells: int | None) -> None:
    flat, ramp = np.full((1, 7, 7), 0.1, np.float32), np.arange(49.0).reshape(1, 7, 7)
    assert np.isnan(rank_correlation(flat, ramp, cells=cells)).all()
    assert np.isnan(rank_correlation(flat, flat, cells=cells)).all()


@given(st.integers(1, 6), st.integers(2, 9), st.integers(7, 9))
def test_cells_are_averaged_first(cells: int, height: int, width: int) -> None:
    one, other = RNG.normal(0, 1, (2, height, width))
    means = [
        [
            values[y : y + cells, x : x + cells].mean()
            for y in range(0, height, cells)
            for x in range(0, width, cells)
        ]
        for values in (one, other)
    ]
    assert rank_correlation(one[None], other[None], cells=cells)[0] == pytest.approx(
        spearmanr(*means).statistic
    )


def test_cells_show_what_noise_between_pixels_hides() -> None:
    signal = np.kron(RNG.permutation(16).reshape(4, 4), np.ones((4, 4)))

    def noisy() -> NDArray[np.float64]:
        return signal[None] + RNG.normal(0, 30, (1, 16, 16))

    one, other = noisy(), noisy()
    # A pixel's signal has a deviation of 4.6, its noise 30; in a cell of 16 pixels, 7.5.
    assert rank_correlation(one, other)[0] < 0.2
    # Noise that adds up to nothing in every cell leaves the order of the cells as it was.
    checkerboard = np.where(np.indices((16, 16)).sum(axis=0) % 2, 1e3, -1e3)[None]
    assert abs(rank_correlation(signal[None], signal[None] + checkerboard)[0]) < 0.6
    assert rank_correlation(signal[None], signal[None] + checkerboard, cells=4)[0] == 1


def test_what_cannot_be_compared_is_refused_with_a_reason() -> None:
    maps = np.zeros((2, 8, 6))
    with pytest.raises(ValueError, match=r"\(2, 8, 6\) and \(1, 8, 6\); expected both"):
        rank_correlation(maps, maps[:1])
    with pytest.raises(ValueError, match="Add up the channels"):
        rank_correlation(maps[..., None], maps[..., None])
    for cells in (0, 8):
        with pytest.raises(ValueError, match=rf"cells of {cells} px .* 8 × 6 px; expected 1 to 7"):
            rank_correlation(maps, maps, cells=cells)
