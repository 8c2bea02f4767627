"""Training a network so that its validation curve is steady and a run can be taken up again."""

import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.compiled import calls_of, once_per_network
from galaxy_morphology.networks.augmentation import augment
from galaxy_morphology.networks.devices import Precision, best_precision, should_use_xla
from galaxy_morphology.networks.prediction import predict_logits, probabilities
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.typing import FloatArray, IntArray, KerasModel, NetworkImages, TrainingState

logger = logging.getLogger(__name__)

CALIBRATION_BATCH = 128
BATCHES_AHEAD = 2 * (os.cpu_count() or 1)

BatchNorm = Literal["learned", "kept"]
"""Whether BatchNormalization learns from galaxies, or stays as the network came."""

Batch = tuple[NetworkImages, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Cut-outs, the fractions of the classes to learn [n, K], weights in the loss [n] and votes [n]."""


def train(
    network: KerasModel,
    images: NetworkImages,
    labels: FloatArray,
    training_rows: IntArray,
    validation_rows: IntArray,
    *,
    weights: FloatArray,
    n_votes: FloatArray | None = None,
    augmentation: dict[str, Any],
    optimizer: Any,
    epochs: int,
    batch_size: int,
    weight_average: float,
    batch_norm_galaxies: int,
    keep: Literal["best", "last"],
    patience: int,
    seed: int,
    frozen_epochs: int = 0,
    head_optimizer: Any = None,
    unfreeze: Literal["all"] | int = "all",
    layer_decay: float = 1.0,
    batch_norm: BatchNorm = "learned",
    precision: Literal["auto"] | Precision = "auto",
    xla: Literal["auto"] | bool = "auto",
    resume_from: TrainingState | None = None,
) -> Iterator[TrainingState]:
    """Train a network, handing out after every epoch all that is needed to go on from there.

    Two things keep the validation curve steady. The weights that are judged and kept are an
    exponential average over the last steps (Polyak & Juditsky 1992; Izmailov et al. 2018,
    arXiv:1803.05407). And their BatchNormalization statistics are measured afresh after every
    epoch, on galaxies augmented as in training: the ones gathered while training belong to other
    weights and to a network with dropout.

    A network that others have trained may learn in two steps: first the head alone, lest its
    first, random gradients spoil the rest (Kumar et al. 2022, arXiv:2202.10054); then all of it,
    or the upper blocks, the slower the closer to the input (Howard & Ruder 2018,
    arXiv:1801.06146). A block is what lies between two halvings of the resolution. What is frozen
    predicts, with BatchNormalization statistics that are measured on galaxies beforehand, unless
    they are kept.

    What is lowered is the cross-entropy with the labels or, where the votes behind them are
    counted, minus the log-likelihood of these, see ``losses.dirichlet_multinomial``. The losses in
    the history are weighted cross-entropies either way.

    Args:
        network: Freshly built, with a layer named ``logit``; it is not changed.
        images: uint8 [N, height, width, 3] or float16 [N, height, width, bands], may be
            memory-mapped.
        labels: Fraction of each class, [N, K], rows that sum to 1: one of them is 1 where the
            class is known, and the others are 0.
        training_rows: Images to learn from.
        validation_rows: Images to choose the epoch by.
        weights: Weight of each image in the loss, [N].
        n_votes: Number of votes that the labels are fractions of, [N], to learn their number
            too; None to learn the fractions.
        augmentation: Arguments of ``augment``.
        optimizer: A Keras optimiser, e.g. from :func:`build_optimizer`.
        epochs: Most epochs to train, those of the head alone among them.
        batch_size: Galaxies per step.
        weight_average: Weight of the past in the averaged weights, per step; 0 judges and
            keeps the weights as they are.
        batch_norm_galaxies: Training galaxies to measure the BatchNormalization statistics on;
            0 leaves them as training gathered them.
        keep: Keep the weights of the epoch with the highest validation ROC AUC, or of the last.
            Not the lowest loss: a few confident mistakes on noisy labels outweigh in it what
            the rest of the galaxies gain. A galaxy counts for each class by its fraction: the
            area is the chance that a vote for a class outranks one for another.
        patience: Stop after that many epochs without a higher validation ROC AUC; 0 never stops.
        seed: Seeds the order of the galaxies and their augmentation.
        frozen_epochs: First epochs, in which only the head learns: what follows the last maps.
        head_optimizer: The optimiser of these epochs; ``optimizer`` begins after them.
        unfreeze: How many blocks learn after that, counted from the head; or ``all``.
        layer_decay: The learning rate of each block, as a share of that of the block after it.
        batch_norm: Whether BatchNormalization learns as the other layers do, or predicts from the
            first step on, with the statistics, scales and offsets that the network came with.
        precision: A Keras dtype policy to train in, or the one that suits the device. The
            weights themselves are always float32, and so is the averaged network.
        xla: Whether to compile whole steps with XLA, or nothing. With ``auto`` the whole step on
            graphics cards, and elsewhere the update of the weights: one pass over them instead
            of twenty, while XLA's convolutions are three times slower than oneDNN's.
        resume_from: A state of an earlier run with the same arguments.

    Yields:
        The state after each epoch. Its arrays ``history/<column>`` have a value per epoch and
        ``kept/<number>`` are the weights to keep; ``finished`` is true in the last one, which
        holds nothing else.

    Raises:
        FloatingPointError: The logits are no longer numbers; says what to change.
    """
    import keras

    from galaxy_morphology.networks.fast_layers import fast_copy

    if precision == "auto":
        precision = resume_from["precision"].item() if resume_from else best_precision()
    learning, averaged = fast_copy(network, precision), fast_copy(network)
    optimizers = [head_optimizer] * (frozen_epochs > 0) + [optimizer]
    if precision == "mixed_float16":
        optimizers = [keras.optimizers.LossScaleOptimizer(each) for each in optimizers]
    asked = _asked(learning, with_concentration=n_votes is not None)
    history = pd.DataFrame()
    kept: list[NDArray[Any]] = []
    if resume_from:
        history, kept = training_history(resume_from), _numbered(resume_from, "kept")

    def begin(n_epochs: int) -> tuple[Any, Any, dict[str, Any]]:
        """The optimiser, the step and the variables of what learns after so many epochs."""
        is_head_alone = n_epochs < frozen_epochs
        chosen = optimizers[0 if is_head_alone else -1]
        rates = _thaw(learning, 0 if is_head_alone else unfreeze, layer_decay, batch_norm)
        chosen.build(asked.trainable_variables)
        step = _training_step(
            asked, learning, averaged, chosen, rates, weight_average, xla, images.dtype.name
        )
        # Variables, not weights: they include the random state of the dropout layers.
        return chosen, step, {"learning": asked.variables, "optimizer": chosen.variables,
                              "averaged": averaged.weights}  # fmt: skip

    taught = (labels, weights, np.ones(len(labels)) if n_votes is None else n_votes)
    calibration_rows = np.random.default_rng(seed).permutation(training_rows)[:batch_norm_galaxies]

    def calibrate() -> None:
        """Measure the statistics of the averaged network, unless they are kept."""
        if batch_norm == "kept":
            return
        batches = _batches(
            images, taught, calibration_rows, CALIBRATION_BATCH, augmentation, [seed, 0]
        )
        measure_batch_norm(averaged, (cutouts for cutouts, *_ in batches))

    if not resume_from and (frozen_epochs > 0 or unfreeze != "all"):
        calibrate()
        learning.set_weights(averaged.get_weights())
    chosen, step, variables = begin(len(history))
    if resume_from:
        for part, targets in variables.items():
            for variable, value in zip(targets, _numbered(resume_from, part), strict=True):
                variable.assign(value)
    while not _is_over(history, epochs, patience):
        epoch, started = len(history) + 1, time.perf_counter()
        batches = _batches(images, taught, training_rows, batch_size, augmentation, [seed, epoch])
        n_batches = -(-len(training_rows) // batch_size)
        progress = progress_bar(
            batches, desc=f"Epoch {epoch}/{epochs}", total=n_batches, leave=False, unit="batch"
        )
        loss, accuracy = np.sum([step(*batch) for batch in progress], axis=0) / len(training_rows)
        if weight_average == 0:
            averaged.set_weights(learning.get_weights())
        calibrate()
        scores = _validate(averaged, images, labels, validation_rows, weights)
        row = {
            "epoch": epoch,
            "loss": float(loss),
            "accuracy": float(accuracy),
            **scores,
            "learning_rate": float(chosen.learning_rate.numpy()),
            "seconds": time.perf_counter() - started,
        }
        history = pd.concat([history, pd.DataFrame([row])], ignore_index=True)
        if chosen_epoch(history, keep) == epoch:
            kept = averaged.get_weights()
        logger.info(
            "Epoch %d/%d: loss %.3f; validation: loss %.3f, accuracy %.3f, ROC AUC %.3f (%.0f s)",
            *(epoch, epochs, row["loss"], *scores.values(), row["seconds"]),
        )
        finished = _is_over(history, epochs, patience)
        if epoch == frozen_epochs and not finished:
            chosen, step, variables = begin(epoch)
        going_on = {} if finished else variables
        yield {
            "finished": np.array(finished),
            "precision": np.array(precision),
            **{f"history/{column}": history[column].to_numpy() for column in history},
            **{f"kept/{i:03d}": weight for i, weight in enumerate(kept)},
            **{
                f"{part}/{i:03d}": variable.numpy()
                for part, some in going_on.items()
                for i, variable in enumerate(some)
            },
        }


def build_optimizer(
    *,
    name: Literal["adam", "adamw"],
    learning_rate: float,
    weight_decay: float,
    schedule: Literal["constant", "cosine"],
    warm_up_epochs: float,
    epochs: int,
    steps_per_epoch: int,
) -> Any:
    """Build Adam (Kingma & Ba 2015) or AdamW (Loshchilov & Hutter 2019) with its schedule.

    Args:
        name: Which of the two.
        learning_rate: Its step size, at the peak of the schedule.
        weight_decay: Of AdamW.
        schedule: Constant, or a linear warm-up followed by half a cosine down to 1 %.
        warm_up_epochs: Epochs of the warm-up; may be a fraction.
        epochs: Epochs until the end of the cosine.
        steps_per_epoch: Batches in an epoch.

    Returns:
        A Keras optimiser.
    """
    import keras

    rate: Any = learning_rate
    if schedule == "cosine":
        warm_up_steps = max(1, round(warm_up_epochs * steps_per_epoch))
        rate = keras.optimizers.schedules.CosineDecay(
            0.0,  # an integer fails
            decay_steps=max(1, epochs * steps_per_epoch - warm_up_steps),
            alpha=0.01,
            warmup_target=learning_rate,
            warmup_steps=warm_up_steps,
        )
    if name == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=weight_decay)
    return keras.optimizers.Adam(rate)


def measure_batch_norm(network: KerasModel, batches: Iterable[NetworkImages]) -> None:
    """Replace the moving statistics of every BatchNormalization by those of some images.

    The network runs as it does when predicting, dropout off, but for the normalisation layers,
    which average the statistics of the batches they see.

    Args:
        network: Its BatchNormalization layers are changed in place.
        batches: Images to measure on, [n, height, width, channels] each; with none, nothing
            changes.
    """
    norms = _norms(network)
    if not norms:
        return
    statistics = [variable for layer in norms for variable in layer.non_trainable_variables]
    sums = [np.zeros(variable.shape) for variable in statistics]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0  # the moving statistics become those of the last batch
    n_batches = 0
    for images in batches:
        _seeing(network, images.dtype.name)(images)
        n_batches += 1
        for total, variable in zip(sums, statistics, strict=True):
            total += variable.numpy()
    if n_batches:
        for variable, total in zip(statistics, sums, strict=True):
            variable.assign(total / n_batches)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def training_history(state: TrainingState) -> pd.DataFrame:
    """Losses, accuracies, learning rate and duration of each epoch: a row per epoch.

    Args:
        state: From :func:`train`.
    """
    return pd.DataFrame(
        {
            name.removeprefix("history/"): values
            for name, values in state.items()
            if name.startswith("history/")
        }
    )


def kept_weights(state: TrainingState) -> list[NDArray[Any]]:
    """The weights to keep, in the order of the network's own.

    Args:
        state: From :func:`train`.
    """
    return _numbered(state, "kept")


def chosen_epoch(history: pd.DataFrame, keep: Literal["best", "last"]) -> int:
    """The epoch whose weights are kept, counted from 1; 0 where nothing was trained.

    Args:
        history: From :func:`training_history`.
        keep: The one with the highest validation ROC AUC, or the last.
    """
    if history.empty:
        return 0
    if keep == "last":
        return int(history["epoch"].iloc[-1])
    return int(history["epoch"].iloc[int(history["validation_roc_auc"].argmax())])


def _norms(network: KerasModel) -> list[Any]:
    """The BatchNormalization layers of a network."""
    import keras

    return [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]


@once_per_network
def _seeing(network: KerasModel, dtype: str) -> Any:
    """A network that only predicts, but for its normalisations, which learn; compiled.

    What it returns keeps the momenta that the layers have when it is called first.
    """
    import keras
    import tensorflow as tf

    norms = _norms(network)
    measuring = keras.models.clone_model(
        network,
        clone_function=lambda layer: layer,
        call_function=lambda layer, *args, **kwargs: layer(
            *args, **(kwargs | ({"training": True} if layer in norms else {}))
        ),
    )

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(network.input_shape, dtype)])
    def see(cutouts: tf.Tensor) -> None:
        measuring(tf.cast(cutouts, tf.float32))  # a `training` here would hold for all layers

    return see


def _thaw(
    network: KerasModel, n_blocks: Literal["all"] | int, decay: float, batch_norm: BatchNorm
) -> dict[str, float]:
    """Let the head and the last blocks of a network learn, and nothing else.

    Args:
        network: Flat; its layers are made trainable or not.
        n_blocks: How many blocks before the head, or all.
        decay: The learning rate of each block, as a share of that of the block after it.
        batch_norm: Whether BatchNormalization may learn.

    Returns:
        Learning rate of each weight by its path, as a share of the optimiser's; of those that
        have another one.
    """
    distances = _blocks_to_the_head(network)
    for layer in network.layers:
        layer.trainable = n_blocks == "all" or distances[layer.name] <= n_blocks
    if batch_norm == "kept":
        for layer in _norms(network):
            layer.trainable = False  # to Keras, it then predicts also while the others learn
    return {
        weight.path: decay ** distances[layer.name]
        for layer in network.layers
        for weight in layer.trainable_variables
        if decay ** distances[layer.name] != 1
    }


def _blocks_to_the_head(network: KerasModel) -> dict[str, int]:
    """How many halvings of the resolution lie between each layer and the head, by name.

    The head, all that follows the last maps, has 0; what leads from the last halving to it has 1.
    """
    calls = list(calls_of(network))
    is_maps = [len(call.outputs[0].shape) == 4 for call in calls]
    n_before_the_head = len(calls) - is_maps[::-1].index(True)
    blocks: dict[str, int] = {}
    block, side = 0, max(network.input_shape[1:3])
    for call in calls[:n_before_the_head]:
        its_side = max(call.outputs[0].shape[1:3]) if len(call.outputs[0].shape) == 4 else 1
        if 1 < its_side <= 0.6 * side:  # a single pixel is a factor, as in squeeze and excitation
            block, side = block + 1, its_side
        blocks.setdefault(call.operation.name, block)
    distances = {name: block + 1 - its_block for name, its_block in blocks.items()}
    return distances | {call.operation.name: 0 for call in calls[n_before_the_head:]}


def _asked(learning: KerasModel, *, with_concentration: bool) -> KerasModel:
    """The logits of a network and, where its loss is for counted votes, how alike these are.

    The latter is the loss's own, and no part of the network that is kept.
    """
    import keras

    from galaxy_morphology.networks.losses import concentration

    logit = learning.get_layer("logit")
    own = [concentration(logit.input)] if with_concentration else []
    return keras.Model(learning.inputs, [logit.output, *own])


def _training_step(
    asked: KerasModel,
    learning: KerasModel,
    averaged: KerasModel,
    optimizer: Any,
    rates: dict[str, float],
    weight_average: float,
    xla: Literal["auto"] | bool,
    dtype: str,
) -> Any:
    """Learning from a batch, compiled: the sum of its cross-entropies, and the number correct."""
    import tensorflow as tf

    from galaxy_morphology.networks.losses import dirichlet_multinomial

    loss_of = _cross_entropy(asked.outputs[0].shape[-1])
    trained = asked.trainable_variables

    @tf.function(autograph=False, jit_compile=bool(xla))
    def update(gradients: list[tf.Tensor]) -> None:
        slow = [(weight, tf.identity(weight.value), rates[weight.path])
                for weight in trained if weight.path in rates]  # fmt: skip
        optimizer.apply(gradients)
        for weight, before, rate in slow:  # as if the learning rate were that much lower
            weight.assign(before + rate * (weight.value - before))
        if weight_average == 0:
            return  # nothing to remember from one step to the next
        step = tf.cast(optimizer.iterations, tf.float32)
        # Early on it is quicker to forget the first weights.
        past = tf.minimum(weight_average, (1 + step) / (10 + step))
        for mean, weight in zip(averaged.weights, learning.weights, strict=True):
            mean.assign(past * mean.value + (1 - past) * weight.value)

    cutouts = tf.TensorSpec(learning.input_shape, dtype)
    targets, for_each = tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None], tf.float32)

    @tf.function(
        autograph=False,
        jit_compile=should_use_xla() if xla == "auto" else xla,
        input_signature=[cutouts, targets, for_each, for_each],
    )
    def step(
        cutouts: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, n_votes: tf.Tensor
    ) -> tf.Tensor:
        with tf.GradientTape() as tape:
            said = asked(tf.cast(cutouts, tf.float32), training=True)
            logits, *concentration = tf.nest.flatten(said)
            loss = lowered = loss_of(targets, logits, weights)
            if concentration:
                losses = dirichlet_multinomial(targets * n_votes[:, None], logits, *concentration)
                lowered = tf.reduce_mean(weights * tf.cast(losses, tf.float32))
            to_lower = optimizer.scale_loss(tf.add_n([lowered, *asked.losses]))
        update(tape.gradient(to_lower, trained))
        wanted = tf.argmax(targets, axis=1, output_type=tf.int32)
        n_correct = tf.math.count_nonzero(_winners(logits) == wanted, dtype=tf.float32)
        return tf.stack([loss * tf.cast(tf.size(weights), tf.float32), n_correct])

    return step


def _cross_entropy(n_logits: int) -> Any:
    """Cross-entropy of the logits with probabilities [n, K], of two classes or of more."""
    import keras

    if n_logits > 1:
        return keras.losses.CategoricalCrossentropy(from_logits=True)
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    return lambda targets, logits, weights: binary(targets[:, 1:], logits, weights)


def _winners(logits: Any) -> Any:
    """The class that each row of logits speaks for, int32 tensor [N]."""
    import tensorflow as tf

    if logits.shape[1] == 1:
        return tf.cast(logits[:, 0] > 0, tf.int32)
    return tf.argmax(logits, axis=1, output_type=tf.int32)


def _batches(
    images: NetworkImages,
    taught: tuple[FloatArray, FloatArray, FloatArray],
    rows: IntArray,
    batch_size: int,
    augmentation: dict[str, Any],
    seed: list[int],
) -> Iterator[Batch]:
    """One epoch of shuffled, augmented batches, made while the network works.

    In threads, which suffice for NumPy and OpenCV. ``tf.data`` did the same, but often waited
    for two seconds at the end of an epoch before it let go of its own.
    """
    order = np.random.default_rng(seed).permutation(rows)
    labels, weights, n_votes = (np.asarray(some, np.float32) for some in taught)

    def make(start: int) -> Batch:
        some = order[start : start + batch_size]
        rng = np.random.default_rng([*seed, start])
        cutouts, is_empty = augment(images[some], rng, **augmentation)
        # Nothing follows from an empty sky: all classes are as likely.
        targets = np.where(is_empty[:, None], np.float32(1 / labels.shape[1]), labels[some])
        return cutouts, targets, np.where(is_empty, np.float32(1), weights[some]), n_votes[some]

    starts = iter(range(0, len(order), batch_size))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        coming = deque(pool.submit(make, start) for start in islice(starts, BATCHES_AHEAD))
        while coming:
            batch = coming.popleft().result()
            coming.extend(pool.submit(make, start) for start in islice(starts, 1))
            yield batch


def _validate(
    network: KerasModel,
    images: NetworkImages,
    labels: FloatArray,
    rows: IntArray,
    weights: FloatArray,
) -> dict[str, float]:
    """Weighted cross-entropy, accuracy and ROC AUC (of K classes, the mean) in validation."""
    logits = predict_logits(network, images, rows)
    if not np.isfinite(logits).all():
        raise FloatingPointError(
            "The training diverged: the network no longer answers with numbers. Lower "
            "`training.optimizer.learning_rate`."
        )
    probability, truth = probabilities(logits), labels[rows]
    logs = np.log(np.clip(probability, np.finfo(np.float64).tiny, None))
    areas = [
        _area(probability[:, i], truth[:, i])
        for i in range(truth.shape[1])
        if truth[:, i].any() and (truth[:, i] < 1).any()
    ]
    return {
        "validation_loss": float(np.average(-(truth * logs).sum(axis=1), weights=weights[rows])),
        "validation_accuracy": float(np.mean(probability.argmax(axis=1) == truth.argmax(axis=1))),
        "validation_roc_auc": float(np.mean(areas)),
    }


def _area(probability: FloatArray, fraction: FloatArray) -> float:
    """ROC AUC of a class against the rest, each galaxy counting for both by its fraction."""
    from sklearn.metrics import roc_auc_score

    of_class, of_rest = fraction > 0, fraction < 1
    return float(
        roc_auc_score(
            np.repeat([True, False], [of_class.sum(), of_rest.sum()]),
            np.concatenate([probability[of_class], probability[of_rest]]),
            sample_weight=np.concatenate([fraction[of_class], 1 - fraction[of_rest]]),
        )
    )


def _is_over(history: pd.DataFrame, epochs: int, patience: int) -> bool:
    """Whether all epochs are done, or patience with the validation ROC AUC has run out."""
    if history.empty:
        return False
    since_best = len(history) - chosen_epoch(history, "best")
    return len(history) >= epochs or (patience > 0 and since_best >= patience)


def _numbered(state: TrainingState, part: str) -> list[NDArray[Any]]:
    """The arrays ``<part>/000``, ``<part>/001``, … in their order."""
    return [state[name] for name in sorted(state) if name.startswith(f"{part}/")]
