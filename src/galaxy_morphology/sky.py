"""The sky around a galaxy: what padding, hiding and baselines are filled with."""

from functools import cache

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


def noisy_skies(images: Images | FloatArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """An empty sky for each cut-out, with noise as strong and as correlated as its own.

    White noise is convolved with what the frame of the cut-out deviates from its mean: a random
    phase texture (Galerne, Gousseau & Morel 2011, IEEE Trans. Image Process. 20, 257), whose
    covariances between neighbouring pixels and between channels are those within the frame.
    Pixels brighter than the median by more than three standard deviations, as estimated from the
    median absolute deviation, belong to stars and neighbours and do not count. Noise that would
    leave the range of 0 to 255 is cut off there.

    Args:
        images: Cut-outs, [N, height, width, channels], in units of 0 to 255.
        rng: Draws the noise, anew for every image.

    Returns:
        float32, the shape of ``images``.
    """
    from scipy import fft

    n_images, height, width, n_channels = images.shape
    frame = _noise_frame(height, width)
    skies = np.empty((n_images, n_channels, height, width), np.float32)
    for sky, image in zip(skies, images, strict=True):
        pixels = image.reshape(-1, n_channels)[frame].astype(np.float32)
        is_empty = _is_empty(pixels)
        empty = pixels[is_empty]
        mean = empty.mean(axis=0)
        deviations = np.zeros((n_channels, height * width), np.float32)
        deviations[:, frame[is_empty]] = ((empty - mean) / np.sqrt(np.float32(len(empty)))).T
        white = fft.rfft2(rng.standard_normal((height, width), dtype=np.float32))
        spectra = fft.rfft2(deviations.reshape(sky.shape)) * white
        sky[:] = fft.irfft2(spectra, s=(height, width)) + mean[:, None, None]
    return np.clip(skies, 0, 255, out=skies).transpose(0, 2, 3, 1)


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


@cache
def _noise_frame(height: int, width: int) -> NDArray[np.int_]:
    """Which pixels noise is measured on, as places in the flattened image.

    A frame of a sixteenth of the side: in a narrow one, most pixels lack a neighbour to be
    correlated with.
    """
    w = max(FRAME_WIDTH, min(height, width) // 16)
    frame = np.ones((height, width), bool)
    frame[w:-w, w:-w] = False
    return np.flatnonzero(frame)


def _is_empty(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels [n, channels] are no brighter than the noise of all explains, bool [n]."""
    brightness = pixels.mean(axis=-1)
    excess = brightness - np.median(brightness)
    return np.asarray(excess <= 3 * 1.4826 * np.median(np.abs(excess)))
