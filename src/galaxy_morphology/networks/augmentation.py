"""Galaxies in other orientations, places and sizes, and with parts hidden."""

from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import are_bands, noisy_skies
from galaxy_morphology.typing import Bands, Images

Fill = Literal["sky", "reflect", "nearest"]
Interpolation = Literal["nearest", "bilinear"]
Seen = TypeVar("Seen", Images, Bands)
Pixels = TypeVar("Pixels", bound=NDArray[Any])


def augment(
    images: Seen,
    rng: np.random.Generator,
    *,
    fill: Fill,
    interpolation: Interpolation,
    hide: dict[str, Any],
    **ranges: Any,
) -> tuple[Seen, NDArray[np.bool_]]:
    """Turn, mirror, shift and scale each image at random, and hide some behind an empty sky.

    A network that was shown galaxies with parts hidden answers with what it sees of a galaxy, so
    that hiding is a question that it can be asked (Madsen et al. 2023, arXiv:2310.07819; Covert,
    Lundberg & Lee 2021, arXiv:2011.14878). Integrated Gradients ask about galaxies that fade into
    the sky. Hidden parts, and what comes in from outside the frame, show an empty sky as noisy as
    that of the image, drawn anew each time.

    Args:
        images: uint8 [N, side, side, channels], or bands in float16.
        rng: Source of randomness.
        fill: See :func:`warp`.
        interpolation: See :func:`warp`.
        hide: ``everything``, the share of images of which only sky is left; ``faded``, the share
            that sky is mixed with, in any proportion; ``parts``, the share with hidden parts, and
            the arguments of :func:`random_pattern` for these.
        ranges: Of :func:`random_transforms`.

    Returns:
        Augmented images, as ``images``; and which of them are empty, bool [N].
    """
    n_images, side = images.shape[:2]
    transforms = random_transforms(n_images, side, rng, **ranges)
    patterns = dict(hide)
    ways = ("everything", "faded", "parts")
    ends = np.cumsum([patterns.pop(way) for way in ways])
    way_of = np.searchsorted(ends, rng.random(n_images), side="right")
    # OpenCV takes no float16.
    pixels: NDArray[Any] = images.astype(np.float32) if are_bands(images) else images

    def rounded(values: NDArray[Any]) -> NDArray[Any]:
        return values if are_bands(images) else np.rint(values).astype(np.uint8)

    skies = pixels
    if fill == "sky" or (way_of < len(ways)).any():
        skies = rounded(noisy_skies(images, rng))
    augmented = warp(pixels, transforms, skies, fill=fill, interpolation=interpolation)
    for i in np.flatnonzero(way_of == ways.index("parts")):
        hidden = random_pattern(side, rng, **patterns)
        augmented[i][hidden] = skies[i][hidden]
    for i in np.flatnonzero(way_of == ways.index("faded")):
        share = rng.random(dtype=np.float32)
        augmented[i] = rounded(share * augmented[i] + (1 - share) * skies[i])
    is_empty = way_of == ways.index("everything")
    augmented[is_empty] = skies[is_empty]
    return np.asarray(augmented, images.dtype), is_empty


def random_pattern(
    side: int,
    rng: np.random.Generator,
    *,
    hidden_share: tuple[float, float],
    cells: tuple[int, int],
    smooth: float,
) -> NDArray[np.bool_]:
    """Draw which pixels of an image are hidden: a random grid, enlarged, where it is high.

    Args:
        side: Width and height of the image in pixels.
        rng: Source of randomness.
        hidden_share: Least and largest share of the pixels; uniform in between.
        cells: Fewest and most cells of the grid along a side; all are as likely.
        smooth: How often the grid is enlarged smoothly, to blobs; else to squares.

    Returns:
        bool [side, side], True where hidden.
    """
    import cv2

    share = rng.uniform(*hidden_share)
    n_cells = int(rng.integers(cells[0], cells[1], endpoint=True))
    resampling = cv2.INTER_CUBIC if rng.random() < smooth else cv2.INTER_NEAREST
    # One cell more than fits, so that the grid may begin anywhere.
    grid = rng.random((n_cells + 1, n_cells + 1), dtype=np.float32)
    cell = -(-side // n_cells)
    height = cv2.resize(grid, (side + cell, side + cell), interpolation=resampling)
    y, x = rng.integers(0, cell, 2, endpoint=True)
    height = height[y : y + side, x : x + side]
    return np.asarray(height >= np.quantile(height, 1 - share), bool)


def random_transforms(
    n_images: int,
    side: int,
    rng: np.random.Generator,
    *,
    rotation_degrees: float,
    width_shift: float,
    height_shift: float,
    shear_degrees: float,
    zoom: float,
    zoom_per_axis: bool,
    horizontal_flip: bool,
    vertical_flip: bool,
) -> NDArray[np.float32]:
    """Draw one affine map per image: flip, zoom, shear, shift and rotation about the centre.

    Each amount is uniform between minus and plus its range.

    Args:
        n_images: Number of maps.
        side: Width and height of the images in pixels.
        rng: Source of randomness.
        rotation_degrees: Largest rotation; 180 is every angle.
        width_shift: Largest shift along x, as a share of the width.
        height_shift: Largest shift along y, as a share of the height.
        shear_degrees: Largest shear angle. It changes axis ratios.
        zoom: Largest change of scale, 0.2 being 0.8 to 1.2 times.
        zoom_per_axis: Draw the scale of x and y apart. It changes axis ratios.
        horizontal_flip: Mirror every second image, left to right.
        vertical_flip: Mirror every second image, top to bottom.

    Returns:
        float32 [n_images, 2, 3]: each maps an output pixel (x, y, 1) to the input pixel it shows.
    """

    def spread(largest: float) -> NDArray[np.float64]:
        return rng.uniform(-largest, largest, n_images)

    def mirrored(wanted: bool) -> NDArray[np.float64]:
        return rng.choice([-1.0, 1.0], n_images) if wanted else np.ones(n_images)

    angle, shear = np.radians(spread(rotation_degrees)), np.radians(spread(shear_degrees))
    shift = np.stack([spread(width_shift), spread(height_shift)], axis=1) * side
    zoom_x = 1 + spread(zoom)
    zoom_y = 1 + spread(zoom) if zoom_per_axis else zoom_x
    scale = np.stack([zoom_x * mirrored(horizontal_flip), zoom_y * mirrored(vertical_flip)], 1)

    rotation = _matrices([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shearing = _matrices([[np.ones(n_images), np.tan(shear)], [np.zeros(n_images)] * 2])
    shearing[:, 1, 1] = 1
    linear = rotation @ shearing * scale[:, None, :]
    centre = np.full(2, (side - 1) / 2)
    offset = centre + np.einsum("nij,nj->ni", rotation, shift) - linear @ centre
    return np.concatenate([linear, offset[:, :, None]], axis=2).astype(np.float32)


def warp(
    images: Pixels,
    transforms: NDArray[np.float32],
    skies: Pixels,
    *,
    fill: Fill,
    interpolation: Interpolation,
) -> Pixels:
    """Resample each image once through its affine map.

    Done by OpenCV, of pictures in bytes: five times as fast as TensorFlow's projective transform
    of floats, and on processors that a graphics card leaves idle.

    Args:
        images: uint8 or float32 [N, height, width, channels].
        transforms: float32 [N, 2, 3], from :func:`random_transforms`.
        skies: An empty sky for each image, of the same shape and type.
        fill: What comes in from outside the frame: ``sky``, the reflected image, or its nearest
            pixel (which draws streaks).
        interpolation: "nearest" keeps the noise of the sky as it is; "bilinear" smooths it.

    Returns:
        Warped images, as ``images``.
    """
    import cv2

    border = {"sky": cv2.BORDER_TRANSPARENT, "reflect": cv2.BORDER_REFLECT,
              "nearest": cv2.BORDER_REPLICATE}[fill]  # fmt: skip
    resampling = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR}[interpolation]
    warped = skies.copy()
    for image, transform, target in zip(images, transforms, warped, strict=True):
        cv2.warpAffine(image, transform, image.shape[1::-1], dst=target,
                       flags=cv2.WARP_INVERSE_MAP | resampling, borderMode=border)  # fmt: skip
    return warped


def _matrices(entries: list[list[NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Entries of n 2 × 2 matrices, each of length n, as one array [n, 2, 2]."""
    return np.stack([np.stack(row, axis=-1) for row in entries], axis=-2)
