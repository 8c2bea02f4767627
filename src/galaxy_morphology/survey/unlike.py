"""How far a galaxy lies from all that a classifier has learned from."""

import hashlib
import json
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology import networks
from galaxy_morphology.networks import Precision
from galaxy_morphology.typing import Checkpoint, FloatArray, KerasModel, NetworkImages
from galaxy_morphology.views import NumberOfViews

ROWS_AT_A_TIME = 256


class TrainingFeatures(NamedTuple):
    """What training galaxies look like to a classifier.

    Attributes:
        features: Directions of their last features, float32 [n, features], rows of length 1.
        neighbours: Which of the nearest of them a distance is measured to, from 1.
        threshold: Farther galaxies are unlike any of them.
    """

    features: NDArray[np.float32]
    neighbours: int
    threshold: float


def training_features(
    classifier: KerasModel, images: NetworkImages, galaxies: pd.DataFrame, checkpoint: Checkpoint,
    **options: Any,
) -> TrainingFeatures:  # fmt: skip
    """What training galaxies look like to a classifier, measured once for each.

    Args:
        classifier: Sees these images.
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        galaxies: A row per image, with its ``split`` and ``checksum``.
        checkpoint: Where it is kept, and what it was measured with.
        options: Of :func:`measure_training_features`.
    """
    table = galaxies[["cataid", "split", "checksum"]].to_csv(index=False)
    made_from = [fingerprint_of(classifier), table, json.dumps(options, sort_keys=True)]
    known = hashlib.sha256("\n".join(made_from).encode()).hexdigest()
    state = checkpoint.load()
    if str(state.get("made_from")) != known:
        found = measure_training_features(classifier, images, galaxies, **options)
        arrays = {name: np.asarray(value) for name, value in found._asdict().items()}
        state = {**arrays, "made_from": np.array(known)}
        checkpoint.save(state)
    return TrainingFeatures(state["features"], int(state["neighbours"]), float(state["threshold"]))


def measure_training_features(
    classifier: KerasModel,
    images: NetworkImages,
    galaxies: pd.DataFrame,
    *,
    n_training: int,
    neighbours: int,
    flagged_share: float,
    seed: int,
    batch_size: int,
    precision: Precision,
    views: NumberOfViews,
) -> TrainingFeatures:
    """Look at training galaxies, and find what is as far from them as few validation galaxies.

    Args:
        classifier: Sees these images.
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        galaxies: A row per image, with its ``split``.
        n_training: Training galaxies to compare with, at most; drawn by lot.
        neighbours: See :func:`distances`.
        flagged_share: Share of the validation galaxies that lie beyond the threshold.
        seed: Of the lot.
        batch_size: See ``networks.ask_classifier``.
        precision: See ``networks.ask_classifier``.
        views: See ``networks.ask_classifier``.
    """
    training, validation = (
        np.flatnonzero(galaxies["split"] == split) for split in ("training", "validation")
    )
    if len(training) > n_training:
        drawn = np.random.default_rng(seed).choice(len(training), n_training, replace=False)
        training = training[np.sort(drawn)]
    of_training, of_validation = (
        networks.ask_classifier(
            classifier, images, rows, features=True, progress=f"Features of {split}",
            batch_size=batch_size, precision=precision, views=views,
        ).features
        for split, rows in (("training", training), ("validation", validation))
    )  # fmt: skip
    known = TrainingFeatures(_directions(of_training), min(neighbours, len(training)), np.inf)
    threshold = np.quantile(distances(of_validation, known), 1 - flagged_share)
    return known._replace(threshold=float(threshold))


def distances(features: FloatArray, training: TrainingFeatures) -> NDArray[np.float32]:
    """Distance of galaxies from the training galaxies.

    That of the direction of a galaxy's features to the k-th nearest of those of the training
    galaxies (Sun et al. 2022, arXiv:2204.06507). Directions, since features are weak where there
    is little to be seen: by their lengths, an empty sky would lie nearer than any galaxy.

    Args:
        features: Of the galaxies, [n, features].
        training: Of the training galaxies.

    Returns:
        float32 [n], from 0 for one of them to 2.
    """
    found = np.empty(len(features), np.float32)
    for start in range(0, len(features), ROWS_AT_A_TIME):
        some = _directions(features[start : start + ROWS_AT_A_TIME])
        cosines = some @ training.features.T
        place = cosines.shape[1] - training.neighbours
        kth = np.partition(cosines, place, axis=1)[:, place]
        found[start : start + len(some)] = np.sqrt(np.maximum(2 - 2 * kth, 0))
    return found


def _directions(features: FloatArray) -> NDArray[np.float32]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths > 0, lengths, 1), np.float32)


def fingerprint_of(network: KerasModel) -> str:
    """Hash a network and its weights.

    Args:
        network: A Keras model.
    """
    digest = hashlib.blake2b(network.to_json().encode(), digest_size=16)
    for weights in network.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()
