"""What the options of all pipelines share."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator


class Options(BaseModel):
    """Typed parameters: unknown names and impossible values fail before anything runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Classes(RootModel[dict[int, str]]):
    """Class name by value of TARGET; everything downstream counts its classes here."""

    model_config = ConfigDict(frozen=True)

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
    """Which cut-outs are used, and at what size. All in pixels."""

    side: int = Field(ge=16, le=1024)
    minimum_side: int = Field(ge=1)
    maximum_side: int = Field(ge=1, le=13_000)  # Pillow refuses more than 179 million pixels

    @model_validator(mode="after")
    def _some_size_is_allowed(self) -> Self:
        if self.minimum_side > self.maximum_side:
            raise ValueError(
                f"minimum_side {self.minimum_side} is above maximum_side {self.maximum_side}: no "
                "cut-out would be used"
            )
        return self
