"""From the archive to arrays: read, check, resize, split."""

from galaxy_morphology.pipelines.data_processing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
