"""What only simulated galaxies can tell: how far results agree with the truth."""

from galaxy_morphology.pipelines.truth.pipeline import create_pipeline

__all__ = ["create_pipeline"]
