"""Nodes of the comparison."""

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology import evaluation, figures, networks
from galaxy_morphology.options import (
    AugmentationOptions,
    Classes,
    ClassificationOptions,
    EvaluationOptions,
    NetworkOptions,
    PredictionOptions,
    TrainingOptions,
    VoteOptions,
)
from galaxy_morphology.pipelines.comparison.options import ComparisonOptions, recipe
from galaxy_morphology.steps import (
    find_temperature,
    fingerprint_of,
    probabilities_for_mix,
    train_network,
)
from galaxy_morphology.typing import Checkpoint, Figure, FloatArray, NetworkImages, TrainingState

logger = logging.getLogger(__name__)

ENSEMBLE = "ensemble"
Checkpoints = Callable[[str], Checkpoint]
"""Gives the checkpoint of a name."""


def train_networks(
    images: NetworkImages,
    galaxies: pd.DataFrame,
    class_weights: dict[str, float],
    checkpoints: Checkpoints,
    classes: Classes,
    network: NetworkOptions,
    augmentation: AugmentationOptions,
    training: TrainingOptions,
    prediction: PredictionOptions,
    options: ComparisonOptions,
    votes: VoteOptions,
) -> dict[str, TrainingState]:
    """Train every network of the comparison with every seed, and let it classify all galaxies.

    What was finished by an equal run is left as it is, what was interrupted goes on.

    Args:
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        galaxies: A row per image.
        class_weights: Weight of each class in the loss, by name.
        checkpoints: The checkpoint of each training by name; in the end it holds what is
            returned, without the weights.
        classes: The classes in order.
        network: What is configured for all networks.
        augmentation: What is configured for all networks.
        training: What is configured for all networks.
        prediction: How many galaxies are classified at a time, how exactly, and from how many
            sides.
        options: What is compared.
        votes: Which loss suits the labels.

    Returns:
        By name, ``logits`` [N, 1] or [N, K], ``n_weights``, ``training_seconds`` and
        ``galaxies_per_second``.
    """
    entries = {}
    recipes = {
        f"{name}-{seed}": recipe(entry, network, augmentation, training, prediction, seed)
        for seed in options.seeds
        for name, entry in options.networks.items()
    }
    for name, (layout, shown, taught, asked) in recipes.items():
        fingerprint = fingerprint_of(
            galaxies, images.shape, class_weights, classes, layout, shown, taught, votes
        )
        # An entry keeps no weights: with other logits it is another one, to be trained again.
        fingerprint += asked.precision + (f", {asked.views} views" if asked.views > 1 else "")
        checkpoint = checkpoints(name)
        entries[name] = _finished_before(name, checkpoint, fingerprint)
        if entries[name]:
            continue
        logger.info("Training %s.", name)
        classifier, history = train_network(
            images, galaxies, class_weights, checkpoint, classes, layout, shown, taught, votes
        )
        started = time.perf_counter()
        logits = networks.predict_logits(
            classifier, images, progress=f"Classifying by {name}", **asked.model_dump()
        )
        seconds = time.perf_counter() - started
        entries[name] = _finished(
            fingerprint,
            logits,
            n_weights=classifier.count_params(),
            training_seconds=history["seconds"].sum(),
            galaxies_per_second=len(images) / seconds,
        )
        checkpoint.save(entries[name])
    return entries


def train_baselines(
    galaxies: pd.DataFrame,
    features: pd.DataFrame,
    checkpoints: Checkpoints,
    classes: Classes,
    options: ComparisonOptions,
) -> dict[str, TrainingState]:
    """Fit every baseline on every set of features, and let it classify all galaxies.

    Args:
        galaxies: A row per galaxy.
        features: The same galaxies, with their measures.
        checkpoints: By name, where each is kept once it is fitted.
        classes: The classes in order.
        options: What is compared.

    Returns:
        By name, ``logits`` [N, 1] or [N, K], ``training_seconds``, tuning included, and
        ``galaxies_per_second``, without the time it takes to measure them.
    """
    import sklearn

    entries = {}
    truth = evaluation.class_codes(galaxies["class_name"], classes.names)
    training = (galaxies["split"] == "training").to_numpy()
    known = features.set_index("cataid").loc[galaxies["cataid"]]
    for seed in options.seeds:
        for entry, (baseline, feature_set) in options.baseline_entries.items():
            name = f"{entry}-{seed}"
            measures = known[evaluation.feature_columns(feature_set)]
            fingerprint = fingerprint_of(
                galaxies, measures.to_csv(), galaxies["group"].to_csv(), classes, options.n_folds,
                "StratifiedGroupKFold", seed, sklearn.__version__,
            )  # fmt: skip
            checkpoint = checkpoints(name)
            entries[name] = _finished_before(name, checkpoint, fingerprint)
            if entries[name]:
                continue
            started = time.perf_counter()
            classifier = evaluation.tune_baseline(
                baseline,
                measures[training],
                truth[training],
                galaxies.loc[training, "group"],
                n_folds=options.n_folds,
                seed=seed,
            )
            fitted = time.perf_counter()
            logits = evaluation.baseline_logits(classifier, measures, len(classes.names))
            seconds = time.perf_counter() - fitted
            logger.info("%s: %s", name, classifier.best_params_)
            entries[name] = _finished(
                fingerprint,
                logits,
                n_weights=0,
                training_seconds=fitted - started,
                galaxies_per_second=len(measures) / seconds,
            )
            checkpoint.save(entries[name])
    return entries


def score_entries(
    network_entries: dict[str, TrainingState],
    baseline_entries: dict[str, TrainingState],
    galaxies: pd.DataFrame,
    classes: Classes,
    options: ComparisonOptions,
    classification: ClassificationOptions,
    evaluation_options: EvaluationOptions,
) -> pd.DataFrame:
    """Score all that was compared on the galaxies that nothing was learned or chosen from.

    Every entry is calibrated on the validation galaxies and scored for the mix of classes that is
    meant, as the classifier of the project is. The probabilities of an entry's seeds are averaged
    to one more, its ensemble.

    Args:
        network_entries: By name, the ``logits`` of a network, and what it cost.
        baseline_entries: By name, the same of a baseline.
        galaxies: A row per galaxy, in the order of the logits.
        classes: The classes in order.
        options: What is compared.
        classification: Whether to calibrate, and for which mix of classes.
        evaluation_options: Level of the intervals.

    Returns:
        A row per entry and seed, and one for its ensemble: scores and what they differ by from
        those of the reference with the same seed, each with its interval.
    """
    entries = network_entries | baseline_entries
    split = "test" if (galaxies["split"] == "test").any() else "validation"
    scored = (galaxies["split"] == split).to_numpy()
    truth = evaluation.class_codes(galaxies["class_name"], classes.names)[scored]
    weights = evaluation.mix_weights(truth, classification.prior(classes))
    states = {
        (entry, str(seed)): entries[f"{entry}-{seed}"]
        for entry in options.entries
        for seed in options.seeds
    }
    probabilities = {
        key: _calibrated(state["logits"], galaxies, classes, classification)[scored]
        for key, state in states.items()
    }
    if len(options.seeds) > 1:
        for entry in options.entries:
            of_seeds = [probabilities[entry, str(seed)] for seed in options.seeds]
            probabilities[entry, ENSEMBLE] = np.mean(of_seeds, axis=0)

    rows = []
    for (entry, seed), probability in probabilities.items():
        reference = probabilities[options.reference, seed]
        compared = evaluation.compare_classifiers(
            probability, reference, truth, weights, confidence=evaluation_options.confidence
        )
        state = states.get((entry, seed), {})
        rows.append(
            {
                "entry": entry,
                "seed": seed,
                "split": split,
                "simulated": bool(galaxies["simulated"].any()),
                "n": int(scored.sum()),
                **{
                    name: float(state[name]) if name in state else np.nan
                    for name in ("n_weights", "training_seconds", "galaxies_per_second")
                },
                **compared,
            }
        )
    order = {entry: i for i, entry in enumerate(options.entries)}
    table = pd.DataFrame(rows)
    return table.sort_values("entry", key=lambda names: names.map(order), kind="stable",
                             ignore_index=True)  # fmt: skip


def summarise_entries(comparison: pd.DataFrame) -> pd.DataFrame:
    """Summarise the seeds of each entry.

    Args:
        comparison: A row per entry and seed.

    Returns:
        A row per entry: mean and standard deviation (``_spread``) over seeds of every score, the
        scores of the ensemble, and the mean of what it costs.
    """
    return evaluation.summarise_seeds(comparison, ensemble=ENSEMBLE)


def conclude_comparison(
    comparison: pd.DataFrame, options: ComparisonOptions, evaluation_options: EvaluationOptions
) -> dict[str, Any]:
    """Say which classifier is best, and what the reference and the baselines reach.

    Args:
        comparison: A row per entry and seed.
        options: With the reference.
        evaluation_options: Level of the intervals.

    Returns:
        What the comparison comes to, for the page on it and for the report.
    """
    return evaluation.conclude_comparison(
        comparison,
        options.reference,
        list(options.baseline_entries),
        ensemble=ENSEMBLE,
        confidence=evaluation_options.confidence,
    )


def draw_comparison(comparison: pd.DataFrame, options: ComparisonOptions) -> Figure:
    """Draw the scores of all that was compared.

    Args:
        comparison: A row per entry and seed.
        options: With the reference.
    """
    return figures.compared_scores(comparison, options.reference, ensemble=ENSEMBLE)


def _finished_before(name: str, checkpoint: Checkpoint, fingerprint: str) -> TrainingState:
    """What an equal run ended with; nothing where there was none."""
    state = checkpoint.load()
    if "logits" not in state or str(state["fingerprint"]) != fingerprint:
        return {}
    logger.info("%s was finished before.", name)
    return state


def _finished(fingerprint: str, logits: FloatArray, **measures: float) -> TrainingState:
    return {
        "finished": np.array(True),
        "fingerprint": np.array(fingerprint),
        "logits": logits,
        **{name: np.array(value) for name, value in measures.items()},
    }


def _calibrated(
    logits: FloatArray,
    galaxies: pd.DataFrame,
    classes: Classes,
    options: ClassificationOptions,
) -> FloatArray:
    """Probability of each class, [N, K], with a temperature that fits the validation galaxies."""
    validation = (galaxies["split"] == "validation").to_numpy()
    labels = evaluation.fractions_of(galaxies[validation], classes.names)
    temperature = find_temperature(logits[validation], labels, classes, options)
    return probabilities_for_mix(logits, temperature, classes, options)
