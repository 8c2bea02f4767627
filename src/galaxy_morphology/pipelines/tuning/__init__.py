"""Searching for better parameters, on the training and validation galaxies alone."""

from galaxy_morphology.pipelines.tuning.pipeline import create_pipeline, create_worker_pipeline

__all__ = ["create_pipeline", "create_worker_pipeline"]
