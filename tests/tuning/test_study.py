"""A study in a file: what is tried, that it goes on and is shared, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from work import new_search, score_of

from galaxy_morphology.tuning import Pruning, Search, Trial, importance_of, study


def made(file: Path, **changes: Any) -> pd.DataFrame:
    """The trials of a search that is made to its end."""
    with new_search(file, **changes) as running:
        for trial in running:
            trial.finish(score_of(trial.values))
        return running.table()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "study.journal"


def values_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [json.loads(values) for values in table["values"]]


# ------------------------------------------------------------------ what is tried


def test_the_first_trial_is_given_and_the_others_are_of_the_space(file: Path) -> None:
    table = made(file)
    first, *others = values_of(table)
    assert first == {"x": 0.5, "kind": "round", "y": 0.25}
    assert len({values["x"] for values in others}) == 6
    for values in others:
        assert 0 <= values["x"] <= 1
        assert ("y" in values) == (values["kind"] == "round")
    assert table["trial"].tolist() == list(range(7))
    assert (table["state"] == "finished").all()
    assert table["validation_roc_auc"].tolist() == [score_of(v) for v in values_of(table)]
    assert table["x"].tolist() == [values["x"] for values in values_of(table)]
    assert (table["seconds"] > 0).all()


def test_it_finds_what_is_best(file: Path) -> None:
    table = made(file, n_trials=40, startup_trials=8)
    assert table["validation_roc_auc"].max() > 1 - 0.03**2 - 0.01
    late = table["x"][25:]
    assert (late - 0.3).abs().median() < (table["x"][:8] - 0.3).abs().median()


def test_the_seed_decides(tmp_path: Path) -> None:
    tables = [made(tmp_path / f"{i}", seed=seed) for i, seed in enumerate((1, 1, 2))]
    assert values_of(tables[0]) == values_of(tables[1])
    assert values_of(tables[0])[0] == values_of(tables[2])[0]
    assert values_of(tables[0])[1:] != values_of(tables[2])[1:]


def test_without_a_first_trial_all_are_drawn(file: Path) -> None:
    assert values_of(made(file, first=None))[0] != {"x": 0.5, "kind": "round", "y": 0.25}


# ------------------------------------------------------------------ the budget


def test_the_budget_is_that_of_all_runs(file: Path) -> None:
    assert len(made(file, n_trials=2)) == 2
    assert len(made(file, n_trials=2)) == 2
    table = made(file, n_trials=5)
    assert len(table) == 5
    spent = table["seconds"].sum()
    assert len(made(file, n_trials=None, hours=spent * 0.999 / 3600)) == 5
    assert len(made(file, n_trials=7, hours=spent * 1.001 / 3600)) in (6, 7)


# ------------------------------------------------------------------ going on


@pytest.mark.parametrize("n_before", [0, 2, 5])
def test_an_interrupted_search_finds_what_it_would_have_found(
    tmp_path: Path, n_before: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole = made(tmp_path / "whole")
    file = tmp_path / "interrupted"
    with new_search(file) as running:
        for trial in running:
            if trial.number == n_before:
                break
            trial.finish(score_of(trial.values))
    with caplog.at_level("INFO"):
        table = made(file)
    assert f"Trial {n_before} was interrupted, and is made once more." in caplog.text
    assert table["state"].tolist().count("interrupted") == 1
    assert table["state"][n_before] == "interrupted"
    finished = table[table["state"] == "finished"]
    assert values_of(finished) == values_of(whole)


def test_what_a_killed_process_left_is_made_once_more(tmp_path: Path, file: Path) -> None:
    code = f"from work import search_and_hang; search_and_hang({str(file)!r})"
    with subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ) as other:
        while not file.with_name("hanging").exists():
            assert other.poll() is None
            time.sleep(0.05)
        with new_search(file) as running:
            assert running.table()["state"].tolist() == ["finished", "finished", "running"]
            beside = next(iter(running))  # the other one lives
            assert beside.number == 3
            beside.fail("no matter")
        other.send_signal(signal.SIGKILL)
        other.wait()
    table = made(file)
    assert (
        table["state"].tolist() == ["finished"] * 2 + ["interrupted", "failed"] + ["finished"] * 4
    )
    again = values_of(table)[4]
    assert again == values_of(table)[2]
    assert {path.name for path in tmp_path.iterdir()} == {"study.journal", "hanging", ".asking"}


def test_half_a_line_of_a_full_disk_is_dropped(file: Path) -> None:
    whole = made(file)
    with file.open("ab") as journal:
        journal.write(b'{"op_code":9,"worker_id":"3')
    table = made(file, n_trials=9)
    assert values_of(table)[:7] == values_of(whole)
    assert len(table) == 9
    assert len(made(file, n_trials=9)) == 9


# ------------------------------------------------------------------ several at a time


def test_two_share_a_study(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "SECONDS_BETWEEN_LOOKS", 0.05)
    with new_search(file, n_trials=3) as one, new_search(file, n_trials=3) as other:
        ours, theirs = iter(one), iter(other)
        trials = [next(ours), next(theirs), next(ours)]
        assert [trial.number for trial in trials] == [0, 1, 2]
        assert len({json.dumps(trial.values) for trial in trials}) == 3
        rest: list[Trial] = []
        waiting = threading.Thread(target=lambda: rest.extend(theirs))
        waiting.start()
        for trial in trials[:2]:
            trial.finish(score_of(trial.values))
        time.sleep(0.3)
        assert waiting.is_alive()  # for the last trial, which is ours
        trials[2].finish(score_of(trials[2].values))
        waiting.join()
        assert rest == []
        assert list(ours) == []
        pd.testing.assert_frame_equal(one.table(), other.table())


# ------------------------------------------------------------------ ending trials early


def reported(running: Search, scores: list[float]) -> int:
    """After how many epochs a trial with such scores is ended; 0 for never."""
    trial = next(iter(running))
    for epoch, score in enumerate(scores, start=1):
        if not trial.report(epoch, score):
            trial.prune()
            return epoch
    trial.finish(scores[-1])
    return 0


@pytest.fixture
def by_median(file: Path) -> Iterator[Search]:
    pruning = Pruning("median", startup_trials=3, warm_up_epochs=2, epochs=4)
    with new_search(file, pruning=pruning) as running:
        yield running


def test_the_median_ends_what_is_worse_after_the_warm_up(by_median: Search) -> None:
    bad = [0.5, 0.5, 0.5, 0.5]
    assert reported(by_median, [0.7, 0.7, 0.8, 0.8]) == 0
    assert reported(by_median, bad) == 0  # of the first three, all are trained to their end
    assert reported(by_median, [0.8, 0.8, 0.8, 0.9]) == 0
    assert reported(by_median, bad) == 3
    assert reported(by_median, [0.5, 0.5, 0.9, 0.9]) == 0
    table = by_median.table()
    assert table["state"].tolist() == ["finished"] * 3 + ["pruned", "finished"]
    assert table["epochs"].tolist() == [4, 4, 4, 3, 4]
    assert table["validation_roc_auc"].tolist() == [0.8, 0.5, 0.9, 0.5, 0.9]


@pytest.mark.parametrize(("name", "is_ended"), [("hyperband", True), ("none", False)])
def test_other_pruners(file: Path, name: Any, is_ended: bool) -> None:
    pruning = Pruning(name, startup_trials=0, warm_up_epochs=1, epochs=9)
    with new_search(file, pruning=pruning, n_trials=12) as running:
        ended = [reported(running, [0.9 - 0.05 * i] * 9) > 0 for i in range(12)]
    assert any(ended) == is_ended
    assert not ended[0]


# ------------------------------------------------------------------ what matters


def test_what_decides_is_important(file: Path) -> None:
    with new_search(file, n_trials=40, startup_trials=40) as running:
        for trial in running:
            trial.finish(score_of(trial.values))
        shares = importance_of(running.study)
    assert shares.index[0] == "x"
    assert shares.sum() == pytest.approx(1)
    assert shares["x"] > 0.5


@pytest.mark.parametrize(("n_trials", "is_known"), [(9, False), (10, True)])
def test_few_trials_tell_nothing(file: Path, n_trials: int, is_known: bool) -> None:
    with new_search(file, n_trials=n_trials) as running:
        for trial in running:
            trial.finish(score_of(trial.values))
        assert importance_of(running.study).empty != is_known


# ------------------------------------------------------------------ what is refused


def test_where_all_trials_fail_the_reason_is_said(file: Path) -> None:
    def fail_all() -> None:
        with new_search(file) as running:
            for trial in running:
                trial.fail("there is no memory")

    for _ in range(2):
        words = r"first 3 trials of .*study\.journal failed, the last one with: there is no memory"
        with pytest.raises(ValueError, match=words):
            fail_all()


def test_a_study_of_other_things_is_refused(file: Path) -> None:
    made(file, n_trials=2)
    before = file.read_bytes()
    common = {"galaxies": "some", "parameters of the sky": "blue"}
    for change, words in (
        ({"galaxies": "others"}, "made with other galaxies, so that"),
        (
            {"galaxies": "others", "parameters of the sky": "grey"},
            "made with other galaxies and other parameters of the sky, so that",
        ),
    ):
        with pytest.raises(ValueError, match=rf"study\.journal was {words}.*move the file"):
            made(file, made_with=common | change)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"no study\n", b"no study", b"\xff\xfe\n\x00\n", b"[1]\n[2]\n"]
)
def test_what_is_no_study_is_refused_and_left_alone(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"study\.journal is no study, or is damaged .*Move it"):
        new_search(file)
    assert file.read_bytes() == content


def test_without_optuna_it_is_said_how_to_get_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ValueError, match="Optuna.* is not installed .*`pip install optuna`"):
        new_search(file)
