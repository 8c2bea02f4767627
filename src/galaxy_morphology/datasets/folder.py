"""A folder of files, written whole or not at all."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from galaxy_morphology.datasets.atomic import replacing


class FolderDataset(AbstractDataset[dict[str, bytes], dict[str, bytes]]):
    """Contents of files by their paths in the folder, such as ``saved_model/saved_model.pb``.

    Args:
        filepath: The folder. Saving replaces all that lies in it.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, bytes]:
        """Read all files."""
        return {
            file.relative_to(self._filepath).as_posix(): file.read_bytes()
            for file in sorted(self._filepath.rglob("*"))
            if file.is_file()
        }

    def save(self, data: dict[str, bytes]) -> None:
        """Write the folder whole or not at all."""
        with replacing(self._filepath) as part:
            for name, content in data.items():
                file = part / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
