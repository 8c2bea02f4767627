"""Arrays that belong together, in one file."""

from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray

from galaxy_morphology.datasets.atomic import replacing

Arrays = dict[str, NDArray[Any]]


class ArraysDataset(AbstractDataset[Arrays, Arrays]):
    """Named arrays in NumPy's ``.npz`` format, on a local disk.

    Args:
        filepath: Where the arrays lie.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Arrays:
        """Read every array."""
        with np.load(self._filepath, allow_pickle=False) as arrays:
            return dict(arrays)

    def save(self, data: Arrays) -> None:
        """Write all arrays or none."""
        with replacing(self._filepath) as part:
            np.savez(part, allow_pickle=False, **data)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class TrainingStateDataset(ArraysDataset):
    """The state of a training run, saved after every epoch.

    No file reads as no arrays: nothing to go on from. And it exists for Kedro only once
    training is over (its array ``finished`` is true), so that ``--only-missing-outputs`` goes
    on with an interrupted run instead of skipping it.
    """

    def load(self) -> Arrays:
        """Read every array, or none where there is no file."""
        return super().load() if self._filepath.is_file() else {}

    def _exists(self) -> bool:
        if not self._filepath.is_file():
            return False
        with np.load(self._filepath, allow_pickle=False) as arrays:
            return bool(arrays["finished"])
