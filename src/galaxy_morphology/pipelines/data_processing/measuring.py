"""Nodes of morphology."""

import pandas as pd

from galaxy_morphology import morphology
from galaxy_morphology.typing import Images


def measure_galaxies(images: Images, galaxies: pd.DataFrame) -> pd.DataFrame:
    """Measure every galaxy as astronomers do.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        galaxies: A row per image.

    Returns:
        A row per galaxy: what ``morphology.measure_galaxies`` returns, and whether it is
        ``simulated``.
    """
    features = morphology.measure_galaxies(images, galaxies)
    return features.assign(simulated=galaxies["simulated"].to_numpy())
