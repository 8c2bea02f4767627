"""Images without a galaxy: what an explanation compares a cut-out with."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import noisy_skies, sky_colour
from galaxy_morphology.typing import FloatArray

Baseline = Literal["noisy_sky", "sky", "black", "blur"]

ATTRIBUTING, MEASURING = 0, 1
"""Streams of random numbers, the second element of a seed: a measure that hides a galaxy with the
very skies that a method has seen would flatter that method."""


def baseline_images(
    image: NDArray[np.uint8] | FloatArray, kind: Baseline, n: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Versions of a cut-out in which the galaxy says nothing.

    Args:
        image: [height, width, channels], bands or in units of 0 to 255.
        kind: Sky with noise as strong and as correlated as the cut-out's own, see
            :func:`noisy_skies`; its median colour; black, which is 0; or the cut-out blurred with
            a Gaussian of an eighth of its side. A blurred galaxy is still a smooth galaxy, and a
            sky without noise is an image that no network was trained on.
        n: How many different skies with noise.
        rng: Draws the noise.

    Returns:
        float32 [n, height, width, channels]; [1, height, width, channels] where ``kind`` knows
        only one version.

    Raises:
        ValueError: There is no baseline of that name, or no sky to draw.
    """
    if n < 1:
        raise ValueError(f"Found {n} skies; expected 1 or more.")
    if kind == "noisy_sky":
        same: NDArray[Any] = np.broadcast_to(image, (n, *image.shape))
        return noisy_skies(same, rng)
    pixels = np.asarray(image, np.float32)
    if kind == "sky":
        return np.broadcast_to(sky_colour(pixels[None])[:, None, None], (1, *pixels.shape)).copy()
    if kind == "black":
        return np.zeros((1, *pixels.shape), np.float32)
    if kind == "blur":
        from scipy.ndimage import gaussian_filter

        width = pixels.shape[0] / 8
        return np.asarray(gaussian_filter(pixels, (width, width, 0)), np.float32)[None]
    raise ValueError(f"Found baseline {kind!r}; expected 'noisy_sky', 'sky', 'black' or 'blur'.")
