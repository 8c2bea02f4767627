"""Typed parameters of modelling."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, Literal, Self, get_type_hints

from pydantic import Field, create_model, field_validator, model_validator

from galaxy_morphology.networks import NETWORKS, Precision
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
    """Which of ``networks.NETWORKS`` is trained, what it sees, and the options of each."""

    name: str
    colour: bool
    options: dict[str, dict[str, Any]]

    @field_validator("options")
    @classmethod
    def _are_arguments_of_their_networks(
        cls, options: dict[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        unknown = sorted(set(options) - set(NETWORKS))
        if unknown:
            raise ValueError(f"no network is named {unknown[0]}; known are {', '.join(NETWORKS)}")
        return {
            name: _options_of(NETWORKS[name]).model_validate(some).model_dump()
            for name, some in options.items()
        }

    @model_validator(mode="after")
    def _the_network_is_known(self) -> Self:
        if self.name not in NETWORKS:
            raise ValueError(f"no network is named {self.name}; known are {', '.join(NETWORKS)}")
        return self

    def arguments(self) -> dict[str, Any]:
        """What the network that is trained is built with, besides shape and classes."""
        return {"colour": self.colour, **self.options.get(self.name, {})}


def _options_of(network: Callable[..., Any]) -> type[Options]:
    """Typed parameters for the keyword arguments of a network, as it hints and defaults them."""
    hints = get_type_hints(network, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], parameter.default)
        for name, parameter in signature(network).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY and name != "colour"
    }
    return create_model(network.__name__, __base__=Options, **fields)


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
    precision: Literal["auto"] | Precision
    xla: Literal["auto"] | bool


class PredictionOptions(Options):
    """See ``networks.predict_logits``."""

    batch_size: int = Field(ge=1)
    precision: Precision
