"""Killed at any moment, a survey goes on: all of it is there in the end, byte for byte."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import surveying
from survey import write_survey

N_GALAXIES = 100


def python(*arguments: str) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join(["src", "tests", os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=Path(surveying.__file__).parents[1],
        stderr=subprocess.PIPE,
    )


def start(folder: Path, where: str) -> "subprocess.Popen[bytes]":
    return python(surveying.__file__, str(folder), *filter(None, [where]))


def workers_of(run: "subprocess.Popen[bytes]") -> list[int]:
    try:
        children = psutil.Process(run.pid).children(recursive=True)
        return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:  # one ended in between
        return []


def n_shards(folder: Path) -> int:
    return len(list((folder / "catalogue").glob("*.parquet")))


def finish_in_spite_of_kills(folder: Path, where: str, rng: random.Random, n_kills: int) -> None:
    """Kill the run, or a worker of it, when a random number of shards more is there."""
    for _ in range(20):
        run = start(folder, where)
        wanted = n_shards(folder) + rng.randint(0, 4)
        while n_kills and run.poll() is None:
            if n_shards(folder) >= wanted:
                time.sleep(rng.random() / 10)
                workers = workers_of(run) if where else []
                os.kill(rng.choice([run.pid, *workers]), signal.SIGKILL)
                n_kills -= 1
                wanted += rng.randint(1, 4)
            time.sleep(0.005)
        _, said = run.communicate()
        if run.returncode == 0:
            return
        assert run.returncode == -signal.SIGKILL or "shards failed" in said.decode(), said.decode()
    raise AssertionError("it never ended")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(int(os.environ.get("SURVEY_KILLS", "2"))))
def test_the_shards_are_those_of_a_run_without_kills(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    write_survey(tmp_path / "a.zip", N_GALAXIES, side=40, n_damaged=3)
    finish_in_spite_of_kills(tmp_path, "local" if seed % 2 else "", rng, n_kills=4)
    killed = surveying.contents(tmp_path)
    for file in (tmp_path / "catalogue").iterdir():
        file.unlink()
    surveying.main(str(tmp_path))
    assert len(killed) == N_GALAXIES / 5
    assert surveying.contents(tmp_path) == killed
    rows = surveying.catalogue_of(tmp_path)
    assert rows["cataid"].tolist() == list(range(100000, 100000 + N_GALAXIES))


@contextmanager
def cluster_of_others(file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A scheduler with a worker, as a cluster has them; its address stands in the file."""
    of_all = ("--scheduler-file", str(file))
    scheduler = python("-m", "distributed.cli.dask_scheduler", *of_all, "--host", "127.0.0.1",
                       "--port", "0", "--no-dashboard")  # fmt: skip
    worker = python("-m", "distributed.cli.dask_worker", *of_all, "--nthreads", "1",
                    "--no-dashboard")  # fmt: skip
    try:
        yield scheduler
    finally:
        children = psutil.Process(worker.pid).children(recursive=True)
        for process in (*children, worker, scheduler):
            process.kill()


@pytest.mark.slow
def test_a_scheduler_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    write_survey(tmp_path / "a.zip", N_GALAXIES, side=40, n_damaged=3)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    with cluster_of_others(first) as scheduler:
        while not first.exists():
            time.sleep(0.1)
        run = start(tmp_path, json.loads(first.read_text())["address"])
        while n_shards(tmp_path) < 3 and run.poll() is None:
            time.sleep(0.005)
        scheduler.kill()
        _, said = run.communicate()
    assert run.returncode == 1
    assert "The connection to Dask's scheduler (tcp://127.0.0.1:" in said.decode()
    assert 3 <= n_shards(tmp_path) < N_GALAXIES / 5
    with cluster_of_others(second):
        while not second.exists():
            time.sleep(0.1)
        run = start(tmp_path, str(second))
        run.communicate()
    assert run.returncode == 0
    killed = surveying.contents(tmp_path)
    for file in (tmp_path / "catalogue").iterdir():
        file.unlink()
    surveying.main(str(tmp_path))
    assert surveying.contents(tmp_path) == killed
