"""A classifier with all that comes before and after it, as one TensorFlow function."""

from typing import Any

import numpy as np

from galaxy_morphology.typing import FloatArray, KerasModel
from galaxy_morphology.views import NumberOfViews, mean_over_views

INPUT = "cutouts"
OUTPUTS = ("logits", "probabilities")


def serving_module(
    classifier: KerasModel,
    *,
    n_views: NumberOfViews = 1,
    temperature: float = 1.0,
    prior: FloatArray | None = None,
) -> Any:
    """Put views, calibration and the mix of classes around a classifier.

    Everything is computed in float32, whatever the classifier was trained in. The probabilities
    are the softmax of z / T + log p, with the logits z (0 and z for a single one), the temperature
    T and the prior p: what ``evaluation.adjust_prior`` makes of calibrated ones.

    Args:
        classifier: A network with a layer ``logit`` and, after it, one named ``probability``.
        n_views: How many views of each cut-out the logits are the mean of.
        temperature: By which logits are divided.
        prior: Share of each class in the mix of classes, [K]; None for equal ones.

    Returns:
        A ``tf.Module`` whose function ``classify`` takes ``cutouts``, uint8
        [N, height, width, 3], RGB, and gives ``logits``, float32 [N, 1] for two classes, [N, K]
        for K, and ``probabilities``, float32 [N, K].

    Raises:
        ValueError: There are several views, and the classifier takes images that are not square.
    """
    import keras
    import tensorflow as tf

    whole = mean_over_views(_in_float32(classifier), n_views)
    to_logits = keras.Model(whole.inputs, whole.get_layer("probability").input)
    shares = 0.0 if prior is None else np.log(np.asarray(prior, np.float64)).astype(np.float32)
    signature = [tf.TensorSpec(whole.input_shape, tf.uint8, name=INPUT)]

    @tf.function(autograph=False, input_signature=signature)
    def classify(cutouts: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = to_logits(tf.cast(cutouts, tf.float32), training=False)
        is_single = logits.shape[1] == 1
        of_classes = tf.concat([tf.zeros_like(logits), logits], 1) if is_single else logits
        probabilities = tf.nn.softmax(of_classes / temperature + shares)
        return dict(zip(OUTPUTS, (logits, probabilities), strict=True))

    module = tf.Module()
    # Plain variables: a module that held the Keras model would need Keras to be loaded.
    module.weights = [weight.value for weight in to_logits.weights]
    module.classify = classify
    return module


def _in_float32(classifier: KerasModel) -> KerasModel:
    """A copy whose layers compute in float32, as those of a backbone need not."""
    import keras

    def copy(operation: Any) -> Any:
        config = operation.get_config()
        if isinstance(operation, keras.Layer):
            config["dtype"] = "float32"
        return type(operation).from_config(config)

    exact = keras.models.clone_model(classifier, clone_function=copy)
    exact.set_weights(classifier.get_weights())
    return exact
