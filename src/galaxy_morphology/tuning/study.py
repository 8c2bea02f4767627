"""An Optuna study in a file, which several processes search and take up again."""

import json
import logging
import os
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd

from galaxy_morphology.locks import try_lock

logger = logging.getLogger(__name__)

NAME = "tuning"
INTERRUPTED = "interrupted"
ALL_FAILED = 3  # so many, and the next will fail too
FEWEST_TO_COMPARE = 10
SECONDS_BETWEEN_LOOKS = 2.0

Values = dict[str, Any]
"""Values of parameters by their names."""


class Pruning(NamedTuple):
    """When trials are ended early, see :class:`Search`."""

    name: Literal["median", "hyperband", "none"]
    startup_trials: int
    warm_up_epochs: int
    epochs: int

    def pruner(self) -> Any:
        """Build Optuna's pruner."""
        from optuna import pruners

        if self.name == "median":
            return pruners.MedianPruner(
                n_startup_trials=self.startup_trials, n_warmup_steps=self.warm_up_epochs + 1
            )
        if self.name == "hyperband":
            return pruners.HyperbandPruner(
                min_resource=max(1, self.warm_up_epochs), max_resource=self.epochs
            )
        return pruners.NopPruner()


class Search:
    """The search of one process in a study that it may share with others.

    Parameters are sampled by the tree-structured Parzen estimator (Bergstra et al. 2011; as in
    Watanabe 2023, arXiv:2304.11127). Trials are ended early where their ROC AUC is below the median
    of the others at the same epoch, or by Hyperband (Li et al. 2018, arXiv:1603.06560).

    Every trial is a draw with a number, which seeds the sampler. Each process holds a lock as long
    as it searches. Where a trial is running and the lock of its process is free, the process was
    killed: the trial is marked as failed, and the next one is the same draw. So a single process
    that was interrupted finds what it would have found.

    Args:
        file: Where the study lies, or will lie; locks lie beside it.
        made_with: What trials must have in common to be compared: a text by its name in words.
        suggest: Takes an Optuna trial and returns values of parameters.
        first: Values of the first trial, as Optuna has them; None for any.
        seed: Of the sampler.
        startup_trials: Trials with random values, before the others are learned from.
        pruning: When trials are ended early.
        n_trials: Ended trials after which none is begun, of all processes; None for any number.
        hours: The same of the hours that they took in sum.

    Raises:
        ValueError: Optuna is not installed; or the file is no study, or one of other things. Says
            what to do.
    """

    def __init__(
        self,
        file: Path,
        *,
        made_with: Mapping[str, str],
        suggest: Callable[[Any], Values],
        first: Values | None,
        seed: int,
        startup_trials: int,
        pruning: Pruning,
        n_trials: int | None,
        hours: float | None,
    ) -> None:
        self._file = file
        self._suggest = suggest
        self._first = first
        self._seed = seed
        self._startup_trials = startup_trials
        self._n_trials = np.inf if n_trials is None else n_trials
        self._seconds = np.inf if hours is None else 3600 * hours
        self._process = file.with_name(f".process-{uuid.uuid4().hex}")
        self._lock: int | None = None
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self.study = _open_study(file, pruning)
            _check_made_with(self.study, made_with, file)

    def __enter__(self) -> Self:
        self._process.touch()
        with suppress(OSError):  # without locks, others take us for dead
            self._lock = try_lock(self._process)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)

    def __iter__(self) -> Iterator["Trial"]:
        """Trials to be made, until all that were asked for have ended, those of others too."""
        while True:
            with self._alone():
                trial = self._next()
            if trial is not None:
                yield trial
            elif self._n_running():
                time.sleep(SECONDS_BETWEEN_LOOKS)
            else:
                return

    def table(self) -> pd.DataFrame:
        """All trials: a row for each, with a column of values for each parameter.

        Returns:
            ``trial``, ``state`` (finished, pruned, failed, interrupted, running),
            ``validation_roc_auc`` (of a pruned trial, its highest), ``epochs``, ``seconds``,
            ``note``, ``values`` as JSON, and each of them.
        """
        rows = [
            {
                "trial": trial.number,
                "state": _state(trial),
                "validation_roc_auc": _score(trial),
                "epochs": len(trial.intermediate_values),
                "seconds": trial.user_attrs.get("seconds", np.nan),
                "note": trial.user_attrs.get("note", ""),
                "values": json.dumps(trial.user_attrs.get("values", {})),
                **trial.user_attrs.get("values", {}),
            }
            for trial in self._trials()
        ]
        return pd.DataFrame(rows)

    def _next(self) -> "Trial | None":
        """The next trial; none where what was asked for has been begun."""
        self._mark_what_the_killed_left()
        counted = [trial for trial in self._trials() if _state(trial) != INTERRUPTED]
        self._refuse_where_all_fail(counted)
        if len(counted) >= self._n_trials or self._spent(counted) >= self._seconds:
            return None
        drawn = {trial.user_attrs.get("draw") for trial in counted}
        draw = min(set(range(len(drawn) + 1)) - drawn)
        self.study.sampler = self._sampler(draw)
        asked = self.study.ask()
        asked.set_user_attr("process", self._process.name)
        asked.set_user_attr("draw", draw)
        values = self._suggest(asked)
        asked.set_user_attr("values", values)
        return Trial(asked, self.study, values)

    def _sampler(self, draw: int) -> Any:
        """What draws the values of a trial."""
        from optuna.samplers import PartialFixedSampler, TPESampler

        seed = int(np.random.SeedSequence([self._seed, draw]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that these may still change in Optuna
            sampler = TPESampler(
                seed=seed, n_startup_trials=self._startup_trials, multivariate=True, group=True,
                constant_liar=True,  # keep off what other processes are trying
            )  # fmt: skip
            if draw == 0 and self._first is not None:
                return PartialFixedSampler(self._first, sampler)
        return sampler

    def _mark_what_the_killed_left(self) -> None:
        from optuna.trial import TrialState

        for trial in self._trials():
            if trial.state.name == "RUNNING" and not self._lives(trial.user_attrs.get("process")):
                self.study.tell(trial.number, state=TrialState.FAIL)
                logger.info("Trial %d was interrupted, and is made once more.", trial.number)

    def _lives(self, process: str | None) -> bool:
        """Whether the process that began a trial still works."""
        if process is None:
            return False  # it was killed before it could say who it is
        path = self._file.with_name(process)
        try:
            lock = try_lock(path)
        except BlockingIOError:
            return True
        except OSError:
            return False  # without locks, one process searches at a time
        if lock is not None:
            path.unlink(missing_ok=True)
            os.close(lock)
        return False

    def _refuse_where_all_fail(self, trials: list[Any]) -> None:
        ended = [trial for trial in trials if trial.state.name != "RUNNING"]
        if len(ended) >= ALL_FAILED and all(trial.state.name == "FAIL" for trial in ended):
            raise ValueError(
                f"The first {len(ended)} trials of {self._file} failed, the last one with: "
                f"{ended[-1].user_attrs.get('note')} Change what they have in common, and remove "
                "the file."
            )

    def _spent(self, trials: list[Any]) -> float:
        """Seconds that all ended trials took."""
        return float(sum(trial.user_attrs.get("seconds", 0.0) for trial in trials))

    def _n_running(self) -> int:
        return sum(trial.state.name == "RUNNING" for trial in self._trials())

    def _trials(self) -> list[Any]:
        return list(self.study.get_trials(deepcopy=False))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from asking for a trial meanwhile."""
        path = self._file.with_name(".asking")
        lock = None
        while lock is None:
            path.touch()
            try:
                lock = try_lock(path)
            except BlockingIOError:
                time.sleep(0.05)
            except OSError:
                break
        try:
            yield
        finally:
            if lock is not None:
                os.close(lock)


class Trial:
    """One trial: values of parameters, and what became of them.

    Args:
        asked: Optuna's trial.
        study: Its study.
        values: What to try.
    """

    def __init__(self, asked: Any, study: Any, values: Values) -> None:
        self.number: int = asked.number
        self.values = values
        self._asked = asked
        self._study = study
        self._started = time.perf_counter()

    def report(self, epoch: int, score: float) -> bool:
        """Note the score after an epoch.

        Args:
            epoch: Counted from 1.
            score: Validation ROC AUC.

        Returns:
            Whether the trial is worth going on with.
        """
        self._asked.report(score, epoch)
        return not self._asked.should_prune()

    def finish(self, score: float) -> None:
        """The trial came to its end, with this score."""
        self._end("COMPLETE", score)

    def prune(self, note: str = "") -> None:
        """The trial was ended early: others are to be taken for better."""
        self._end("PRUNED", note=note)

    def fail(self, note: str) -> None:
        """The trial could not be made; nothing is learned from it."""
        self._end("FAIL", note=note)

    def _end(self, state: str, score: float | None = None, note: str = "") -> None:
        from optuna.trial import TrialState

        self._asked.set_user_attr("seconds", time.perf_counter() - self._started)
        self._asked.set_user_attr("note", note)
        self._study.tell(self._asked, score, state=TrialState[state])


def importance_of(study: Any) -> pd.Series:
    """How much of the differences between the finished trials each parameter explains.

    By PED-ANOVA (Watanabe et al. 2023, arXiv:2304.10255), which asks how far the values of the best
    tenth of the trials differ from those of all.

    Args:
        study: Optuna's.

    Returns:
        Shares by parameter, the largest first; empty where so few trials finished that there is no
        best tenth.
    """
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    if len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])) < FEWEST_TO_COMPARE:
        return pd.Series(dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of trials that are all alike
        return pd.Series(get_param_importances(study), dtype=float)


def _open_study(file: Path, pruning: Pruning) -> Any:
    """The study in a file, made where there is none."""
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
    except ImportError as error:
        raise ValueError(
            f"Optuna, which searches for parameters, is not installed ({error}). Install it with "
            "`pip install optuna`, or the project with its extra `tuning`."
        ) from error

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lock = JournalFileSymlinkLock(str(file))
    _cut_off_half_a_line(file, lock)
    is_new = not file.exists() or file.stat().st_size == 0
    try:
        what: dict[str, Any] = {
            "storage": JournalStorage(JournalFileBackend(str(file), lock)),
            "study_name": NAME,
            "pruner": pruning.pruner(),
        }
        if is_new:
            return optuna.create_study(**what, direction="maximize")
        return optuna.load_study(**what)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{file} is no study, or is damaged ({error}). Move it elsewhere, and the search "
            "begins anew."
        ) from error


def _cut_off_half_a_line(file: Path, lock: Any) -> None:
    """Remove what a full disk left of a last line: Optuna would write on behind it."""
    if not file.exists():
        return
    lock.acquire()
    try:
        content = file.read_bytes()
        if content.startswith(b'{"op_code":') and not content.endswith(b"\n"):
            os.truncate(file, content.rfind(b"\n") + 1)
    finally:
        lock.release()


def _check_made_with(study: Any, made_with: Mapping[str, str], file: Path) -> None:
    """Note what the trials have in common, or refuse what differs."""
    noted = study.user_attrs.get("made_with")
    if noted is None:
        study.set_user_attr("made_with", dict(made_with))
        return
    different = [name for name, text in made_with.items() if noted.get(name) != text]
    if different:
        raise ValueError(
            f"The study in {file} was made with {_list_of(different)}, so that its trials cannot "
            f"be compared with new ones. Take back what was changed, or move the file elsewhere."
        )


def _list_of(names: list[str]) -> str:
    return " and ".join([", ".join(f"other {name}" for name in names[:-1])] * (len(names) > 1)
                        + [f"other {names[-1]}"])  # fmt: skip


def _state(trial: Any) -> str:
    """What became of a trial, in a word."""
    if trial.state.name == "FAIL" and "seconds" not in trial.user_attrs:
        return INTERRUPTED
    return {"COMPLETE": "finished", "FAIL": "failed"}.get(
        trial.state.name, str(trial.state.name).lower()
    )


def _score(trial: Any) -> float:
    if trial.state.name == "COMPLETE":
        return float(trial.value)
    return max(trial.intermediate_values.values(), default=np.nan)
