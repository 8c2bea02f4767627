"""Typed parameters of a survey."""

from pydantic import Field

from galaxy_morphology.options import Options


class SurveyOptions(Options):
    """What is classified, in which portions, and where."""

    source: str | None
    shard_size: int = Field(ge=1, le=1_000_000)
    threads: int | None = Field(ge=1)
    dask: str | None
    workers: int = Field(ge=1, le=1000)
    threads_per_worker: int | None = Field(ge=1)
    memory_per_worker: str
    n_training: int = Field(ge=1)
    neighbours: int = Field(ge=1)
    flagged_share: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)


class ResultOptions(Options):
    """What of a catalogue is looked at more closely."""

    sampled: int = Field(ge=100, le=1_000_000)
    notable: int = Field(ge=1, le=48)
    compared: int = Field(ge=20, le=100_000)
    least_distance: float = Field(gt=0, le=1)
    seed: int = Field(ge=0)


class LabellingOptions(Options):
    """Which galaxies are worth a label."""

    n_galaxies: int = Field(ge=1, le=100_000)
    candidates: int = Field(ge=1, le=100)
    n_shown: int = Field(ge=1, le=480)
    seed: int = Field(ge=0)
