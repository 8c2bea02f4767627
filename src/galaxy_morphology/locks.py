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
        path: What to lock; it has to be there.

    Returns:
        The open descriptor; None where somebody else holds the lock, or has removed the file.

    Raises:
        OSError: This file system has no locks.
    """
    if fcntl is None:
        raise OSError("this system has no file locks")
    try:
        descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who held it may have removed it while we asked: then it is no lock any more.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
