"""What is explained: the logit of a class, before the sigmoid or softmax saturates.

The slope of a sigmoid is 3e-4 at a logit of 8 and 0 in float32 at 20: gradients of the
probability of a confident classification are noise. The logit has no such limit. With a single
logit, it speaks for the second class, and minus the logit for the first.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel


def logit_model(model: KerasModel) -> KerasModel:
    """The part of a classifier that ends at its logits; weights are shared.

    Args:
        model: A functional Keras classifier that ends in a sigmoid or softmax, as a layer of
            its own or as the activation of a dense layer, or in the logits themselves.

    Returns:
        A model from images to logits, [N, 1] for a sigmoid, [N, K] for K classes.

    Raises:
        ValueError: The model is not functional, or its output is not [N, 1] or [N, K].
    """
    import keras
    from keras import activations, layers

    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            f"Expected a functional Keras classifier, found {type(model).__name__}: its logits "
            "cannot be found. Build it with keras.Model(inputs, outputs) or keras.Sequential."
        )
    if len(model.outputs) != 1 or len(model.output_shape) != 2:
        raise ValueError(
            f"Expected a classifier with one output [N, 1] or [N, K], found {model.output_shape}."
        )
    last = model.layers[-1]
    to_probability = (activations.sigmoid, activations.softmax)
    if isinstance(last, layers.Softmax) or (
        isinstance(last, layers.Activation) and last.activation in to_probability
    ):
        return keras.Model(model.inputs, last.input)
    if getattr(last, "activation", None) in to_probability:
        logits = keras.ops.matmul(last.input, last.kernel)
        return keras.Model(model.inputs, logits + last.bias if last.use_bias else logits)
    return model


def predicted_classes(model: KerasModel, images: Images | FloatArray) -> NDArray[np.int_]:
    """The class that a classifier predicts for each image.

    Args:
        model: See :func:`logit_model`.
        images: [N, height, width, channels], in the units the model takes.

    Returns:
        int [N], 0 to K - 1.
    """
    logits = logit_model(model).predict(np.asarray(images, np.float32), verbose=0)
    if logits.shape[1] == 1:
        return np.asarray(logits[:, 0] > 0, np.int_)
    return np.asarray(logits.argmax(axis=1), np.int_)


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

    Raises:
        ValueError: There are not as many classes as images.
    """
    if class_indices is None:
        class_indices = predicted_classes(model, images)
    if len(class_indices) != len(images):
        raise ValueError(f"Found {len(class_indices)} classes for {len(images)} images.")
    return np.asarray(class_indices, np.int32)
