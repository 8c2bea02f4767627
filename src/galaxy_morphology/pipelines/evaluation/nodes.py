"""Nodes of evaluation."""

from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.pipelines.evaluation.options import (
    ClassificationOptions,
    ErrorRateOptions,
    EvaluationOptions,
    SuspectOptions,
)
from galaxy_morphology.pipelines.options import Classes
from galaxy_morphology.typing import Figure, FloatArray, Images


def calibrate_classifier(
    logits: pd.DataFrame, classes: Classes, options: ClassificationOptions
) -> dict[str, float | None]:
    """Learn from the validation galaxies how sure the classifier may be of itself.

    Args:
        logits: A row per galaxy. Those of test galaxies are not looked at.
        classes: The classes in order.
        options: Whether to calibrate, for which mix of classes, and the accuracy wanted.

    Returns:
        ``temperature``, by which logits are divided, and ``threshold``: the least probability
        at which classifications reach the accuracy wanted, missing where none does.

    Raises:
        ValueError: The class prior names other classes than there are.
    """
    from galaxy_morphology import evaluation

    validation = logits[logits["split"] == "validation"]
    truth = evaluation.class_codes(validation["class_name"], classes.names)
    raw = evaluation.logits_of(validation, classes.names)
    temperature = evaluation.fit_temperature(raw, truth) if options.calibrate else 1.0
    probability = _probabilities(raw, temperature, classes, options)
    certainty, correct = probability.max(axis=1), probability.argmax(axis=1) == truth
    threshold = evaluation.choose_threshold(certainty, correct, options.accuracy_wanted)
    return {"temperature": temperature, "threshold": threshold}


def predict_classes(
    logits: pd.DataFrame,
    calibration: dict[str, float | None],
    classes: Classes,
    options: ClassificationOptions,
) -> pd.DataFrame:
    """Turn logits into calibrated probabilities and a class.

    Args:
        logits: A row per galaxy.
        calibration: With its ``temperature``.
        classes: The classes in order.
        options: For the mix of classes.

    Returns:
        A row per galaxy: logits, a probability per class, predicted class, whether correct.
    """
    from galaxy_morphology import evaluation

    raw = evaluation.logits_of(logits, classes.names)
    probability = _probabilities(raw, calibration["temperature"] or 1.0, classes, options)
    return evaluation.prediction_table(logits, probability, classes.names)


def score_classifier(
    predictions: pd.DataFrame,
    calibration: dict[str, float | None],
    classes: Classes,
    options: EvaluationOptions,
    classification: ClassificationOptions,
) -> dict[str, Any]:
    """Score the classifier on the galaxies that it did not learn from.

    Args:
        predictions: A row per galaxy.
        calibration: Temperature and threshold.
        classes: The classes in order.
        options: Level and kind of the intervals.
        classification: For the accuracy wanted.

    Returns:
        Scores with their intervals for "validation" and, where there is one, "test".
    """
    from galaxy_morphology import evaluation, networks

    intervals = options.model_dump(exclude={"n_mistakes"})
    metrics = {}
    for split in ("validation", "test"):
        some = predictions[predictions["split"] == split]
        if some.empty:
            continue
        truth = evaluation.class_codes(some["class_name"], classes.names)
        before = networks.probabilities(evaluation.logits_of(some, classes.names))
        after = evaluation.probabilities_of(some, classes.names)
        metrics[split] = evaluation.score_predictions(some, classes.names, **intervals) | {
            "calibration": {
                "temperature": calibration["temperature"],
                **evaluation.calibration_scores(before, after, truth, **intervals),
            },
            "selection": {
                "accuracy_wanted": classification.accuracy_wanted,
                "threshold": calibration["threshold"],
                **evaluation.selection_scores(
                    after.max(axis=1),
                    some["correct"].to_numpy(bool),
                    calibration["threshold"],
                    confidence=options.confidence,
                ),
            },
        }
    return metrics


def find_error_rates(
    predictions: pd.DataFrame,
    galaxies: pd.DataFrame,
    features: pd.DataFrame,
    metrics: dict[str, Any],
    options: ErrorRateOptions,
    evaluation_options: EvaluationOptions,
) -> pd.DataFrame:
    """Find the error rate against what galaxies look like, in the last split that was scored.

    Args:
        predictions: A row per galaxy.
        galaxies: The same galaxies, with their flags.
        features: The same galaxies, with their measures.
        metrics: Scores by split.
        options: Which measures and flags, and how many bins.
        evaluation_options: Level of the intervals.

    Returns:
        A row per bin of each quantity.

    Raises:
        ValueError: A quantity is neither a measure nor a flag.
    """
    from galaxy_morphology import evaluation

    split = list(metrics)[-1]
    known = galaxies.merge(features.drop(columns="simulated"), on="cataid", validate="1:1")
    unknown = sorted(set(options.quantities) - set(known))
    if unknown:
        raise ValueError(
            f"error_rates.quantities names {', '.join(unknown)}, which no galaxy has. Known are "
            f"{', '.join(map(str, known))}."
        )
    some = predictions[predictions["split"] == split]
    rates = evaluation.error_rates(
        some,
        known,
        options.quantities,
        n_bins=options.n_bins,
        confidence=evaluation_options.confidence,
    )
    return rates.assign(split=split, simulated=bool(some["simulated"].any()))


def draw_error_rates(error_rates: pd.DataFrame, metrics: dict[str, Any]) -> Figure:
    """Draw the error rate against what galaxies look like.

    Args:
        error_rates: A row per bin of each quantity.
        metrics: Scores by split, for the error rate of all galaxies.
    """
    from galaxy_morphology import figures

    split = list(metrics)[-1]
    return figures.error_rates(error_rates, 1 - metrics[split]["accuracy"]["value"])


def find_suspect_labels(
    galaxies: pd.DataFrame,
    features: pd.DataFrame,
    predictions: pd.DataFrame,
    classes: Classes,
    options: SuspectOptions,
) -> pd.DataFrame:
    """Rank all galaxies by how much their label is to be doubted.

    What is said about a label must not have been learned from it. A random forest, crosswise
    trained on the measures, judges every galaxy; the network, which learned from the training
    galaxies, has a say of equal weight for the others.

    Args:
        galaxies: A row per galaxy.
        features: The same galaxies, with their measures.
        predictions: The same galaxies, with the network's probabilities.
        classes: The classes in order.
        options: Size of the forest, folds and seed.

    Returns:
        A row per galaxy, the most suspicious first.
    """
    from galaxy_morphology import evaluation

    known = features.set_index("cataid").loc[galaxies["cataid"]]
    probability = evaluation.cross_validated_probabilities(
        known.drop(columns=["simulated", "half_light_radius_arcsec"]).select_dtypes(
            ["number", "bool"]
        ),
        evaluation.class_codes(galaxies["class_name"], classes.names),
        galaxies["checksum"],
        len(classes.names),
        **options.model_dump(exclude={"n_shown"}),
    )
    said = predictions.set_index("cataid").loc[galaxies["cataid"]]
    unseen = (galaxies["split"] != "training").to_numpy()
    of_network = evaluation.probabilities_of(said, classes.names)
    probability[unseen] = (probability[unseen] + of_network[unseen]) / 2
    return evaluation.rank_suspects(galaxies, probability, classes.names)


def draw_suspect_labels(
    images: Images,
    galaxies: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    classes: Classes,
    options: SuspectOptions,
) -> Figure:
    """Draw the galaxies whose labels are the most suspicious.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        galaxies: A row per image.
        suspect_labels: The same galaxies, the most suspicious first.
        classes: The classes in order.
        options: How many to show.
    """
    from galaxy_morphology import figures

    return figures.suspect_labels(
        images, galaxies["cataid"], suspect_labels, classes.names, n_galaxies=options.n_shown
    )


def draw_confusion_matrices(metrics: dict[str, Any]) -> Figure:
    """Draw what was taken for what.

    Args:
        metrics: Scores by split.
    """
    from galaxy_morphology import figures

    return figures.confusion_matrices(metrics)


def draw_roc_curves(predictions: pd.DataFrame, metrics: dict[str, Any], classes: Classes) -> Figure:
    """Draw the ROC curves.

    Args:
        predictions: A row per galaxy.
        metrics: Scores by split.
        classes: The classes in order.
    """
    from galaxy_morphology import figures

    return figures.roc_curves(predictions, metrics, classes.names)


def draw_confident_mistakes(
    images: Images,
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    classes: Classes,
    options: EvaluationOptions,
) -> Figure:
    """Draw the mistakes that the classifier was surest of, from the last split it was scored on.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        predictions: A row per image.
        metrics: Scores by split.
        classes: The classes in order.
        options: How many to show.
    """
    from galaxy_morphology import figures

    split = list(metrics)[-1]
    return figures.confident_mistakes(
        images, predictions, classes.names, split=split, n_galaxies=options.n_mistakes
    )


def draw_reliability(
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    classes: Classes,
    options: EvaluationOptions,
) -> Figure:
    """Draw how often the classifier is right where it is how sure, before and after calibration.

    Args:
        predictions: A row per galaxy.
        metrics: Scores by split.
        classes: The classes in order.
        options: Level of the intervals.
    """
    from galaxy_morphology import evaluation, figures, networks

    curves = {}
    for split in metrics:
        some = predictions[predictions["split"] == split]
        truth = evaluation.class_codes(some["class_name"], classes.names)
        stages = {
            "before": networks.probabilities(evaluation.logits_of(some, classes.names)),
            "after": evaluation.probabilities_of(some, classes.names),
        }
        curves[split] = {
            stage: evaluation.reliability(probability, truth, confidence=options.confidence)
            for stage, probability in stages.items()
        }
    return figures.reliability_diagrams(curves, metrics)


def draw_selective_accuracy(
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    classes: Classes,
    options: EvaluationOptions,
) -> Figure:
    """Draw the accuracy when the least certain galaxies are handed to a human.

    Args:
        predictions: A row per galaxy.
        metrics: Scores by split.
        classes: The classes in order.
        options: Level of the intervals.
    """
    from galaxy_morphology import evaluation, figures

    curves = {}
    for split in metrics:
        some = predictions[predictions["split"] == split]
        certainty = evaluation.probabilities_of(some, classes.names).max(axis=1)
        curves[split] = evaluation.selective_accuracy(
            certainty, some["correct"].to_numpy(bool), confidence=options.confidence
        )
    return figures.selective_accuracy(curves, metrics)


def _probabilities(
    logits: FloatArray, temperature: float, classes: Classes, options: ClassificationOptions
) -> FloatArray:
    """Probability of each class, [N, K], calibrated and for the mix of classes that is wanted."""
    from galaxy_morphology import evaluation, networks

    probability = networks.probabilities(np.asarray(logits) / temperature)
    prior = options.class_prior
    if prior is None:
        return probability
    if set(prior) != set(classes.names):
        raise ValueError(
            f"classification.class_prior has shares for {sorted(prior)}, but the classes are "
            f"{sorted(classes.names)}. Give a share to each of them, or null for none."
        )
    return evaluation.adjust_prior(probability, np.array([prior[name] for name in classes.names]))
