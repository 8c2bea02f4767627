"""Keras networks: how they are built, shown galaxies in new orientations, trained and asked."""

from collections.abc import Callable

from galaxy_morphology.networks.augmentation import augment, random_pattern, random_transforms, warp
from galaxy_morphology.networks.compact import compact_cnn
from galaxy_morphology.networks.devices import Precision
from galaxy_morphology.networks.prediction import predict_logits, probabilities
from galaxy_morphology.networks.three_block import three_block_cnn
from galaxy_morphology.networks.training import (
    build_optimizer,
    chosen_epoch,
    kept_weights,
    measure_batch_norm,
    train,
    training_history,
)
from galaxy_morphology.typing import KerasModel

NETWORKS: dict[str, Callable[..., KerasModel]] = {
    "three_block": three_block_cnn,
    "compact": compact_cnn,
}
"""The networks that parameters can name. Each takes the shape of a cut-out, the number of
classes, ``colour``, and options of its own, whose hints say what values they may have."""

__all__ = [
    "NETWORKS",
    "Precision",
    "augment",
    "build_optimizer",
    "chosen_epoch",
    "compact_cnn",
    "kept_weights",
    "measure_batch_norm",
    "predict_logits",
    "probabilities",
    "random_pattern",
    "random_transforms",
    "three_block_cnn",
    "train",
    "training_history",
    "warp",
]
