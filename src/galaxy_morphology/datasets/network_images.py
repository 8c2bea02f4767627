"""What networks see: bands, or the pictures that people see too."""

from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray

from galaxy_morphology.datasets.npy import NpyDataset
from galaxy_morphology.typing import ArrayRows


class NetworkImagesDataset(AbstractDataset[ArrayRows, NDArray[Any]]):
    """Bands in a file of their own or, where there is none, the pictures in another.

    Pictures are not written a second time: another dataset has them.

    Args:
        bands: Where bands lie, or will lie.
        pictures: Where the pictures lie.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(
        self, *, bands: str, pictures: str, metadata: dict[str, Any] | None = None
    ) -> None:
        self._bands, self._pictures = Path(bands), Path(pictures)
        self.metadata = metadata

    @property
    def _filepath(self) -> Path:
        """The file that is loaded."""
        return self._bands if self._bands.is_file() else self._pictures

    def load(self) -> NDArray[Any]:
        """Map the array into memory, read-only."""
        return NpyDataset(filepath=str(self._filepath)).load()

    def save(self, data: ArrayRows) -> None:
        """Write bands; of pictures, remove the bands that were there before."""
        if np.dtype(data.dtype) == np.uint8:
            self._bands.unlink(missing_ok=True)
        else:
            NpyDataset(filepath=str(self._bands)).save(data)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"bands": self._bands, "pictures": self._pictures}
