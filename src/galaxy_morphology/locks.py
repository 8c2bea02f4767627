"""Locks that end with the process that holds them, however it ends."""

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]


def try_lock(path: Path) -> int | None:
    """Lock a file or folder, which is unlocked when the descriptor is closed or its process ends.

    Args:
        path: What to lock.

    Returns:
        The open descriptor, of a file for reading and writing; None where there is nothing at the
        path, or no longer.

    Raises:
        BlockingIOError: Somebody else holds the lock.
        OSError: This file system has no locks.
    """
    if fcntl is None:
        raise OSError("this system has no file locks")
    try:
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who held it may have removed it while we asked: then it is no lock any more.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except FileNotFoundError:
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
