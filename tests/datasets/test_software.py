"""What a run was made with, as Python and git themselves say."""

import platform
import subprocess
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from kedro.io import DatasetError

from galaxy_morphology.datasets import software
from galaxy_morphology.datasets.software import SoftwareDataset


def look_up(*packages: str) -> dict[str, Any]:
    return SoftwareDataset(packages=list(packages)).load()


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    return subprocess.run(
        ["git", "-C", str(folder), *names, "-c", "commit.gpgsign=false", *arguments],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is taken for the project, outside of any repository."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where git runs the tests
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.setattr(software, "PROJECT", folder)
    return folder


def test_versions_are_those_that_are_installed(project: Path) -> None:
    catalog = yaml.safe_load((project / "conf/base/catalog.yml").read_text())
    packages = catalog["modelling.card.software"]["packages"]
    assert {"galaxy-morphology", "tensorflow", "numpy"} <= set(packages)
    found = look_up(*packages)
    assert found["packages"] == {name: version(name) for name in packages}
    assert list(found["packages"]) == packages
    assert found["python"] == platform.python_version()
    assert found["platform"] == f"{platform.system()} {platform.machine()}"


def test_versions_are_those_the_packages_themselves_give() -> None:
    import numpy as np
    import pandas as pd

    assert look_up("numpy", "pandas")["packages"] == {
        "numpy": np.__version__, "pandas": pd.__version__,
    }  # fmt: skip


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(DatasetError, match="no-such-package"):
        look_up("no-such-package")


def test_the_date_is_now() -> None:
    date = datetime.strptime(look_up()["date"], "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert timedelta(0) <= datetime.now(UTC) - date < timedelta(minutes=2)


def test_the_commit_is_the_one_checked_out(project: Path) -> None:
    try:
        expected = git(project, "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        expected = "unknown"  # as where the project came in an archive
    assert look_up()["commit"].removesuffix(" with changes") == expected


def test_changes_that_are_not_committed_are_told(folder: Path) -> None:
    git(folder, "init")
    (folder / "a.py").write_text("a = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    first = git(folder, "rev-parse", "HEAD")
    assert look_up()["commit"] == first
    (folder / "a.py").write_text("a = 2\n")
    assert look_up()["commit"] == f"{first} with changes"
    git(folder, "commit", "-a", "-m", "second")
    second = git(folder, "rev-parse", "HEAD")
    assert second != first
    assert look_up()["commit"] == second
    (folder / "b.py").write_text("b = 1\n")
    assert look_up()["commit"] == f"{second} with changes"


def test_the_commit_is_unknown_where_there_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_up()["commit"] == "unknown"
    git(folder, "init")
    assert look_up()["commit"] == "unknown"  # nothing is committed yet
    monkeypatch.setattr(software, "PROJECT", folder / "no such folder")
    assert look_up()["commit"] == "unknown"


def test_the_commit_is_unknown_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert look_up()["commit"] == "unknown"


def test_there_is_nothing_to_save() -> None:
    dataset = SoftwareDataset(packages=["numpy"])
    # The types forbid it too.
    with pytest.raises(DatasetError, match="looked up, not saved"):
        cast("Any", dataset).save({"packages": {}})
    assert "numpy" in str(dataset)
