"""Galaxies in the arrays of an HDF5 file, read block by block."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.sources.files import MEBIBYTE, summary_of
from galaxy_morphology.sources.layout import Layout
from galaxy_morphology.sources.tables import texts_of

SIGNATURE = b"\x89HDF\r\n\x1a\n"
BLOCK_BYTES = 64 * MEBIBYTE
"""Most bytes of cut-outs that are read at once; those of two such blocks are held in memory."""


class Hdf5Source:
    """Galaxies in an HDF5 file with an array of cut-outs and one of labels, a row for each galaxy.

    Nothing but what the file itself holds is read: no other files that it links to.

    Args:
        file: Open.
        path: Where it lies.
        layout: What the arrays are called; ``columns.image`` and ``columns.label`` must be.
        maximum_bytes: Labels, or a chunk of cut-outs, that expand to more than this are refused.

    Raises:
        ValueError: It is no readable HDF5 file, or its arrays are not as expected; says which.
    """

    simulated = False
    unread_list = None

    def __init__(self, file: IO[bytes], path: str, layout: Layout, maximum_bytes: int) -> None:
        import h5py

        self._file, self._path = file, path
        self._columns = layout.columns
        self._maximum_bytes = maximum_bytes
        named = bool(self._columns.label) or not layout.labelled
        if not (self._columns.image and named) or layout.identifiers != "integer":
            raise ValueError(
                f"{path} is an HDF5 file. Set `columns.image` and `columns.label` in globals.yml "
                "to the names of its arrays of cut-outs and labels, and `identifiers` to integer: "
                "they are the numbers of its rows."
            )
        try:
            self._hdf5 = h5py.File(file, "r")
        except OSError as error:
            raise ValueError(
                f"{path} is not a readable HDF5 file ({error}). Download it again."
            ) from error
        self._images = self._array(self._columns.image)
        shape, kind = self._images.shape, self._images.dtype
        if len(shape) not in (3, 4) or shape[3:] not in ((), (1,), (3,)) or kind.kind not in "uif":
            raise ValueError(
                f"{self._columns.image} in {path} has the shape {shape} and the type {kind}. "
                "Expected [galaxies, height, width, 3], colours as numbers from 0."
            )
        if layout.image_side and shape[1:3] != (layout.image_side, layout.image_side):
            raise ValueError(
                f"{path} holds cut-outs of {shape[2]} × {shape[1]} px, but `image_side` in "
                f"globals.yml is {layout.image_side}: it is another data set, with other classes. "
                "Use the environment that is for it."
            )
        chunk = self._images.chunks or (1, *shape[1:])
        self._check_bytes(self._columns.image, int(np.prod(chunk)) * kind.itemsize)
        self._check_bytes(self._columns.image, int(np.prod(shape[1:])) * kind.itemsize)

    def contents(self) -> list[tuple[Any, ...]]:
        """What tells versions of the galaxies apart, without reading their cut-outs."""
        labels = self.labels().to_csv()
        return [(self._images.shape, str(self._images.dtype), self._images.id.get_storage_size(),
                 labels)]  # fmt: skip

    def labels(self) -> pd.DataFrame:
        """A row of texts for each galaxy: see :meth:`FileSource.labels`.

        Raises:
            ValueError: An array is not there, or not as long as that of the cut-outs.
        """
        label = {"TARGET": self._columns.label} if self._columns.label else {}
        columns = {**label, **self._columns.besides()}
        table = {ours: self._texts(theirs) for ours, theirs in columns.items()}
        identifiers = [str(row) for row in range(len(self._images))]
        labels = pd.DataFrame({"CATAID": identifiers, **table}, dtype=str)
        labels.attrs = {"CATAID": "row", "TARGET": str(self._columns.label)}
        return labels

    def cutouts(self) -> "Hdf5Cutouts":
        """The cut-outs by row."""
        return Hdf5Cutouts(self._images, summary=lambda: summary_of(self._file, self._path))

    def _texts(self, name: str) -> list[str]:
        array = self._array(name)
        if array.shape != (len(self._images),):
            raise ValueError(
                f"{name} in {self._path} has the shape {array.shape}, but there are "
                f"{len(self._images):,} cut-outs. Expected a number for each."
            )
        self._check_bytes(name, array.size * array.dtype.itemsize)
        texts: list[str] = texts_of(array[:].tolist())
        return texts

    def _array(self, name: str) -> Any:
        """An array of the file, reached without leaving it."""
        import h5py

        place: Any = self._hdf5
        for step in name.strip("/").split("/"):
            link = place.get(step, getlink=True) if isinstance(place, h5py.Group) else None
            if link is None:
                raise ValueError(
                    f"There is no {name} in {self._path}: it holds {list(self._hdf5)[:20]}. Set "
                    "`columns` in globals.yml to the names of its arrays."
                )
            if not isinstance(link, h5py.HardLink):
                raise ValueError(
                    f"{name} in {self._path} is a link to something else, and is not followed: "
                    "save the array itself in the file."
                )
            place = place[step]
        is_array = isinstance(place, h5py.Dataset)
        if not is_array or place.is_virtual or place.external or place.dtype.kind not in "uifSb":
            raise ValueError(
                f"{name} in {self._path} is no array of numbers, or its numbers lie in other "
                "files: save them in this one."
            )
        return place

    def _check_bytes(self, name: str, n_bytes: int) -> None:
        if n_bytes > self._maximum_bytes:
            raise ValueError(
                f"{name} in {self._path} expands to {n_bytes:,} bytes at once, more than the "
                f"{self._maximum_bytes:,} allowed (maximum_member_bytes)."
            )


class Hdf5Cutouts(Mapping[int, NDArray[Any]]):
    """The cut-outs of an array, by row. Readers side by side share the blocks that are read.

    Args:
        images: [N, height, width, 3] or [N, height, width], on disk.
        summary: Says which file it is.
    """

    simulated = False

    def __init__(self, images: Any, summary: Callable[[], dict[str, Any]]) -> None:
        self.unnamed: Mapping[str, str] = {}
        self._images = images
        self._summary = summary
        self._blocks: dict[int, NDArray[Any]] = {}
        self._reading = Lock()
        image_bytes = int(np.prod(images.shape[1:])) * images.dtype.itemsize
        n_fit = max(1, BLOCK_BYTES // image_bytes)
        self._chunk = images.chunks[0] if images.chunks else n_fit
        self._rows = -(-self._chunk // -(-self._chunk // n_fit))

    def __getitem__(self, row: int) -> NDArray[Any]:
        """The pixels of a galaxy.

        Raises:
            KeyError: There is no such row.
            ValueError: The file is damaged there.
        """
        if not 0 <= row < len(self):
            raise KeyError(row)
        # Whole parts of a chunk: each is unpacked as often as it has parts, and no more.
        start = row - row % self._chunk + row % self._chunk // self._rows * self._rows
        end = min(start + self._rows, row - row % self._chunk + self._chunk)
        with self._reading:
            if start not in self._blocks:
                try:
                    block = self._images[start:end]
                except OSError as error:
                    raise ValueError(f"row {row} is damaged in the file: {error}") from error
                self._blocks = dict([*self._blocks.items()][-1:])
                self._blocks[start] = block
            image: NDArray[Any] = self._blocks[start][row - start]
        return image

    def summary(self) -> dict[str, Any]:
        """Name, size in bytes and SHA-256 of the file, and that it is not simulated."""
        return {**self._summary(), "simulated": False}

    def place_of(self, row: int) -> tuple[str, ...]:
        """Where a cut-out lies in the file, in words."""
        return (f"row {row}",)

    def version_of(self, row: int) -> tuple[Any, ...] | None:
        """Nothing: only the whole file tells whether a cut-out has changed."""
        return None

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._images)
