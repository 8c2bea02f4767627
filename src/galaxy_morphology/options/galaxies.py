"""Typed parameters of classes and cut-outs."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, RootModel, field_validator, model_validator

from galaxy_morphology.imaging import BandName, FitsColours
from galaxy_morphology.options.base import Options


class Classes(RootModel[dict[int, str]]):
    """Class name by value of TARGET; everything downstream counts its classes here."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root", mode="before")
    @classmethod
    def _as_they_were_written(cls, classes: object) -> object:
        for target, name in classes.items() if isinstance(classes, dict) else ():
            if type(target) is not int:
                raise ValueError(f"a value of TARGET was read as {target!r}: write a whole number")
            if not isinstance(name, str):
                raise ValueError(
                    f"the name of class {target} was read as {name!r}: put it in quotes, since "
                    "YAML takes no, yes, null and numbers for something else"
                )
        return classes

    @field_validator("root")
    @classmethod
    def _two_or_more_with_names_of_their_own(cls, classes: dict[int, str]) -> dict[int, str]:
        if len(classes) < 2 or len(set(classes.values())) < len(classes):
            raise ValueError(f"expected two or more classes with different names, found {classes}")
        return classes

    @property
    def names(self) -> list[str]:
        """The class names in the order of their values of TARGET: the order of probabilities."""
        return [self.root[target] for target in sorted(self.root)]


class CutoutOptions(Options):
    """Which cut-outs are used, at what size in pixels, and what their numbers stand for."""

    side: int = Field(ge=16, le=1024)
    minimum_side: int = Field(ge=1)
    maximum_side: int = Field(ge=1, le=13_000)  # Pillow refuses more than 179 million pixels
    white_level: int | None = Field(ge=1, le=65_535)
    arcsec_per_pixel: float | None = Field(gt=0)
    crop_arcsec: float | None = Field(default=None, gt=0)
    crop_radii: float | None = Field(default=None, gt=0)
    channels: Annotated[tuple[BandName, ...], Field(min_length=1, max_length=5)] | None = None
    channel_unit: float = Field(default=1.0, gt=0)
    fits: FitsColours = FitsColours()

    @field_validator("channels")
    @classmethod
    def _every_band_once(cls, channels: tuple[BandName, ...] | None) -> tuple[BandName, ...] | None:
        if channels is not None and len(set(channels)) < len(channels):
            raise ValueError(f"expected each band once, found {list(channels)}")
        return channels

    @model_validator(mode="after")
    def _some_size_is_allowed(self) -> Self:
        if self.minimum_side > self.maximum_side:
            raise ValueError(
                f"minimum_side {self.minimum_side} is above maximum_side {self.maximum_side}: no "
                "cut-out would be used"
            )
        return self

    @model_validator(mode="after")
    def _they_are_cropped_in_one_way(self) -> Self:
        if self.crop_arcsec is not None and self.crop_radii is not None:
            raise ValueError(
                f"crop_arcsec {self.crop_arcsec:g} and crop_radii {self.crop_radii:g} both say to "
                "what size cut-outs are cropped: set one of them to null"
            )
        return self
