"""Arrays that belong together, in one file."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray

from galaxy_morphology.datasets.atomic import replacing

logger = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]


class NpzDataset(AbstractDataset[Arrays, Arrays]):
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


class TrainingStateDataset(NpzDataset):
    """The state of a training run, saved after every epoch.

    No file, or a damaged one, reads as no arrays: nothing to go on from. And it exists for
    Kedro only once training is over (its array ``finished`` is true), so that
    ``--only-missing-outputs`` goes on with an interrupted run instead of skipping it.
    """

    def load(self) -> Arrays:
        """Read every array, or none where there is no readable file."""
        if not self._filepath.is_file():
            return {}
        try:
            return super().load()
        except Exception as error:  # NumPy raises whatever the damage makes zip and numbers raise
            logger.warning("%s is damaged and not used: %s", self._filepath, error)
            return {}

    def _exists(self) -> bool:
        state = self.load()
        return bool(state) and bool(state["finished"])


class TrainingStatesDataset(AbstractDataset[dict[str, Arrays], dict[str, Callable[[], Arrays]]]):
    """Training states by name, a file for each in one folder.

    Saving adds to what is there. For Kedro it does not exist until a run has named what is to be
    in it, so that ``--only-missing-outputs`` looks into every state.

    Args:
        folder: Where the files lie.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, folder: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(folder)
        self.metadata = metadata

    def load(self) -> dict[str, Callable[[], Arrays]]:
        """By name, what reads the state: none where it is damaged."""
        return {
            path.stem: TrainingStateDataset(filepath=str(path)).load
            for path in sorted(self._folder.glob("*.npz"))
        }

    def save(self, data: dict[str, Arrays]) -> None:
        """Write each state, whole or not at all."""
        for name, state in data.items():
            TrainingStateDataset(filepath=str(self._folder / f"{name}.npz")).save(state)

    def _exists(self) -> bool:
        return False

    def _describe(self) -> dict[str, Any]:
        return {"folder": self._folder}
