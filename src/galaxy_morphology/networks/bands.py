"""What bands are scaled by, so that a network sees numbers of about one, whatever their units."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import sky_colour, sky_noise
from galaxy_morphology.typing import Bands, IntArray

GALAXIES_AT_A_TIME = 128
ROUND_OFF = 1e-6
"""Of a deviation in float64, as a share of the mean."""


class BandScale(NamedTuple):
    """How bands are scaled, a number for each.

    Attributes:
        sky: What is zero before the stretch, in the units of the images.
        noise: What is one before the stretch, in the units of the images.
        mean: What is zero after the stretch.
        deviation: What is one after the stretch.
    """

    sky: tuple[float, ...]
    noise: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def measure_bands(images: Bands, rows: IntArray) -> BandScale:
    """Measure the sky of some galaxies, and their pixels once they are stretched.

    The stretch is the inverse hyperbolic sine of the signal to noise (Lupton, Gunn & Szalay 1999,
    AJ 118, 1406): linear within the noise of the sky, logarithmic above it. Sky and noise are
    medians over galaxies of the median along the frame and of the standard deviation there, which
    follows from the median absolute deviation. Where most of the sky has no noise, as where it was
    cut off, the standard deviation of all pixels takes its place.

    Args:
        images: float16 [N, height, width, bands], may be memory-mapped.
        rows: The galaxies to measure: those that are learned from.

    Returns:
        The mean of the stretched pixels, and their standard deviation, with sky and noise.

    Raises:
        ValueError: A band has one value in all pixels of all these galaxies.
    """
    parts = partial(_parts, images, rows)
    skies, noises = zip(*((sky_colour(some), sky_noise(some)) for some in parts()), strict=True)
    sky = np.median(np.concatenate(skies), axis=0).astype(np.float32)
    noise = np.median(np.concatenate(noises), axis=0).astype(np.float32)
    if (noise == 0).any():
        noise = np.where(noise > 0, noise, _spread_of_living(parts(), len(rows)))
    mean, deviation = _mean_and_deviation(np.arcsinh((some - sky) / noise) for some in parts())
    return BandScale(*(tuple(each.tolist()) for each in (sky, noise, mean, deviation)))


def _spread_of_living(parts: Iterable[NDArray[np.float32]], n_galaxies: int) -> NDArray[np.float32]:
    """Standard deviation of all pixels of each band; refuses bands without any."""
    mean, deviation = _mean_and_deviation(parts)
    dead = np.flatnonzero(deviation <= ROUND_OFF * np.abs(mean))
    if len(dead):
        raise ValueError(
            f"Band {dead[0] + 1} of {len(deviation)} has the same value in all pixels of all "
            f"{n_galaxies:,} training galaxies: leave it out of `cutouts.channels`."
        )
    return deviation.astype(np.float32)


def _parts(images: Bands, rows: IntArray) -> Iterator[NDArray[np.float32]]:
    """Some of the images after the other."""
    for start in range(0, len(rows), GALAXIES_AT_A_TIME):
        yield np.asarray(images[rows[start : start + GALAXIES_AT_A_TIME]], np.float32)


def _mean_and_deviation(
    parts: Iterable[NDArray[np.float32]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of all pixels of each band."""
    n_pixels, total, squares = 0, 0.0, 0.0
    for some in parts:
        pixels = some.reshape(-1, some.shape[-1])
        n_pixels += len(pixels)
        total = total + pixels.sum(axis=0, dtype=np.float64)
        squares = squares + np.square(pixels).sum(axis=0, dtype=np.float64)
    mean = np.asarray(total) / n_pixels
    return mean, np.sqrt(np.maximum(np.asarray(squares) / n_pixels - mean**2, 0))
