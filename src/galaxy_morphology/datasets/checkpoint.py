"""Where a training leaves its state after every epoch, to go on from when it was interrupted.

A checkpoint is a cache that a node is handed: it shortens the way to the node's outputs, and they
depend on nothing in it. So nothing in the graph writes it, and it is no part of the lineage.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from galaxy_morphology.datasets.npz import NpzDataset
from galaxy_morphology.typing import TrainingState

logger = logging.getLogger(__name__)


class Checkpoint:
    """One training state in a file.

    Args:
        path: Where the state lies, or will lie.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = NpzDataset(filepath=str(path))

    def load(self) -> TrainingState:
        """Read the state; no file, or a damaged one, is no state: nothing to go on from."""
        if not self._path.is_file():
            return {}
        try:
            return self._file.load()
        except Exception as error:  # NumPy raises whatever the damage makes zip and numbers raise
            logger.warning("%s is damaged and not used: %s", self._path, error)
            return {}

    def save(self, state: TrainingState) -> None:
        """Write the state, whole or not at all."""
        self._file.save(state)


class CheckpointDataset(AbstractDataset[NoReturn, Checkpoint]):
    """A checkpoint in one file. It is loaded as what reads and writes the file, at any time.

    Args:
        filepath: Where the state lies.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Checkpoint:
        """Hand out the checkpoint."""
        return Checkpoint(self._filepath)

    def save(self, data: NoReturn) -> None:
        """Refuse."""
        raise DatasetError("A training writes its checkpoint itself: load it, and `save` to it.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class CheckpointsDataset(AbstractDataset[NoReturn, Callable[[str], Checkpoint]]):
    """Checkpoints by name, a file for each in one folder.

    Args:
        folder: Where the files lie.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, folder: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(folder)
        self.metadata = metadata

    def load(self) -> Callable[[str], Checkpoint]:
        """Hand out what gives the checkpoint of a name."""
        return lambda name: Checkpoint(self._folder / f"{name}.npz")

    def save(self, data: NoReturn) -> None:
        """Refuse."""
        raise DatasetError("A training writes its checkpoint itself: load it, and `save` to it.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"folder": self._folder}
