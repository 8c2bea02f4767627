"""Two runs never write into one folder at a time."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline

from galaxy_morphology.datasets.whole import JSONDataset
from galaxy_morphology.hooks import RunLockHook

HOLD = """
import sys, time
from pathlib import Path
from galaxy_morphology.hooks.run_lock import _take
_take(Path(sys.argv[1]))
print("locked", flush=True)
time.sleep(60)
"""


def catalog_of(root: Path) -> DataCatalog:
    return DataCatalog(
        {
            "lineage": JSONDataset(filepath=str(root / "lineage.json")),
            "galaxy_archive": JSONDataset(filepath=str(root / "raw" / "archive.json")),
        }
    )


def hooks_of(*others: Any) -> Any:
    manager = _create_hook_manager()
    manager.register(RunLockHook())
    for other in others:
        manager.register(other)
    return manager.hook


def begin(hooks: Any, root: Path, pipeline: Pipeline | None = None) -> Callable[[], Any]:
    arguments = {
        "run_params": {}, "pipeline": pipeline or Pipeline([]), "catalog": catalog_of(root),
    }  # fmt: skip
    hooks.before_pipeline_run(**arguments)
    return lambda: hooks.after_pipeline_run(**arguments, run_result={})


def test_a_second_run_says_who_is_at_work_and_stops(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert "locked\n" in iter(other.stdout.readline, "")
        hooks = hooks_of()
        with pytest.raises(RuntimeError, match="Another run is at work in") as error:
            begin(hooks, tmp_path)
        for words in (str(tmp_path), f"process {other.pid} on ", "since 20"):
            assert words in str(error.value)
        other.send_signal(signal.SIGKILL)
        other.wait()
    begin(hooks, tmp_path)()  # the lock ended with its process
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_a_run_ends_or_is_refused(tmp_path: Path) -> None:
    class Refusing:
        @hook_impl
        def before_pipeline_run(self) -> None:
            raise ValueError("not this one")

    root = tmp_path / "new" / "data"
    with pytest.raises(ValueError, match="not this one"):
        begin(hooks_of(Refusing()), root)
    assert list(tmp_path.iterdir()) == []
    end = begin(hooks_of(), root)
    assert [path.name for path in root.iterdir()] == [".lock"]
    end()
    assert not root.exists()


def test_an_interrupted_run_in_a_notebook_does_not_lock_it_out(tmp_path: Path) -> None:
    hooks = hooks_of()
    begin(hooks, tmp_path)  # a KeyboardInterrupt tells no hook that the run has ended
    begin(hooks, tmp_path)()
    assert list(tmp_path.iterdir()) == []


def test_threads_of_one_process_are_two_runs(tmp_path: Path) -> None:
    hooks = hooks_of()
    end = begin(hooks, tmp_path)
    said: list[str] = []

    def second() -> None:
        with pytest.raises(RuntimeError) as error:
            begin(hooks, tmp_path)
        said.append(str(error.value))

    thread = threading.Thread(target=second)
    thread.start()
    thread.join()
    assert f"process {os.getpid()}" in said[0]
    assert "restart Python" in said[0]
    end()


def test_a_simulation_locks_the_folder_of_the_archive_too(tmp_path: Path) -> None:
    simulation = Pipeline([Node(lambda: 1, None, "galaxy_archive", name="simulate")])
    hooks, others = hooks_of(), hooks_of()
    end = begin(hooks, tmp_path / "one", simulation)
    assert (tmp_path / "one/raw/.lock").exists()
    end()
    assert list(tmp_path.iterdir()) == []
    begin(others, tmp_path / "two")
    assert not (tmp_path / "two/raw").exists()
