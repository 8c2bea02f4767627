"""Images that wait on disk until all of them are there."""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

logger = logging.getLogger(__name__)

ON_DISK = "/var/tmp"  # noqa: S108 - on many systems /tmp is in memory


class SpooledImages:
    """Images of one size, kept in an unnamed temporary file instead of memory.

    Args:
        side: Width and height of every image in pixels.
        channels: Of every image.
        dtype: Of the pixels.

    Raises:
        OSError: No temporary folder takes a file; says which were asked, and what to do.
    """

    def __init__(self, side: int, channels: int = 3, dtype: DTypeLike = np.uint8) -> None:
        self._file, self._folder = _temporary_file()
        self._image_shape = (side, side, channels)
        self.dtype = np.dtype(dtype)
        self._n_images = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole, [N, side, side, channels]."""
        return (self._n_images, *self._image_shape)

    def append(self, image: NDArray[Any]) -> None:
        """Add one image, [side, side, channels].

        Raises:
            OSError: The temporary folder is full; says how much is needed.
        """
        try:
            self._file.seek(0, os.SEEK_END)
            self._file.write(np.ascontiguousarray(image).data)
            self._file.flush()  # here, and not somewhere later, it shows whether there is room
        except OSError as error:
            raise OSError(
                f"The temporary folder {self._folder} does not take the images: {error}. "
                f"{image.nbytes / 1024:.0f} KiB per galaxy are needed there; free some, or set "
                "TMPDIR to another folder."
            ) from error
        self._n_images += 1

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Read one image, [side, side, channels]."""
        n_bytes = int(np.prod(self._image_shape)) * self.dtype.itemsize
        self._file.seek(index * n_bytes)
        return np.frombuffer(self._file.read(n_bytes), self.dtype).reshape(self._image_shape)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[index] for index in range(self._n_images))


def _temporary_file() -> tuple[IO[bytes], str]:
    """An unnamed file, and its folder: the first that takes one, disks before memory."""
    refused = []
    wanted = (os.environ.get("TMPDIR"), ON_DISK if Path(ON_DISK).is_dir() else None)
    for folder in dict.fromkeys([*filter(None, wanted), None]):  # None: as Python chooses
        try:
            file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - stays open
        except OSError as error:
            refused.append(f"{folder or 'any other'} ({error.strerror})")
            continue
        folder = folder or tempfile.gettempdir()
        if refused:
            logger.warning("Images wait in %s, since others take no file: %s", folder, refused[0])
        return file, folder
    raise OSError(
        f"No temporary folder takes the images: {', '.join(refused)}. Set TMPDIR to a folder that "
        "may be written to."
    )
