"""Bands as people see them: pictures for a quick look, in no survey's colours."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import sky_colour, sky_noise
from galaxy_morphology.typing import Bands, Images

BLACK = -2.0
"""What is black, in standard deviations of the sky noise from the sky."""


def pictures_of(bands: Bands) -> Images:
    """Pictures in which sky noise and bright galaxies are both seen, all scaled as the first.

    Each band is stretched by the inverse hyperbolic sine of its signal to noise. The last bands are
    red, the first blue: of four or more, neighbours are averaged; of two, the mean is green; one
    is grey.

    Args:
        bands: float16 [N, height, width, bands].

    Returns:
        uint8 [N, height, width, 3].
    """
    first = bands[:1]
    noise = sky_noise(first)
    noise = np.where(noise > 0, noise, 1)
    light = np.arcsinh((np.asarray(bands, np.float32) - sky_colour(first)) / noise)
    black, white = np.arcsinh(BLACK), max(float(light[0].max()), 1.0)
    shares = np.clip((_three(light) - black) / (white - black), 0, 1)
    return np.asarray(np.rint(255 * shares), np.uint8)


def _three(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Any number of bands as red, green and blue."""
    light = light[..., ::-1]
    if light.shape[-1] == 2:
        return np.stack([light[..., 0], light.mean(axis=-1), light[..., 1]], axis=-1)
    if light.shape[-1] == 1:
        return np.repeat(light, 3, axis=-1)
    thirds = np.array_split(light, 3, axis=-1)
    return np.stack([third.mean(axis=-1) for third in thirds], axis=-1)
