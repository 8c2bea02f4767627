"""Networks and classical baselines side by side, on the same galaxies."""

from galaxy_morphology.pipelines.comparison.pipeline import create_pipeline

__all__ = ["create_pipeline"]
