"""What galaxies look like, apart from their class: sky, noise and size."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.sky import frame_pixels, sky_colour
from galaxy_morphology.typing import Images

CHANNELS = ("red", "green", "blue")


def appearance_of(images: Images, galaxies: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Measure sky, noise and size of galaxies, to compare surveys with.

    Args:
        images: uint8 [N, height, width, channels].
        galaxies: A row per image: ``cataid``, ``width`` and ``height`` of the cut-out as it came.
        features: The same galaxies as ``morphology.measure_galaxies`` measures them.

    Returns:
        A row per galaxy: ``cataid``, ``sky_<channel>`` and ``noise_<channel>`` (median of the
        frame of the cut-out, and standard deviation of what in it is nearer to that than three of
        them; 0 to 255), ``cutout_side_px`` (the longer one, as it came),
        ``half_light_radius_px`` and ``magnitude``.
    """
    names = CHANNELS if images.shape[-1] == len(CHANNELS) else range(1, images.shape[-1] + 1)
    table = pd.DataFrame({"cataid": galaxies["cataid"].to_numpy()})
    for quantity, values in (("sky", sky_colour(images)), ("noise", _noise(images))):
        for channel, name in enumerate(names):
            table[f"{quantity}_{name}"] = values[:, channel]
    table["cutout_side_px"] = galaxies[["width", "height"]].max(axis=1).to_numpy(np.float64)
    for name in ("half_light_radius_px", "magnitude"):
        table[name] = features[name].to_numpy(np.float64)
    return table


def _noise(images: Images) -> NDArray[np.float32]:
    """Standard deviation of the frame, without stars and neighbours, [N, channels]."""
    frame = frame_pixels(images).astype(np.float32)
    away = np.abs(frame - np.median(frame, axis=1, keepdims=True))
    # Half a count: the median deviation of an even sky may be 0, and steps by whole counts.
    most = 3 * 1.4826 * (np.median(away, axis=1, keepdims=True) + 0.5)
    is_sky = away <= most
    squared = np.square(away, where=is_sky, out=np.zeros_like(away)).sum(axis=1)
    return np.asarray(np.sqrt(squared / is_sky.sum(axis=1)), np.float32)
