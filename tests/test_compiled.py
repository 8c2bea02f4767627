"""What is compiled for a network: once for each, up to date, and forgotten with it."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from galaxy_morphology.attribution import (
    deletion_and_insertion,
    grad_cam,
    integrated_gradients,
    kernel_shap,
    lime,
    occlusion,
    predicted_classes,
    rise,
)
from galaxy_morphology.compiled import once_per_network, pooling_first
from galaxy_morphology.networks import compact_cnn, predict_logits, three_block_cnn
from galaxy_morphology.typing import KerasModel

SIDE = 24
CUTOUTS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)
Explain = Callable[[KerasModel, NDArray[Any]], NDArray[Any]]


def judged(model: KerasModel, images: NDArray[Any]) -> NDArray[Any]:
    ranks = np.arange(images[..., 0].size, dtype=float).reshape(images.shape[:3])
    return deletion_and_insertion(model, images, ranks, steps=5, batch_size=4).deletion


METHODS: dict[str, Explain] = {
    "logits": predicted_classes,
    "grad_cam": lambda *of: grad_cam(*of, batch_size=2).maps,
    "integrated_gradients": lambda *of: integrated_gradients(*of, steps=2, batch_size=4).maps,
    "lime": lambda *of: lime(*of, n_samples=30, n_segments=6, batch_size=16).maps,
    "occlusion": lambda *of: occlusion(*of, patch=12, stride=6, batch_size=4).maps,
    "kernel_shap": lambda *of: kernel_shap(*of, n_samples=30, n_segments=6, batch_size=16).maps,
    "rise": lambda *of: rise(*of, n_masks=30, cells=4, batch_size=8).maps,
    "faithfulness": judged,
}


class Counting(layers.Layer):
    """Passes everything on, and counts how often it was made part of a graph."""

    times = 0

    def call(self, inputs: Any) -> Any:
        Counting.times += not tf.executing_eagerly()
        return inputs


def functional() -> KerasModel:
    return three_block_cnn((SIDE, SIDE, 3), 2, filters=(2, 3), dense_units=5)


def sequential(side: int | None = SIDE) -> KerasModel:
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            Counting(),
            layers.Rescaling(1 / 255),
            layers.Conv2D(3, 5, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def nested() -> KerasModel:
    inputs = keras.Input((SIDE, SIDE, 3))
    maps = layers.Conv2D(3, 5)(layers.Rescaling(1 / 255)(inputs))
    head = keras.Sequential([keras.Input((3,)), layers.Dense(1, activation="sigmoid")])
    return keras.Model(inputs, head(layers.GlobalAveragePooling2D()(maps)))


class Network:
    """Stands for a network: something that can be remembered and forgotten."""


def test_it_is_built_once_for_a_network_and_its_options() -> None:
    built: list[Any] = []

    @once_per_network
    def build(network: Any, *options: Any) -> object:
        """What it builds."""
        built.append((network, *options))
        return object()

    one, other = Network(), Network()
    calls = [(one,), (one, "conv"), (one, None), (other,), (other, "conv")]
    first = [build(*call) for call in calls]
    again = [build(*call) for call in calls]
    assert all(a is b for a, b in zip(first, again, strict=True))
    assert len(set(first)) == len(calls)
    assert built == calls
    assert build.__doc__ == "What it builds."


def test_what_could_not_be_built_is_tried_again() -> None:
    answers: list[Any] = [ValueError("no layer"), "built"]

    @once_per_network
    def build(network: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    network = Network()
    with pytest.raises(ValueError, match="no layer"):
        build(network)
    assert build(network) == build(network) == "built"


@pytest.mark.parametrize("build", [functional, sequential, nested])
@pytest.mark.parametrize("method", METHODS)
def test_an_explained_network_can_be_forgotten(method: str, build: Callable[[], Any]) -> None:
    model = build()
    METHODS[method](model, CUTOUTS[:1])
    network, layer = weakref.ref(model), weakref.ref(model.layers[-1])
    del model
    gc.collect()
    assert network() is None
    gc.collect()  # what was compiled went with the network, and held its layers until then
    assert layer() is None


@pytest.mark.parametrize("method", METHODS)
def test_one_graph_serves_all_calls(method: str) -> None:
    model = sequential(side=None)
    predicted_classes(model, CUTOUTS)  # every method asks this first
    counts = []
    for images in (CUTOUTS, CUTOUTS[:1], np.tile(CUTOUTS[:2], (1, 2, 1, 1))):
        Counting.times = 0
        METHODS[method](model, images)
        counts.append(Counting.times)
    assert counts == [method != "logits", 0, 0]


@pytest.mark.parametrize("build", [functional, sequential, nested])
@pytest.mark.parametrize("method", METHODS)
def test_new_weights_are_explained_as_those_of_a_new_network(
    method: str, build: Callable[[], Any]
) -> None:
    keras.utils.set_random_seed(0)
    model, explain = build(), METHODS[method]
    before = explain(model, CUTOUTS)
    rng = np.random.default_rng(1)
    model.set_weights([weight + rng.uniform(-1, 2, weight.shape) for weight in model.get_weights()])
    fresh = keras.models.clone_model(model)
    fresh.set_weights(model.get_weights())
    expected = explain(fresh, CUTOUTS)
    largest = np.abs(expected).max()
    np.testing.assert_allclose(explain(model, CUTOUTS), expected, rtol=1e-4, atol=1e-5 * largest)
    assert method == "logits" or not np.allclose(before, expected)


def settled(network: KerasModel) -> KerasModel:
    """Give every normalisation statistics and scales of its own."""
    rng = np.random.default_rng(2)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.1, 2, weight.shape))
    return network


def test_pooling_before_normalising_changes_not_a_bit_of_the_result() -> None:
    network = settled(three_block_cnn((48, 48, 3), 2))
    faster = pooling_first(network)
    order = [layer.name for layer in faster.layers]
    for block in (1, 2, 3):
        assert order.index(f"pool_{block}") < order.index(f"conv_norm_{block}")
    cutouts = np.random.default_rng(3).integers(0, 256, (5, 48, 48, 3)).astype(np.float32)
    np.testing.assert_array_equal(faster(cutouts), network(cutouts))
    assert {id(weight) for weight in faster.weights} == {id(weight) for weight in network.weights}


def with_a_negative_scale() -> KerasModel:
    network = three_block_cnn((48, 48, 3), 2, filters=(4,))
    scale = network.get_layer("conv_norm_1").gamma
    scale.assign(scale.numpy() * [1, -1, 1, 1])
    return network


def of_all_normalised_maps() -> KerasModel:
    inputs = keras.Input((48, 48, 3))
    maps = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
    branches = [
        layers.GlobalAveragePooling2D()(branch) for branch in (maps, layers.MaxPooling2D(2)(maps))
    ]
    return keras.Model(inputs, layers.Dense(1)(layers.Concatenate()(branches)))


@pytest.mark.parametrize(
    "build",
    [with_a_negative_scale, of_all_normalised_maps, lambda: compact_cnn((48, 48, 3), 2)],
    ids=["negative scale", "maps needed elsewhere", "nothing to exchange"],
)
def test_it_pools_first_only_where_nothing_changes(build: Callable[[], KerasModel]) -> None:
    network = build()
    assert pooling_first(network) is network


def test_a_normalisation_that_turns_negative_is_predicted_right() -> None:
    network = settled(three_block_cnn((SIDE, SIDE, 3), 2, filters=(4, 4)))
    before = predict_logits(network, CUTOUTS)
    scale = network.get_layer("conv_norm_1").gamma
    for sign in (-1, 1):
        scale.assign(sign * np.abs(scale))
        to_logits = keras.Model(network.inputs[0], network.get_layer("logit").output)
        found, expected = predict_logits(network, CUTOUTS), to_logits(CUTOUTS.astype(np.float32))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        assert np.allclose(found, before, atol=1e-5) == (sign > 0)
