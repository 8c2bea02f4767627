"""Nodes of the search for parameters."""

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from galaxy_morphology import __version__, evaluation, figures, networks, tuning
from galaxy_morphology.options import (
    AugmentationOptions,
    Classes,
    NetworkOptions,
    TrainingOptions,
    VoteOptions,
)
from galaxy_morphology.pipelines.tuning.options import Recipe, TuningOptions, put
from galaxy_morphology.steps import train_network
from galaxy_morphology.typing import ArrayRows, Checkpoint, Figure, NetworkImages, TrainingState

logger = logging.getLogger(__name__)

DEFAULT = "default"
Checkpoints = Callable[[str], Checkpoint]
"""Gives the checkpoint of a name."""


def leave_out_test_galaxies(
    images: NetworkImages, galaxies: pd.DataFrame
) -> tuple[ArrayRows, pd.DataFrame]:
    """Keep the galaxies that parameters may be chosen on: all that follows sees no others.

    Args:
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        galaxies: A row per image.

    Returns:
        The images of the training and the validation galaxies, and a row for each.
    """
    kept = (galaxies["split"] != "test").to_numpy()
    return _Rows(images, np.flatnonzero(kept)), galaxies[kept].reset_index(drop=True)


def search(
    development_images: NetworkImages,
    development_galaxies: pd.DataFrame,
    class_weights: dict[str, float],
    study_file: Path,
    classes: Classes,
    network: NetworkOptions,
    augmentation: AugmentationOptions,
    training: TrainingOptions,
    options: TuningOptions,
    votes: VoteOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train networks with other and other parameters, until the budget is spent.

    Each in a process of its own, as long as it is worth going on with. The study in the file goes
    on where it was, and others may search in it at the same time.

    Args:
        development_images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width,
            bands]; memory-mapped.
        development_galaxies: A row per image, of the training and validation galaxies.
        class_weights: Weight of each class in the loss, by name.
        study_file: Where the study lies, or will lie.
        classes: The classes in order.
        network: What is configured.
        augmentation: What is configured.
        training: What is configured.
        options: What is searched.
        votes: Which loss suits the labels.

    Returns:
        All trials of the study, a row for each; and the importance of each parameter.

    Raises:
        ValueError: The network is not trained, or a seed of the finalists is that of the trials.
    """
    configured = Recipe(network, augmentation, training)
    options.check_search(configured)
    short = configured.changed({"training.epochs": options.epochs})
    first = options.configured_values(configured)
    data = (_file_of(development_images), development_galaxies, class_weights, classes, votes)
    with tuning.Search(
        study_file,
        made_with=_made_with(
            development_images, development_galaxies, classes, short, options, votes
        ),
        suggest=lambda trial: options.suggest(trial, configured),
        first=None if first is None else options.as_optuna_has_them(first),
        seed=options.sampler.seed,
        startup_trials=options.sampler.startup_trials,
        pruning=tuning.Pruning(**options.pruner.model_dump(), epochs=options.epochs),
        n_trials=options.budget.trials,
        hours=options.budget.hours,
    ) as running:
        for trial in running:
            _make(trial, data, short)
        importance = tuning.importance_of(running.study)
        table = running.table()
    simulated = bool(development_galaxies["simulated"].any())
    table.insert(1, "is_default", table["values"] == json.dumps(first))
    shares = pd.DataFrame({"parameter": importance.index, "importance": importance.to_numpy()})
    return table.assign(simulated=simulated), shares.assign(simulated=simulated)


@wraps(search)
def help_searching(*inputs: Any) -> None:
    """Search beside another process: what is found lies in the study."""
    search(*inputs)


def train_finalists(
    development_images: NetworkImages,
    development_galaxies: pd.DataFrame,
    class_weights: dict[str, float],
    checkpoints: Checkpoints,
    trials: pd.DataFrame,
    classes: Classes,
    network: NetworkOptions,
    augmentation: AugmentationOptions,
    training: TrainingOptions,
    options: TuningOptions,
    votes: VoteOptions,
) -> pd.DataFrame:
    """Train what is configured and the best trials again, each with several seeds.

    None of the seeds is that of the trials: the best of many owes a part of its rank to its seed.

    Args:
        development_images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width,
            bands]; memory-mapped.
        development_galaxies: A row per image, of the training and validation galaxies.
        class_weights: Weight of each class in the loss, by name.
        checkpoints: By name, where trainings go on from that were interrupted.
        trials: Of the search.
        classes: The classes in order.
        network: What is configured.
        augmentation: What is configured.
        training: What is configured.
        options: How many are trained, with which seeds, for how many epochs.
        votes: Which loss suits the labels.

    Returns:
        A row per candidate and seed with its ``validation_roc_auc``, which is missing where the
        training diverged.

    Raises:
        ValueError: No trial but the default came to its end.
    """
    configured = Recipe(network, augmentation, training)
    epochs = options.finalists.epochs or training.epochs
    rows = []
    for name, values in {DEFAULT: {}, **_best(trials, options.finalists.n)}.items():
        for seed in options.finalists.seeds:
            recipe = configured.changed(
                {**values, "training.epochs": epochs, "training.seed": seed}
            )
            score = _score_with_seed(
                f"{name}-{seed}", recipe, checkpoints, _file_of(development_images),
                development_galaxies, class_weights, classes, votes,
            )  # fmt: skip
            rows.append(
                {"candidate": name, "seed": seed, "epochs": epochs, "validation_roc_auc": score}
            )
    return pd.DataFrame(rows).assign(simulated=bool(development_galaxies["simulated"].any()))


def write_best_parameters(trials: pd.DataFrame, finalists: pd.DataFrame) -> str:
    """Write the parameters of the best finalist, and say whether they are better than the default.

    Args:
        trials: Of the search.
        finalists: A row per candidate and seed.

    Returns:
        YAML that an environment takes as it is, below what is to be said of it.
    """
    verdict, best = _verdict(finalists)
    logger.info(verdict)
    groups: dict[str, Any] = {}
    for parameter, value in _values_of(trials)[best].items():
        put(groups, parameter, value)
    comment = fill(verdict, 96, initial_indent="# ", subsequent_indent="# ")
    return f"{comment}\n{yaml.safe_dump(groups, sort_keys=False)}"


def draw_search_history(trials: pd.DataFrame, finalists: pd.DataFrame) -> Figure:
    """Draw the trials in their order, and the finalists.

    Args:
        trials: Of the search.
        finalists: A row per candidate and seed.
    """
    return figures.search_history(trials, finalists)


def draw_parameter_importance(parameter_importance: pd.DataFrame) -> Figure:
    """Draw how much each parameter matters.

    Args:
        parameter_importance: The share of each.
    """
    return figures.parameter_importance(parameter_importance)


def train_and_report(
    report: tuning.Report,
    image_file: str,
    galaxies: pd.DataFrame,
    class_weights: dict[str, float],
    classes: Classes,
    votes: VoteOptions,
    checkpoint: Checkpoint | None,
    recipe: Recipe,
) -> pd.DataFrame:
    """Train a network as the project does, and report after every epoch.

    Args:
        report: Told the epoch, its validation ROC AUC, and whether it was the last.
        image_file: Of an array like ``development_images``.
        galaxies: A row per image.
        class_weights: Weight of each class in the loss, by name.
        classes: The classes in order.
        votes: Which loss suits the labels.
        checkpoint: Where the training goes on from and leaves its state; None for nowhere.
        recipe: How to build and train it.

    Returns:
        The training history.
    """
    images = np.load(image_file, mmap_mode="r", allow_pickle=False)
    _, history = train_network(
        images, galaxies, class_weights, _Reporting(checkpoint, report), classes, *recipe, votes
    )
    return history


class _Reporting:
    """A checkpoint that reports what is saved in it."""

    def __init__(self, checkpoint: Checkpoint | None, report: tuning.Report) -> None:
        self._checkpoint = checkpoint
        self._report = report

    def load(self) -> TrainingState:
        return self._checkpoint.load() if self._checkpoint else {}

    def save(self, state: TrainingState) -> None:
        if self._checkpoint:
            self._checkpoint.save(state)
        last = networks.training_history(state).iloc[-1]
        self._report(int(last["epoch"]), float(last["validation_roc_auc"]), bool(state["finished"]))


class _Rows:
    """Some rows of an array, read one by one."""

    def __init__(self, array: NDArray[Any], rows: NDArray[np.int_]) -> None:
        self._array = array
        self._rows = rows
        self.shape = (len(rows), *array.shape[1:])
        self.dtype = array.dtype

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self._array[row] for row in self._rows)


def _make(trial: tuning.Trial, data: tuple[Any, ...], configured: Recipe) -> None:
    """Train with the values of a trial, and note what comes of it."""
    logger.info("Trial %d: %s", trial.number, json.dumps(trial.values))

    def report(epoch: int, score: float, finished: bool) -> bool:
        logger.info(
            "Trial %d, epoch %d/%d: validation ROC AUC %.4f",
            *(trial.number, epoch, configured.training.epochs, score),
        )
        return trial.report(epoch, score) or finished

    try:
        recipe = configured.changed(trial.values)
        history = tuning.run_apart(train_and_report, *data, None, recipe, report=report)
    except (tuning.WorkError, ValueError) as failure:
        logger.warning("Trial %d failed: %s", trial.number, failure)
        if _diverged(failure):
            trial.prune(str(failure))
        else:
            trial.fail(str(failure))
        return
    if history is None:
        logger.info("Trial %d is not worth going on with.", trial.number)
        trial.prune()
    else:
        trial.finish(_score(history, recipe))


def _score_with_seed(
    name: str,
    recipe: Recipe,
    checkpoints: Checkpoints,
    image_file: str,
    galaxies: pd.DataFrame,
    class_weights: dict[str, float],
    classes: Classes,
    votes: VoteOptions,
) -> float:
    """Train a finalist; the validation ROC AUC of what is kept, NaN where it diverged."""

    def report(epoch: int, score: float, finished: bool) -> bool:
        logger.info(
            "%s, epoch %d/%d: validation ROC AUC %.4f",
            *(name, epoch, recipe.training.epochs, score),
        )
        return True

    try:
        history = tuning.run_apart(
            train_and_report, image_file, galaxies, class_weights, classes, votes,
            checkpoints(name), recipe, report=report,
        )  # fmt: skip
    except tuning.WorkError as failure:
        if not _diverged(failure):
            raise RuntimeError(f"The training of {name} failed: {failure}") from failure
        logger.warning("%s: %s", name, failure)
        return np.nan
    return _score(history, recipe)


def _score(history: pd.DataFrame, recipe: Recipe) -> float:
    """The validation ROC AUC of the weights that are kept."""
    epoch = networks.chosen_epoch(history, recipe.training.keep)
    return float(history["validation_roc_auc"].iloc[epoch - 1])


def _diverged(failure: Exception) -> bool:
    return isinstance(failure, tuning.WorkError) and failure.kind == FloatingPointError.__name__


def _best(trials: pd.DataFrame, n: int) -> dict[str, dict[str, Any]]:
    """The values of the best trials that differ from the default, the best first."""
    others = trials[(trials["state"] == "finished") & ~trials["is_default"]]
    if others.empty:
        raise ValueError(
            "No trial but the default came to its end: give the search a larger budget "
            "(`tuning.budget`)."
        )
    best = others.drop_duplicates("values").nlargest(n, "validation_roc_auc")
    return _values_of(best)


def _values_of(trials: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The values of trials by the names of these."""
    return {
        f"trial {number}": json.loads(values)
        for number, values in zip(trials["trial"], trials["values"], strict=True)
    }


def _verdict(finalists: pd.DataFrame) -> tuple[str, str]:
    """Whether the best finalist is better than the default by more than the seeds; and its name."""
    scores = finalists.groupby("candidate", sort=False)["validation_roc_auc"]
    means, variances = scores.agg(lambda some: some.mean(skipna=False)), scores.var(ddof=1)
    best = str(means.drop(DEFAULT).fillna(-np.inf).idxmax())
    gain = means[best] - means[DEFAULT]
    spread = np.sqrt((variances[best] + variances[DEFAULT]) / 2)
    *some, last = finalists["seed"].unique()
    known = {name: f"{means[name]:.4f} ± {np.sqrt(variances[name]):.4f}" for name in means.index}
    is_better = gain > spread
    return (
        f"The parameters of {best} give a validation ROC AUC of {known[best]} after "
        f"{finalists['epochs'].iloc[0]} epochs with the seeds {', '.join(map(str, some))} and "
        f"{last}, the default ones {known[DEFAULT]}. The difference of {gain:+.4f} is "
        f"{'a gain larger' if is_better else 'no gain larger'} than the spread over seeds of "
        f"{spread:.4f}: {'take them.' if is_better else 'keep the default.'}"
    ), best


def _made_with(
    images: NetworkImages,
    galaxies: pd.DataFrame,
    classes: Classes,
    short: Recipe,
    options: TuningOptions,
    votes: VoteOptions,
) -> dict[str, str]:
    """What trials must have in common to be compared."""
    labels = evaluation.soft_columns(galaxies)
    known = galaxies[["cataid", "class_name", "split", "checksum", *labels]].to_csv(index=False)
    return {
        "galaxies or classes": _hash(known, images.shape, classes.names),
        "values in `tuning.space`": _hash([each.model_dump() for each in options.space]),
        "parameters of `network`, `augmentation`, `training`, `votes` or `tuning.epochs`": _hash(
            [part.model_dump() for part in (*short, votes)]
        ),
        "versions of the project or of Keras": _hash(
            __version__, importlib.metadata.version("keras")
        ),
    }


def _hash(*content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _file_of(images: NetworkImages) -> str:
    """The file that memory-mapped images lie in: other processes map it too."""
    return str(images.filename)  # type: ignore[union-attr]
