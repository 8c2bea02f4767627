"""Nodes of evaluation."""

from typing import Any

import pandas as pd

from galaxy_morphology import evaluation, figures, networks, report
from galaxy_morphology.options import (
    Classes,
    ClassificationOptions,
    EvaluationOptions,
    PredictionOptions,
)
from galaxy_morphology.pipelines.modelling.options import ErrorRateOptions, SuspectOptions
from galaxy_morphology.steps import find_temperature, probabilities_for_mix
from galaxy_morphology.typing import Figure, Images, KerasModel, NetworkImages

FLAGS = {
    "duplicate": "a copy of another",
    "transparent": "transparent in parts",
    "channel_without_signal": "a colour without signal",
    "touches_edge": "reaches the edge of the cut-out",
    "measurement_flag": "not measured in full",
}
"""What the report says of flagged galaxies."""
N_NEAREST = 6


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
        from which on classifications surely have the accuracy wanted in the mix of classes that
        is meant, missing where there is none.

    Raises:
        ValueError: The class prior names other classes than there are.
    """
    validation = logits[logits["split"] == "validation"]
    truth = evaluation.class_codes(validation["class_name"], classes.names)
    raw = evaluation.logits_of(validation, classes.names)
    labels = evaluation.fractions_of(validation, classes.names)
    temperature = find_temperature(raw, labels, classes, options)
    probability = probabilities_for_mix(raw, temperature, classes, options)
    threshold = evaluation.choose_threshold(
        probability.max(axis=1),
        probability.argmax(axis=1) == truth,
        options.accuracy_wanted,
        evaluation.mix_weights(truth, options.prior(classes)),
        confidence=options.accuracy_confidence,
    )
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
        A row per galaxy: logits, a probability per class, predicted class, whether correct, and
        what it weighs in scores.
    """
    raw = evaluation.logits_of(logits, classes.names)
    temperature = calibration["temperature"] or 1.0
    probability = probabilities_for_mix(raw, temperature, classes, options)
    return evaluation.prediction_table(
        logits, probability, classes.names, prior=options.prior(classes)
    )


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
        options: Level of the intervals, and draws for the calibration error.
        classification: For the mix of classes, and the accuracy wanted.

    Returns:
        Scores with their intervals for "validation" and, where there is one, "test": for the mix
        of classes that is meant. With soft labels, those against them as ``votes``, and
        calibration is scored against them.
    """
    metrics = {}
    for split in ("validation", "test"):
        some = predictions[predictions["split"] == split]
        if some.empty:
            continue
        truth = evaluation.truth_of(some, classes.names)
        raw = evaluation.logits_of(some, classes.names)
        before = probabilities_for_mix(raw, 1.0, classes, classification)
        after = evaluation.probabilities_of(some, classes.names)
        weights = evaluation.weights_of(some)
        scores = evaluation.score_predictions(some, classes.names, confidence=options.confidence)
        if evaluation.has_soft_labels(some):
            scores["votes"] = evaluation.score_votes(
                some, classes.names, confidence=options.confidence
            )
        metrics[split] = scores | {
            "class_prior": classification.class_prior,
            "calibration": {
                "temperature": calibration["temperature"],
                **evaluation.calibration_scores(
                    before,
                    after,
                    truth,
                    weights,
                    confidence=options.confidence,
                    n_resamples=options.n_resamples,
                    seed=options.seed,
                ),
            },
            "selection": {
                "accuracy_wanted": classification.accuracy_wanted,
                "accuracy_confidence": classification.accuracy_confidence,
                "threshold": calibration["threshold"],
                **evaluation.selection_scores(
                    after.max(axis=1),
                    some["correct"].to_numpy(bool),
                    calibration["threshold"],
                    weights,
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
        metrics: Scores by split, for the error rate of all galaxies and the mix of classes.
    """
    return figures.error_rates(error_rates, _error_rate(metrics), metrics=metrics)


def find_suspect_labels(
    galaxies: pd.DataFrame,
    features: pd.DataFrame,
    predictions: pd.DataFrame,
    calibration: dict[str, float | None],
    classes: Classes,
    options: SuspectOptions,
) -> pd.DataFrame:
    """Rank all galaxies by how much their label is to be doubted.

    What is said about a label must not have been learned from it. A random forest, crosswise
    trained on the measures, judges every galaxy; the network, which learned from the training
    galaxies, has a say of equal weight for the others. Both judge as if classes were equally
    frequent: a class is not to be doubted for being rare where galaxies are to be classified.

    Args:
        galaxies: A row per galaxy.
        features: The same galaxies, with their measures.
        predictions: The same galaxies, with the network's logits.
        calibration: The temperature of the network.
        classes: The classes in order.
        options: Size of the forest, folds and seed.

    Returns:
        A row per galaxy, the most suspicious first.
    """
    known = features.set_index("cataid").loc[galaxies["cataid"]]
    probability = evaluation.cross_validated_probabilities(
        known.drop(columns=["simulated", "half_light_radius_arcsec"]).select_dtypes(
            ["number", "bool"]
        ),
        evaluation.class_codes(galaxies["class_name"], classes.names),
        galaxies["group"],
        len(classes.names),
        **options.model_dump(exclude={"n_shown"}),
    )
    said = predictions.set_index("cataid").loc[galaxies["cataid"]]
    unseen = (galaxies["split"] != "training").to_numpy()
    logits = evaluation.logits_of(said, classes.names)
    of_network = networks.probabilities(logits / (calibration["temperature"] or 1.0))
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
    return figures.suspect_labels(
        images, galaxies["cataid"], suspect_labels, classes.names, n_galaxies=options.n_shown
    )


def find_neighbours(
    classifier: KerasModel,
    network_images: NetworkImages,
    galaxies: pd.DataFrame,
    options: PredictionOptions,
) -> pd.DataFrame:
    """Find the training galaxies that the classifier finds most like each galaxy.

    Args:
        classifier: Sees these images.
        network_images: uint8 [N, height, width, 3] or float16 [N, height, width, bands].
        galaxies: A row per image.
        options: How many cut-outs at a time.

    Returns:
        A row per galaxy and neighbour, the nearest first: CATAIDs and their ``distance``.
    """
    features = networks.ask_classifier(
        classifier, network_images, features=True, batch_size=options.batch_size,
        precision=options.precision, progress="Comparing",
    ).features  # fmt: skip
    nearest = evaluation.nearest_training_galaxies(galaxies, features, n_nearest=N_NEAREST)
    return nearest.assign(simulated=bool(galaxies["simulated"].any()))


def write_gallery_section(
    images: Images,
    galaxies: pd.DataFrame,
    features: pd.DataFrame,
    predictions: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    neighbours: pd.DataFrame,
    metrics: dict[str, Any],
    classes: Classes,
) -> str:
    """Lay out all galaxies to look through, for the report.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        galaxies: A row per image.
        features: The same galaxies, with their measures.
        predictions: The same galaxies, with a probability per class.
        suspect_labels: The same galaxies, the most suspicious first.
        neighbours: A row per galaxy and similar training galaxy.
        metrics: Scores by split, the last being shown first.
        classes: The classes in order.

    Returns:
        A section of HTML.
    """
    measures = features.set_index("cataid").loc[galaxies["cataid"]].reset_index(drop=True)
    doubts = suspect_labels.set_index("cataid")[["suspected", "suggested_class", "label_quality"]]
    known = predictions.join(doubts, on="cataid", validate="1:1").assign(
        duplicate=galaxies["duplicate_of"].notna().to_numpy(),
        **{name: galaxies[name].to_numpy() for name in ("transparent", "channel_without_signal")},
        touches_edge=measures["touches_edge"],
        measurement_flag=measures["measurement_flag"] != "",
    )
    numbers = measures.select_dtypes("number").dropna(axis="columns", how="all")
    return report.gallery(
        images,
        known,
        classes.names,
        split=list(metrics)[-1],
        features=numbers,
        flags={name: says for name, says in FLAGS.items() if known[name].any()},
        neighbours=neighbours,
    )


def draw_confusion_matrices(metrics: dict[str, Any]) -> Figure:
    """Draw what was taken for what.

    Args:
        metrics: Scores by split.
    """
    return figures.confusion_matrices(metrics)


def draw_roc_curves(predictions: pd.DataFrame, metrics: dict[str, Any], classes: Classes) -> Figure:
    """Draw the ROC curves.

    Args:
        predictions: A row per galaxy.
        metrics: Scores by split.
        classes: The classes in order.
    """
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
    split = list(metrics)[-1]
    return figures.confident_mistakes(
        images, predictions, classes.names, split=split, n_galaxies=options.n_mistakes
    )


def draw_reliability(
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    classes: Classes,
    options: EvaluationOptions,
    classification: ClassificationOptions,
) -> Figure:
    """Draw how often the classifier is right where it is how sure, before and after calibration.

    Args:
        predictions: A row per galaxy.
        metrics: Scores by split.
        classes: The classes in order.
        options: Level of the intervals.
        classification: For the mix of classes.
    """
    curves = _reliability(predictions, metrics, classes, options, classification)
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
    curves = _selective_accuracy(predictions, metrics, classes, options)
    return figures.selective_accuracy(curves, metrics)


def write_evaluation_section(
    confusion_matrix: bytes,
    roc: bytes,
    reliability: bytes,
    selective_accuracy: bytes,
    error_rates: bytes,
    confident_mistakes: bytes,
    suspect_labels: bytes,
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    rates: pd.DataFrame,
    classes: Classes,
    options: EvaluationOptions,
    classification: ClassificationOptions,
) -> str:
    """Lay out the scores and errors, for the report.

    Args:
        confusion_matrix: Picture of what was taken for what.
        roc: Picture of the ROC curves.
        reliability: Picture of how often it is right where it is how sure.
        selective_accuracy: Picture of the accuracy of those it is surest of.
        error_rates: Picture of the error rate by kinds of galaxies.
        confident_mistakes: Picture of the mistakes it was surest of.
        suspect_labels: Picture of the galaxies with the most suspicious labels.
        predictions: A row per galaxy.
        metrics: Scores by split.
        rates: A row per bin of each quantity.
        classes: The classes in order.
        options: Level of the intervals.
        classification: For the mix of classes.

    Returns:
        Sections of HTML.
    """
    scores = report.section(
        "Scores",
        [
            report.Picture(
                confusion_matrix,
                "Confusion matrices",
                "Rows are labels, columns what the classifier said. What lies off the diagonal "
                "is wrong.",
            ),
            report.Picture(
                roc,
                "ROC curves",
                "How many galaxies of a class are found, against how many others are taken for "
                "it, at every threshold. The diagonal is chance.",
                report.charts.roc(predictions, metrics, classes.names),
            ),
        ],
    )
    calibration = report.section(
        "Calibration",
        [
            report.Picture(
                reliability,
                "Reliability",
                "Where points lie on the diagonal, a probability of 80 % is right in 80 % of the "
                "cases, or has 80 % of the votes where labels are soft. Below it, the classifier "
                "is too sure of itself.",
                report.charts.reliability(
                    _reliability(predictions, metrics, classes, options, classification)
                ),
            ),
            report.Picture(
                selective_accuracy,
                "Selective accuracy",
                "The accuracy of those that are kept, when the least certain are left to a human.",
                report.charts.selective_accuracy(
                    _selective_accuracy(predictions, metrics, classes, options)
                ),
            ),
        ],
    )
    errors = report.section(
        "Errors",
        [
            report.Picture(
                error_rates,
                "Error rates",
                "Where the interval lies off the line, galaxies of that kind are classified worse, "
                "or better, than all together.",
                report.charts.error_rates(
                    rates, 1 - list(metrics.values())[-1]["accuracy"]["value"]
                ),
            ),
            report.Picture(
                confident_mistakes,
                "Confident mistakes",
                "Look at these first: either the network has missed something, or the label is "
                "wrong.",
            ),
        ],
    )
    suspects = report.section(
        "Suspect labels",
        [
            report.Picture(
                suspect_labels,
                "The most suspicious labels",
                "Galaxies whose label network and random forest doubt most. Both can be wrong: "
                "let a person look.",
            ),
        ],
    )
    return "\n".join([scores, calibration, errors, suspects])


def _error_rate(metrics: dict[str, Any]) -> float:
    """Of all galaxies of the last split."""
    return float(1 - list(metrics.values())[-1]["accuracy"]["value"])


def _reliability(
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    classes: Classes,
    options: EvaluationOptions,
    classification: ClassificationOptions,
) -> dict[str, dict[str, pd.DataFrame]]:
    """By split, how often it is right where it is how sure, before and after calibration."""
    curves = {}
    for split in metrics:
        some = predictions[predictions["split"] == split]
        truth = evaluation.truth_of(some, classes.names)
        raw = evaluation.logits_of(some, classes.names)
        stages = {
            "before": probabilities_for_mix(raw, 1.0, classes, classification),
            "after": evaluation.probabilities_of(some, classes.names),
        }
        curves[split] = {
            stage: evaluation.reliability(
                probability, truth, evaluation.weights_of(some), confidence=options.confidence
            )
            for stage, probability in stages.items()
        }
    return curves


def _selective_accuracy(
    predictions: pd.DataFrame, metrics: dict[str, Any], classes: Classes, options: EvaluationOptions
) -> dict[str, pd.DataFrame]:
    """By split, the accuracy of those that are kept."""
    curves = {}
    for split in metrics:
        some = predictions[predictions["split"] == split]
        certainty = evaluation.probabilities_of(some, classes.names).max(axis=1)
        curves[split] = evaluation.selective_accuracy(
            certainty,
            some["correct"].to_numpy(bool),
            evaluation.weights_of(some),
            confidence=options.confidence,
        )
    return curves
