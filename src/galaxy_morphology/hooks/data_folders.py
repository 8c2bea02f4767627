"""Where a run reads and writes."""

import os
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl


class DataFoldersHook:
    """Makes ``raw_root`` and ``data_root`` absolute, and refuses what cannot be one.

    Both come from ``globals.yml``; a parameter ``data_root`` takes the place of both. A relative
    folder is one of the project's, wherever one stands. Kedro would make a few keys of the
    catalog absolute, and leave others to the working directory.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Replace the folders in the configuration, before the catalog is read.

        Raises:
            ValueError: One of them is not the name of a local folder.
        """
        loader: Any = context.config_loader
        folders = {
            name: folder_of(name, loader["globals"][name], context.project_path)
            for name in ("raw_root", "data_root")
        }
        loader["globals"] = {**loader["globals"], **folders}
        if "data_root" in (loader.runtime_params or {}):
            folders["data_root"] = folder_of(
                "data_root", loader.runtime_params["data_root"], context.project_path
            )
            loader.runtime_params["data_root"] = folders["data_root"]


def folder_of(name: str, folder: object, project: Path) -> str:
    """The absolute path of a folder as a user wrote it.

    Args:
        name: What it is called in the configuration.
        folder: As YAML reads it.
        project: What a relative folder is relative to.

    Raises:
        ValueError: It is not the name of a local folder.
    """
    if folder is None or not str(folder).strip():
        raise ValueError(f"{name} is empty. Name a folder, or leave it out for the usual one.")
    if not isinstance(folder, str):
        raise ValueError(
            f"{name} was read as {folder!r}, which is no text, since YAML takes names such as "
            "2024_01 or 007 for numbers. Write a path, such as ./2024_01, instead."
        )
    if "://" in folder or "::" in folder:
        raise ValueError(
            f"{name} is {folder}, but must be a folder on a local disk: arrays are mapped into "
            "memory from there."
        )
    try:
        return (project / Path(folder).expanduser()).as_posix()
    except RuntimeError as error:
        raise ValueError(f"{name} is {folder}, but there is no such user's folder.") from error


def check_writable(data_root: Path) -> None:
    """Refuse a folder that cannot be written to, or made.

    Raises:
        ValueError: Says which part of its path is in the way, and why.
    """
    there = next(path for path in (data_root, *data_root.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise ValueError(f"data_root is {data_root}, but {there} is no folder: name another.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ValueError(
            f"data_root is {data_root}, but nothing may be written in {there}: name another "
            "folder, as in --params data_root=FOLDER."
        )
