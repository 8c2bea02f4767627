"""Nodes of the export."""

import hashlib
import json
import logging
import platform
from importlib.metadata import version

import numpy as np
import pandas as pd

from galaxy_morphology import __version__, evaluation, export, networks
from galaxy_morphology.options import Classes, ClassificationOptions, PredictionOptions
from galaxy_morphology.pipelines.export.options import ExportOptions
from galaxy_morphology.steps import probabilities_for_mix
from galaxy_morphology.typing import Images, IntArray, KerasModel

logger = logging.getLogger(__name__)

PACKAGES = ("keras", "tensorflow", "numpy")
"""Distributions that take part in every format."""


def convert_classifier(
    classifier: KerasModel,
    calibration: dict[str, float | None],
    classes: Classes,
    classification: ClassificationOptions,
    prediction: PredictionOptions,
    options: ExportOptions,
) -> dict[str, bytes]:
    """Convert the classifier, with views, calibration and mix of classes inside, to each format.

    Args:
        classifier: Takes 0 to 255 RGB.
        calibration: With its ``temperature``.
        classes: The classes in order.
        classification: For the mix of classes.
        prediction: How many views are asked about.
        options: Which formats.

    Returns:
        Contents of files by their paths in a folder.

    Raises:
        ValueError: What a format needs is not installed, or a format lacks an operation of the
            network.
    """
    module = export.serving_module(
        classifier,
        n_views=prediction.views,
        temperature=calibration["temperature"] or 1.0,
        prior=classification.prior(classes),
    )
    return {
        path: content
        for name in options.formats
        for path, content in export.FORMATS[name].convert(module).items()
    }


def predict_in_float32(
    classifier: KerasModel,
    images: Images,
    predictions: pd.DataFrame,
    calibration: dict[str, float | None],
    classes: Classes,
    classification: ClassificationOptions,
    prediction: PredictionOptions,
    options: ExportOptions,
) -> pd.DataFrame:
    """Classify some galaxies as the run did, but in float32, and on the processor.

    Graphics cards round the factors of float32 products, and ``prediction`` may ask for less.

    Args:
        classifier: Takes 0 to 255 RGB.
        images: uint8 [N, height, width, 3], RGB.
        predictions: A row per image.
        calibration: With its ``temperature``.
        classes: The classes in order.
        classification: For the mix of classes.
        prediction: How many views are asked about, and how many galaxies at a time.
        options: How many galaxies.

    Returns:
        Those rows of the predictions, from the least certain to the most, with these logits and
        probabilities; their index is the row of the image.
    """
    import tensorflow as tf

    rows = _from_doubtful_to_certain(predictions, classes, options.n_compared)
    with tf.device("CPU"):
        logits = networks.predict_logits(
            classifier, images, rows, batch_size=prediction.batch_size, views=prediction.views
        )
    temperature = calibration["temperature"] or 1.0
    probability = probabilities_for_mix(logits, temperature, classes, classification)
    table = evaluation.logit_table(predictions.iloc[rows], logits, classes.names)
    return evaluation.prediction_table(table, probability, classes.names).set_index(rows)


def _from_doubtful_to_certain(predictions: pd.DataFrame, classes: Classes, n: int) -> IntArray:
    """So many rows, or all, evenly from the least certain galaxy to the most."""
    certainty = evaluation.probabilities_of(predictions, classes.names).max(axis=1)
    order = np.argsort(certainty, kind="stable")
    return np.asarray(order[np.linspace(0, len(order) - 1, min(n, len(order))).astype(int)])


def compare_answers(
    converted: dict[str, bytes],
    expected: pd.DataFrame,
    images: Images,
    predictions: pd.DataFrame,
    classes: Classes,
    options: ExportOptions,
) -> dict[str, float]:
    """Ask every format about some galaxies.

    Args:
        converted: The files of all formats.
        expected: What the classifier says of these galaxies in float32; the index is their image.
        images: uint8 [N, height, width, 3], RGB.
        predictions: A row per image: what the run said of them, in its own precision.
        classes: The classes in order.
        options: Which formats, and the largest difference that is accepted.

    Returns:
        The largest difference of a probability by format, and of ``predictions``.

    Raises:
        ValueError: A format gives another probability.
    """
    rows = expected.index.to_numpy()
    wanted = evaluation.probabilities_of(expected, classes.names)
    differences: dict[str, float] = {}
    for name in options.formats:
        _, found = export.FORMATS[name].classify(converted, images[rows])
        differences[name] = export.check_agreement(
            f"What was written as {name}",
            found,
            wanted,
            galaxies=expected["cataid"].tolist(),
            class_names=classes.names,
            tolerance=options.tolerance,
        )
    said = evaluation.probabilities_of(predictions.iloc[rows], classes.names)
    differences["predictions"] = float(np.abs(said - wanted).max())
    logger.info(
        "Probabilities of %d galaxies differ from the classifier's in float32 by at most %s.",
        len(rows),
        ", ".join(f"{largest:.1e} ({name})" for name, largest in differences.items()),
    )
    return differences


def describe_export(
    converted: dict[str, bytes],
    expected: pd.DataFrame,
    differences: dict[str, float],
    classifier: KerasModel,
    calibration: dict[str, float | None],
    classes: Classes,
    classification: ClassificationOptions,
    prediction: PredictionOptions,
    options: ExportOptions,
) -> dict[str, bytes]:
    """Add to the files a description that programs can read.

    Args:
        converted: The files of all formats.
        expected: The galaxies that were compared, with the logits of the classifier.
        differences: The largest that were found.
        classifier: What was converted.
        calibration: Temperature and threshold.
        classes: The classes in order.
        classification: For the mix of classes.
        prediction: How many views are asked about, and how exactly the run did.
        options: Which formats, and the largest difference that is accepted.

    Returns:
        The same files, and ``model.json``.
    """
    n_logits = evaluation.logits_of(expected, classes.names).shape[1]
    formats = [export.FORMATS[name] for name in options.formats]
    packages = sorted({*PACKAGES, *(package for one in formats for package in one.packages)})
    description = {
        "classifier": {"network": classifier.name, "weights_sha256": _weights_sha256(classifier)},
        "classes": classes.names,
        "input": {
            "name": export.INPUT,
            "dtype": "uint8",
            "shape": ["batch", *classifier.input_shape[1:]],
            "channels": "RGB",
        },
        "outputs": {
            name: {"dtype": "float32", "shape": ["batch", n]}
            for name, n in zip(export.OUTPUTS, (n_logits, len(classes.names)), strict=True)
        },
        "views": prediction.views,
        **calibration,
        "class_prior": classification.class_prior,
        "compared": {
            "n_galaxies": len(expected),
            "tolerance": options.tolerance,
            "largest_difference": differences,
            "precision_of_predictions": prediction.precision,
        },
        "versions": {
            "python": platform.python_version(),
            "galaxy-morphology": __version__,
            **{name: version(name) for name in packages},
        },
        "files": {
            path: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for path, content in converted.items()
        },
    }
    text = json.dumps(description, indent=2, ensure_ascii=False)
    return {**converted, "model.json": text.encode()}


def _weights_sha256(classifier: KerasModel) -> str:
    """The SHA-256 of all weights, one after the other as they lie in memory."""
    digest = hashlib.sha256()
    for weights in classifier.get_weights():
        digest.update(weights.tobytes())
    return digest.hexdigest()
