"""Where a search for parameters keeps its study, which several processes write at a time.

Like a checkpoint, it is what a node goes on from, and no part of the lineage.
"""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError


class StudyDataset(AbstractDataset[NoReturn, Path]):
    """The file of a study. It is loaded as its path.

    Args:
        filepath: Where the study lies, or will lie.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """Hand out the path."""
        return self._filepath

    def save(self, data: NoReturn) -> None:
        """Refuse."""
        raise DatasetError("A search writes its study itself: load its path.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
