"""Which archive it was: its name, size and checksum as the file itself has them."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from survey import write_archive, write_survey

from galaxy_morphology.datasets.cutout_archive import CutoutArchiveDataset
from galaxy_morphology.typing import SimulatedArchive

LABELS = "CATAID,TARGET\n1,0\n2,1\n"


def test_the_summary_is_that_of_the_file(tmp_path: Path) -> None:
    path = write_survey(tmp_path / "My galaxies.zip", 6)
    assert CutoutArchiveDataset(filepath=str(path)).load().summary() == {
        "file": "My galaxies.zip",
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "simulated": False,
    }


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_the_checksum_is_the_one_that_people_see(tmp_path: Path) -> None:
    path = write_survey(tmp_path / "a.zip", 2)
    printed = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    assert printed.startswith(CutoutArchiveDataset(filepath=str(path)).load().summary()["sha256"])


@settings(max_examples=30)
@given(cutouts=st.dictionaries(st.integers(1, 10**7), st.binary(max_size=300), min_size=1))
def test_the_archive_can_be_read_before_and_after(
    tmp_path_factory: pytest.TempPathFactory, cutouts: dict[int, bytes]
) -> None:
    path = write_archive(tmp_path_factory.mktemp("archive") / "a.zip", cutouts, LABELS)
    archive = CutoutArchiveDataset(filepath=str(path)).load()
    fresh = archive.summary()
    assert dict(archive) == cutouts
    used = archive.summary()
    assert dict(archive) == cutouts
    assert fresh == used
    assert fresh["bytes"] == path.stat().st_size
    assert fresh["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_summary_is_the_same_on_another_file_system(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", {1: b"one"}, LABELS)
    fsspec.filesystem("memory").pipe("/a.zip", path.read_bytes())
    local, in_memory = (
        CutoutArchiveDataset(filepath=filepath).load().summary()
        for filepath in (str(path), "memory:///a.zip")
    )
    assert in_memory == local


def test_simulated_galaxies_are_said_to_be(tmp_path: Path) -> None:
    dataset = CutoutArchiveDataset(filepath=str(tmp_path / "a.zip"), writable=True)
    labels = pd.DataFrame({"CATAID": [1, 2], "TARGET": [0, 1]})
    dataset.save(SimulatedArchive({1: b"one", 2: b"two"}, labels))
    summary = dataset.load().summary()
    assert summary["simulated"] is True
    assert summary["sha256"] == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
