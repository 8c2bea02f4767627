"""Patches of a cut-out that follow what is seen in it: what LIME and Kernel SHAP hide."""

import numpy as np
from numpy.typing import NDArray


def superpixels(
    image: NDArray[np.float32], n_segments: int, compactness: float
) -> NDArray[np.int_]:
    """Divide a cut-out into patches of similar colour (SLIC, Achanta et al. 2012).

    Args:
        image: float32 [height, width, channels]; the range of its values is all the same.
        n_segments: About how many patches.
        compactness: High values give squares, low ones follow brightness and colour.

    Returns:
        The number of the patch that each pixel belongs to, int [height, width], from 0.
    """
    from skimage.segmentation import slic

    segments = slic(image / 255, n_segments=n_segments, compactness=compactness, start_label=0)
    return np.asarray(segments, np.int_)
