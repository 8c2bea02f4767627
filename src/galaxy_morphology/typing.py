"""The words that every room shares: array types, and stand-ins for heavy types.

Kedro reads a node's type hints at run time to validate parameters, so every name in a hint
needs a run-time value; importing Keras for the sake of a hint would cost ten seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from annotated_types import Ge, Interval, Len
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    from keras import Model as KerasModel
    from matplotlib.figure import Figure
else:
    KerasModel = Any
    Figure = Any

__all__ = [
    "ArrayRows",
    "Attribution",
    "Bands",
    "Checkpoint",
    "Count",
    "Counts",
    "CutoutArchive",
    "Cutouts",
    "Figure",
    "FloatArray",
    "Images",
    "IntArray",
    "KerasModel",
    "NetworkImages",
    "Share",
    "SimulatedArchive",
    "SourceCutouts",
    "TrainingState",
]

Images = NDArray[np.uint8]
"""RGB cut-outs, uint8 [N, height, width, 3]."""
Bands = NDArray[np.float16]
"""Cut-outs in bands as a survey measured them, float16 [N, height, width, bands].

Pictures have values from 0 to 255, whatever their type; bands have no limits, and are told from
pictures by being float16."""
NetworkImages = Images | Bands
"""What networks see: pictures, or the bands themselves."""
FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
TrainingState = dict[str, NDArray[Any]]
"""Everything needed to go on training: named arrays, empty when there is nothing to go on from."""

Share = Annotated[float, Interval(ge=0, lt=1)]
"""A number from 0 to below 1. Kedro's parameters are checked against such hints."""
Count = Annotated[int, Ge(1)]
Counts = Annotated[Sequence[Count], Len(1)]


class ArrayRows(Protocol):
    """An array that is read row by row, so that it need not fit in memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def dtype(self) -> DTypeLike: ...  # noqa: D102

    def __iter__(self) -> Iterator[NDArray[Any]]: ...


class Checkpoint(Protocol):
    """Where a training leaves its state, and finds that of the last one."""

    def load(self) -> TrainingState:
        """Read the state; empty where there is nothing to go on from."""
        ...

    def save(self, state: TrainingState, /) -> None:
        """Replace the state."""
        ...


class Cutouts(Protocol):
    """Cut-outs by CATAID, in the order in which they lie: image files, or their pixels.

    Looking one up raises KeyError where there is none, ValueError where it cannot be read. Pixels
    are [height, width] or [height, width, 3], of 8 or 16 bits.
    """

    def __getitem__(self, cataid: Any, /) -> bytes | NDArray[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class CutoutArchive(Cutouts, Protocol):
    """All cut-outs of an archive.

    Attributes:
        unnamed: Why images have no CATAID, by their names.
        simulated: Whether its galaxies are simulated, as the archive itself says.
    """

    unnamed: Mapping[str, str]
    simulated: bool

    def __len__(self) -> int: ...

    def summary(self) -> dict[str, Any]:
        """Name (``file``), size (``bytes``), ``sha256`` of the archive, and ``simulated``."""
        ...


class SourceCutouts(CutoutArchive, Protocol):
    """All cut-outs of a source, which knows where it has them from."""

    def place_of(self, cataid: Any, /) -> tuple[str, ...]:
        """Where the cut-outs of one galaxy lie, in words: one place, or several to choose from."""
        ...

    def version_of(self, cataid: Any, /) -> tuple[Any, ...] | None:
        """What tells versions of its cut-out apart; None where only the whole source does."""
        ...


class SimulatedArchive(NamedTuple):
    """What an archive of simulated galaxies holds.

    Attributes:
        cutouts: Encoded cut-outs by CATAID.
        labels: The label list: columns ``CATAID`` and ``TARGET``.
    """

    cutouts: Mapping[int, bytes]
    labels: pd.DataFrame


class Attribution(NamedTuple):
    """What a method says about each galaxy, and how well it could say it.

    Attributes:
        maps: float32 [N, height, width], or [N, height, width, channels] where the method
            tells channels apart. Signed, in units of the explained logit: above 0 where something
            spoke for the class.
        quality: Measures of the method's own reliability by name, float64 [N] each.
        title: What the method is called on this network.
        notes: A short line for each galaxy on how far its map can be trusted.
    """

    maps: NDArray[np.float32]
    quality: dict[str, NDArray[np.float64]]
    title: str
    notes: list[str]
