"""Typed parameters of modelling."""

from typing import Literal

from pydantic import Field, PositiveInt

from galaxy_morphology.pipelines.options import Options


class AugmentationOptions(Options):
    """Ranges of the random affine map; see ``networks.random_transforms`` and ``networks.warp``."""

    rotation_degrees: float = Field(ge=0, le=180)
    width_shift: float = Field(ge=0, le=0.5)
    height_shift: float = Field(ge=0, le=0.5)
    shear_degrees: float = Field(ge=0, le=45)
    zoom: float = Field(ge=0, lt=1)
    zoom_per_axis: bool
    horizontal_flip: bool
    vertical_flip: bool
    fill: Literal["sky", "reflect", "nearest"]
    interpolation: Literal["nearest", "bilinear"]


class NetworkOptions(Options):
    """The three-block CNN; see ``networks.three_block_cnn``."""

    filters: tuple[PositiveInt, ...] = Field(min_length=1)
    block_dropout: float = Field(ge=0, lt=1)
    dense_units: int = Field(ge=1)
    dense_dropout: float = Field(ge=0, lt=1)
    batch_norm_momentum: float = Field(gt=0, lt=1)


class OptimizerOptions(Options):
    """See ``networks.build_optimizer``."""

    name: Literal["adam", "adamw"]
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    schedule: Literal["constant", "cosine"]
    warm_up_epochs: float = Field(ge=0)


class TrainingOptions(Options):
    """See ``networks.train``."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    optimizer: OptimizerOptions
    weight_average: float = Field(ge=0, lt=1)
    batch_norm_galaxies: int = Field(ge=0)
    keep: Literal["best", "last"]
    patience: int = Field(ge=0)
    seed: int = Field(ge=0, lt=2**32)
