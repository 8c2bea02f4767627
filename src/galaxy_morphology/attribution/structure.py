"""Whether an explanation finds the arms, bar and knots of a spiral, where they are known."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.attribution.place import checked_maps
from galaxy_morphology.typing import FloatArray

MEASURES = ("share_on_structure", "structure_area", "ranking")


def agreement_with_structure(
    maps: FloatArray, structure: NDArray[np.uint8], *, threshold: float = 0.5
) -> dict[str, NDArray[np.float64]]:
    """Compare absolute attributions with where simulated galaxies have their structure.

    Only pixels count that the galaxy outshines the noise in, and that no neighbour covers:
    what is asked is whether an explanation tells arms from disc, not galaxy from sky.

    Args:
        maps: [N, height, width], signed or not, in any units.
        structure: uint8 [N, height, width, 3]: the share of the galaxy's light that comes from
            arms, bar and knots, 255 for all of it; then masks, above 0 where the galaxy, and
            where neighbours are brighter than the noise.
        threshold: The least share of its light, above 0 up to 1, with which a pixel is structure.

    Returns:
        float64 [N] each. ``share_on_structure``: of the absolute attribution within the galaxy.
        ``structure_area``: of the galaxy's pixels, the share that an explanation blind to
        structure would have. ``ranking``: how often a pixel of structure has more absolute
        attribution than another pixel of the galaxy, which is the area under the ROC curve
        (Mann & Whitney 1947); 0.5 is chance. NaN, all of them, where a galaxy has no structure
        or nothing else, or the map is zero all over it.

    Raises:
        ValueError: The structure is not as described, the maps do not fit it or hold values that
            are not finite, or the threshold is no such share.
    """
    if structure.dtype != np.uint8 or structure.ndim != 4 or structure.shape[-1] != 3:
        raise ValueError(
            f"Found structure {structure.dtype} {structure.shape}; expected uint8 "
            "[N, height, width, 3] as the simulation draws it."
        )
    if not 0 < threshold <= 1:
        raise ValueError(f"Found threshold {threshold}; expected a share above 0, at most 1.")
    strength = np.abs(checked_maps(maps, structure.shape[:3], "structure"))
    share_of_light, target, neighbours = np.moveaxis(structure, -1, 0)
    is_structure = share_of_light / 255 >= threshold
    in_galaxy = (target > 0) & (neighbours == 0)
    measured = [
        _agreement(strength_of_one[galaxy], structure_of_one[galaxy])
        for strength_of_one, structure_of_one, galaxy in zip(
            strength, is_structure, in_galaxy, strict=True
        )
    ]
    columns = np.array(measured, np.float64).reshape(-1, len(MEASURES)).T
    return dict(zip(MEASURES, columns, strict=True))


def _agreement(
    strength: NDArray[np.float64], is_structure: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """The measures for the pixels of one galaxy."""
    if is_structure.all() or not is_structure.any() or not strength.any():
        return np.nan, np.nan, np.nan
    share = strength[is_structure].sum() / strength.sum()
    return float(share), float(is_structure.mean()), _area_under_roc(strength, is_structure)


def _area_under_roc(score: NDArray[np.float64], is_positive: NDArray[np.bool_]) -> float:
    """Share of the pairs of a positive and a negative in which the positive scores higher."""
    from scipy.stats import rankdata

    n_positive = int(is_positive.sum())
    n_negative = len(score) - n_positive
    least_sum = n_positive * (n_positive + 1) / 2
    pairs_won = rankdata(score)[is_positive].sum() - least_sum
    return float(pairs_won / (n_positive * n_negative))
