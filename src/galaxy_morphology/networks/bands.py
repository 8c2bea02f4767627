"""What bands are scaled by, so that a network sees numbers of about one, whatever their units."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import sky_colour, sky_noise
from galaxy_morphology.typing import Bands, IntArray

GALAXIES_AT_A_TIME = 128


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
    skies, noises, all_sums = zip(
        *((sky_colour(some), sky_noise(some), _sums(some)) for some in _parts(images, rows)),
        strict=True,
    )
    deviation = _mean_and_deviation(np.sum(all_sums, axis=0))[1]
    dead = np.flatnonzero(deviation == 0)
    if len(dead):
        raise ValueError(
            f"Band {dead[0] + 1} of {len(deviation)} has the same value in all pixels of all "
            f"{len(rows):,} training galaxies: leave it out of `cutouts.channels`."
        )
    sky = np.median(np.concatenate(skies), axis=0)
    noise = np.median(np.concatenate(noises), axis=0)
    noise = np.where(noise > 0, noise, deviation)
    stretched = sum(_sums(np.arcsinh((some - sky) / noise)) for some in _parts(images, rows))
    return BandScale(*(tuple(each.tolist()) for each in
                       (sky, noise, *_mean_and_deviation(np.asarray(stretched)))))  # fmt: skip


def _parts(images: Bands, rows: IntArray) -> Iterator[NDArray[np.float32]]:
    """Some of the images after the other."""
    for start in range(0, len(rows), GALAXIES_AT_A_TIME):
        yield np.asarray(images[rows[start : start + GALAXIES_AT_A_TIME]], np.float32)


def _sums(images: NDArray[np.floating]) -> NDArray[np.float64]:
    """Number, sum and sum of squares of the pixels of each band, [3, bands]."""
    pixels = images.reshape(-1, images.shape[-1]).astype(np.float64)
    n_pixels = np.full(pixels.shape[1], float(len(pixels)))
    return np.stack([n_pixels, pixels.sum(axis=0), (pixels**2).sum(axis=0)])


def _mean_and_deviation(
    sums: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_pixels, total, squares = sums
    mean = total / n_pixels
    return mean, np.sqrt(np.maximum(squares / n_pixels - mean**2, 0))
