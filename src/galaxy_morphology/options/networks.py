"""Typed parameters of networks, their training, and what they are asked."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from galaxy_morphology.networks import NETWORKS, BatchNorm, Precision
from galaxy_morphology.options.base import Options, options_of
from galaxy_morphology.views import NumberOfViews

ShareOrAll = Annotated[float, Field(ge=0, le=1)]


class HideOptions(Options):
    """What of training galaxies is hidden; see ``networks.augment``."""

    everything: ShareOrAll
    faded: ShareOrAll
    parts: ShareOrAll
    hidden_share: tuple[ShareOrAll, ShareOrAll]
    cells: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    smooth: ShareOrAll

    @model_validator(mode="after")
    def _shares_and_ranges_are_possible(self) -> Self:
        for name in ("hidden_share", "cells"):
            least, most = getattr(self, name)
            if least > most:
                raise ValueError(f"{name} goes from {least} to {most}: give the smaller one first")
        if self.everything + self.faded + self.parts > 1:
            raise ValueError(
                f"everything {self.everything}, faded {self.faded} and parts {self.parts} are "
                "more than all galaxies"
            )
        return self


class AugmentationOptions(Options):
    """What training galaxies may look like; see ``networks.augment``."""

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
    hide: HideOptions


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
            name: options_of(NETWORKS[name], but=("colour", "bands"))
            .model_validate(some)
            .model_dump()
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

    def files(self) -> list[Path]:
        """The files that the network that is trained is built from."""
        values = self.arguments()
        names = [value for value in values.values() if isinstance(value, str)]
        names += values.get("members", [])
        return [path for name in names if (path := Path(name).expanduser()).is_file()]


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
    frozen_epochs: int = Field(ge=0)
    unfreeze: Literal["all"] | Annotated[int, Field(ge=0)]
    layer_decay: float = Field(gt=0, le=1)
    batch_norm: BatchNorm
    seed: int = Field(ge=0, lt=2**32)
    precision: Literal["auto"] | Precision
    xla: Literal["auto"] | bool

    @model_validator(mode="after")
    def _frozen_epochs_are_epochs(self) -> Self:
        if self.frozen_epochs > self.epochs:
            raise ValueError(
                f"frozen_epochs {self.frozen_epochs} are more than epochs {self.epochs}"
            )
        return self


class PredictionOptions(Options):
    """See ``networks.ask_classifier``."""

    batch_size: int = Field(ge=1)
    precision: Precision
    views: NumberOfViews
