"""Progress bars, and the lines that take their place where there is no terminal."""

import importlib
import sys
import time
from typing import Any

import pytest

from galaxy_morphology import progress
from galaxy_morphology.progress import progress_bar


def test_a_file_gets_one_line_of_short_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress_bar(range(1000), desc="Counting")) == list(range(1000))
    assert capsys.readouterr().err == "Counting: 1000 of 1000, 00:00 passed, 00:00 to go\n"


def test_a_file_gets_lines_of_long_work_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.05)
    for _ in progress_bar(range(100), desc="Waiting"):
        time.sleep(0.003)
    lines = capsys.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 9
    assert all(line.startswith("Waiting: ") and "of 100" in line for line in lines)
    assert lines[-1].startswith("Waiting: 100 of 100")


@pytest.mark.parametrize("options", [{"leave": False}, {"disable": True}])
def test_nothing_is_left_where_nothing_is_wanted(
    capsys: pytest.CaptureFixture[str], options: dict[str, Any]
) -> None:
    assert sum(progress_bar(range(10), **options)) == 45
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for _ in progress_bar(range(3), desc="Counting"):
        pass
    assert "\rCounting: 100%|" in capsys.readouterr().err


def test_a_program_that_has_loaded_ipython_is_no_notebook() -> None:
    importlib.import_module("IPython")
    assert not progress.in_notebook()
