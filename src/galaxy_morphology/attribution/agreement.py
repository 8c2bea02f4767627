"""How far two explanations agree: by the order in which they rank the pixels.

Maps of different methods have different units, and those of one method different scales from
galaxy to galaxy; which pixels matter more than which others can always be compared.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel

Explain = Callable[[KerasModel, Images | FloatArray, IntArray], FloatArray]
"""A method and its options, ready to be asked again: (model, images [N, height, width, channels],
class indices [N]) -> maps [N, height, width]. A method that tells channels apart must be wrapped
to add them up."""


def rank_correlation(
    one: FloatArray, other: FloatArray, *, cells: int | None = None
) -> NDArray[np.float64]:
    """Spearman's rank correlation of the pixels of each pair of maps (Spearman 1904).

    Gradients differ from pixel to pixel by noise (Smilkov et al. 2017, arXiv:1706.03825), which
    hides that two maps point at the same places. Averaged over square cells, they are compared
    at the scale of the cells.

    Args:
        one: Maps, [N, height, width].
        other: Maps to compare them with, of the same shape.
        cells: Side in pixels of the cells that both maps are averaged over first; those at the
            right and the bottom may be cut off. None compares pixel by pixel.

    Returns:
        float64 [N], -1 to 1; equal values share their mean rank. NaN where either map is the
        same everywhere, since it ranks nothing, or holds a NaN.

    Raises:
        ValueError: The maps differ in shape, are not [N, height, width], or ``cells`` leaves
            too few cells to rank.
    """
    from scipy.stats import rankdata

    if one.shape != other.shape or one.ndim != 3:
        raise ValueError(
            f"Found maps of shape {one.shape} and {other.shape}; expected both to be the same "
            "[N, height, width]. Add up the channels of a method that tells them apart."
        )

    def centred_ranks(maps: FloatArray) -> NDArray[np.float64]:
        values = (maps if cells is None else cell_means(maps, cells)).reshape(len(maps), -1)
        return np.asarray(rankdata(values, axis=1) - (values.shape[1] + 1) / 2, np.float64)

    ranks, other_ranks = centred_ranks(one), centred_ranks(other)
    with np.errstate(invalid="ignore"):  # 0 / 0 of a constant map is the NaN that is promised
        return np.asarray(
            np.sum(ranks * other_ranks, axis=1)
            / np.sqrt(np.sum(ranks**2, axis=1) * np.sum(other_ranks**2, axis=1)),
            np.float64,
        )


def cell_means(maps: FloatArray, cells: int) -> NDArray[np.float64]:
    """Maps averaged over square cells.

    Args:
        maps: [N, height, width].
        cells: Side in pixels; cells at the right and the bottom may be cut off.

    Returns:
        float64 [N, rows of cells, columns of cells].

    Raises:
        ValueError: So large, or so small, cells leave nothing to rank.
    """
    height, width = maps.shape[1:]
    largest = max(height, width) - 1
    if not 1 <= cells <= largest:
        raise ValueError(
            f"Found cells of {cells} px for maps of {height} × {width} px; expected 1 to "
            f"{largest}, so that there are several to rank."
        )
    # Sums in float64 of maps in float32 are exact: round-off ranks no cells of a flat map.
    sums = np.asarray(maps, np.float64)
    counts = np.ones((1, height, width))
    for axis, side in ((1, height), (2, width)):
        starts = np.arange(0, side, cells)
        sums = np.add.reduceat(sums, starts, axis=axis)
        counts = np.add.reduceat(counts, starts, axis=axis)
    return np.asarray(sums / counts, np.float64)
