"""Writing a file or a folder whole or not at all, whoever else writes it, and whoever is killed."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from galaxy_morphology.locks import try_lock

BEING_WRITTEN = ".being-written."


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a path to write to, and move it over ``path`` once the block has ended well.

    An interrupted or failed write leaves ``path`` as it was, and nothing beside it. What a killed
    one left beside it is removed by the next write into the same folder.

    Args:
        path: A file, or a folder, which is replaced as a whole. A file is always there; a folder
            is not for the moment between two renames.

    Yields:
        A path of the same name in a folder of its own: Keras and NumPy choose the format by the
        suffix, and no two writers share one.
    """
    path = path.resolve()  # a link to another disk stays one
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_what_the_killed_left(path.parent)
    folder, lock = _folder_of_our_own(path)
    try:
        part = folder / path.name
        yield part
        _move_over(part, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _folder_of_our_own(path: Path) -> tuple[Path, int | None]:
    """A new folder beside ``path``, and the lock that tells others that its writer lives."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{BEING_WRITTEN}{path.name}.", dir=path.parent))
        try:
            lock = try_lock(folder)
        except BlockingIOError:
            continue  # before we could lock it, another writer took it for one of the killed
        except OSError:
            return folder, None  # without locks, nobody takes it for one of the killed either
        if lock is not None:
            return folder, lock


def _remove_what_the_killed_left(parent: Path) -> None:
    for folder in parent.glob(f"{BEING_WRITTEN}*"):
        with suppress(OSError):
            lock = try_lock(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _move_over(part: Path, path: Path) -> None:
    """Rename; a folder that is in the way is moved aside first, since none is renamed over it."""
    for number in count():
        try:
            part.replace(path)
            return
        except OSError as error:
            in_the_way = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
            if not (in_the_way and part.is_dir() and path.is_dir()):
                raise
            with suppress(FileNotFoundError):  # another writer was quicker
                path.rename(part.with_name(f"{path.name}.{number}"))
