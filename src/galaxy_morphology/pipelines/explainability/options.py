"""Typed parameters of explainability."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from galaxy_morphology.identifiers import LARGEST
from galaxy_morphology.options import Options


class ExplainedGalaxiesOptions(Options):
    """Which galaxies are drawn, and on which explanations are measured."""

    split: Literal["training", "validation", "test"]
    galaxies_per_group: int = Field(ge=1)
    cataids: tuple[
        Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
        | Annotated[str, Field(strict=True, min_length=1)],
        ...,
    ]
    n_measured: int = Field(ge=2)
    seed: int = Field(ge=0)

    @field_validator("cataids", mode="before")
    @classmethod
    def _as_they_were_written(cls, cataids: object) -> object:
        for cataid in cataids if isinstance(cataids, list | tuple) else ():
            if type(cataid) not in (int, str):
                raise ValueError(
                    f"a CATAID was read as {cataid!r}: write a whole number, or a text in quotes"
                )
        return cataids


class CheckOptions(Options):
    """How explanations are measured."""

    cells: int = Field(ge=1)
    steps: int = Field(ge=2)
    n_skies: int = Field(ge=1)
    hide_with: Literal["noisy_sky", "sky", "black", "blur"]
    n_changed: int = Field(ge=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    n_top: int = Field(ge=1)
    n_randomised: int = Field(ge=1)
    seed: int = Field(ge=0)
