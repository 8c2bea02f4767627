"""From arrays to a classifier and its scores."""

from galaxy_morphology.pipelines.modelling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
