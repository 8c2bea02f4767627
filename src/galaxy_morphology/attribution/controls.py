"""Maps that know nothing of the classifier, or of the galaxy: what any explanation must beat."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import sky_colour
from galaxy_morphology.typing import FloatArray, Images


def control_maps(images: Images | FloatArray, seed: int) -> dict[str, NDArray[np.float32]]:
    """Blobs anywhere, a blob in the middle, and the galaxy as bright as it is.

    None of them looks at the classifier. Galaxies are centred and bright, so the last two lie on
    the galaxy and score well wherever a classifier looks there at all.

    Args:
        images: Cut-outs, [N, height, width, channels], any numeric dtype.
        seed: Of the random maps. A map depends on this and on its row, not on how many there are.

    Returns:
        float32 [N, height, width] each, not negative. ``random``, another map for every row:
        white noise smoothed with a Gaussian whose standard deviation is a sixteenth of the
        shorter side. ``centre``, the same map in all rows: a Gaussian of an eighth of it.
        ``brightness``: the mean of the channels above the colour of the sky, smoothed with a
        Gaussian of a sixty-fourth of the shorter side.
    """
    n_maps, height, width = images.shape[:3]
    side = min(height, width)
    random = np.empty((n_maps, height, width), np.float32)
    for i in range(n_maps):
        random[i] = _smooth_noise(np.random.default_rng([seed, i]), (height, width), side / 16)
    centre = np.broadcast_to(_central_gaussian((height, width), side / 8), random.shape)
    return {
        "random": random,
        "centre": centre.astype(np.float32),
        "brightness": _brightness(images, side / 64),
    }


def maps_of_others(maps: FloatArray) -> FloatArray:
    """Give each galaxy the map of another one.

    Such a map has all that a method does to every galaxy, its favourite places and its scales,
    and lacks only what it says of this one.

    Args:
        maps: Those of one method, [N, height, width].

    Returns:
        The same maps, moved on by half of the rows: neighbours in a table are often alike.

    Raises:
        ValueError: There is no other galaxy.
    """
    if len(maps) < 2:
        raise ValueError(
            f"Found maps of {len(maps)} galaxies; expected 2 or more, so that there is another. "
            "Explain more galaxies."
        )
    return np.roll(maps, len(maps) // 2, axis=0)


def _brightness(images: Images | FloatArray, sigma: float) -> NDArray[np.float32]:
    """How far each pixel is brighter than the sky, in the units of the images."""
    from scipy.ndimage import gaussian_filter

    above_sky = (images - sky_colour(images)[:, None, None]).mean(axis=-1)
    smooth = gaussian_filter(above_sky, (0, sigma, sigma))
    return np.asarray(np.maximum(smooth, 0), np.float32)


def _smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], sigma: float
) -> NDArray[np.float64]:
    """White noise after a Gaussian filter, its least value zero."""
    from scipy.ndimage import gaussian_filter

    # Noise mirrored at the edges would be stronger there; wrapped around, it peaks anywhere.
    noise = gaussian_filter(rng.normal(size=shape), sigma, mode="wrap")
    return np.asarray(noise - noise.min(), np.float64)


def _central_gaussian(shape: tuple[int, int], sigma: float) -> NDArray[np.float64]:
    """A round Gaussian, 1 in the middle of the frame."""
    height, width = shape
    y, x = np.ogrid[:height, :width]
    from_middle = (y - (height - 1) / 2) ** 2 + (x - (width - 1) / 2) ** 2
    return np.asarray(np.exp(-from_middle / (2 * sigma**2)), np.float64)
