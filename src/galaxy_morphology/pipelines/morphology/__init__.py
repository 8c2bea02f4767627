"""From images to the shape, size and colours of the galaxies on them."""

from galaxy_morphology.pipelines.morphology.pipeline import create_pipeline

__all__ = ["create_pipeline"]
