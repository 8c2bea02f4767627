"""Galaxies as they come, in a zip archive or another source: their cut-outs, and their labels."""

import hashlib
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro.io.core import get_filepath_str, get_protocol_and_path
from kedro_datasets._typing import TablePreview
from pydantic import ValidationError

from galaxy_morphology.datasets.atomic import replacing
from galaxy_morphology.sources import SIMULATED, Layout, Source, open_source
from galaxy_morphology.typing import CutoutArchive, SimulatedArchive

MEBIBYTE = 1024 * 1024


class _ArchiveDataset(AbstractDataset[Any, Any]):
    """What the views of one archive share: finding and opening it, and when it may be written."""

    def __init__(
        self,
        *,
        filepath: str,
        archive: str | None = None,
        writable: bool = False,
        maximum_member_bytes: int = 64 * MEBIBYTE,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        **layout: Any,
    ) -> None:
        if archive is not None:
            filepath = archive_in(filepath, archive)
        self._protocol, path = get_protocol_and_path(filepath)
        try:
            self._fs = fsspec.filesystem(self._protocol, **(credentials or {}), **(fs_args or {}))
        except (ImportError, ValueError) as error:
            raise ValueError(
                f"{filepath} cannot be read: {error}. For addresses on web servers, install "
                "galaxy-morphology[http]; for others, what fsspec names."
            ) from error
        self._filepath = PurePosixPath(path)
        self._layout = layout_of(layout)
        self._writable = writable
        self._maximum_member_bytes = maximum_member_bytes
        self.metadata = metadata

    @property
    def _path(self) -> str:
        return str(get_filepath_str(self._filepath, self._protocol))

    def _open(self) -> Source:
        try:
            return open_source(
                self._fs, self._path, self._layout, maximum_bytes=self._maximum_member_bytes
            )
        except FileNotFoundError:
            raise DatasetError(
                f"There is no archive at {self._path}. Put your galaxies there, or set `archive` "
                "in globals.yml to the file, folder or address where they are, or simulate a "
                "survey with `kedro run --env demo --pipelines demo`."
            ) from None
        except OSError as error:
            raise DatasetError(f"{self._path} cannot be read: {error}") from error

    def check_writable(self) -> None:
        """Nobody's survey is overwritten.

        Raises:
            DatasetError: Nothing may be written, or what lies there is not simulated.
        """
        if not self._writable or self._protocol != "file":
            raise DatasetError(
                f"{self._path} is not written: simulated galaxies go only to local archives that "
                "are declared `writable`, as in conf/demo. Use `--env demo`."
            )
        if self._fs.exists(self._path) and not self._open().simulated:  # whatever Kedro misses
            raise DatasetError(
                f"{self._path} holds an archive that is not simulated, and is left as it is. Move "
                "it elsewhere, or simulate into another folder with `--params data_root=DIR`."
            )

    def checksum(self) -> str:
        """Of its table of contents: names and sizes, and checksums where it has them.

        Raises:
            ValueError: There is no such file, or it is no archive.
        """
        contents = repr(sorted(self._open().contents()))
        return hashlib.sha256(contents.encode(errors="surrogateescape")).hexdigest()

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "protocol": self._protocol}


class CutoutArchiveDataset(_ArchiveDataset):
    """The cut-outs of galaxies by identifier, read when they are asked for.

    They lie in a zip archive, a tar archive, a folder or an HDF5 file; which of them is told by
    what is there. Nothing is extracted to disk. A simulated survey can be saved as a zip archive
    where that is writable, and says what it is.

    Args:
        filepath: Path or URL; anything fsspec understands.
        archive: Where it lies in the folder ``filepath``; or another path or URL, which then counts
            alone. None where ``filepath`` is the archive.
        writable: Whether a simulated survey may be saved here.
        maximum_member_bytes: What expands to more than this is not read.
        credentials: For the file system, if it needs any.
        fs_args: Further arguments of the file system.
        metadata: For kedro-viz and other plugins.
        layout: See :class:`galaxy_morphology.sources.Layout`.
    """

    def load(self) -> CutoutArchive:
        """Open the archive.

        Raises:
            DatasetError: There is no such file, it is no archive, or it holds no cut-out where one
                is expected.
        """
        return self._open().cutouts()

    def save(self, data: SimulatedArchive) -> None:
        """Write an archive of simulated galaxies, whole or not at all.

        Raises:
            DatasetError: The archive is not writable, or would overwrite one that is not
                simulated.
        """
        self.check_writable()
        folder = self._filepath.stem
        with (
            replacing(Path(self._path)) as part,
            zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
        ):
            members = {
                f"{folder}/{SIMULATED}": b"The galaxies of this archive are simulated.\n",
                f"{folder}/{self._layout.label_file}": data.labels.to_csv(index=False).encode(),
            }
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content)
            # PNGs are compressed already.
            for cataid, encoded in data.cutouts.items():
                archive.writestr(
                    zipfile.ZipInfo(f"{folder}/DATA/{cataid}{self._layout.image_suffix}"), encoded
                )


class ArchiveLabelsDataset(_ArchiveDataset):
    """The labels of the galaxies in an archive, as a table of texts.

    Args:
        filepath: Path or URL of the archive; anything fsspec understands.
        archive: See :class:`CutoutArchiveDataset`.
        writable: Whether a simulated survey may be saved in this archive.
        maximum_member_bytes: A list that expands to more than this is not read.
        credentials: For the file system, if it needs any.
        fs_args: Further arguments of the file system.
        metadata: For kedro-viz and other plugins.
        layout: See :class:`galaxy_morphology.sources.Layout`.
    """

    def load(self) -> pd.DataFrame:
        """Read the labels, every cell as text.

        Raises:
            DatasetError: There is no such archive or list, several lists have that name, or the
                list cannot be read.
        """
        return self._open().labels()

    def save(self, data: pd.DataFrame) -> None:
        """Make sure that the archive holds this list: it is written with the cut-outs.

        Raises:
            DatasetError: The archive is not writable, or holds another list.
        """
        self.check_writable()
        if not self.load().equals(data.astype(str)):
            raise DatasetError(
                f"{self._layout.label_file} in {self._path} is not the list that was simulated. "
                "Save `galaxy_archive` first: the label list is written with the cut-outs."
            )

    def preview(self) -> TablePreview:
        """Show the first rows in kedro-viz."""
        return TablePreview(self.load().head().to_dict(orient="split"))


def archive_in(folder: str, archive: object) -> str:
    """The path or the address of an archive as a user wrote it.

    Args:
        folder: What a relative path starts from.
        archive: As YAML reads it.

    Raises:
        ValueError: It is no text, or empty.
    """
    if not isinstance(archive, str) or not archive.strip():
        raise ValueError(
            f"`archive` in globals.yml is {archive!r}. Write the name of a file or folder in "
            f"{folder}, or a path or address, in quotes."
        )
    return archive if "://" in archive else (Path(folder) / Path(archive).expanduser()).as_posix()


def layout_of(options: dict[str, Any]) -> Layout:
    """A layout as it is configured.

    Args:
        options: Of the catalog.

    Raises:
        ValueError: One of them makes no sense; says which.
    """
    try:
        return Layout.model_validate(options)
    except ValidationError as error:
        one = error.errors()[0]
        name = ".".join(map(str, one["loc"])) or "label_file"
        words = one["msg"].removeprefix("Value error, ")
        raise ValueError(
            f"How galaxies are laid out, as globals.yml says, makes no sense: `{name}` is "
            f"{one['input']!r}: {words}."
        ) from None
