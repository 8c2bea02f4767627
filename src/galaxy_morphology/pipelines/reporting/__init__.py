"""What a run leaves for those who were not there: the model card."""

from galaxy_morphology.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
