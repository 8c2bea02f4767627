"""From a classifier to explanations of its classifications."""

from galaxy_morphology.pipelines.explainability.pipeline import create_pipeline

__all__ = ["create_pipeline"]
