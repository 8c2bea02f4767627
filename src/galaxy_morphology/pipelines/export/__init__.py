"""From the classifier to files that need nothing of this project."""

from galaxy_morphology.pipelines.export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
