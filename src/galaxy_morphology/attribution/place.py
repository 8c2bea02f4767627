"""Where an explanation lies: on the galaxy, on its neighbours, or on the empty sky."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray

PARTS = ("sky", "target", "neighbour")
"""What the numbers in an image of parts stand for."""


def shares_by_part(maps: FloatArray, parts: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """How much of the absolute attribution lies on each part of a cut-out.

    Args:
        maps: [N, height, width], signed or not, in any units.
        parts: uint8 [N, height, width]: 0 sky, 1 target (the galaxy in the middle), 2 neighbours.

    Returns:
        float64 [N] each. ``sky``, ``target`` and ``neighbour``: the shares, which sum to 1.
        ``sky_area``, ``target_area`` and ``neighbour_area``: the shares of pixels, which an
        explanation that favours no part would have. NaN, all of them, where a map is zero
        everywhere, so that their means are over the same galaxies.

    Raises:
        ValueError: The maps do not fit the parts, or hold values that are not finite, or there
            are parts other than these.
    """
    strength = np.abs(_checked(maps, parts))
    totals = strength.sum(axis=(1, 2))
    says_something = totals > 0
    shares = {}
    for number, name in enumerate(PARTS):
        inside = parts == number
        on_part = (strength * inside).sum(axis=(1, 2))
        shares[name] = on_part / np.where(says_something, totals, np.nan)
        shares[f"{name}_area"] = np.where(says_something, inside.mean(axis=(1, 2)), np.nan)
    return shares


def pointing_game(maps: FloatArray, parts: NDArray[np.uint8]) -> NDArray[np.str_]:
    """On which part of a cut-out an explanation points: where its largest value lies.

    Zhang et al. 2018, https://arxiv.org/abs/1608.00507, without their tolerance of 15 pixels:
    to a cut-out of a galaxy that is no small error.

    Args:
        maps: [N, height, width], signed or not, in any units.
        parts: uint8 [N, height, width]: 0 sky, 1 target (the galaxy in the middle), 2 neighbours.

    Returns:
        str [N]: "sky", "target" or "neighbour"; where several pixels share the largest value,
        as in a patch of LIME, the part with most of them, and of equals the first of these
        three. "none" for a map without a positive value.

    Raises:
        ValueError: See :func:`shares_by_part`.
    """
    found = []
    for values, parts_of_one in zip(_checked(maps, parts), parts, strict=True):
        at_largest = parts_of_one[values == values.max()]
        part = PARTS[np.bincount(at_largest).argmax()]
        found.append(part if values.max() > 0 else "none")
    return np.array(found, dtype=np.str_)


def checked_maps(
    maps: FloatArray, shape: tuple[int, ...], compared_with: str
) -> NDArray[np.float64]:
    """The maps in double precision, when there is a finite one for everything compared with.

    Args:
        maps: [N, height, width].
        shape: The shape they should have.
        compared_with: What has that shape, for the message.

    Raises:
        ValueError: They have another shape, or values that are not finite.
    """
    if len(shape) != 3 or maps.shape != shape:
        raise ValueError(
            f"Found maps {maps.shape} for {compared_with} {shape}; expected [N, height, width] of "
            "the same galaxies and pixels. Sum maps of single channels over the channels."
        )
    broken = np.flatnonzero(~np.isfinite(maps).all(axis=(1, 2)))
    if len(broken):
        raise ValueError(
            f"Found values that are not finite in {len(broken)} of {len(maps)} maps, the first in "
            f"row {broken[0]}; expected numbers. Leave these galaxies out, or see why the method "
            "had no answer for them."
        )
    return np.asarray(maps, np.float64)


def _checked(maps: FloatArray, parts: NDArray[np.uint8]) -> NDArray[np.float64]:
    unknown = sorted(set(np.unique(parts).tolist()) - set(range(len(PARTS))))
    if unknown:
        raise ValueError(
            f"Found {unknown} in the parts; expected 0 for sky, 1 for target, 2 for neighbours."
        )
    return checked_maps(maps, parts.shape, "parts")
