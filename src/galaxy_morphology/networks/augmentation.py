"""Galaxies in other orientations, places and sizes: one affine resampling per cut-out."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import FRAME_WIDTH


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
        float32 [n_images, 8]: rows ``a0 a1 a2 b0 b1 b2 0 0`` that map an output pixel (x, y)
        to the input pixel (a0 x + a1 y + a2, b0 x + b1 y + b2), as Keras' affine_transform
        takes them.
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
    transforms = np.concatenate([linear, offset[:, :, None]], axis=2).reshape(n_images, 6)
    return np.pad(transforms, ((0, 0), (0, 2))).astype(np.float32)


def warp(
    images: Any,
    transforms: Any,
    *,
    fill: Literal["sky", "reflect", "nearest"],
    interpolation: Literal["nearest", "bilinear"],
) -> Any:
    """Resample each image once through its affine map, on the device the network runs on.

    Args:
        images: float [N, height, width, channels]; an array, a tensor or a Keras input.
        transforms: float [N, 8], from :func:`random_transforms`.
        fill: What comes in from outside the frame: the median colour of the image's border,
            the reflected image, or its nearest pixel (which draws streaks).
        interpolation: "nearest" keeps the noise of the sky as it is; "bilinear" smooths it.

    Returns:
        Warped images, as ``images``.
    """
    from keras import ops

    if fill != "sky":
        return ops.image.affine_transform(
            images, transforms, interpolation=interpolation, fill_mode=fill
        )
    n_channels = images.shape[-1]
    rows = ops.concatenate([images[:, :FRAME_WIDTH], images[:, -FRAME_WIDTH:]], axis=1)
    columns = ops.concatenate([images[:, :, :FRAME_WIDTH], images[:, :, -FRAME_WIDTH:]], axis=2)
    border = [ops.reshape(part, (-1, part.shape[1] * part.shape[2], n_channels))
              for part in (rows, columns)]  # fmt: skip
    sky = ops.median(ops.concatenate(border, axis=1), axis=1)[:, None, None, :]
    return sky + ops.image.affine_transform(
        images - sky, transforms, interpolation=interpolation, fill_mode="constant"
    )


def _matrices(entries: list[list[NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Entries of n 2 × 2 matrices, each of length n, as one array [n, 2, 2]."""
    return np.stack([np.stack(row, axis=-1) for row in entries], axis=-2)
