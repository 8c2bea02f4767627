"""Typed parameters of a survey."""

from pydantic import Field

from galaxy_morphology.options import Options


class SurveyOptions(Options):
    """What is classified, in which portions, and where."""

    source: str | None
    shard_size: int = Field(ge=1, le=1_000_000)
    threads: int | None = Field(ge=1)
    n_training: int = Field(ge=1)
    neighbours: int = Field(ge=1)
    flagged_share: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)
