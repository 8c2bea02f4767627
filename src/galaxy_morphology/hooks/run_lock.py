"""One run at a time in a folder."""

import atexit
import logging
import os
import platform
import threading
from collections.abc import Generator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from galaxy_morphology.hooks.data_folders import check_writable
from galaxy_morphology.locks import try_lock

logger = logging.getLogger(__name__)

LOCK = ".lock"


class Held(NamedTuple):
    """A lock that we hold."""

    path: Path
    descriptor: int
    folders_made: list[Path]
    process: int


class RunLockHook:
    """Locks the folders that a run writes to, so that a second run there stops before it begins.

    The system unlocks what a killed run had locked. What an interrupted run left locked in a
    process that lives on, as a notebook does, is unlocked by the next run in the same thread.
    """

    def __init__(self) -> None:
        self._held: dict[int, list[Held]] = {}
        atexit.register(self._release_all)

    @hook_impl(wrapper=True, tryfirst=True)
    def before_pipeline_run(
        self, pipeline: Pipeline, catalog: DataCatalog
    ) -> Generator[None, Any, Any]:
        """Lock the folders, and unlock them where another hook refuses to run.

        Raises:
            RuntimeError: Another run is at work in one of them; says which, and since when.
        """
        self._release()
        held = self._held.setdefault(threading.get_ident(), [])
        try:
            for folder in _folders_written(pipeline, catalog):
                lock = _take(folder)
                if lock:
                    held.append(lock)
            return (yield)
        except BaseException:
            self._release()
            raise

    @hook_impl(wrapper=True)
    def after_pipeline_run(self) -> Generator[None, Any, Any]:
        """Unlock the folders when all else is done."""
        try:
            return (yield)
        finally:
            self._release()

    @hook_impl(wrapper=True)
    def on_pipeline_error(self) -> Generator[None, Any, Any]:
        """Unlock the folders when all else is done."""
        try:
            return (yield)
        finally:
            self._release()

    def _release(self) -> None:
        for lock in reversed(self._held.pop(threading.get_ident(), [])):
            _let_go(lock)

    def _release_all(self) -> None:
        for locks in self._held.values():
            for lock in reversed(locks):
                _let_go(lock)
        self._held.clear()


def _folders_written(pipeline: Pipeline, catalog: DataCatalog) -> list[Path]:
    """The folder of the lineage, and that of the archive where it is written.

    None where all that is done may be done side by side, as in a search that several share.
    """
    from galaxy_morphology.pipelines.tuning.pipeline import SIDE_BY_SIDE

    if pipeline.nodes and all(SIDE_BY_SIDE in node.tags for node in pipeline.nodes):
        return []
    lineage: Any = catalog.get("lineage")
    folders = [Path(lineage._filepath).parent] if lineage else []
    if "galaxy_archive" in pipeline.all_outputs():
        archive: Any = catalog.get("galaxy_archive")
        folders.append(Path(archive._filepath).parent)
    return list(dict.fromkeys(folders))


def _take(folder: Path) -> Held | None:
    """Lock a folder by a file in it that says who holds the lock; None where there are no locks."""
    check_writable(folder)
    path = folder / LOCK
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        descriptor = None
        while descriptor is None:  # who held the lock may remove its file at any time
            folder.mkdir(parents=True, exist_ok=True)
            path.touch()
            descriptor = try_lock(path)
    except BlockingIOError:
        holder = _holder(path)
        wait = "Wait until it has ended"
        if holder.startswith(f"{_ourselves()},"):  # as where a notebook has loaded Kedro anew
            wait = "It was interrupted in this very process: restart Python (the notebook's kernel)"
        raise RuntimeError(
            f"Another run is at work in {folder}: {holder}. {wait}, or write elsewhere with "
            "`--params data_root=DIR`."
        ) from None
    except OSError as error:
        logger.warning("%s is not locked (%s): do not start a second run in it.", folder, error)
        return None
    now = datetime.now().astimezone()
    os.ftruncate(descriptor, 0)
    os.write(
        descriptor,
        f"{_ourselves()}, since {now:%Y-%m-%d %H:%M:%S %Z}".encode(),
    )
    return Held(path, descriptor, missing, os.getpid())


def _ourselves() -> str:
    return f"process {os.getpid()} on {platform.node()}"


def _holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8") or "another process"
    return "another process"


def _let_go(lock: Held) -> None:
    """Unlock and leave nothing behind; a forked process leaves that to the one that locked."""
    if lock.process == os.getpid():
        lock.path.unlink(missing_ok=True)
        with suppress(OSError):  # the run wrote something
            for folder in lock.folders_made:
                folder.rmdir()
    os.close(lock.descriptor)
