"""Typed parameters of data processing."""

from typing import Self

from pydantic import Field, model_validator

from galaxy_morphology.options import Options


class SplitOptions(Options):
    """Shares of the whole; the rest is for training."""

    validation_fraction: float = Field(gt=0, lt=1)
    test_fraction: float = Field(ge=0, lt=1)
    seed: int = Field(ge=0, lt=2**32)
    group_within_arcsec: float | None = Field(default=None, gt=0, le=36_000)

    @model_validator(mode="after")
    def _something_is_left_for_training(self) -> Self:
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "validation_fraction and test_fraction leave nothing for training: "
                f"{self.validation_fraction} + {self.test_fraction} is not below 1"
            )
        return self


class SheetOptions(Options):
    """The sheets of cut-outs."""

    galaxies_per_class: int = Field(ge=1, le=200)
    seed: int = Field(ge=0)
