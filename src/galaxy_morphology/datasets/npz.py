"""Arrays that belong together, in one file."""

from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray

from galaxy_morphology.datasets.atomic import replacing

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
