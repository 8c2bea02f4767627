"""Asking a classifier: logits in batches, and the probabilities that follow from them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.networks.devices import Precision
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.typing import FloatArray, IntArray, KerasModel, NetworkImages
from galaxy_morphology.views import VIEWS, NumberOfViews, check_square


class Answers(NamedTuple):
    """What a classifier says, and how far what it is a mean of lies apart.

    Attributes:
        logits: float32 [n, 1] for two classes, [n, K] for K.
        spreads: ``view_spread`` where there are several views, ``member_spread`` where the
            classifier has members: their standard deviation of the logit of the predicted
            class, float32 [n]. Members are compared by their means over the views.
    """

    logits: NDArray[np.float32]
    spreads: dict[str, NDArray[np.float32]]


def predict_logits(
    classifier: KerasModel, images: NetworkImages, rows: IntArray | None = None, **options: Any
) -> NDArray[np.float32]:
    """Logits of some or all cut-outs, see :func:`ask_classifier`.

    Args:
        classifier: A network with a layer named ``logit``.
        images: uint8 [N, height, width, 3] or float16 [N, height, width, bands], may be
            memory-mapped.
        rows: Which of them, int [n]; all when None.
        **options: Of :func:`ask_classifier`.

    Returns:
        float32 [n, 1] for two classes, [n, K] for K.
    """
    return ask_classifier(classifier, images, rows, **options).logits


def ask_classifier(
    classifier: KerasModel,
    images: NetworkImages,
    rows: IntArray | None = None,
    *,
    batch_size: int = 128,
    precision: Precision = "float32",
    views: NumberOfViews = 1,
    progress: str | None = None,
) -> Answers:
    """Ask about some or all cut-outs; only one batch of them is in memory at a time.

    Args:
        classifier: A network with a layer named ``logit``.
        images: uint8 [N, height, width, 3] or float16 [N, height, width, bands], may be
            memory-mapped.
        rows: Which of them, int [n]; all when None.
        batch_size: Cut-outs at a time.
        precision: A Keras dtype policy. With ``mixed_bfloat16`` logits have two or three digits,
            and come faster where the device knows bfloat16.
        views: With 8, logits are means over four quarter turns and their mirror images, which
            takes eight times as long.
        progress: What to call the progress bar; none is shown when None.

    Returns:
        Logits and their spreads, a row per cut-out.

    Raises:
        ValueError: Cut-outs that are not square cannot be turned.
    """
    if views > 1:
        check_square(*images.shape[1:3])
    fast, logits_of = _compiled(classifier, precision, images.dtype.name)
    fast.set_weights(classifier.get_weights())
    rows = np.arange(len(images)) if rows is None else rows
    logits = np.empty((views, len(rows), *_members(fast).shape[1:]), np.float32)
    with progress_bar(
        total=len(rows), desc=progress, unit="galaxy", disable=progress is None
    ) as bar:
        for start in range(0, len(rows), batch_size):
            some = images[rows[start : start + batch_size]]
            for by_view, view in zip(logits, VIEWS, strict=False):
                by_view[start : start + len(some)] = logits_of(view.turn(some))
            bar.update(len(some))
    return _answers(logits)


def _answers(logits: NDArray[np.float32]) -> Answers:
    """The mean of logits, [views, n, members, K], and how far views and members lie apart."""
    mean = logits.mean(axis=(0, 2))
    winners = mean.argmax(axis=1)[:, None]  # 0 where there is only one logit

    def spread(of_each: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.take_along_axis(of_each.std(axis=0), winners, axis=1)[:, 0])

    n_views, _, n_members, _ = logits.shape
    spreads = {}
    if n_views > 1:
        spreads["view_spread"] = spread(logits.mean(axis=2))
    if n_members > 1:
        spreads["member_spread"] = spread(logits.mean(axis=0).swapaxes(0, 1))
    return Answers(mean, spreads)


@once_per_network
def _compiled(
    classifier: KerasModel, precision: Precision, dtype: str
) -> tuple[KerasModel, Callable[..., Any]]:
    """A faster copy of a classifier, and a function from its cut-outs to :func:`_members`."""
    import keras
    import tensorflow as tf

    from galaxy_morphology.networks.fast_layers import fast_copy

    fast = fast_copy(classifier, precision)
    to_logits = pooling_first(keras.Model(fast.inputs, _members(fast)))

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(fast.input_shape, dtype)])
    def logits_of(cutouts: tf.Tensor) -> tf.Tensor:
        return to_logits(tf.cast(cutouts, tf.float32), training=False)

    return fast, logits_of


def _members(classifier: KerasModel) -> Any:
    """The logits of each member of a classifier, [n, members, K]; a single one is its own."""
    names = [layer.name for layer in classifier.layers]
    if "member_logits" in names:
        return classifier.get_layer("member_logits").output
    import keras

    return keras.ops.expand_dims(classifier.get_layer("logit").output, 1)


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
