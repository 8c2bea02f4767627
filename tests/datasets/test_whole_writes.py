"""Every dataset that the catalog saves to is written whole or not at all.

Writers are forked processes that save one of two versions of their data, and are killed at random
times or compete with each other. What lies on disk is then, byte for byte, one of the versions.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT
from kedro.io.core import parse_dataset_definition
from matplotlib.figure import Figure

from galaxy_morphology.datasets.atomic import BEING_WRITTEN, replacing
from galaxy_morphology.typing import SimulatedArchive

LONG = 20_000


class FakeModel(NamedTuple):
    """What a dataset of models needs of one: Keras does not survive a fork."""

    version: int

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            for _ in range(50):
                file.write(bytes([self.version]) * 10_000)
                file.flush()


def figure(version: int) -> Figure:
    drawn = Figure(figsize=(1, 1))
    drawn.set_facecolor(["red", "blue"][version])
    return drawn


MADE: dict[str, Callable[[int], Any]] = {
    "whole.CSVDataset": lambda version: pd.DataFrame({"α": [version] * LONG}),
    "whole.ParquetDataset": lambda version: pd.DataFrame({"α": np.arange(LONG) * (version + 1)}),
    "whole.JSONDataset": lambda version: {"α": [version] * LONG},
    "optional.OptionalJSONDataset": lambda version: {"α": [version] * LONG},
    "whole.TextDataset": lambda version: f"α{version}\n" * LONG,
    "figure.MatplotlibDataset": figure,
    "npy.NpyDataset": lambda version: np.full((LONG, 8), version),
    "npz.NpzDataset": lambda version: {name: np.full(LONG, version) for name in "abc"},
    "keras_model.KerasModelDataset": FakeModel,
    "folder.FolderDataset": lambda version: {name: bytes([version]) * LONG for name in "ab"},
    "cutout_archive.CutoutArchiveDataset": lambda version: SimulatedArchive(
        {cataid: bytes([version]) * 1000 for cataid in range(200)},
        pd.DataFrame({"CATAID": range(200), "TARGET": version}),
    ),
}
"""By the class that saves it, the data of version 0 and 1; of a table its letters as well."""

FOLDER = "a folder of figures"
FOLDERS = {FOLDER, "folder.FolderDataset"}
CASES = [*MADE, FOLDER]


def save(case: str, path: Path, version: int) -> None:
    """Save a version as a run would: with a dataset of its own."""
    name = "figure.MatplotlibDataset" if case == FOLDER else case
    arguments: dict[str, Any] = {"filepath": str(path)}
    if name.startswith("cutout_archive"):
        arguments["writable"] = True
    kind, arguments = parse_dataset_definition(
        {"type": f"galaxy_morphology.datasets.{name}", **arguments}
    )
    made = MADE[name](version)
    kind(**arguments).save({"a.png": made, "b.png": figure(version)} if case == FOLDER else made)


def content(path: Path) -> bytes | dict[str, bytes] | None:
    """What is at a path: one file, those of one folder, or nothing."""
    if path.suffix:
        return path.read_bytes() if path.exists() else None
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        found = {name: _read(name, folder) for name in sorted(os.listdir(folder))}  # noqa: PTH208
        # Once it is replaced, its writer empties it.
        return found if os.path.samestat(os.fstat(folder), path.stat()) else None
    except FileNotFoundError:
        return None
    finally:
        os.close(folder)


def _read(name: str, folder: int) -> bytes:
    with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
        return file.read()


def versions(case: str, tmp_path: Path) -> tuple[Path, list[bytes | dict[str, bytes] | None]]:
    """Where a case is saved, and what its two versions look like there."""
    suffix = {**dict.fromkeys(FOLDERS, ""), "npz.NpzDataset": ".npz"}.get(case, ".png")
    wanted = []
    for version in (0, 1):
        path = tmp_path / str(version) / f"data{suffix}"
        save(case, path, version)
        wanted.append(content(path))
    assert wanted[0] != wanted[1]
    return tmp_path / "both" / f"data{suffix}", wanted


def forked(write: Callable[[], None]) -> int:
    """Write in a process of its own."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        write()
        code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize("case", CASES)
def test_a_killed_writer_leaves_one_version_or_the_other(case: str, tmp_path: Path) -> None:
    path, wanted = versions(case, tmp_path)
    save(case, path, 0)
    # A folder is replaced by two renames, between which there is none.
    allowed = [*wanted, None] if case in FOLDERS else wanted

    def write_for_ever() -> None:
        for version in range(10**9):
            save(case, path, version % 2)

    rng = np.random.default_rng(0)
    for _ in range(12):
        pid = forked(write_for_ever)
        time.sleep(rng.uniform(0.005, 0.06))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert content(path) in allowed
    save(case, path, 1)
    assert content(path) == wanted[1]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("case", CASES)
def test_many_writers_leave_one_version_or_the_other(case: str, tmp_path: Path) -> None:
    path, wanted = versions(case, tmp_path)
    save(case, path, 0)

    def write_some(first: int) -> None:
        for version in range(first, first + 8):
            save(case, path, version % 2)

    writers = [forked(lambda first=first: write_some(first)) for first in range(4)]  # type: ignore[misc]
    n_read = 0
    while writers:
        found = content(path)
        assert found in wanted or (found is None and case in FOLDERS)
        n_read += found is not None
        for pid in list(writers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                assert os.waitstatus_to_exitcode(status) == 0
                writers.remove(pid)
    assert n_read
    assert content(path) in wanted
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_a_living_writer_has_begun_is_left_to_it(tmp_path: Path) -> None:
    from galaxy_morphology.datasets.atomic import replacing

    path = tmp_path / "a.txt"
    with replacing(path) as one:
        one.write_text("one")
        with replacing(path) as other:
            assert other != one
            other.write_text("other")
        assert path.read_text() == "other"
        assert one.read_text() == "one"
    assert path.read_text() == "one"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_takes_the_rights_that_it_would_have_anyway(tmp_path: Path) -> None:
    save("whole.TextDataset", tmp_path / "ours.txt", 0)
    (tmp_path / "any.txt").write_text("")
    assert (tmp_path / "ours.txt").stat().st_mode == (tmp_path / "any.txt").stat().st_mode


def test_a_folder_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "data.txt").mkdir()
    (tmp_path / "data.txt" / "mine").touch()
    with pytest.raises(Exception, match="directory"):
        save("whole.TextDataset", tmp_path / "data.txt", 0)
    assert (tmp_path / "data.txt" / "mine").exists()


def test_letters_are_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    code = (
        "import sys, pandas\n"
        "from galaxy_morphology.datasets.whole import CSVDataset, JSONDataset, TextDataset\n"
        "for kind, data in ((CSVDataset, pandas.DataFrame({'\\u03b1': [1]})),\n"
        "                   (JSONDataset, {'\\u03b1': 1}), (TextDataset, '\\u03b1')):\n"
        "    dataset = kind(filepath=f'{sys.argv[1]}/{kind.__name__}')\n"
        "    dataset.save(data)\n"
        "    loaded = dataset.load()\n"
        "    assert loaded.equals(data) if kind is CSVDataset else loaded == data\n"
    )
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=os.environ | ascii_only, check=True
    )
    for name in ("CSVDataset", "JSONDataset", "TextDataset"):
        assert "α" in (tmp_path / name).read_bytes().decode("utf-8")


def test_the_catalog_saves_to_nothing_else() -> None:
    catalog = yaml.safe_load((PROJECT / "conf/base/catalog.yml").read_text(encoding="utf-8"))
    kinds = {entry["type"] for name, entry in catalog.items() if not name.startswith("_")}
    unsaved = {"cutout_archive.ArchiveLabelsDataset", "software.SoftwareDataset",
               "study.StudyDataset", "survey.ArchivesDataset", "survey.CatalogueDataset",
               "survey.SurveyFolderDataset"}  # fmt: skip
    written_by_others = {"checkpoint.CheckpointDataset", "checkpoint.CheckpointsDataset",
                         "network_images.NetworkImagesDataset", "page.PageDataset"}  # fmt: skip
    ours = {f"galaxy_morphology.datasets.{name}" for name in {*MADE, *unsaved, *written_by_others}}
    assert kinds - {"kedro.io.MemoryDataset"} <= ours
    assert BEING_WRITTEN.startswith(".")  # no glob of a catalog finds it


def test_a_link_to_another_disk_stays_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "text.md").symlink_to(tmp_path / "disk" / "text.md")
    for words in ("one", "two"):
        with replacing(tmp_path / "text.md") as part:
            part.write_text(words)
        assert (tmp_path / "disk" / "text.md").read_text() == words
    assert (tmp_path / "text.md").is_symlink()
