"""Asking a classifier: logits in batches, and the probabilities that follow from them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.compiled import once_per_network, origin, pooling_first
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
        features: What the logits are made of, the mean over the views, float32 [n, features];
            of a classifier with members, those of one behind those of the other. [n, 0] where they
            were not asked for.
    """

    logits: NDArray[np.float32]
    spreads: dict[str, NDArray[np.float32]]
    features: NDArray[np.float32]


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
    features: bool = False,
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
        features: Whether to answer with the last features too.

    Returns:
        Logits, their spreads and the features, a row per cut-out.

    Raises:
        ValueError: Cut-outs that are not square cannot be turned.
    """
    rows = np.arange(len(images)) if rows is None else rows

    def batches() -> Iterator[NetworkImages]:
        with progress_bar(
            total=len(rows), desc=progress, unit="galaxy", disable=progress is None
        ) as bar:
            for start in range(0, len(rows), batch_size):
                yield (some := images[rows[start : start + batch_size]])
                bar.update(len(some))

    return ask_about_batches(
        classifier, batches(), dtype=images.dtype.name, precision=precision, views=views,
        features=features,
    )  # fmt: skip


def ask_about_batches(
    classifier: KerasModel,
    batches: Iterable[NetworkImages],
    *,
    dtype: str = "uint8",
    precision: Precision = "float32",
    views: NumberOfViews = 1,
    features: bool = False,
) -> Answers:
    """Ask about cut-outs that come in batches.

    Args:
        classifier: A network with a layer named ``logit``.
        batches: Each uint8 [n, height, width, 3] or float16 [n, height, width, bands].
        dtype: Which of the two.
        precision: See :func:`ask_classifier`.
        views: See :func:`ask_classifier`.
        features: See :func:`ask_classifier`.

    Returns:
        Logits, their spreads and the features, a row per cut-out.

    Raises:
        ValueError: Cut-outs that are not square cannot be turned.
    """
    if views > 1:
        check_square(*classifier.input_shape[1:3])
    fast, outputs_of = _compiled(classifier, precision, dtype, features)
    fast.set_weights(classifier.get_weights())
    shapes = [output.shape[1:] for output in _outputs(fast, features)]
    logits = [np.empty((views, 0, *shapes[0]), np.float32)]
    found = [np.empty((0, *(shapes[1] if features else [0])), np.float32)]
    for some in batches:
        by_view = [outputs_of(view.turn(some)) for view in VIEWS[:views]]
        logits.append(np.stack([outputs[0] for outputs in by_view]))
        if features:
            found.append(np.mean([outputs[1] for outputs in by_view], axis=0))
        else:
            found.append(np.empty((len(some), 0), np.float32))
    return _answers(np.concatenate(logits, axis=1), np.concatenate(found))


def _answers(logits: NDArray[np.float32], features: NDArray[np.float32]) -> Answers:
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
    return Answers(mean, spreads, features)


@once_per_network
def _compiled(
    classifier: KerasModel, precision: Precision, dtype: str, features: bool
) -> tuple[KerasModel, Callable[..., Any]]:
    """A faster copy of a classifier, and a function from its cut-outs to :func:`_outputs`."""
    import keras
    import tensorflow as tf

    from galaxy_morphology.networks.fast_layers import fast_copy

    fast = fast_copy(classifier, precision)
    to_outputs = pooling_first(keras.Model(fast.inputs, _outputs(fast, features)))

    signature = [tf.TensorSpec(fast.input_shape, dtype)]

    @tf.function(autograph=False, input_signature=signature)
    def outputs_of(cutouts: tf.Tensor) -> Any:
        return keras.tree.flatten(to_outputs(tf.cast(cutouts, tf.float32), training=False))

    return fast, outputs_of


def _outputs(classifier: KerasModel, features: bool) -> list[Any]:
    """:func:`_members` and, where they are wanted, the features that their logits are made of."""
    if not features:
        return [_members(classifier)]
    import keras

    ends = [layer for layer in classifier.layers if layer.name.endswith("_logit")]
    ends = ends or [classifier.get_layer("logit")]
    made_of = [keras.ops.cast(origin(end.output)[1][0], "float32") for end in ends]
    together = made_of[0] if len(made_of) == 1 else keras.ops.concatenate(made_of, axis=1)
    return [_members(classifier), together]


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
