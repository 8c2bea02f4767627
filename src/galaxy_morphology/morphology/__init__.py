"""Galaxies measured as astronomers do: which pixels are theirs, their shape, size and colours.

The pixels of a cut-out are colours, stretched to eight bits, so every measure is relative to
other cut-outs made the same way: it is no photometry.
"""

from galaxy_morphology.morphology.features import measure_galaxies
from galaxy_morphology.morphology.segmentation import NEIGHBOUR, SKY, TARGET, segment

__all__ = ["NEIGHBOUR", "SKY", "TARGET", "measure_galaxies", "segment"]
