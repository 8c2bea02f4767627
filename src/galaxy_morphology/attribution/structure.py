"""Whether an explanation finds the arms, bar and knots of a spiral, where they are known."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.attribution.place import checked_maps
from galaxy_morphology.typing import FloatArray

MEASURES = ("share_on_structure", "structure_area", "ranking")


def agreement_with_structure(
    maps: FloatArray,
    structure: NDArray[np.uint8],
    *,
    threshold: float = 0.5,
    n_rings: int = 50,
) -> dict[str, NDArray[np.float64]]:
    """Compare absolute attributions with where simulated galaxies have their structure.

    Only pixels count that the galaxy outshines the noise in, and that no neighbour covers:
    what is asked is whether an explanation tells arms from disc, not galaxy from sky. Arms lie
    further out than bulges, so that the distance from the middle alone would rank most of their
    pixels first (on simulated spirals with an area of 0.78): pixels are ranked among those of the
    same elliptical ring. That puts a map at chance which is the same all along the ellipses. One
    that is round, whatever the inclination, is only nearly so (0.43 for a central Gaussian):
    measure the controls as well.

    Args:
        maps: [N, height, width], signed or not, in any units.
        structure: uint8 [N, height, width, 3]: the share of the galaxy's light that comes from
            arms, bar and knots, 255 for all of it; then masks, above 0 where the galaxy, and
            where neighbours are brighter than the noise.
        threshold: The least share of its light, above 0 up to 1, with which a pixel is structure.
        n_rings: Into how many rings of about equally many pixels a galaxy is divided, around the
            middle of the frame. Their shape is that of the ellipse with the second moments of
            the galaxy's mask.

    Returns:
        float64 [N] each. ``share_on_structure``: of the absolute attribution within the galaxy.
        ``structure_area``: of the galaxy's pixels, the share that an explanation blind to
        structure would have. ``ranking``: how often a pixel of structure has more absolute
        attribution than another pixel of the same ring: the area under the ROC curve (Mann &
        Whitney 1947), of the pairs of all rings together; 0.5 is chance. NaN, all of them, where
        no ring holds both, or the map is zero all over the galaxy.

    Raises:
        ValueError: The structure is not as described, the maps do not fit it or hold values that
            are not finite, the threshold is no such share, or there is no ring.
    """
    if structure.dtype != np.uint8 or structure.ndim != 4 or structure.shape[-1] != 3:
        raise ValueError(
            f"Found structure {structure.dtype} {structure.shape}; expected uint8 "
            "[N, height, width, 3] as the simulation draws it."
        )
    if not 0 < threshold <= 1:
        raise ValueError(f"Found threshold {threshold}; expected a share above 0, at most 1.")
    if n_rings < 1:
        raise ValueError(f"Found {n_rings} rings; expected 1 or more.")
    strength = np.abs(checked_maps(maps, structure.shape[:3], "structure"))
    share_of_light, target, neighbours = np.moveaxis(structure, -1, 0)
    is_structure = share_of_light / 255 >= threshold
    in_galaxy = (target > 0) & (neighbours == 0)
    measured = np.full((len(maps), len(MEASURES)), np.nan)
    for i, galaxy in enumerate(in_galaxy):
        if is_structure[i][galaxy].any() and not is_structure[i][galaxy].all():
            rings = _rings(_radii(target[i] > 0)[galaxy], n_rings)
            measured[i] = _agreement(strength[i][galaxy], is_structure[i][galaxy], rings)
    return dict(zip(MEASURES, measured.T, strict=True))


def _radii(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far every pixel is from the middle of the frame, as a multiple of an ellipse around it.

    Args:
        mask: The pixels whose second moments the ellipse has, [height, width].

    Returns:
        [height, width].
    """
    height, width = mask.shape
    offsets = np.indices(mask.shape).reshape(2, -1) - [[(height - 1) / 2], [(width - 1) / 2]]
    inside = offsets[:, mask.ravel()]
    # Pixels are squares and no points: a line of them has some width, too.
    moments = inside @ inside.T / inside.shape[1] + np.eye(2) / 12
    squares = (offsets * np.linalg.solve(moments, offsets)).sum(axis=0)
    return np.asarray(np.sqrt(squares).reshape(mask.shape), np.float64)


def _rings(radii: NDArray[np.float64], n_rings: int) -> list[NDArray[np.int_]]:
    """Which pixels are in each ring, from the inside out."""
    return np.array_split(np.argsort(radii, kind="stable"), n_rings)


def _agreement(
    strength: NDArray[np.float64], is_structure: NDArray[np.bool_], rings: list[NDArray[np.int_]]
) -> tuple[float, float, float]:
    """The measures for the pixels of one galaxy."""
    pairs = np.array([_pairs_won(strength[ring], is_structure[ring]) for ring in rings])
    won, all_pairs = pairs.sum(axis=0)
    if all_pairs == 0 or not strength.any():
        return np.nan, np.nan, np.nan
    share = strength[is_structure].sum() / strength.sum()
    return float(share), float(is_structure.mean()), float(won / all_pairs)


def _pairs_won(score: NDArray[np.float64], is_positive: NDArray[np.bool_]) -> tuple[float, int]:
    """In how many pairs of a positive and a negative the positive scores higher, and of how many.

    A draw is half a win.
    """
    from scipy.stats import rankdata

    n_positive = int(is_positive.sum())
    least_sum = n_positive * (n_positive + 1) / 2
    won = float(rankdata(score)[is_positive].sum() - least_sum)
    return won, n_positive * (len(score) - n_positive)
