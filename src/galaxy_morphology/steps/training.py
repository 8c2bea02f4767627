"""Training a classifier, once: what an equal run has done is not done again."""

import hashlib
import json
import logging
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from galaxy_morphology import __version__, evaluation, networks
from galaxy_morphology.options import (
    AugmentationOptions,
    Classes,
    NetworkOptions,
    TrainingOptions,
    VoteOptions,
)
from galaxy_morphology.sky import are_bands
from galaxy_morphology.typing import (
    Checkpoint,
    FloatArray,
    KerasModel,
    NetworkImages,
    TrainingState,
)

logger = logging.getLogger(__name__)


def train_network(
    images: NetworkImages,
    galaxies: pd.DataFrame,
    class_weights: dict[str, float],
    checkpoint: Checkpoint,
    classes: Classes,
    network_options: NetworkOptions,
    augmentation: AugmentationOptions,
    options: TrainingOptions,
    votes: VoteOptions,
) -> tuple[KerasModel, pd.DataFrame]:
    """Train the network on the training galaxies, going on from where an equal run stopped.

    An equal run is one of the same galaxies, parameters and versions; if it came to its end,
    its weights are kept and nothing is trained.

    Args:
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        galaxies: A row per image.
        class_weights: Weight of each class in the loss, by name. A galaxy with a soft label has
            the mean of them, by its fractions.
        checkpoint: The state that the last training left, or nothing; written after every epoch,
            with the fingerprint of everything that shaped it. It shortens the way, and changes
            nothing of what is returned.
        classes: The classes in order.
        network_options: Shape of the network.
        augmentation: What to do to the training galaxies.
        options: How to train.
        votes: Which loss suits the labels, and whether galaxies weigh as many votes as they have.

    Returns:
        The classifier with the weights that training kept, and the training history, a row per
        epoch: none where the network is built of trained ones.
    """
    import keras

    fingerprint = fingerprint_of(
        galaxies, images.shape, class_weights, classes, network_options, augmentation, options,
        votes,
    )  # fmt: skip
    state = _state_of_an_equal_run(checkpoint, fingerprint)
    keras.utils.set_random_seed(options.seed)
    build = networks.NETWORKS[network_options.name]
    arguments = network_options.arguments()
    if state and arguments.get("weights") == "imagenet":
        arguments["weights"] = None  # those of the state take their place
    training, validation = (
        np.flatnonzero(galaxies["split"] == split) for split in ("training", "validation")
    )
    if are_bands(images):
        arguments["bands"] = networks.measure_bands(images, training)
    network = build(images.shape[1:], len(classes.names), **arguments)
    if network_options.name in networks.TRAINED:
        logger.info("%s is built of trained networks: nothing is trained.", network_options.name)
        return network, pd.DataFrame(columns=["epoch", "seconds", "simulated"])
    if not (state and state["finished"]):
        build_optimizer = partial(
            networks.build_optimizer,
            **options.optimizer.model_dump(),
            steps_per_epoch=-(-len(training) // options.batch_size),
        )
        labels = evaluation.fractions_of(galaxies, classes.names)
        weights = labels @ [class_weights[name] for name in classes.names]
        if votes.weigh_by_votes:
            weights *= galaxies["n_votes"] / galaxies["n_votes"].iloc[training].mean()
        states = networks.train(
            network,
            images,
            labels,
            training,
            validation,
            weights=weights,
            n_votes=_counted_votes(galaxies, votes),
            augmentation=augmentation.model_dump(),
            optimizer=build_optimizer(epochs=options.epochs - options.frozen_epochs),
            head_optimizer=build_optimizer(epochs=options.frozen_epochs),
            resume_from=state or None,
            **options.model_dump(exclude={"optimizer"}),
        )
        for state in states:
            checkpoint.save({**state, "fingerprint": np.array(fingerprint)})
    network.set_weights(networks.kept_weights(state))
    history = networks.training_history(state)
    return network, history.assign(simulated=bool(galaxies["simulated"].any()))


def fingerprint_of(galaxies: pd.DataFrame, *influences: Any) -> str:
    """Hash the galaxies, parameters, files and versions that shape a training.

    Args:
        galaxies: What is trained on, with their checksums, classes and splits.
        influences: Options, and whatever JSON can hold.
    """
    import keras

    labels = evaluation.soft_columns(galaxies)
    table = galaxies[["cataid", "class_name", "split", "checksum", *labels]].to_csv(index=False)
    texts = [
        influence.model_dump_json() if isinstance(influence, BaseModel) else json.dumps(influence)
        for influence in (*influences, __version__, keras.__version__)
    ]
    files = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for influence in influences
        if isinstance(influence, NetworkOptions)
        for path in influence.files()
    ]
    return hashlib.sha256("\n".join([table, *texts, *files]).encode()).hexdigest()


def _state_of_an_equal_run(checkpoint: Checkpoint, fingerprint: str) -> TrainingState:
    """The state of an equal run, finished or to go on from; nothing where there is none."""
    state = checkpoint.load()
    if not state:
        return {}
    if str(state.get("fingerprint")) != fingerprint:
        logger.info("Training anew: the last one had other galaxies, parameters or versions.")
        return {}
    n_epochs = len(networks.training_history(state))
    if state["finished"]:
        logger.info("This training ended before, after %d epochs: keeping its weights.", n_epochs)
    else:
        logger.info("Going on with an interrupted training after epoch %d.", n_epochs)
    return state


def _counted_votes(galaxies: pd.DataFrame, votes: VoteOptions) -> FloatArray | None:
    """Number of each galaxy's votes, [N], where the loss is for these; else None."""
    if votes.loss == "cross_entropy":
        return None
    return galaxies["n_votes"].to_numpy(np.float64)
