"""Work that tests do in processes of their own, which import it from here."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from galaxy_morphology.tuning import Pruning, Report, Search

MEGABYTES = 300


def go_on(*_: Any) -> bool:
    return True


def count(report: Report, n: int, modules: tuple[str, ...]) -> dict[str, Any]:
    """Report numbers, and tell where that was."""
    for i in range(n):
        report(i, i / 2)
    return {"process": os.getpid(), "loaded": [name for name in modules if name in sys.modules]}


def fill_memory(report: Report) -> Any:
    """Fill some memory, and end."""
    return float(np.ones((MEGABYTES, 2**17)).sum())


def fail(report: Report) -> None:
    """Fail as a training that diverges does."""
    raise FloatingPointError("the logits are no longer numbers")


def be_killed(report: Report) -> None:
    """End as where memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait(report: Report, file: str) -> None:
    """Say who waits, and wait."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(120)


def search_and_hang(file: str) -> None:
    """Finish two trials of a study, begin a third, and wait."""
    with new_search(Path(file)) as running:
        for trial in running:
            if trial.number == 2:
                Path(file).with_name("hanging").touch()
                time.sleep(120)
            trial.finish(score_of(trial.values))


def new_search(file: Path, **changes: Any) -> Search:
    """A search for two numbers and a word."""
    options: dict[str, Any] = {
        "made_with": {"galaxies": "some", "parameters of the sky": "blue"},
        "suggest": suggest,
        "first": {"x": 0.5, "kind": "round", "y": 0.25},
        "seed": 0,
        "startup_trials": 3,
        "pruning": Pruning("none", startup_trials=0, warm_up_epochs=0, epochs=4),
        "n_trials": 7,
        "hours": None,
    }
    return Search(file, **(options | changes))


def suggest(trial: Any) -> dict[str, Any]:
    """Numbers from 0 to 1; the second one matters where things are round."""
    values = {"x": trial.suggest_float("x", 0, 1)}
    values["kind"] = trial.suggest_categorical("kind", ["round", "long"])
    if values["kind"] == "round":
        values["y"] = trial.suggest_float("y", 0, 1)
    return values


def score_of(values: dict[str, Any]) -> float:
    """Highest where x is 0.3."""
    return float(1 - (values["x"] - 0.3) ** 2 - 0.01 * values.get("y", 0))
