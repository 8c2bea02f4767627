"""Where a run reads and writes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology.hooks.data_folders import check_writable, folder_of
from galaxy_morphology.hooks.parameter_names import number_classes

PROJECT_FOLDER = Path("/somewhere/project")


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("data", "/somewhere/project/data"),
        ("./2024_01", "/somewhere/project/2024_01"),
        ("/scratch/survey", "/scratch/survey"),
        ("~/survey", "/home/me/survey"),
        ("run:1/data", "/somewhere/project/run:1/data"),  # which Kedro takes for an address
    ],
)
def test_folders_are_absolute(folder: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert folder_of("data_root", folder, PROJECT_FOLDER) == path


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        (202401, r"202401, which is no text.*\./2024_01"),
        (7, "which is no text"),
        (True, "which is no text"),
        ({"a": 1}, "which is no text"),
        (None, "data_root is empty"),
        (" ", "data_root is empty"),
        ("s3://bucket/survey", "local disk"),
        ("memory://survey", "local disk"),
        ("~no_such_user_here/x", "no such user"),
    ],
)
def test_what_is_no_folder_is_refused(folder: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        folder_of("data_root", folder, PROJECT_FOLDER)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    check_writable(tmp_path / "new" / "newer")
    for name in ("file", "file/below", "nowhere"):
        with pytest.raises(ValueError, match="is no folder"):
            check_writable(tmp_path / name)


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(ValueError, match=f"nothing may be written in {tmp_path}"):
        check_writable(tmp_path / "new")


@given(st.dictionaries(st.integers(0, 99), st.text()))
def test_classes_of_the_command_line_have_numbers(classes: dict[int, str]) -> None:
    parameters: dict[str, Any] = {
        "classes": {str(target): name for target, name in classes.items()},
        "split": {},
    }
    number_classes(parameters)
    assert parameters == {"classes": classes, "split": {}}
