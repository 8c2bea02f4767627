"""Keras networks: how they are built, shown galaxies in new orientations, trained and asked."""

from collections.abc import Callable

from galaxy_morphology.networks.augmentation import augment, random_pattern, random_transforms, warp
from galaxy_morphology.networks.bands import BandScale, measure_bands
from galaxy_morphology.networks.compact import compact_cnn
from galaxy_morphology.networks.devices import Precision
from galaxy_morphology.networks.ends import sees_bands
from galaxy_morphology.networks.ensemble import ensemble
from galaxy_morphology.networks.prediction import (
    Answers,
    ask_about_batches,
    ask_classifier,
    predict_logits,
    probabilities,
)
from galaxy_morphology.networks.three_block import three_block_cnn
from galaxy_morphology.networks.training import (
    BatchNorm,
    build_optimizer,
    chosen_epoch,
    kept_weights,
    measure_batch_norm,
    train,
    training_history,
)
from galaxy_morphology.networks.transfer import transfer_cnn
from galaxy_morphology.typing import KerasModel

NETWORKS: dict[str, Callable[..., KerasModel]] = {
    "three_block": three_block_cnn,
    "compact": compact_cnn,
    "transfer": transfer_cnn,
    "ensemble": ensemble,
}
"""The networks that parameters can name. Each takes the shape of a cut-out, the number of
classes, ``colour``, ``bands``, and options of its own, whose hints say what values they may
have."""

TRAINED = frozenset({"ensemble"})
"""Those that are built of trained networks: nothing is left to train."""

__all__ = [
    "NETWORKS",
    "TRAINED",
    "Answers",
    "BandScale",
    "BatchNorm",
    "Precision",
    "ask_about_batches",
    "ask_classifier",
    "augment",
    "build_optimizer",
    "chosen_epoch",
    "compact_cnn",
    "ensemble",
    "kept_weights",
    "measure_bands",
    "measure_batch_norm",
    "predict_logits",
    "probabilities",
    "random_pattern",
    "random_transforms",
    "sees_bands",
    "three_block_cnn",
    "train",
    "training_history",
    "transfer_cnn",
    "warp",
]
