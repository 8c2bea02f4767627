"""A whole survey: what is missing of its catalogue is made, and nothing else."""

import csv
import errno
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from galaxy_morphology.progress import progress_bar
from galaxy_morphology.sources import Archives
from galaxy_morphology.survey.catalogue import (
    SUFFIX,
    Facts,
    facts_of,
    mark_duplicates,
    shard_files,
    write_shard,
)
from galaxy_morphology.survey.classification import Seen, SurveyClassifier
from galaxy_morphology.survey.shards import OpenArchive, Plan, Shard

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""So often a shard is tried."""
SHOWN = 20


class Outcome(NamedTuple):
    """What has become of a shard.

    Attributes:
        shard: Which.
        seconds: That it took; NaN where it failed.
        error: Why it failed, in words; empty where it did not.
    """

    shard: Shard
    seconds: float
    error: str


Classify = Callable[[list[Shard], Seen], Iterator[Outcome]]
"""Classifies shards in whatever order, and tells of each when its file is there."""


class Archive:
    """The archive that was opened last: the next shard mostly lies in it too.

    Args:
        archives: How archives are opened.
    """

    def __init__(self, archives: Archives) -> None:
        self._archives = archives
        self._opened: OpenArchive | None = None

    def of(self, shard: Shard) -> OpenArchive:
        """The archive of a shard, open.

        Raises:
            ValueError: It cannot be read, or its galaxies are others than before.
        """
        if self._opened is None or self._opened.archive != shard.archive:
            self._opened = None  # no two at a time in memory
            self._opened = OpenArchive(self._archives, shard.archive)
        if self._opened.fingerprint(shard.first, shard.last) != shard.input:
            self._opened = None
            raise ValueError(f"{shard.archive} was changed while it was being classified")
        return self._opened


def make_shard(
    folder: Path,
    shard: Shard,
    archive: Archive,
    classifier: SurveyClassifier,
    *,
    n_threads: int | None = None,
    seen: Seen = lambda n: None,
) -> float:
    """Classify the galaxies of a shard, and write its file.

    Args:
        folder: Of the catalogue.
        shard: Which.
        archive: Where archives are open.
        classifier: With which.
        n_threads: How many decode at a time.
        seen: Told of galaxies that are done.

    Returns:
        Seconds that it took.
    """
    started = time.perf_counter()
    table = classifier.classify(shard, archive.of(shard), n_threads=n_threads, seen=seen)
    write_shard(folder / f"{shard.name}{SUFFIX}", table, classifier.facts(shard, table))
    return time.perf_counter() - started


def one_after_another(
    folder: Path, archives: Archives, classifier: SurveyClassifier, n_threads: int | None
) -> Classify:
    """Classify shards in this process.

    Args:
        folder: Of the catalogue.
        archives: How archives are opened.
        classifier: With which.
        n_threads: How many decode at a time.
    """

    def classify(shards: list[Shard], seen: Seen) -> Iterator[Outcome]:
        archive = Archive(archives)
        for shard in shards:
            for attempt in range(1, ATTEMPTS + 1):
                told = _Told(seen)
                try:
                    seconds = make_shard(
                        folder, shard, archive, classifier, n_threads=n_threads, seen=told
                    )
                except Exception as error:
                    stop_where_nothing_can_be_written(error)
                    told.take_back()
                    if attempt == ATTEMPTS:
                        yield Outcome(shard, float("nan"), f"{type(error).__name__}: {error}")
                else:
                    yield Outcome(shard, seconds, "")
                    break

    return classify


class _Told:
    """Passes on how many galaxies are done, and takes it back where all was in vain."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._n = seen, 0

    def __call__(self, n: int) -> None:
        self._n += n
        self._seen(n)

    def take_back(self) -> None:
        self._seen(-self._n)


def stop_where_nothing_can_be_written(error: BaseException) -> None:
    """Raise an error anew that no other shard would be spared.

    Args:
        error: Of a shard.

    Raises:
        OSError: There is no space left, or nothing may be written.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS,
                                                      errno.EACCES):  # fmt: skip
        raise OSError(
            f"The catalogue cannot be written: {error}. What there is of it is whole; run again "
            "when there is room, and it goes on."
        ) from error


def make_catalogue(
    folder: Path, journal: Path, plan: Plan, classifier: SurveyClassifier, classify: Classify
) -> pd.DataFrame:  # fmt: skip
    """Make what is missing of a catalogue, and prove that nothing is lost or there twice.

    Args:
        folder: Of the catalogue.
        journal: File of seconds that shards took, which is written on.
        plan: What the survey consists of.
        classifier: Knows which shards are made.
        classify: Makes the others.

    Returns:
        The manifest, a row per shard: see ``docs/survey.md``.

    Raises:
        ValueError: In the folder lies something else than shards of this survey.
        RuntimeError: Shards failed; lists them with their errors.
        OSError: There is no space left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stale = _stale_shards(folder, plan)
    missing = [
        shard for shard in plan.shards if not classifier.made(_facts_of(folder, shard), shard)
    ]
    n_missing = sum(shard.n_galaxies for shard in missing)
    if len(missing) < len(plan.shards):
        logger.info(
            "%s of %s shards are there already; %s galaxies are left to classify.",
            f"{len(plan.shards) - len(missing):,}", f"{len(plan.shards):,}", f"{n_missing:,}",
        )  # fmt: skip
    failed = []
    with progress_bar(total=n_missing, desc="Classifying", unit="galaxy", rate=True) as bar:
        for outcome in classify(missing, bar.update):
            if outcome.error:
                failed.append(outcome)
                logger.error("Shard %s failed: %s", outcome.shard.name, outcome.error)
            else:
                _note(journal, outcome)
    for file in stale:
        file.unlink()
    if failed:
        raise RuntimeError(_what_failed(failed, plan))
    mark_duplicates(folder)
    return _manifest(folder, plan, journal)


def _facts_of(folder: Path, shard: Shard) -> Facts | None:
    file = folder / f"{shard.name}{SUFFIX}"
    return facts_of(file) if file.exists() else None


def _stale_shards(folder: Path, plan: Plan) -> list[Path]:
    """Shards of this survey that are none of it any more."""
    wanted = {f"{shard.name}{SUFFIX}" for shard in plan.shards}
    stale = [file for file in shard_files(folder) if file.name not in wanted]
    for file in stale:
        facts = facts_of(file)
        if facts is None or not (
            facts.archive == plan.source or fnmatch(facts.archive, plan.source)
        ):
            what = f"galaxies of {facts.archive}" if facts else "something else"
            raise ValueError(
                f"{file} holds {what}, which is no part of this survey of {plan.source}. Nothing "
                f"is overwritten: move {folder} elsewhere, and run again."
            )
    if stale:
        logger.info("%s shards of galaxies that are no longer there are removed.", len(stale))
    return stale


def _what_failed(failed: list[Outcome], plan: Plan) -> str:
    some = "\n".join(
        f"  {outcome.shard.name} ({outcome.shard.archive}, {outcome.shard.n_galaxies:,} galaxies): "
        f"{outcome.error}"
        for outcome in failed[:SHOWN]
    )
    more = f"\n  and {len(failed) - SHOWN:,} more" if len(failed) > SHOWN else ""
    return (
        f"{len(failed):,} of {len(plan.shards):,} shards failed {ATTEMPTS} times. The others are "
        f"made, and the same command tries these again:\n{some}{more}"
    )


def _note(journal: Path, outcome: Outcome) -> None:
    with journal.open("a", encoding="utf-8") as file:
        csv.writer(file).writerow([outcome.shard.name, outcome.shard.input, outcome.seconds])


def _noted(journal: Path) -> dict[tuple[str, str], float]:
    """Seconds by name and input; a line that a killed run left unfinished does not count."""
    if not journal.exists():
        return {}
    with journal.open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if len(row) == 3]
    return {(name, known): float(seconds) for name, known, seconds in rows}


def facts_of_shards(folder: Path, shards: Sequence[Shard]) -> pd.DataFrame:
    """What the files of shards say of themselves.

    Args:
        folder: Of the catalogue.
        shards: Those expected.

    Returns:
        A row per shard: its name, the number of its ``first`` galaxy in the archive, and ``Facts``.

    Raises:
        RuntimeError: A file is not there, or is of other galaxies.
    """
    rows: list[dict[str, Any]] = []
    for shard in shards:
        facts = _facts_of(folder, shard)
        if facts is None or (facts.input, facts.read) != (shard.input, shard.n_galaxies):
            raise RuntimeError(
                f"{folder / shard.name}{SUFFIX} was made a moment ago, but is not there any more, "
                "or was made by another run since: run again."
            )
        rows.append({"shard": shard.name, "first": shard.first, **facts._asdict()})
    return pd.DataFrame(rows)


def _manifest(folder: Path, plan: Plan, journal: Path) -> pd.DataFrame:
    manifest, seconds = facts_of_shards(folder, plan.shards), _noted(journal)
    known = zip(manifest["shard"], manifest["input"], strict=True)
    return manifest.assign(seconds=np.array([seconds.get(one, np.nan) for one in known]))
