"""Keras networks: how they are built, shown galaxies in new orientations, trained and asked."""

from galaxy_morphology.networks.augmentation import random_transforms, warp
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

__all__ = [
    "build_optimizer",
    "chosen_epoch",
    "kept_weights",
    "measure_batch_norm",
    "predict_logits",
    "probabilities",
    "random_transforms",
    "three_block_cnn",
    "train",
    "training_history",
    "warp",
]
