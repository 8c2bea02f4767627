"""Keras' layers with the same weights and the same results, computed faster on a processor.

They serve while a network learns or predicts, and are never part of a classifier that is saved,
which any Keras must be able to load. Times are those of a step of the three-block CNN on 32
galaxies, on two cores: 150 to 240 ms in all, as the machine is.

Needs Keras to be imported: import this module only inside functions.
"""

from typing import Any

import keras
import tensorflow as tf

from galaxy_morphology.networks.ends import IN_NOISE, STANDARDISED


class FastBatchNormalization(keras.layers.BatchNormalization):
    """TensorFlow's fused operation makes one pass over the feature maps, where Keras makes ten."""

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


class FastConv2D(keras.layers.Conv2D):
    """The bias is a plain sum, and its gradient a product with ones.

    TensorFlow merges the gradient of ``bias_add``, which Keras uses, with that of the filters into
    one call of oneDNN. For the first layer that takes 24 ms, and 8 ms apart; as a product, the
    sums over all pixels of three layers take 3 ms instead of 11.
    """

    def call(self, inputs: Any) -> Any:
        """Convolve feature maps, float [N, height, width, channels]."""
        # In half the digits, the sum over all pixels that is the bias' gradient would overflow.
        is_exact = self.compute_dtype == "float32"
        if not (self.use_bias and is_exact) or self.data_format != "channels_last":
            return super().call(inputs)
        found = self.convolution_op(inputs, self.kernel)
        return self.activation(_sum(found, tf.convert_to_tensor(self.bias)))


@tf.custom_gradient
def _sum(maps: tf.Tensor, bias: tf.Tensor) -> Any:
    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        by_pixel = tf.reshape(upstream, [-1, upstream.shape[-1]])
        ones = tf.ones([1, tf.shape(by_pixel)[0]], by_pixel.dtype)
        return upstream, tf.matmul(ones, by_pixel)[0]

    return tf.add(maps, bias), gradient


class FastDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """Some gradients in bfloat16 take a detour through float32.

    oneDNN has none for the inputs of a strided convolution in bfloat16, nor for filters of 5 × 5:
    TensorFlow's own take 100 to 270 ms and 40 to 60 ms for each such layer of EfficientNet-Lite0,
    where those in float32, with both conversions, take 1 to 24 ms and 9 to 29 ms.
    """

    def call(self, inputs: Any) -> Any:
        """Convolve each channel by itself, float [N, height, width, channels]."""
        is_plain = self.data_format == "channels_last" and self.dilation_rate in (1, (1, 1))
        strides = self.strides if isinstance(self.strides, tuple) else (self.strides,) * 2
        if not is_plain or strides[0] != strides[1] or self.compute_dtype == "float32":
            return super().call(inputs)
        kernel = tf.convert_to_tensor(self.kernel)
        found = _each_by_itself(inputs, kernel, strides[0], self.padding.upper())
        return self.activation(found if self.bias is None else tf.add(found, self.bias))


def _each_by_itself(maps: tf.Tensor, kernel: tf.Tensor, stride: int, padding: str) -> tf.Tensor:
    """A depthwise convolution whose slow gradients are computed in float32."""
    how = {"strides": [1, stride, stride, 1], "padding": padding}
    of_inputs = tf.float32 if stride > 1 else maps.dtype
    of_filters = tf.float32 if max(kernel.shape[:2]) > 3 else maps.dtype

    @tf.custom_gradient
    def convolve(maps: tf.Tensor, kernel: tf.Tensor) -> Any:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            by_maps = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=tf.shape(maps), filter=tf.cast(kernel, of_inputs),
                out_backprop=tf.cast(upstream, of_inputs), **how,
            )  # fmt: skip
            by_kernel = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                input=tf.cast(maps, of_filters), filter_sizes=tf.shape(kernel),
                out_backprop=tf.cast(upstream, of_filters), **how,
            )  # fmt: skip
            return tf.cast(by_maps, maps.dtype), tf.cast(by_kernel, kernel.dtype)

        return tf.nn.depthwise_conv2d(maps, kernel, **how), gradient

    return convolve(maps, kernel)


class FastDense(keras.layers.Dense):
    """The gradient of the inputs reads the weights in the order in which they lie.

    That is 4 ms instead of 6, where there are 25,088 × 512 of them.
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Multiply features, float [N, features], by the weights."""
        if len(inputs.shape) != 2:
            return super().call(inputs, training=training)
        outputs = _product(inputs, tf.convert_to_tensor(self.kernel))
        return self.activation(outputs if self.bias is None else tf.add(outputs, self.bias))


@tf.custom_gradient
def _product(features: tf.Tensor, weights: tf.Tensor) -> Any:
    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_features = tf.transpose(tf.matmul(weights, upstream, transpose_b=True))
        return of_features, tf.matmul(features, upstream, transpose_a=True)

    return tf.matmul(features, weights), gradient


class FastDropout(keras.layers.Dropout):
    """A few random bits decide whether a feature is dropped, and a product drops it.

    Keras draws 32 bits and takes twelve milliseconds more. Eight bits suffice for a quarter or a
    half; sixteen make any other share right to 1 / 131,072.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drop features, float tensor of any shape."""
        if not (training and 0 < self.rate < 1) or self.noise_shape is not None:
            return super().call(inputs, training=training)
        shape = tf.shape(inputs)
        size = tf.reduce_prod(shape)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        bits = tf.uint8 if (self.rate * 2**8).is_integer() else tf.uint16
        n_words = (size * bits.size + 3) // 4
        words = tf.random.stateless_uniform([n_words], seed, None, None, tf.uint32)
        drawn = tf.reshape(tf.reshape(tf.bitcast(words, bits), [-1])[:size], shape)
        stays = tf.cast(drawn >= tf.cast(round(self.rate * (bits.max + 1)), bits), inputs.dtype)
        return inputs * (stays * tf.cast(1 / (1 - self.rate), inputs.dtype))


FASTER: dict[type, Any] = {
    keras.layers.BatchNormalization: FastBatchNormalization,
    keras.layers.Conv2D: FastConv2D,
    keras.layers.Dense: FastDense,
    keras.layers.DepthwiseConv2D: FastDepthwiseConv2D,
    keras.layers.Dropout: FastDropout,
}


def fast_copy(network: Any, precision: str = "float32") -> Any:
    """A copy of a network that computes the same faster.

    Args:
        network: A flat functional Keras model with a layer named ``logit``.
        precision: A Keras dtype policy. From the logits on, everything stays float32, as do bands
            until they are scaled: in float16 they would overflow.

    Returns:
        A model of its own, with the same layer names, and equal weights in the same order.
    """
    # Those of an ensemble's members come first, and all on one level, see ``ensemble``.
    ends = [layer.name == "logit" or layer.name.endswith("_logit") for layer in network.layers]
    in_precision = {layer.name for layer in network.layers[: ends.index(True)]}

    def copy(layer: Any) -> Any:
        config = layer.get_config()
        is_exact = isinstance(layer, keras.layers.InputLayer) or layer.name.endswith(
            (IN_NOISE, STANDARDISED)
        )
        if layer.name in in_precision and not is_exact:
            config["dtype"] = precision
        return FASTER.get(type(layer), type(layer)).from_config(config)

    fast = keras.models.clone_model(network, clone_function=copy)
    fast.set_weights(network.get_weights())
    return fast
