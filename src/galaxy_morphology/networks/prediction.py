"""Asking a classifier: logits in batches, and the probabilities that follow from them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.networks.devices import Precision
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel


def predict_logits(
    classifier: KerasModel,
    images: Images,
    rows: IntArray | None = None,
    *,
    batch_size: int = 128,
    precision: Precision = "float32",
    progress: str | None = None,
) -> NDArray[np.float32]:
    """Logits of some or all cut-outs; only one batch of them is in memory at a time.

    Args:
        classifier: A network with a layer named ``logit``.
        images: uint8 [N, height, width, 3], may be memory-mapped.
        rows: Which of them, int [n]; all when None.
        batch_size: Cut-outs at a time.
        precision: A Keras dtype policy. With ``mixed_bfloat16`` logits have two or three digits,
            and come faster where the device knows bfloat16.
        progress: What to call the progress bar; none is shown when None.

    Returns:
        float32 [n, 1] for two classes, [n, K] for K.
    """
    fast, logits_of = _compiled(classifier, precision)
    fast.set_weights(classifier.get_weights())
    rows = np.arange(len(images)) if rows is None else rows
    logits = np.empty((len(rows), fast.get_layer("logit").output.shape[-1]), np.float32)
    with progress_bar(
        total=len(rows), desc=progress, unit="galaxy", disable=progress is None
    ) as bar:
        for start in range(0, len(rows), batch_size):
            some = rows[start : start + batch_size]
            logits[start : start + len(some)] = logits_of(images[some])
            bar.update(len(some))
    return logits


@once_per_network
def _compiled(
    classifier: KerasModel, precision: Precision
) -> tuple[KerasModel, Callable[..., Any]]:
    """A faster copy of a classifier, and a function from its cut-outs to its logits."""
    import keras
    import tensorflow as tf

    from galaxy_morphology.networks.fast_layers import fast_copy

    fast = fast_copy(classifier, precision)
    to_logits = pooling_first(keras.Model(fast.inputs, fast.get_layer("logit").output))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(fast.input_shape, tf.uint8)])
    def logits_of(cutouts: tf.Tensor) -> tf.Tensor:
        return to_logits(tf.cast(cutouts, tf.float32), training=False)

    return fast, logits_of


def probabilities(logits: FloatArray) -> NDArray[np.float64]:
    """Probability of every class.

    Args:
        logits: [n, 1] for two classes, [n, K] for K.

    Returns:
        float64 [n, K], rows that sum to 1.
    """
    from scipy.special import softmax

    logits = np.asarray(logits, np.float64)
    if logits.shape[1] == 1:
        # A sigmoid is the softmax of the logit against zero.
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    return np.asarray(softmax(logits, axis=1), np.float64)
