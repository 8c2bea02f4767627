"""Classifying shards on a Dask cluster: their names go out, and seconds come back."""

import logging
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import Any, NamedTuple

from galaxy_morphology import libraries
from galaxy_morphology.sources import Archives
from galaxy_morphology.survey.classification import Recipe, Seen, SurveyClassifier
from galaxy_morphology.survey.run import (
    ATTEMPTS,
    Archive,
    Classify,
    Outcome,
    make_shard,
    stop_where_nothing_can_be_written,
)
from galaxy_morphology.survey.shards import Shard

logger = logging.getLogger(__name__)

SECONDS_TO_CONNECT = 60
HANDED_OVER = ".for-workers."
OF_LOCAL_CLUSTERS = {
    "distributed.scheduler.allowed-failures": ATTEMPTS - 1,
    # What TensorFlow holds can neither be spilled nor waited for: a worker that pauses, pauses for
    # ever. One with too much is killed, and its shard tried again.
    **{f"distributed.worker.memory.{name}": False for name in ("target", "spill", "pause")},
}
ONE_AT_A_TIME = Lock()
"""Each shard takes all threads of a worker: several at a time would take them from each other."""


class Job(NamedTuple):
    """What a worker needs to know, besides the shard.

    Attributes:
        catalogue: Folder that shards are written to.
        files: Folder with the classifier.
        archives: How archives are opened.
        recipe: What becomes of logits.
        is_text: Whether identifiers are texts.
        hashes: Of the classifier and of its parameters, which the worker must have too.
        n_threads: Of TensorFlow, and that decode; None for as many as Dask gives the worker.
    """

    catalogue: Path
    files: Path
    archives: Archives
    recipe: Recipe
    is_text: bool
    hashes: tuple[str, str]
    n_threads: int | None


class Cluster(NamedTuple):
    """Where shards are classified.

    Attributes:
        where: ``local`` for workers on this machine; the address of a scheduler, or a file that
            tells it.
        workers: How many there are, where they are local.
        threads_per_worker: Of each; None for a fair share of the cores where they are local, and
            for what Dask gives them elsewhere.
        memory_per_worker: Beyond that a local worker is started anew: as Dask writes it.
    """

    where: str
    workers: int
    threads_per_worker: int | None
    memory_per_worker: str


def on_cluster(
    folder: Path, archives: Archives, classifier: SurveyClassifier, cluster: Cluster
) -> Classify:
    """Classify shards on a cluster, which sees the same files.

    Args:
        folder: Of the catalogue.
        archives: How archives are opened.
        classifier: With which.
        cluster: Where.

    Raises:
        ImportError: Dask is not installed.
    """
    try:
        from distributed import CancelledError
        from distributed.comm.core import CommClosedError
    except ImportError as error:
        raise ImportError(
            "`survey.dask` needs Dask: install galaxy-morphology[dask], or set it to null to "
            "classify in this process."
        ) from error

    def classify(shards: list[Shard], seen: Seen) -> Iterator[Outcome]:
        if not shards:
            return
        with ExitStack() as stack:
            files = stack.enter_context(_handed_over(classifier, folder.parent))
            client = stack.enter_context(_client(cluster))
            job = Job(
                folder, files, archives, classifier.recipe, classifier.is_text,
                (classifier.network_hash, classifier.parameters_hash), _threads(cluster),
            )  # fmt: skip
            try:
                yield from _share_out(client, job, shards, seen)
            except (CommClosedError, CancelledError):
                raise RuntimeError(
                    f"The connection to Dask's scheduler ({cluster.where}) is lost. What there is "
                    "of the catalogue is whole; run again, and it goes on."
                ) from None

    return classify


def _share_out(client: Any, job: Job, shards: list[Shard], seen: Seen) -> Iterator[Outcome]:
    """Keep all workers busy, and no more futures than that: there may be very many shards."""
    from distributed import KilledWorker, as_completed

    waiting = deque((shard, 1) for shard in shards)
    running: dict[Any, tuple[Shard, int]] = {}
    ended: Any = as_completed()
    while waiting or running:
        while waiting and len(running) < max(4, 2 * len(client.nthreads())):
            shard, attempt = waiting.popleft()
            future = client.submit(work, job, shard, pure=False, key=f"{shard.name}-{attempt}")
            running[future] = (shard, attempt)
            ended.add(future)
        future = next(ended)
        shard, attempt = running.pop(future)
        if future.status != "error":  # where the connection is lost, it was cancelled: raises
            seconds = future.result()
            seen(shard.n_galaxies)
            yield Outcome(shard, seconds, "")
            continue
        error = future.exception()
        stop_where_nothing_can_be_written(error)
        if isinstance(error, KilledWorker):
            words = "the workers that tried it were killed: perhaps they had too little memory"
            yield Outcome(shard, float("nan"), f"{words} ({error})")
        elif attempt < ATTEMPTS:
            logger.warning("Shard %s failed, and is tried again: %s", shard.name, error)
            waiting.append((shard, attempt + 1))
        else:
            yield Outcome(shard, float("nan"), f"{type(error).__name__}: {error}")


def work(job: Job, shard: Shard) -> float:
    """Classify a shard: on a worker.

    Args:
        job: What is to be done.
        shard: With which.

    Returns:
        Seconds that it took.

    Raises:
        RuntimeError: The worker has another version of the project, or other files.
    """
    libraries.set_up()  # before TensorFlow is loaded
    with ONE_AT_A_TIME:
        n_threads = job.n_threads or _threads_of_worker()
        archive, classifier = _at_hand(job, n_threads)
        return make_shard(job.catalogue, shard, archive, classifier, n_threads=n_threads)


class _AtHand:
    """What a worker has loaded, of the job that it was last given."""

    hashes: tuple[str, str] | None = None
    archive: Archive
    classifier: SurveyClassifier


def _at_hand(job: Job, n_threads: int) -> tuple[Archive, SurveyClassifier]:
    if _AtHand.hashes != job.hashes:
        import tensorflow as tf

        if not tf.config.threading.get_intra_op_parallelism_threads():
            tf.config.threading.set_intra_op_parallelism_threads(n_threads)
        classifier = SurveyClassifier.load(job.files, job.recipe, is_text=job.is_text)
        if (classifier.network_hash, classifier.parameters_hash) != job.hashes:
            raise RuntimeError(
                "a worker has another version of galaxy-morphology or Keras than the run: install "
                "the same everywhere"
            )
        _AtHand.archive, _AtHand.classifier = Archive(job.archives), classifier
        _AtHand.hashes = job.hashes
    return _AtHand.archive, _AtHand.classifier


def _threads_of_worker() -> int:
    from distributed import get_worker

    return int(get_worker().state.nthreads)


def _threads(cluster: Cluster) -> int | None:
    if cluster.threads_per_worker or cluster.where != "local":
        return cluster.threads_per_worker
    from dask.system import CPU_COUNT

    return int(max(1, CPU_COUNT // cluster.workers))


@contextmanager
def _handed_over(classifier: SurveyClassifier, folder: Path) -> Iterator[Path]:
    """A folder with the files of a classifier, beside the catalogue, where workers see it too."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{HANDED_OVER}*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    files = Path(mkdtemp(prefix=HANDED_OVER, dir=folder))
    try:
        classifier.save(files)
        yield files
    finally:
        shutil.rmtree(files, ignore_errors=True)


@contextmanager
def _client(cluster: Cluster) -> Iterator[Any]:
    """A client of a cluster that has workers."""
    import dask
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        if cluster.where == "local":
            stack.enter_context(dask.config.set(OF_LOCAL_CLUSTERS))
            local: AbstractContextManager[Any] = LocalCluster(
                n_workers=cluster.workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=cluster.memory_per_worker,
                dashboard_address="127.0.0.1:8787",
                silence_logs=logging.ERROR,
            )
            found: dict[str, Any] = {"address": stack.enter_context(local)}
        elif "://" in cluster.where:
            found = {"address": cluster.where}
        elif Path(cluster.where).expanduser().is_file():
            found = {"scheduler_file": str(Path(cluster.where).expanduser())}
        else:
            raise ValueError(
                f"`survey.dask` is {cluster.where!r}: expected null, local, the address of a "
                "scheduler such as tcp://10.0.0.1:8786, or the path of a scheduler file that is "
                "there."
            )
        try:
            new: Any = Client(timeout=SECONDS_TO_CONNECT, **found)
            client = stack.enter_context(new)
            client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
        except (OSError, TimeoutError) as error:
            raise ValueError(
                f"There is no Dask scheduler with workers at {cluster.where} ({error}): start one, "
                "or correct `survey.dask`."
            ) from error
        logger.info(
            "%d workers of Dask. Where bokeh is installed, its dashboard is at %s.",
            len(client.nthreads()), client.dashboard_link,
        )  # fmt: skip
        yield client
