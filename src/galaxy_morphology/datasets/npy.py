"""Arrays larger than memory: written row by row, memory-mapped when read."""

from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray

from galaxy_morphology.datasets.atomic import replacing
from galaxy_morphology.typing import ArrayRows


class NpyDataset(AbstractDataset[ArrayRows, NDArray[Any]]):
    """One array in NumPy's ``.npy`` format, on a local disk.

    Args:
        filepath: Where the array lies.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> NDArray[Any]:
        """Map the array into memory, read-only; pages are read when they are touched."""
        array: NDArray[Any] = np.load(self._filepath, mmap_mode="r", allow_pickle=False)
        return array

    def save(self, data: ArrayRows) -> None:
        """Write an array, or anything with its shape and dtype that is iterated row by row."""
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(data.dtype)),
            "fortran_order": False,
            "shape": tuple(data.shape),
        }
        with replacing(self._filepath) as part, part.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for row in data:
                file.write(np.ascontiguousarray(row, dtype=data.dtype).data)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
