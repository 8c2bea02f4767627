"""What is explained: the logit of a class, before the sigmoid or softmax saturates.

The slope of a sigmoid is 3e-4 at a logit of 8 and 0 in float32 at 20: gradients of the
probability of a confident classification are noise. The logit has no such limit. With a single
logit, it speaks for the second class, and minus the logit for the first.

What no method can explain is refused here, for all of them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.compiled import once_per_network, origin, pooling_first
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel

BATCH_SIZE = 64
"""Images that are classified at a time, to find out which class to explain."""


def logit_model(model: KerasModel) -> KerasModel:
    """The part of a classifier that ends at its logits; weights are shared.

    Args:
        model: A functional or Sequential Keras classifier that ends in a sigmoid or softmax, as
            a layer of its own, as the activation of a dense layer or inside a nested model. Any
            end without an activation is taken for the logits themselves.

    Returns:
        A model from images to logits, [N, 1] for a sigmoid, [N, K] for K classes.

    Raises:
        ValueError: The model is no graph of layers from one batch of floating-point images to
            one output [N, 1] or [N, K], or ends in another activation.
    """
    import keras

    check_classifier(model)
    return keras.Model(model.inputs[0], _logits_behind(model.outputs[0]))


@once_per_network
def compiled_logits(model: KerasModel) -> Any:
    """Compile what :func:`logit_model` finds.

    Args:
        model: See :func:`logit_model`.

    Returns:
        A function from images float32 [N, height, width, channels] to logits [N, 1] or [N, K].

    Raises:
        ValueError: As :func:`logit_model`.
    """
    import tensorflow as tf

    to_logits = pooling_first(logit_model(model))
    images = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)

    @tf.function(autograph=False, input_signature=[images])
    def logits_of(some: tf.Tensor) -> tf.Tensor:
        return to_logits(some, training=False)

    return logits_of


def predicted_classes(model: KerasModel, images: Images | FloatArray) -> NDArray[np.int_]:
    """The class that a classifier predicts for each image.

    Args:
        model: See :func:`logit_model`.
        images: [N, height, width, channels], in the units the model takes.

    Returns:
        int [N], 0 to K - 1.

    Raises:
        ValueError: The model does not take such images, or does not answer with logits.
    """
    return _winners(_logits(model, images))


def explained_logit(logits: Any, class_indices: Any) -> Any:
    """The number that speaks for a class: its logit, or plus or minus the only one there is.

    Args:
        logits: Tensor [N, 1] or [N, K].
        class_indices: The class to explain for each row, int [N].

    Returns:
        Tensor [N].
    """
    import tensorflow as tf

    if logits.shape[1] == 1:
        return logits[:, 0] * tf.cast(2 * class_indices - 1, logits.dtype)
    return tf.gather(logits, class_indices, axis=1, batch_dims=1)


def classes_to_explain(
    model: KerasModel, images: Images | FloatArray, class_indices: IntArray | None
) -> NDArray[np.int32]:
    """The classes given, or the predicted ones where none are.

    Every method asks here first, so this is where images and answers are checked.

    Args:
        model: See :func:`logit_model`.
        images: [N, height, width, channels], in the units the model takes.
        class_indices: int [N], 0 to K - 1, or None.

    Returns:
        int32 [N].

    Raises:
        ValueError: The model does not take such images or does not answer with logits, or there
            are not as many classes as images, or the model has no such class.
    """
    logits = _logits(model, images)
    if class_indices is None:
        return _winners(logits).astype(np.int32)
    if len(class_indices) != len(images):
        raise ValueError(f"Found {len(class_indices)} classes for {len(images)} images.")
    n_classes = max(2, logits.shape[1])
    unknown = sorted({int(index) for index in class_indices} - set(range(n_classes)))
    if unknown:
        raise ValueError(
            f"Found {unknown} among the classes to explain; the model's {n_classes} classes are "
            f"numbered 0 to {n_classes - 1}."
        )
    return np.asarray(class_indices, np.int32)


def check_classifier(model: Any) -> None:
    """Refuse a model that is no graph from one batch of images to one row of classes.

    Args:
        model: Anything.

    Raises:
        ValueError: It is no functional or Sequential Keras model, has several inputs or outputs,
            an output other than [N, 1] or [N, K], or an input of integers.
    """
    import keras

    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            f"Expected a functional Keras classifier, found {type(model).__name__}: its logits "
            "cannot be found. Build it with keras.Model(inputs, outputs), or with "
            "keras.Sequential that begins with a keras.Input."
        )
    if len(model.inputs) != 1:
        raise ValueError(
            f"Expected a classifier with one input, the images; {model.name!r} has "
            f"{len(model.inputs)}: {[tensor.name for tensor in model.inputs]}."
        )
    shapes = [tensor.shape for tensor in model.outputs]
    if len(shapes) != 1 or len(shapes[0]) != 2:
        raise ValueError(
            f"Expected a classifier with one output [N, 1] or [N, K]; {model.name!r} has {shapes}."
        )
    (images,) = model.inputs
    if "float" not in images.dtype:
        # Keras would cut hidden pixels off to integers without a word, and they have no gradient.
        raise ValueError(
            f"Expected a classifier of floating-point images; the input of {model.name!r} is "
            f"{images.dtype}. Build it with keras.Input(shape), which takes uint8 images as well."
        )


def _logits_behind(output: Any) -> Any:
    """The tensor [N, K] that the last sigmoid or softmax is taken of; the output where none is."""
    import keras

    last, inputs = origin(output)
    if isinstance(last, keras.Model):
        return logit_model(last)(inputs[0])
    if type(last).__name__ in ("Sigmoid", "Softmax"):  # a layer, or keras.ops.sigmoid
        return inputs[0]
    activation = getattr(last, "activation", None)
    name = "linear" if activation is None else _name(activation)
    if name == "linear":
        return output
    if name in ("sigmoid", "softmax"):
        if isinstance(last, keras.layers.Activation):
            return inputs[0]
        if isinstance(last, keras.layers.Dense):
            logits = keras.ops.matmul(inputs[0], last.kernel)
            return logits + last.bias if last.use_bias else logits
    raise ValueError(
        f"The classifier ends in the layer {last.name!r}, a {type(last).__name__} with the "
        f"activation {name!r}, behind which there is no logit to explain. End it in a dense layer "
        "with a sigmoid or softmax, or without any activation."
    )


def _name(activation: Any) -> str:
    """What an activation is called, whether a function of Keras or TensorFlow, or a layer."""
    name = str(getattr(activation, "__name__", type(activation).__name__))
    return name.lower().removesuffix("_v2")  # TensorFlow's softmax bears its version


def _logits(model: KerasModel, images: Images | FloatArray) -> NDArray[np.float32]:
    """What the model says about each image, [N, 1] or [N, K]; refuses what are no logits."""
    import tensorflow as tf

    check_classifier(model)  # not everything that is no model can be remembered
    logits_of = compiled_logits(model)
    expected = tuple(model.inputs[0].shape)
    fits = len(images.shape) == len(expected) == 4 and all(
        wanted in (None, found)
        for wanted, found in zip(expected[1:], images.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"Found images {_shape(images.shape)}; the model {model.name!r} takes "
            f"{_shape(('N', *expected[1:]))}. Bring the images to that shape, or build the model "
            "for them."
        )
    if len(images) == 0:
        raise ValueError("There is no image to explain: found 0 of them, expected 1 or more.")
    logits = np.empty((len(images), model.outputs[0].shape[1]), np.float32)
    for start in range(0, len(images), BATCH_SIZE):
        some = slice(start, start + BATCH_SIZE)
        logits[some] = logits_of(tf.cast(images[some], tf.float32))
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise ValueError(
            f"The logits of {len(broken)} of {len(images)} images, the first at index "
            f"{broken[0]}, are NaN or infinite. Look for NaN in the images and in the weights of "
            "the model."
        )
    if logits.shape[1] > 1 and _are_probabilities(logits):
        raise ValueError(
            f"The output of {model.name!r} is never negative and always adds up to 1: these are "
            "probabilities, and the logits behind them cannot be found. End the model in a dense "
            "layer with a softmax, or in a Softmax layer."
        )
    return logits


def _are_probabilities(answers: NDArray[np.float32]) -> bool:
    """Whether every row is a distribution over the classes."""
    return bool((answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-5))


def _winners(logits: NDArray[np.float32]) -> NDArray[np.int_]:
    """The class that the logits of each row speak for, int [N]."""
    if logits.shape[1] == 1:
        return np.asarray(logits[:, 0] > 0, np.int_)
    return np.asarray(logits.argmax(axis=1), np.int_)


def _shape(sizes: tuple[Any, ...]) -> str:
    """A shape as it is written in the documentation, such as ``[N, 64, 64, 3]``."""
    return f"[{', '.join('any' if size is None else str(size) for size in sizes)}]"
