"""Many archives, found by one path."""

from pathlib import Path
from typing import Any, NamedTuple

import fsspec
from fsspec.core import split_protocol

from galaxy_morphology.sources.layout import Layout
from galaxy_morphology.sources.opening import Source, open_source

STAMP = ("size", "mtime", "ETag", "LastModified", "last_modified", "created_at")
"""What file systems tell of a file that changes with its content."""


class Archives(NamedTuple):
    """Where archives of galaxies may lie, and how those in them are laid out.

    It holds no open file, so that other processes can be sent it.

    Attributes:
        folder: What relative paths start from.
        layout: Of the galaxies, in all archives the same.
        maximum_bytes: What expands to more than this is refused.
        fs_args: Arguments of the file system.
    """

    folder: str
    layout: Layout
    maximum_bytes: int
    fs_args: dict[str, Any]

    def located(self, source: str) -> str:
        """A path or pattern that starts from nowhere else; addresses stay as they are.

        Args:
            source: As a user wrote it.
        """
        if "://" in source:
            return source
        return (Path(self.folder) / Path(source).expanduser()).as_posix()

    def find(self, source: str) -> list[str]:
        """The archives that a path means, in the order of their names.

        Args:
            source: Path or address of an archive, or a pattern with ``*`` that several fit.

        Raises:
            ValueError: There is none; says where was looked.
        """
        source = self.located(source)
        system, path = self._system(source)
        if system.exists(path):
            return [source]
        protocol, _ = split_protocol(source)
        found = sorted(map(str, system.glob(path))) if "*" in path else []
        if not found:
            kind = "that fits the pattern" if "*" in path else "there"
            raise ValueError(
                f"There is nothing to classify at {source}: no file or folder {kind}. Name a zip "
                "or tar file, a folder, an HDF5 file, or a pattern in quotes, such as "
                "'tiles/*.zip' (survey.source)."
            )
        return [system.unstrip_protocol(name) if protocol else name for name in found]

    def open(self, archive: str) -> Source:
        """Open one of them.

        Args:
            archive: From :meth:`find`.

        Raises:
            ValueError: It is no archive, or not laid out so; says what was found.
            FileNotFoundError: It is no longer there.
        """
        system, path = self._system(archive)
        return open_source(system, path, self.layout, maximum_bytes=self.maximum_bytes)

    def stamp(self, archive: str) -> list[str]:
        """What tells versions of an archive apart as a file.

        Args:
            archive: From :meth:`find`.
        """
        system, path = self._system(archive)
        facts = system.info(path)
        return [f"{name}: {facts[name]}" for name in STAMP if name in facts]

    def _system(self, path: str) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            system, within = fsspec.core.url_to_fs(path, **self.fs_args)
        except (ImportError, ValueError) as error:
            raise ValueError(
                f"{path} cannot be read: {error}. For addresses on web servers, install "
                "galaxy-morphology[http]; for others, what fsspec names."
            ) from error
        return system, within
