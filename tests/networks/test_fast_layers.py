"""The faster layers against Keras' own, given the same weights."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

RNG_SEED = 5


def _outputs_and_gradients(layer: Any, features: NDArray[np.float32]) -> list[NDArray[Any]]:
    """What a layer answers in training, and the gradients of a sum of it with weights drawn."""
    import tensorflow as tf

    inputs = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        some = np.random.default_rng(RNG_SEED + 1).normal(size=outputs.shape).astype(np.float32)
        total = tf.reduce_sum(tf.cast(outputs, tf.float32) * some)
    gradients = tape.gradient(total, [inputs, *layer.trainable_variables])
    return [tensor.numpy() for tensor in (outputs, *gradients)]


def _twins(layer: Any, features: NDArray[np.float32]) -> tuple[Any, Any]:
    """A built layer of Keras with random weights, and the faster one with the same."""
    from galaxy_morphology.networks.fast_layers import FASTER

    rng = np.random.default_rng(RNG_SEED)
    layer.build(features.shape)
    layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    fast = FASTER[type(layer)].from_config(layer.get_config())
    fast.build(features.shape)
    fast.set_weights(layer.get_weights())
    return layer, fast


def _draw(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(RNG_SEED).normal(1.0, 2.0, size=shape).astype(np.float32)


def _assert_close(found: list[NDArray[Any]], expected: list[NDArray[Any]]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())


@settings(max_examples=15, deadline=None)
@given(
    side=st.integers(5, 9),
    channels=st.integers(1, 4),
    filters=st.integers(1, 5),
    strides=st.integers(1, 2),
    padding=st.sampled_from(["valid", "same"]),
    activation=st.sampled_from([None, "relu"]),
    use_bias=st.booleans(),
)
def test_convolutions_and_their_gradients_are_those_of_keras(
    side: int, channels: int, filters: int, use_bias: bool, **how: Any
) -> None:
    import keras

    features = _draw(3, side, side + 1, channels)
    layer = keras.layers.Conv2D(filters, 3, use_bias=use_bias, **how)
    layer, fast = _twins(layer, features)
    _assert_close(_outputs_and_gradients(fast, features), _outputs_and_gradients(layer, features))


@settings(max_examples=15, deadline=None)
@given(
    precision=st.sampled_from(["float32", "mixed_bfloat16", "mixed_float16"]),
    side=st.integers(5, 9),
    channels=st.integers(1, 4),
    kernel=st.sampled_from([3, 5]),
    strides=st.integers(1, 2),
    padding=st.sampled_from(["valid", "same"]),
    activation=st.sampled_from([None, "relu6"]),
    use_bias=st.booleans(),
)
def test_depthwise_convolutions_and_their_gradients_are_those_of_keras_to_their_digits(
    precision: str, side: int, channels: int, kernel: int, use_bias: bool, **how: Any
) -> None:
    import keras

    from galaxy_morphology.networks.fast_layers import FastDepthwiseConv2D

    # Small whole numbers and their sums are exact in half the digits, so that ReLUs agree.
    shape = (3, side, side + 1, channels)
    features = np.random.default_rng(side).integers(-2, 3, shape).astype(np.float32)
    layer = keras.layers.DepthwiseConv2D(kernel, use_bias=use_bias, **how)
    layer.build(features.shape)
    rng = np.random.default_rng(RNG_SEED)
    layer.set_weights([rng.integers(-1, 2, weight.shape) for weight in layer.get_weights()])
    fast = FastDepthwiseConv2D.from_config({**layer.get_config(), "dtype": precision})
    fast.build(features.shape)
    fast.set_weights(layer.get_weights())
    digits = {"float32": 1e-4, "mixed_bfloat16": 3e-2, "mixed_float16": 3e-3}[precision]
    found, expected = (_outputs_and_gradients(each, features) for each in (fast, layer))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            one.astype(np.float32), other, rtol=digits, atol=digits * np.abs(other).max()
        )


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("shape", [(4, 7), (1, 3), (2, 5, 7)])
def test_dense_layers_and_their_gradients_are_those_of_keras(
    shape: tuple[int, ...], use_bias: bool
) -> None:
    import keras

    features = _draw(*shape)
    layer = keras.layers.Dense(3, activation="relu", use_bias=use_bias)
    layer, fast = _twins(layer, features)
    _assert_close(_outputs_and_gradients(fast, features), _outputs_and_gradients(layer, features))


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"axis": 1}])
@pytest.mark.parametrize("shape", [(4, 6, 5, 3), (16, 3)])
def test_normalisations_and_what_they_remember_are_those_of_keras(
    shape: tuple[int, ...], options: dict[str, Any]
) -> None:
    import keras

    features = _draw(*shape)
    layer, fast = _twins(keras.layers.BatchNormalization(**options), features)
    _assert_close(_outputs_and_gradients(fast, features), _outputs_and_gradients(layer, features))
    _assert_close(fast.get_weights(), layer.get_weights())
    _assert_close([fast(features).numpy()], [layer(features).numpy()])


@settings(max_examples=20, deadline=None)
@given(
    rate=st.floats(0.01, 0.99),
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
def test_dropout_drops_or_scales_every_feature(rate: float, shape: list[int], seed: int) -> None:
    from galaxy_morphology.networks.fast_layers import FastDropout

    features = np.abs(_draw(*shape)) + np.float32(0.1)
    layer = FastDropout(rate, seed=seed)
    outputs, gradient = _outputs_and_gradients(layer, features)
    stays = outputs != 0
    np.testing.assert_allclose(outputs[stays], features[stays] / (1 - rate), rtol=1e-5)
    assert ((gradient != 0) == stays).all()
    np.testing.assert_array_equal(layer(features, training=False), features)


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5])
def test_dropout_drops_its_share_anew_at_every_step(rate: float) -> None:
    from galaxy_morphology.networks.fast_layers import FastDropout

    features = np.ones((100, 101, 99), np.float32)
    layer, again = FastDropout(rate, seed=1), FastDropout(rate, seed=1)
    first, second = (layer(features, training=True).numpy() == 0 for _ in range(2))
    five_sigma = 5 * np.sqrt(rate * (1 - rate) / features.size)
    assert abs(first.mean() - rate) < five_sigma
    # Steps are independent, and so are neighbours, which share a draw of 32 bits.
    assert abs((first & second).mean() - rate**2) < five_sigma
    flat = first.ravel()
    assert abs((flat[1:] & flat[:-1]).mean() - rate**2) < five_sigma
    np.testing.assert_array_equal(again(features, training=True).numpy() == 0, first)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_dropout_of_nothing_or_all_is_that_of_keras(rate: float) -> None:
    from galaxy_morphology.networks.fast_layers import FastDropout

    features = _draw(3, 4)
    outputs = FastDropout(rate)(features, training=True)
    np.testing.assert_array_equal(outputs, features * (1 - rate))


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ["three_block", "compact"])
def test_a_fast_copy_answers_as_the_network_does(name: str, precision: str) -> None:
    import keras

    from galaxy_morphology.networks import NETWORKS
    from galaxy_morphology.networks.fast_layers import FASTER, fast_copy

    keras.utils.set_random_seed(1)
    network = NETWORKS[name]((32, 32, 3), 3)
    fast = fast_copy(network, precision)
    images = np.random.default_rng(1).uniform(0, 255, (5, 32, 32, 3)).astype(np.float32)
    tolerance = 1e-5 if precision == "float32" else 0.02
    np.testing.assert_allclose(fast(images), network(images), atol=tolerance)
    assert [layer.name for layer in fast.layers] == [layer.name for layer in network.layers]
    assert not {type(layer) for layer in fast.layers} & set(FASTER)
    assert fast.layers[-1].compute_dtype == "float32"
    fast.set_weights([weight + 1 for weight in fast.get_weights()])
    for one, other in zip(fast.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other + 1)
