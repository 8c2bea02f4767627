"""Classifying the galaxies of a survey that nobody has labelled."""

from galaxy_morphology.pipelines.survey.pipeline import create_pipeline

__all__ = ["create_pipeline"]
