"""From logits to predictions one can trust, their scores and their errors."""

from galaxy_morphology.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
