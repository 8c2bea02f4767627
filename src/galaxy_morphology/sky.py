"""The sky around a galaxy: what padding, hiding and baselines are filled with."""

from functools import cache
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import Bands, FloatArray, Images

FRAME_WIDTH = 4
"""Width in pixels of the frame of a cut-out in which a centred galaxy is faintest."""
N_SECTORS = 8
"""Into how many parts the frame is divided, to tell which of it are darker."""


def sky_colour(images: Images | FloatArray) -> NDArray[np.float32]:
    """Median colour of the frame of each cut-out.

    Args:
        images: Cut-outs, [N, height, width, channels], any numeric dtype.

    Returns:
        float32 [N, channels], in the units of ``images``.
    """
    return np.asarray(np.median(frame_pixels(images), axis=1), np.float32)


def sky_noise(images: Images | FloatArray) -> NDArray[np.float64]:
    """Standard deviation of the sky of each cut-out, in its frame.

    From the median absolute deviation, of which stars there change little.

    Args:
        images: Cut-outs, [N, height, width, channels], any numeric dtype.

    Returns:
        float64 [N, channels], in the units of ``images``.
    """
    from scipy.stats import median_abs_deviation

    frame = frame_pixels(images)
    exact = frame.astype(np.float32) if are_bands(frame) else frame
    return np.asarray(median_abs_deviation(exact, axis=1, scale="normal"), np.float64)


def noisy_skies(images: Images | FloatArray, rng: np.random.Generator) -> NDArray[np.float32]:
    """An empty sky for each cut-out, with noise as strong and as correlated as its own.

    White noise is convolved with what the frame of the cut-out deviates from its mean: a random
    phase texture (Galerne, Gousseau & Morel 2011, IEEE Trans. Image Process. 20, 257), whose
    covariances between neighbouring pixels and between channels are those within the frame. Only
    the darkest quarter of the frame counts, since a large galaxy reaches into it; and of that no
    pixels brighter than the median by more than three standard deviations, as estimated from the
    median absolute deviation, which belong to stars and neighbours. Noise that would leave the
    limits of a picture is cut off there.

    Args:
        images: Cut-outs, [N, height, width, channels]; see :func:`limits_of` for their units.
        rng: Draws the noise, anew for every image.

    Returns:
        float32, the shape of ``images``.
    """
    from scipy import fft

    n_images, height, width, n_channels = images.shape
    sectors = _noise_frame(height, width)
    skies = np.empty((n_images, n_channels, height, width), np.float32)
    for sky, image in zip(skies, images, strict=True):
        places = _empty_pixels(image, sectors)
        empty = image.reshape(-1, n_channels)[places].astype(np.float32)
        mean = empty.mean(axis=0)
        deviations = np.zeros((n_channels, height * width), np.float32)
        deviations[:, places] = ((empty - mean) / np.sqrt(np.float32(len(empty)))).T
        white = fft.rfft2(rng.standard_normal((height, width), dtype=np.float32))
        spectra = fft.rfft2(deviations.reshape(sky.shape)) * white
        sky[:] = fft.irfft2(spectra, s=(height, width)) + mean[:, None, None]
    return np.clip(skies, *limits_of(images), out=skies).transpose(0, 2, 3, 1)


def limits_of(images: Images | FloatArray) -> tuple[float, float]:
    """The lowest and the highest value that pixels can have.

    Args:
        images: Any shape.

    Returns:
        0 and 255, those of a picture; of bands there are none.
    """
    return (-np.inf, np.inf) if are_bands(images) else (0, 255)


def are_bands(images: NDArray[Any]) -> TypeGuard[Bands]:
    """Whether images are bands and no pictures."""
    return bool(images.dtype == np.float16)


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
    """Which pixels noise is measured on, as places in the flattened image, [sectors, n].

    A frame of a sixteenth of the side, all around: in a narrow one, most pixels lack a neighbour
    to be correlated with. A sector is an eighth of it, as seen from the middle.
    """
    w = max(FRAME_WIDTH, min(height, width) // 16)
    frame = np.ones((height, width), bool)
    frame[w:-w, w:-w] = False
    y, x = np.nonzero(frame)
    around = np.argsort(np.arctan2(y - (height - 1) / 2, x - (width - 1) / 2), kind="stable")
    n = len(around) // N_SECTORS
    return np.flatnonzero(frame)[around[: n * N_SECTORS]].reshape(N_SECTORS, n)


def _empty_pixels(image: NDArray[Any], sectors: NDArray[np.int_]) -> NDArray[np.int_]:
    """Where in the frame nothing but sky is seen, as places in the flattened image."""
    brightness = image.reshape(-1, image.shape[-1])[sectors].mean(axis=-1, dtype=np.float32)
    darker = np.median(brightness, axis=1).argsort(kind="stable")[: N_SECTORS // 4]
    excess = brightness[darker] - np.median(brightness[darker])
    is_empty = excess <= 3 * 1.4826 * np.median(np.abs(excess))
    return np.asarray(sectors[darker][is_empty], np.int_)
