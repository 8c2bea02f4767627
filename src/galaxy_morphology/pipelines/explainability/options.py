"""Typed parameters of explainability."""

from typing import Literal

from pydantic import Field

from galaxy_morphology.pipelines.options import Options


class ExplainedGalaxiesOptions(Options):
    """Which galaxies to explain; see ``attribution.select_galaxies``."""

    split: Literal["training", "validation", "test"]
    galaxies_per_group: int = Field(ge=1)
    cataids: tuple[int, ...]


class GradCamOptions(Options):
    """See ``attribution.grad_cam``."""

    layer_name: str | None
    batch_size: int = Field(ge=1)


class IntegratedGradientsOptions(Options):
    """See ``attribution.integrated_gradients``."""

    steps: int = Field(ge=1)
    tolerance: float = Field(gt=0)
    maximum_steps: int = Field(ge=1)
    baseline: Literal["black", "sky", "noisy_sky", "blur"]
    batch_size: int = Field(ge=1)


class LimeOptions(Options):
    """See ``attribution.lime``."""

    n_samples: int = Field(ge=10)
    n_segments: int = Field(ge=2)
    compactness: float = Field(gt=0)
    hide_with: Literal["black", "sky", "noisy_sky", "blur"]
    kernel_width: float = Field(gt=0)
    seed: int = Field(ge=0, lt=2**32)
    batch_size: int = Field(ge=1)


class OcclusionOptions(Options):
    """See ``attribution.occlusion``."""

    patch: int = Field(ge=1)
    stride: int = Field(ge=1)
    hide_with: Literal["black", "sky", "noisy_sky", "blur"]
    batch_size: int = Field(ge=1)


class CheckOptions(Options):
    """How explanations are measured."""

    steps: int = Field(ge=2)
    hide_with: Literal["black", "sky", "noisy_sky", "blur"]
    lime_seeds: tuple[int, ...] = Field(min_length=2)
    n_top: int = Field(ge=1)
    lime_samples: int = Field(ge=10)
    n_randomised: int = Field(ge=1)
    cells: int = Field(ge=1)
    seed: int = Field(ge=0)
