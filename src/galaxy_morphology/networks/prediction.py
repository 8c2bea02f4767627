"""Asking a classifier: logits in batches, and the probabilities that follow from them."""

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel


def predict_logits(
    classifier: KerasModel,
    images: Images,
    rows: IntArray | None = None,
    *,
    batch_size: int = 64,
    progress: str | None = None,
) -> NDArray[np.float32]:
    """Logits of some or all cut-outs; only one batch of them is in memory at a time.

    Args:
        classifier: A network with a layer named ``logit``.
        images: uint8 [N, height, width, 3], may be memory-mapped.
        rows: Which of them, int [n]; all when None.
        batch_size: Cut-outs at a time.
        progress: What to call the progress bar; none is shown when None.

    Returns:
        float32 [n, 1] for two classes, [n, K] for K.
    """
    import keras
    import tensorflow as tf

    to_logit = keras.Model(classifier.inputs, classifier.get_layer("logit").output)
    graph = tf.function(to_logit, reduce_retracing=True)
    rows = np.arange(len(images)) if rows is None else rows
    logits = np.empty((len(rows), to_logit.output_shape[-1]), np.float32)
    with tqdm(total=len(rows), desc=progress, unit="galaxy", disable=progress is None) as bar:
        for start in range(0, len(rows), batch_size):
            some = rows[start : start + batch_size]
            logits[start : start + len(some)] = graph(
                tf.cast(images[some], tf.float32), training=False
            )
            bar.update(len(some))
    return logits


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
