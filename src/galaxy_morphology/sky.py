"""The colour of the sky around a galaxy: what padding, hiding and baselines are filled with."""

import numpy as np

from galaxy_morphology.typing import FloatArray, Images


def sky_colour(images: Images | FloatArray, width: int = 4) -> FloatArray:
    """Median colour of the frame of each cut-out, where a centred galaxy is faintest.

    Args:
        images: Cut-outs, [N, height, width, channels], any numeric dtype.
        width: Width of the frame in pixels.

    Returns:
        float32 [N, channels], in the units of ``images``.
    """
    n_images, *_, n_channels = images.shape
    frame = [images[:, :width], images[:, -width:], images[:, :, :width], images[:, :, -width:]]
    pixels = np.concatenate([side.reshape(n_images, -1, n_channels) for side in frame], axis=1)
    return np.asarray(np.median(pixels, axis=1), np.float32)
