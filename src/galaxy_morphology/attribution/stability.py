"""Whether an explanation stays when what is explained stays.

A galaxy turned, or noisier, or explained with other random numbers. After Alvarez-Melis &
Jaakkola 2018, arXiv:1806.08049, who ask the same of tiny changes. What changes may be the method
or the network: a network that was never shown turned galaxies has reasons to look elsewhere in
one.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.attribution.agreement import Explain, cell_means, rank_correlation
from galaxy_morphology.sky import are_bands, limits_of, sky_noise
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel
from galaxy_morphology.views import VIEWS, View, check_square

LEAST_NOISE = 1.0
"""Of pictures, in counts: where the noise of a sky was rounded away, its median absolute deviation
is 0."""

TURNS = [*VIEWS[1:4], View(quarters=0, mirrored=True)]
"""Three rotations and a mirror image."""


def agreement_when_turned(
    explain: Explain,
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray,
    maps: FloatArray,
    *,
    cells: int | None = None,
) -> NDArray[np.float64]:
    """Explain each galaxy rotated by 90, 180 and 270 degrees, and mirrored; turn the maps back.

    Pixels change places and nothing is resampled: only the network and the method can make a
    difference.

    Args:
        explain: The method that made ``maps``, with its options.
        model: A Keras classifier.
        images: Cut-outs [N, side, side, channels], in the units the model takes.
        class_indices: The explained class of each image, int [N].
        maps: What ``explain`` says of the images as they are, [N, side, side].
        cells: See :func:`rank_correlation`.

    Returns:
        float64 [N]: the mean over the four of the rank correlation with the original map. NaN
        where any of these maps is the same everywhere.

    Raises:
        ValueError: The cut-outs are not square, or the maps have another shape than those that
            ``explain`` gives.
    """
    check_square(*images.shape[1:3])
    agreements = []
    for view in TURNS:
        turned = np.ascontiguousarray(view.turn(images))
        explained = view.turn_back(explain(model, turned, class_indices))
        agreements.append(rank_correlation(maps, explained, cells=cells))
    return np.asarray(np.mean(agreements, axis=0), np.float64)


def agreement_under_noise(
    explain: Explain,
    model: KerasModel,
    images: Images | FloatArray,
    class_indices: IntArray,
    maps: FloatArray,
    *,
    seed: int,
    cells: int | None = None,
) -> NDArray[np.float64]:
    """Explain each galaxy again as if it had been observed on a noisier night.

    To every cut-out, Gaussian noise as strong as that of its own sky is added. To pictures it is
    at least 1 count, and values are kept within 0 to 255: where the sky was cut off at black,
    noise can only brighten it.

    Args:
        explain: The method that made ``maps``, with its options.
        model: A Keras classifier.
        images: Cut-outs [N, height, width, channels], bands or in units of 0 to 255.
        class_indices: The explained class of each image, int [N].
        maps: What ``explain`` says of the images as they are, [N, height, width].
        seed: Seeds the noise, anew for every image: a galaxy's number does not depend on the
            galaxies beside it.
        cells: See :func:`rank_correlation`.

    Returns:
        float64 [N]: the rank correlation with the original map, NaN where either is the same
        everywhere.

    Raises:
        ValueError: The maps have another shape than those that ``explain`` gives.
    """
    return rank_correlation(
        maps, explain(model, _with_more_noise(images, seed), class_indices), cells=cells
    )


def overlap_of_seeds(
    maps_by_seed: Sequence[FloatArray], *, n_top: int, cells: int
) -> NDArray[np.float64]:
    """How far a method names the same places whatever random numbers it draws.

    Args:
        maps_by_seed: Maps of the same galaxies with two or more different seeds, [N, height,
            width] each.
        n_top: How many cells count as named by a map: those with the largest absolute means.
        cells: Side of the square cells in pixels.

    Returns:
        float64 [N], 0 to 1: the share that two seeds have in common of all cells that either
        names (Jaccard 1912), mean over the pairs of seeds. About n_top / (2 n - n_top) by chance
        among n cells. NaN where there is nothing to choose: a map is the same everywhere, or has
        no more cells than that.

    Raises:
        ValueError: There are fewer than two seeds, no cell to name, or the cells leave nothing
            to rank.
    """
    if len(maps_by_seed) < 2:
        raise ValueError(
            f"Found maps of {len(maps_by_seed)} seeds; expected two or more, to compare them."
        )
    if n_top < 1:
        raise ValueError(f"Found n_top {n_top}; expected 1 or more.")
    strengths = [np.abs(cell_means(maps, cells)).reshape(len(maps), -1) for maps in maps_by_seed]
    named = [_largest(strength, n_top) for strength in strengths]
    overlaps = [
        (one & other).sum(1) / (one | other).sum(1) for one, other in combinations(named, 2)
    ]
    can_choose = np.all([np.ptp(strength, axis=1) > 0 for strength in strengths], axis=0)
    can_choose &= n_top < named[0].shape[1]
    return np.where(can_choose, np.mean(overlaps, axis=0), np.nan)


def _largest(values: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Which of each row are among its n largest."""
    is_largest = np.zeros(values.shape, bool)
    np.put_along_axis(is_largest, np.argsort(-values, axis=1, kind="stable")[:, :n], True, axis=1)
    return is_largest


def _with_more_noise(images: Images | FloatArray, seed: int) -> FloatArray:
    """Each cut-out with Gaussian noise as strong as that of its sky, pictures as float32."""
    dtype, least = (np.float16, 0.0) if are_bands(images) else (np.float32, LEAST_NOISE)
    noisy: FloatArray = np.empty(images.shape, dtype)
    for i, deviations in enumerate(np.maximum(sky_noise(images), least)):
        noise = np.random.default_rng(seed).normal(0, deviations, images.shape[1:])
        noisy[i] = np.clip(images[i] + noise, *limits_of(images))
    return noisy
