"""A survey that is to be classified: its archives, and its catalogue.

A node writes the catalogue itself, shard by shard: killed, it goes on where it was.
"""

import hashlib
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from galaxy_morphology.datasets.cutout_archive import MEBIBYTE, layout_of
from galaxy_morphology.sources import Archives


class ArchivesDataset(AbstractDataset[NoReturn, Archives]):
    """Where archives of galaxies without labels may lie, of which a parameter names some.

    Args:
        relative_to: What relative paths start from.
        maximum_member_bytes: See :class:`CutoutArchiveDataset`.
        credentials: For the file system, if it needs any.
        fs_args: Further arguments of the file system.
        metadata: For kedro-viz and other plugins.
        layout: See :class:`galaxy_morphology.sources.Layout`.
    """

    def __init__(
        self,
        *,
        relative_to: str,
        maximum_member_bytes: int = 64 * MEBIBYTE,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        **layout: Any,
    ) -> None:
        self._archives = Archives(
            relative_to,
            layout_of({**layout, "labelled": False}).without_labels(),
            maximum_member_bytes,
            {**(credentials or {}), **(fs_args or {})},
        )
        self.metadata = metadata

    def load(self) -> Archives:
        """Hand out what finds and opens them."""
        return self._archives

    def save(self, data: NoReturn) -> None:
        """Refuse."""
        raise DatasetError("A survey is read, and never written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"folder": self._archives.folder}


class SurveyFolderDataset(AbstractDataset[NoReturn, Path]):
    """The folder that a survey is classified in. It is loaded as its path.

    Args:
        filepath: The folder, which need not be there.
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
        raise DatasetError("A survey writes its folder itself: load its path.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class CatalogueDataset(SurveyFolderDataset):
    """A folder of Parquet files. It is loaded as its path, and saved by whoever has filled it.

    Args:
        filepath: The folder.
        metadata: For kedro-viz and other plugins.
    """

    def save(self, data: Path) -> None:
        """Make sure that this is the folder that was filled."""
        if data != self._filepath:
            raise DatasetError(f"The shards are in {data}, and not in {self._filepath}.")

    def checksum(self) -> str:
        """Of what the files say of themselves at their ends: what they hold, and its statistics."""
        import pyarrow.parquet as pq

        digest = hashlib.sha256()
        for file in sorted(self._filepath.glob("[!._]*.parquet")):
            known = pq.read_metadata(file)
            digest.update(f"{file.name}\n{known.to_dict()}\n{known.metadata}\n".encode())
        return digest.hexdigest()

    def _exists(self) -> bool:
        return self._filepath.is_dir()
