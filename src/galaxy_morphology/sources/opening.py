"""Which kind of source a path leads to."""

import posixpath
from collections.abc import Callable
from typing import IO, Any, Protocol

import fsspec
import pandas as pd

from galaxy_morphology.sources.files import is_folder, open_files
from galaxy_morphology.sources.galaxies import FileSource
from galaxy_morphology.sources.hdf5 import SIGNATURE, Hdf5Source
from galaxy_morphology.sources.layout import Layout
from galaxy_morphology.typing import SourceCutouts


class Source(Protocol):
    """Galaxies as somebody has them.

    Attributes:
        simulated: Whether they are simulated, as the source itself says.
        unread_list: A label list that is there, and that nobody needs to read; None for none.
    """

    simulated: bool

    @property
    def unread_list(self) -> str | None: ...  # noqa: D102

    def cutouts(self) -> SourceCutouts:
        """The cut-outs by identifier."""
        ...

    def labels(self) -> pd.DataFrame:
        """A row of texts for each galaxy: ``CATAID``, ``TARGET`` and what else is known."""
        ...

    def contents(self) -> list[tuple[Any, ...]]:
        """What tells versions of the galaxies apart, without reading their cut-outs."""
        ...


def open_source(
    system: fsspec.AbstractFileSystem, path: str, layout: Layout, *, maximum_bytes: int
) -> Source:
    """Open a folder, a zip archive, a tar archive or an HDF5 file, whichever it is.

    Args:
        system: The file system.
        path: Where it lies there.
        layout: How its galaxies are laid out.
        maximum_bytes: What expands to more than this is refused.

    Raises:
        ValueError: It is none of them, or not laid out so; says what was found.
        FileNotFoundError: There is nothing.
    """
    if not is_folder(system, path):
        file: IO[bytes] = system.open(path, "rb")
        if file.read(len(SIGNATURE)) == SIGNATURE:
            file.seek(0)
            return Hdf5Source(file, path, layout, maximum_bytes)
        file.close()
    files = open_files(system, path, maximum_bytes=maximum_bytes)
    return FileSource(files, layout, _beside(system, path))


def _beside(system: fsspec.AbstractFileSystem, path: str) -> Callable[[str], IO[bytes] | None]:
    """Opens files that lie beside an archive."""

    def beside(name: str) -> IO[bytes] | None:
        there = posixpath.join(posixpath.dirname(path), name)
        if "/" in name or is_folder(system, path) or not system.exists(there):
            return None
        file: IO[bytes] = system.open(there, "rb")
        return file

    return beside
