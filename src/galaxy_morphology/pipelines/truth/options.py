"""Typed parameters of the comparison with the truth."""

from pydantic import Field

from galaxy_morphology.options import Options


class TruthOptions(Options):
    """What simulated galaxies are compared by."""

    quantities: tuple[str, ...] = Field(min_length=1)
    n_bins: int = Field(ge=1, le=100)
    share_of_suspects: float = Field(gt=0, le=1)
    n_spirals: int = Field(ge=1)
    structure_share: float = Field(gt=0, lt=1)
    seed: int = Field(ge=0)
