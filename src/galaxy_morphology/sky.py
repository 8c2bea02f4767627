"""The sky around a galaxy: what padding, hiding and baselines are filled with."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray, Images

FRAME_WIDTH = 4
"""Width in pixels of the frame of a cut-out in which a centred galaxy is faintest."""


def sky_colour(images: Images | FloatArray) -> NDArray[np.float32]:
    """Median colour of the frame of each cut-out.

    Args:
        images: Cut-outs, [N, height, width, channels], any numeric dtype.

    Returns:
        float32 [N, channels], in the units of ``images``.
    """
    return np.asarray(np.median(frame_pixels(images), axis=1), np.float32)


def sky_with_noise(images: Images | FloatArray, seed: int) -> NDArray[np.float32]:
    """A sky as noisy as that of each cut-out, its pixels drawn from the frame.

    Pixels brighter than the median by more than three standard deviations, as estimated from
    the median absolute deviation, belong to stars and neighbours and are not drawn.

    Args:
        images: Cut-outs, [N, height, width, channels], any numeric dtype.
        seed: Seeds the draw, anew for every image.

    Returns:
        float32, the shape of ``images``.
    """
    skies = np.empty(images.shape, np.float32)
    for sky, pixels in zip(skies, frame_pixels(images), strict=True):
        brightness = pixels.mean(axis=-1)
        excess = brightness - np.median(brightness)
        empty = pixels[excess <= 3 * 1.4826 * np.median(np.abs(excess))]
        sky[:] = np.random.default_rng(seed).choice(empty, sky.shape[:2])
    return skies


def frame_pixels(images: Images | FloatArray) -> FloatArray:
    """The pixels of the frame of each cut-out; corners count twice.

    Args:
        images: Cut-outs, [N, height, width, channels], any numeric dtype.

    Returns:
        [N, pixels, channels], in the units of ``images``.
    """
    n_images, *_, n_channels = images.shape
    w = FRAME_WIDTH
    sides = [images[:, :w], images[:, -w:], images[:, :, :w], images[:, :, -w:]]
    return np.concatenate(
        [np.asarray(side).reshape(n_images, -1, n_channels) for side in sides], axis=1
    )
