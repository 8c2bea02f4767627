"""Work in a process of its own: what it returns, says, and takes along when it ends."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from work import MEGABYTES, be_killed, count, fail, fill_memory, go_on

from galaxy_morphology.tuning import WorkError, run_apart


def is_alive(pid: int | None) -> bool:
    """Whether a process works; one that has ended and that nobody has asked for does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_works_in_a_fresh_process_and_reports_here() -> None:
    told = []

    def report(*content: Any) -> bool:
        told.append(content)
        return True

    found = run_apart(count, 3, ("pytest", "numpy"), report=report)
    assert told == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert found["process"] != os.getpid()
    assert found["loaded"] == ["numpy"]
    assert not is_alive(found["process"])


def test_it_takes_along_its_memory() -> None:
    def most(whose: int) -> int:
        return resource.getrusage(whose).ru_maxrss

    before = most(resource.RUSAGE_SELF)
    assert run_apart(fill_memory, report=go_on) == MEGABYTES * 2**17
    assert most(resource.RUSAGE_CHILDREN) > MEGABYTES * 1024
    assert most(resource.RUSAGE_SELF) - before < MEGABYTES * 1024 / 10


def test_it_ends_when_it_is_told_to() -> None:
    told = []

    def report(i: int, _: float) -> bool:
        told.append(i)
        return i < 1

    assert run_apart(count, 5, (), report=report) is None
    assert told == [0, 1]


def test_what_goes_wrong_there_is_said_here() -> None:
    with pytest.raises(WorkError, match="the logits are no longer numbers") as error:
        run_apart(fail, report=go_on)
    assert error.value.kind == "FloatingPointError"
    with pytest.raises(WorkError, match="ended with code -9: .* too little memory") as error:
        run_apart(be_killed, report=go_on)
    assert error.value.kind == ""


def test_what_goes_wrong_here_ends_it_there() -> None:
    before = multiprocessing.active_children()
    started: list[Any] = []

    def report(*_: Any) -> bool:
        started.extend(set(multiprocessing.active_children()) - set(before))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_apart(count, 5, (), report=report)
    assert [process.is_alive() for process in started] == [False]


def test_it_ends_with_who_started_it_also_where_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = (
        "from work import go_on, wait\n"
        "from galaxy_morphology.tuning import run_apart\n"
        f"if __name__ == '__main__': run_apart(wait, {str(file)!r}, report=go_on)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as other:  # fmt: skip
        while not (file.exists() and file.read_text()):
            assert other.poll() is None
            time.sleep(0.05)
        pid = int(file.read_text())
        assert is_alive(pid)
        other.send_signal(signal.SIGKILL)
        other.wait()
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)
