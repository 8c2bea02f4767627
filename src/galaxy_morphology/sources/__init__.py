"""Where galaxies come from: their cut-outs and labels in the forms in which people have them."""

from galaxy_morphology.sources.archives import Archives
from galaxy_morphology.sources.galaxies import SIMULATED
from galaxy_morphology.sources.layout import Layout
from galaxy_morphology.sources.opening import Source, open_source

__all__ = ["SIMULATED", "Archives", "Layout", "Source", "open_source"]
