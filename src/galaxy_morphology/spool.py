"""Images that wait on disk until all of them are there."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHANNELS = 3


class SpooledImages:
    """Images of one size, kept in an unnamed temporary file instead of memory.

    Args:
        side: Width and height of every image in pixels.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, side: int) -> None:
        self._file = tempfile.TemporaryFile(dir=_roomy_folder())  # noqa: SIM115 - stays open
        self._image_shape = (side, side, CHANNELS)
        self._n_images = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole, [N, side, side, 3]."""
        return (self._n_images, *self._image_shape)

    def append(self, image: NDArray[np.uint8]) -> None:
        """Add one image, uint8 [side, side, 3]."""
        self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(np.ascontiguousarray(image).data)
        except OSError as error:
            raise OSError(
                f"The temporary folder {_roomy_folder()} does not take the images: {error}. "
                f"{image.nbytes / 1024:.0f} KiB per galaxy are needed there; free some, or set "
                "TMPDIR to another folder."
            ) from error
        self._n_images += 1

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        self._file.seek(0)
        for _ in range(self._n_images):
            pixels = self._file.read(int(np.prod(self._image_shape)))
            yield np.frombuffer(pixels, np.uint8).reshape(self._image_shape)


def _roomy_folder() -> str:
    """A temporary folder on disk: on many systems /tmp is in memory."""
    on_disk = Path("/var/tmp")  # noqa: S108
    return os.environ.get("TMPDIR") or (str(on_disk) if on_disk.is_dir() else tempfile.gettempdir())
