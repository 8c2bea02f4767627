"""Patches of a cut-out that follow what is seen in it: what LIME and Kernel SHAP hide."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.bands import pictures_of
from galaxy_morphology.sky import are_bands
from galaxy_morphology.typing import FloatArray


def superpixels(
    image: NDArray[np.uint8] | FloatArray, n_segments: int, compactness: float
) -> NDArray[np.int_]:
    """Divide a cut-out into patches of similar colour (SLIC, Achanta et al. 2012).

    Args:
        image: [height, width, channels]; the range of its values is all the same. Bands are
            seen as :func:`pictures_of` shows them.
        n_segments: About how many patches.
        compactness: High values give squares, low ones follow brightness and colour.

    Returns:
        The number of the patch that each pixel belongs to, int [height, width], from 0.
    """
    from skimage.segmentation import slic

    picture = pictures_of(image[None])[0] if are_bands(image) else image
    colours = np.asarray(picture, np.float32) / 255
    segments = slic(colours, n_segments=n_segments, compactness=compactness, start_label=0)
    return np.asarray(segments, np.int_)
