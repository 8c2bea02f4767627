"""Keras models in their own format."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from galaxy_morphology.datasets.atomic import replacing
from galaxy_morphology.typing import KerasModel


class KerasModelDataset(AbstractDataset[KerasModel, KerasModel]):
    """One model in a ``.keras`` file, loaded in safe mode: a file cannot run code of its own.

    Keras is imported when a model is loaded or saved, so that listing the catalog stays quick.

    Args:
        filepath: Where the model lies.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> KerasModel:
        """Load the model, ready to predict."""
        import keras

        return keras.models.load_model(self._filepath, safe_mode=True, compile=False)

    def save(self, data: KerasModel) -> None:
        """Write the model whole or not at all."""
        with replacing(self._filepath) as part:
            data.save(part)

    def checksum(self) -> str:
        """Of the network and its weights, whenever it was saved: the file holds the date."""
        digest = hashlib.sha256()
        with zipfile.ZipFile(self._filepath) as archive:
            for name in sorted(set(archive.namelist()) - {"metadata.json"}):
                digest.update(f"{name}\n".encode())
                digest.update(hashlib.sha256(archive.read(name)).digest())
        return digest.hexdigest()

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
