"""The page that a run leaves."""

from galaxy_morphology.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
