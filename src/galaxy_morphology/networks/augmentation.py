"""Galaxies in other orientations, places and sizes: one affine resampling per cut-out."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import sky_colour
from galaxy_morphology.typing import Images

Fill = Literal["sky", "reflect", "nearest"]
Interpolation = Literal["nearest", "bilinear"]


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
    images: Images,
    transforms: NDArray[np.float32],
    *,
    fill: Fill,
    interpolation: Interpolation,
) -> Images:
    """Resample each image once through its affine map.

    Done by OpenCV in bytes: five times as fast as TensorFlow's projective transform of floats,
    and on processors that a graphics card leaves idle.

    Args:
        images: uint8 [N, height, width, 3].
        transforms: float32 [N, 2, 3], from :func:`random_transforms`.
        fill: What comes in from outside the frame: the median colour of the image's border,
            the reflected image, or its nearest pixel (which draws streaks).
        interpolation: "nearest" keeps the noise of the sky as it is; "bilinear" smooths it.

    Returns:
        Warped images, as ``images``.
    """
    import cv2

    borders = {"sky": cv2.BORDER_CONSTANT, "reflect": cv2.BORDER_REFLECT,
               "nearest": cv2.BORDER_REPLICATE}  # fmt: skip
    resampling = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR}[interpolation]
    flags = cv2.WARP_INVERSE_MAP | resampling
    skies = np.rint(sky_colour(images)).tolist() if fill == "sky" else [None] * len(images)
    warped = np.empty_like(images)
    for image, transform, sky, target in zip(images, transforms, skies, warped, strict=True):
        cv2.warpAffine(image, transform, image.shape[1::-1], dst=target, flags=flags,
                       borderMode=borders[fill], borderValue=sky)  # fmt: skip
    return warped


def _matrices(entries: list[list[NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Entries of n 2 × 2 matrices, each of length n, as one array [n, 2, 2]."""
    return np.stack([np.stack(row, axis=-1) for row in entries], axis=-2)
