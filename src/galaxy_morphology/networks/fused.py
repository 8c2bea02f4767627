"""BatchNormalization in one pass over the feature maps, where Keras makes ten.

Needs Keras to be imported: import this module only inside functions.
"""

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """The same layer with the same weights, computed by TensorFlow's fused operation.

    In training, the normalisation of the first block alone took a quarter of a step of the
    three-block CNN, for a thousandth of its arithmetic. Never part of a classifier that is
    saved, which any Keras must be able to load.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise feature maps, float [N, height, width, filters]."""
        is_plain = self.scale and self.center and not self.renorm and self.axis in (-1, 3)
        if len(inputs.shape) != 4 or not is_plain or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        measures = bool(training and self.trainable)
        known = {} if measures else {"mean": self.moving_mean, "variance": self.moving_variance}
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=measures, **known
        )
        if measures:
            # The operation estimates the variance of a population, Keras that of the batch.
            n_pixels = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), variance.dtype)
            variance *= (n_pixels - 1) / n_pixels
            for moving, found in (self.moving_mean, mean), (self.moving_variance, variance):
                moving.assign(moving * self.momentum + found * (1 - self.momentum))
        return outputs


def fast_copy(network: Any, precision: str = "float32") -> Any:
    """A copy of a network that computes the same faster.

    Args:
        network: A flat functional Keras model with a layer named ``logit``.
        precision: A Keras dtype policy. From the logits on, everything stays float32.

    Returns:
        A model of its own, with the same layer names, and equal weights in the same order.
    """
    n_layers = [layer.name for layer in network.layers].index("logit")
    in_precision = {layer.name for layer in network.layers[:n_layers]}

    def copy(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in in_precision and not isinstance(layer, keras.layers.InputLayer):
            config["dtype"] = precision
        is_norm = type(layer) is keras.layers.BatchNormalization
        return (FusedBatchNormalization if is_norm else type(layer)).from_config(config)

    fast = keras.models.clone_model(network, clone_function=copy)
    fast.set_weights(network.get_weights())
    return fast
