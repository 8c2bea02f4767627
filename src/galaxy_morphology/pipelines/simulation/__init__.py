"""A survey out of a seed, in the layout of GALAXIES.zip."""

from galaxy_morphology.pipelines.simulation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
