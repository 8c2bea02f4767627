"""Maps that know nothing of the classifier: what any explanation must beat."""

import numpy as np
from numpy.typing import NDArray


def control_maps(maps_shape: tuple[int, int, int], seed: int) -> dict[str, NDArray[np.float32]]:
    """Blobs anywhere, and a blob in the middle.

    Neither looks at the galaxy or the classifier. Galaxies are centred, so a blob in the middle
    lies on the galaxy and scores well wherever a classifier looks there at all.

    Args:
        maps_shape: [N, height, width] of the maps to compare with, in pixels.
        seed: Of the random maps. A map depends on this and on its row, not on how many there are.

    Returns:
        float32 [N, height, width] each, not negative. ``random``, another map for every row:
        white noise smoothed with a Gaussian whose standard deviation is a sixteenth of the
        shorter side. ``centre``, the same map in all rows: a Gaussian of an eighth of it.
    """
    n_maps, height, width = maps_shape
    side = min(height, width)
    random = np.empty(maps_shape, np.float32)
    for i in range(n_maps):
        random[i] = _smooth_noise(np.random.default_rng([seed, i]), (height, width), side / 16)
    centre = np.broadcast_to(_central_gaussian((height, width), side / 8), maps_shape)
    return {"random": random, "centre": centre.astype(np.float32)}


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
