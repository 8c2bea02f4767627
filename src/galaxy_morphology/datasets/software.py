"""What a run was made with: the commit of the project, and versions of its packages."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

PROJECT = Path(__file__).parents[3]


class SoftwareDataset(AbstractDataset[NoReturn, dict[str, Any]]):
    """The software as it is when it is loaded. There is nothing to save.

    Args:
        packages: Distributions to name the versions of.
        metadata: For kedro-viz and other plugins.
    """

    def __init__(self, *, packages: list[str], metadata: dict[str, Any] | None = None) -> None:
        self._packages = packages
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        """Look up ``date``, ``commit``, ``python``, ``platform`` and ``packages`` by name."""
        return {
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": _commit(),
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "packages": {name: version(name) for name in self._packages},
        }

    def save(self, data: NoReturn) -> None:
        """Refuse."""
        raise DatasetError("The software is looked up, not saved.")

    def _describe(self) -> dict[str, Any]:
        return {"packages": self._packages}


def _commit() -> str:
    """The commit that is checked out, "unknown" where there is none or no git."""
    if not (PROJECT / ".git").exists():  # else git would look into the folders above
        return "unknown"
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit} with changes" if _git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - our own words
        ["git", "-C", str(PROJECT), *arguments],  # noqa: S607 - git is where the user has it
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
