"""``kedro run`` as users call it: from anywhere, in any way, and what it says when it fails."""

import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kedro.io import AbstractDataset
from survey import write_survey

from galaxy_morphology.cli import run, text_for_user
from galaxy_morphology.hooks.data_folders import check_writable

KEDRO = [str(Path(sys.executable).parent / "kedro"), "run", "--pipelines", "data_processing"]
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ +\S")
WRITTEN = "05_model_input/images.npy"


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    """A folder with an archive, and a name that only UTF-8 can say."""
    folder = tmp_path / "Зоопарк галактик"
    write_survey(folder / "01_raw" / "GALAXIES.zip", 30)
    return folder


def options(data_root: Path) -> list[str]:
    return ["--params", f"data_root={data_root},cutouts.side=32,cutout_sheet.galaxies_per_class=2"]


def test_a_run_from_a_subfolder(data_root: Path, project: Path) -> None:
    conf = project / "conf"
    files = set(conf.rglob("*"))
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [*KEDRO, *options(data_root)],
        cwd=conf, env=ascii_only, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert set(conf.rglob("*")) == files
    assert (data_root / WRITTEN).is_file()
    lines = ended.stdout.splitlines()
    logged = lines[next(i for i, line in enumerate(lines) if LOG_LINE.match(line)) :]
    assert all(map(LOG_LINE.match, logged)), ended.stdout  # none is folded
    bars = [re.sub(r"\d\d:\d\d passed", "passed", line) for line in ended.stderr.splitlines()]
    assert bars == [
        f"{what}: 30 of 30, passed, 00:00 to go"
        for what in ("Reading cut-outs", "Measuring galaxies")
    ]


def started(data_root: Path, project: Path) -> "subprocess.Popen[str]":
    """A run at work, which heeds Ctrl-C even where a shell has the tests ignore it."""
    return subprocess.Popen(
        [*KEDRO, *options(data_root)], cwd=project, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def test_a_run_goes_on_when_nobody_reads_what_it_says(data_root: Path, project: Path) -> None:
    with started(data_root, project) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read().startswith("Reading cut-outs: 30 of 30")
    assert (data_root / "08_reporting" / "rejected_galaxies.csv").is_file()


def test_ctrl_c_ends_a_run_in_a_word(data_root: Path, project: Path) -> None:
    with started(data_root, project) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        for line in running.stdout:
            if "Running node" in line:
                break
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
        assert said.splitlines()[-1] == "Aborted!"  # after how far it has come
        assert "Traceback" not in said
    assert running.returncode == 1


@pytest.mark.slow
def test_a_packaged_project(data_root: Path, project: Path, tmp_path: Path) -> None:
    source, site, elsewhere = tmp_path / "source", tmp_path / "site", tmp_path / "elsewhere"
    shutil.copytree(
        project / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(project / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps",
         "--no-index", "--wheel-dir", str(tmp_path), str(source)],
        check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    elsewhere.mkdir()
    data_root.rename(elsewhere / "data")
    ended = subprocess.run(
        [sys.executable, "-m", "galaxy_morphology", *KEDRO[2:], "--conf-source",
         str(project / "conf"), "--params", "cutouts.side=32"],
        cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (elsewhere / "data" / WRITTEN).is_file()
    assert [path.name for path in elsewhere.iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--params", "data_root={}"], "There is no archive at {}/01_raw/GALAXIES.zip"),
        (["--params", "data_root=2024_01"], "data_root was read as 202401"),
        (["--params", "data_root="], "data_root is empty"),
        (["--params", "data_root=s3://bucket/x"], "must be a folder on a local disk"),
        (["--params", "splat.seed=1"], "Did you mean 'split'?"),
        (["--params", "split.seeds=1"], "seeds\n  Extra inputs are not permitted, but found 1"),
        (["--params", "classes.1=no"], "the name of class 1 was read as False: put it in quotes"),
        (["--pipelines", "data_procesing"], "Failed to find the pipeline named 'data_procesing'"),
        (["--nodes", "nonsense"], "does not contain nodes named ['nonsense']"),
        (["--env", "nonsense"], "conf/nonsense"),
        (["--runner", "Nonsense"], "has no attribute 'Nonsense'"),
        (["--runner", "ThreadRunner"], "ThreadRunner is not supported"),
        (["--runner", "ParallelRunner"], "ParallelRunner is not supported"),
    ],
)
def test_errors_end_in_their_text(
    arguments: list[str],
    words: str,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    ended = CliRunner().invoke(run, [argument.format(tmp_path) for argument in arguments])
    assert ended.exit_code == 1
    assert ended.stderr.startswith("Error: ")
    assert words.format(tmp_path) in ended.stderr
    assert "Traceback" not in ended.output
    assert "errors.pydantic.dev" not in ended.output


def test_loading_in_the_background_is_refused(
    data_root: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    ended = CliRunner().invoke(run, [*KEDRO[2:], *options(data_root), "--async"])
    assert ended.exit_code == 1
    assert "run without --async" in ended.stderr


def test_a_traceback_is_shown_to_who_asks(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(project)
    CliRunner().invoke(run, ["--params", "splat=1", "--verbose"])
    assert "Unknown parameter 'splat'" in str(caplog.records[-1].exc_info)


class _Broken(AbstractDataset[Any, Any]):
    """A dataset that fails as it is told."""

    def __init__(self, fail: Callable[[], Any]) -> None:
        self._fail = fail

    def load(self) -> Any:
        self._fail()

    def save(self, data: Any) -> None: ...

    def _describe(self) -> dict[str, Any]:
        return {}


def _error_of(fail: Callable[[], Any]) -> Exception:
    try:
        fail()
    except Exception as error:
        return error
    raise AssertionError


def test_faults_of_the_program_have_no_text_for_users(tmp_path: Path) -> None:
    def fail_an_assertion() -> None:
        raise AssertionError("ours")

    for fail in (lambda: 1 / 0, lambda: int("a"), lambda: [][0], fail_an_assertion):
        assert text_for_user(_error_of(fail)) is None
        assert text_for_user(_error_of(_Broken(fail).load)) is None


def test_what_a_user_can_act_on_has_a_text(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    def refuse() -> None:
        check_writable(tmp_path / "file")

    def miss() -> None:
        (tmp_path / "nothing").read_text()

    for fail in (refuse, _Broken(refuse).load):
        assert (text_for_user(_error_of(fail)) or "").startswith("data_root is ")
    for fail in (miss, _Broken(miss).load):
        assert text_for_user(_error_of(fail)) == (
            f"There is no {tmp_path / 'nothing'}: run first what writes it."
        )
