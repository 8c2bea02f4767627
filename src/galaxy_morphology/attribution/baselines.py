"""Images without a galaxy: what an explanation compares a cut-out with."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import sky_colour, sky_with_noise
from galaxy_morphology.typing import FloatArray, Images

Baseline = Literal["black", "sky", "noisy_sky", "blur"]
NOISE_SEED = 0


def baseline_images(images: Images | FloatArray, kind: Baseline) -> NDArray[np.float32]:
    """A version of each cut-out in which the galaxy says nothing.

    Args:
        images: [N, height, width, channels].
        kind: Black; the median colour of the cut-out's own sky; that sky with its noise; or the
            cut-out blurred with a Gaussian of an eighth of its side. A blurred galaxy is still a
            smooth galaxy, and a sky without noise is an image that no network was trained on.

    Returns:
        float32, the shape of ``images``.

    Raises:
        ValueError: There is no baseline of that name.
    """
    if kind == "black":
        return np.zeros(images.shape, np.float32)
    if kind == "sky":
        return np.broadcast_to(sky_colour(images)[:, None, None, :], images.shape).copy()
    if kind == "noisy_sky":
        return sky_with_noise(images, NOISE_SEED)
    if kind == "blur":
        from scipy.ndimage import gaussian_filter

        width = images.shape[1] / 8
        blurred = gaussian_filter(np.asarray(images, np.float32), (0, width, width, 0))
        return np.asarray(blurred, np.float32)
    raise ValueError(f"Found baseline {kind!r}; expected 'black', 'sky', 'noisy_sky' or 'blur'.")
