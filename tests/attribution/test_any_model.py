"""Attributions of whatever classifier Keras can build, and refusals of what they cannot explain."""

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import BuildSmall
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from survey import draw_galaxy

from galaxy_morphology.attribution import METHODS, grad_cam, integrated_gradients, lime, occlusion
from galaxy_morphology.attribution.layers import last_feature_maps
from galaxy_morphology.attribution.logits import logit_model, predicted_classes
from galaxy_morphology.networks import NETWORKS, compact_cnn, measure_bands
from galaxy_morphology.typing import KerasModel

SIDE = 24
SHAPE = (SIDE, SIDE, 3)
RNG = np.random.default_rng(0)
CUTOUTS = np.stack([draw_galaxy(RNG, axis_ratio=q, side=SIDE) for q in (0.3, 0.9, 0.6)])

QUICK: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"steps": 4, "maximum_steps": 4, "n_skies": 2},
    "lime": {"n_samples": 30, "n_segments": 6},
    "occlusion": {"patch": 12, "stride": 12},
    "grad_cam": {},
    "kernel_shap": {"n_samples": 30, "n_segments": 6},
    "rise": {"n_masks": 40, "cells": 4},
}

# ------------------------------------------------------------------ heads

HEADS: dict[str, Callable[[Any, int], Any]] = {
    "activation in the dense layer": lambda x, k: layers.Dense(k, activation=of(k))(x),
    "activation of TensorFlow": lambda x, k: layers.Dense(
        k, activation=tf.nn.sigmoid if k == 1 else tf.nn.softmax
    )(x),
    "Activation layer": lambda x, k: layers.Activation(of(k))(layers.Dense(k)(x)),
    "Activation layer in float64": lambda x, k: layers.Activation(of(k), dtype="float64")(
        layers.Dense(k)(x)
    ),
    "keras.ops": lambda x, k: getattr(keras.ops, of(k))(layers.Dense(k)(x)),
    "keras.activations": lambda x, k: getattr(keras.activations, of(k))(layers.Dense(k)(x)),
    "logits": lambda x, k: layers.Dense(k)(x),
    "linear activation": lambda x, k: layers.Activation("linear")(layers.Dense(k)(x)),
    "nested model": lambda x, k: keras.Sequential(
        [keras.Input(x.shape[1:]), layers.Dense(k, activation=of(k))]
    )(x),
    "nested twice": lambda x, k: keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(k), layers.Activation(of(k))]),
        ]
    )(x),
}


def of(n_units: int) -> str:
    return "sigmoid" if n_units == 1 else "softmax"


@pytest.mark.parametrize("n_units", [1, 2, 3])
@pytest.mark.parametrize("head", HEADS)
def test_logits_are_found_behind_any_head(head: str, n_units: int) -> None:
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, HEADS[head](layers.Flatten()(inputs), n_units))
    weights, bias = RNG.normal(0, 0.1, (48, n_units)), RNG.normal(0, 1, n_units)
    model.set_weights([weights, bias])
    images = RNG.uniform(0, 9, (5, 4, 4, 3)).astype(np.float32)
    expected = images.reshape(5, 48) @ weights + bias
    logits = logit_model(model)(images, training=False).numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)
    winners = expected[:, 0] > 0 if n_units == 1 else expected.argmax(axis=1)
    np.testing.assert_array_equal(predicted_classes(model, images), winners)


def test_logits_of_a_layer_that_is_called_twice() -> None:
    # The last call of a shared layer counts, not its first, which `layer.input` would give.
    inputs = keras.Input((1, 1, 1))
    dense = layers.Dense(1, activation="sigmoid")
    model = keras.Model(inputs, dense(dense(layers.Flatten()(inputs))))
    model.set_weights([np.array([[2.0]]), np.array([-1.0])])
    logit = logit_model(model)(np.ones((1, 1, 1, 1)))
    assert float(logit[0, 0]) == pytest.approx(2 / (1 + np.exp(-1)) - 1)


# ------------------------------------------------------------------ models of all kinds


def simple_sequential(n_units: int = 2) -> KerasModel:
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Rescaling(1 / 255),
            layers.Conv2D(3, 5, activation="relu"),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(n_units, activation=of(n_units)),
        ]
    )


def with_augmentation_and_any_size() -> KerasModel:
    inputs = keras.Input((None, None, 3))
    x = layers.RandomRotation(0.2)(layers.RandomFlip()(inputs))
    x = layers.SeparableConv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(x))
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(x))
    return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(x)))


def with_shared_layers_and_operations() -> KerasModel:
    inputs = {"image": keras.Input(SHAPE, name="image")}
    relu = layers.ReLU()
    x = relu(layers.Conv2D(3, 3, padding="same")(inputs["image"] / 255.0))
    x = relu(layers.Conv2D(3, 3, padding="same")(x)) + x
    x = layers.Dense(4)(layers.GlobalMaxPooling2D()(x))
    return keras.Model(inputs, keras.ops.sigmoid(layers.Dense(1)(relu(x))))


def in_half_precision() -> KerasModel:
    policy = "mixed_float16"
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(3, 5, dtype=policy)(layers.Rescaling(1 / 255, dtype=policy)(inputs))
    x = layers.ReLU(dtype=policy)(layers.BatchNormalization(dtype=policy)(x))
    x = layers.Dense(2, dtype=policy)(layers.GlobalAveragePooling2D(dtype=policy)(x))
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32")(x))


def in_half_precision_to_the_logits() -> KerasModel:
    model = in_half_precision()
    return keras.Model(model.inputs, logit_model(model).outputs)


def built_by_being_called() -> KerasModel:
    model = keras.Sequential(
        [layers.Conv2D(2, 3, activation="relu"), layers.Flatten(), layers.Dense(1)]
    )
    model(np.zeros((1, *SHAPE), np.float32))  # the input of this model is one image
    return model


MODELS = [
    simple_sequential,
    with_augmentation_and_any_size,
    with_shared_layers_and_operations,
    in_half_precision,
    in_half_precision_to_the_logits,
    built_by_being_called,
]


@pytest.mark.parametrize("build", MODELS)
def test_every_method_explains_it(build: Callable[[], KerasModel]) -> None:
    keras.utils.set_random_seed(3)
    model = build()
    before = [layer.name for layer in model.layers], model.get_weights()
    assert set(QUICK) == set(METHODS)
    for method, options in QUICK.items():
        whole, quality, title, notes = METHODS[method](model, CUTOUTS, **options)
        assert whole.shape[:3] == (3, SIDE, SIDE)
        assert whole.dtype == np.float32
        assert np.isfinite(whole).all()
        assert (whole != 0).any()
        for values in quality.values():
            assert values.shape == (3,)
            assert values.dtype == np.float64
        assert title
        assert len(notes) == 3
        assert max(map(len, notes)) <= 34
    assert [layer.name for layer in model.layers] == before[0]
    for weight, old in zip(model.get_weights(), before[1], strict=True):
        np.testing.assert_array_equal(weight, old)


def test_the_type_of_the_pixels_is_all_the_same() -> None:
    keras.utils.set_random_seed(3)
    model = simple_sequential()
    for method, options in QUICK.items():
        of_bytes = METHODS[method](model, CUTOUTS, **options).maps
        for dtype in (np.float32, np.float64, np.int16):
            np.testing.assert_array_equal(
                of_bytes, METHODS[method](model, CUTOUTS.astype(dtype), **options).maps
            )


def test_two_units_of_a_softmax_are_explained_each_for_itself() -> None:
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(inputs)))
    weights = RNG.normal(0, 0.01, (*SHAPE, 2))
    model.set_weights([weights.reshape(-1, 2), np.zeros(2)])
    classes = np.array([0, 1, 1])
    difference = CUTOUTS.astype(np.float32)
    expected = np.stack(
        [weights[..., index] * one for index, one in zip(classes, difference, strict=True)]
    )
    maps, *_ = integrated_gradients(model, CUTOUTS, classes, steps=3, baseline="black")
    np.testing.assert_allclose(maps, expected, atol=1e-4)
    drops = expected.reshape(3, 2, 12, 2, 12, 3).sum(axis=(2, 4, 5))
    maps, *_ = occlusion(model, CUTOUTS, classes, patch=12, stride=12, hide_with="black")
    np.testing.assert_allclose(maps[:, ::12, ::12], drops, rtol=1e-3, atol=1e-3)


def test_superpixels_do_not_depend_on_the_units_of_the_pixels() -> None:
    weights = RNG.normal(0, 0.01, (SIDE * SIDE * 3, 1))
    of_bytes, of_shares = (
        keras.Sequential([keras.Input(SHAPE), layers.Rescaling(scale), layers.Flatten(),
                          layers.Dense(1)])
        for scale in (1 / 255, 1.0)
    )  # fmt: skip
    of_bytes.set_weights([weights, np.zeros(1)])
    of_shares.set_weights([weights, np.zeros(1)])
    options: dict[str, Any] = {"n_samples": 60, "n_segments": 9, "hide_with": "sky"}
    maps = lime(of_bytes, CUTOUTS, **options).maps
    in_shares = lime(of_shares, CUTOUTS / np.float32(255), **options).maps
    np.testing.assert_allclose(in_shares, maps, atol=1e-5)


# ------------------------------------------------------------------ the last feature maps


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("network", NETWORKS)
def test_the_last_convolution_of_our_networks_is_found(
    network: str, n_classes: int, build_small: BuildSmall
) -> None:
    assert last_feature_maps(build_small(network, n_classes)).endswith("last_conv")


LETTERS: dict[str, Callable[[str], Any]] = {
    "c": lambda name: layers.Conv2D(2, 1, name=name),
    "C": lambda name: layers.Conv2D(2, 1, activation="relu", name=name),
    "d": lambda name: layers.DepthwiseConv2D(1, name=name),
    "n": lambda name: layers.BatchNormalization(name=name),
    "r": lambda name: layers.ReLU(name=name),
    "a": lambda name: layers.Activation("gelu", name=name),
    "o": lambda name: layers.Dropout(0.1, name=name),
    "p": lambda name: layers.AveragePooling2D(2, padding="same", name=name),
}


@given(chain=st.text("".join(LETTERS), min_size=1, max_size=7))
@settings(max_examples=25)
def test_it_is_the_last_convolution_with_the_activations_that_follow(chain: str) -> None:
    x = inputs = keras.Input((40, 40, 3))
    for place, letter in enumerate(chain):
        x = LETTERS[letter](f"at_{place}")(x)
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))
    # The last convolution; after it, as far as an activation comes without any pooling between.
    found = re.search(r"[cCd]([nora]*[ra])?(?!.*[cCd])", chain)
    if found:
        assert last_feature_maps(model) == f"at_{found.end() - 1}"
    else:
        with pytest.raises(ValueError, match="no convolution that leaves any"):
            last_feature_maps(model)


def residual(x: Any) -> Any:
    y = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x))
    return layers.ReLU(name="after_the_sum")(layers.Add()([layers.Conv2D(4, 1)(x), y]))


def densely_connected(x: Any) -> Any:
    for _ in range(2):
        x = layers.Concatenate()([x, layers.Conv2D(2, 3, padding="same")(x)])
    return layers.ReLU(name="after_the_concatenation")(layers.BatchNormalization()(x))


def squeezed_and_excited(x: Any) -> Any:
    x = layers.Conv2D(4, 3, activation="relu")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(gate)  # of one pixel: it knows no places
    return layers.Multiply(name="excited")([x, gate])


def of_two_scales(x: Any) -> Any:
    coarse = layers.Conv2D(4, 3, strides=2, activation="relu", name="coarse")(x)
    both = [layers.GlobalAveragePooling2D()(maps) for maps in (coarse, x)]
    return layers.Concatenate()(both)


def of_operations(x: Any) -> Any:
    x = keras.ops.gelu(layers.Conv2D(4, 3)(x))
    return keras.ops.average_pool(x, 2)


def wrapped(x: Any) -> Any:
    return layers.SpectralNormalization(layers.Conv2D(2, 3), name="of_norm_one")(x)


def behind_a_nested_model(x: Any) -> Any:
    stem = keras.Sequential([keras.Input(x.shape[1:]), layers.Conv2D(2, 3)])
    return layers.Conv2D(2, 3, name="outside")(stem(x))


def transposed(x: Any) -> Any:
    return layers.MaxPooling2D()(layers.Conv2DTranspose(2, 3, name="transposed")(x))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (residual, "after_the_sum"),
        (densely_connected, "after_the_concatenation"),
        (squeezed_and_excited, "excited"),
        (of_two_scales, "coarse"),
        (of_operations, "gelu"),
        (wrapped, "of_norm_one"),
        (behind_a_nested_model, "outside"),
        (transposed, "transposed"),
    ],
)
def test_the_last_feature_maps_of_networks_with_branches(
    body: Callable[[Any], Any], name: str
) -> None:
    inputs = keras.Input(SHAPE)
    x = body(layers.Conv2D(3, 3, activation="relu")(inputs))
    if len(x.shape) == 4:
        x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    assert last_feature_maps(model) == name
    maps = grad_cam(model, CUTOUTS).maps
    np.testing.assert_array_equal(maps, grad_cam(model, CUTOUTS, layer_name=name).maps)


# ------------------------------------------------------------------ what is refused


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, images: Any) -> Any:
        return self.dense(keras.ops.mean(images, axis=(1, 2)))


def ends_in(head: Callable[[Any], Any], shape: Any = (4, 4, 3), **options: Any) -> KerasModel:
    inputs = keras.Input(shape, **options)
    return keras.Model(inputs, head(inputs))


def flat(head: Any) -> Callable[[Any], Any]:
    return lambda inputs: head(layers.Flatten()(inputs))


def with_two_inputs() -> KerasModel:
    images, redshift = keras.Input((4, 4, 3), name="image"), keras.Input((1,), name="redshift")
    joint = layers.Concatenate()([layers.Flatten()(images), redshift])
    return keras.Model([images, redshift], layers.Dense(1)(joint))


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: "a model", "functional Keras classifier, found str"),
    (Subclassed, "functional Keras classifier, found Subclassed"),
    (lambda: keras.Sequential([layers.Flatten(), layers.Dense(1)]),
     "found Sequential.*begins with a keras.Input"),
    (with_two_inputs, r"one input, the images; 'functional.*' has 2: \['image', 'redshift'\]"),
    (lambda: ends_in(lambda x: [flat(layers.Dense(1))(x), flat(layers.Dense(2))(x)]),
     r"one output \[N, 1\] or \[N, K\]; .* has \[\(None, 1\), \(None, 2\)\]"),
    (lambda: ends_in(layers.Conv2D(1, 1, activation="sigmoid")), r"has \[\(None, 4, 4, 1\)\]"),
    (lambda: ends_in(flat(layers.Dense(1)), dtype="uint8"), "floating-point images; .* uint8"),
    (lambda: ends_in(flat(layers.Dense(2, activation="tanh", name="end"))),
     "layer 'end', a Dense with the activation 'tanh', behind which there is no logit"),
    (lambda: ends_in(Subclassed()), "functional Keras classifier, found Subclassed"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "reason"), REFUSED)
def test_models_without_logits_are_refused(build: Callable[[], Any], reason: str) -> None:
    model = build()
    with pytest.raises(ValueError, match=reason):
        logit_model(model)
    for method in QUICK:
        with pytest.raises(ValueError, match=reason):
            METHODS[method](model, np.zeros((1, 4, 4, 3), np.uint8))


DENSE_ONLY = ends_in(flat(layers.Dense(2, activation="softmax")), SHAPE)


@pytest.mark.parametrize(
    ("model", "images", "classes", "reason"),
    [
        (DENSE_ONLY, CUTOUTS[:0], None, "found 0 of them, expected 1 or more"),
        (DENSE_ONLY, np.zeros((2, 32, 32, 3)), None,
         r"images \[2, 32, 32, 3\]; the model '.*' takes \[N, 24, 24, 3\]"),
        (DENSE_ONLY, np.zeros((2, 24, 24, 1)), None, r"images \[2, 24, 24, 1\]"),
        (DENSE_ONLY, np.zeros((24, 24, 3)), None, r"images \[24, 24, 3\]"),
        (ends_in(layers.Dense(1), (12,)), np.zeros((2, 2, 2, 3)), None, r"takes \[N, 12\]"),
        (ends_in(lambda x: layers.Dense(1)(layers.GlobalMaxPooling2D()(x)), (None, None, 1)),
         np.zeros((2, 9, 9, 3)), None, r"takes \[N, any, any, 1\]"),
        (DENSE_ONLY, np.where(np.arange(3) == 1, np.nan, 1)[:, None, None, None] * np.ones(SHAPE),
         None, "logits of 1 of 3 images, the first at index 1, are NaN or infinite"),
        (DENSE_ONLY, CUTOUTS, np.array([0, 2, 1]), r"Found \[2\] .* 2 classes are numbered 0 to 1"),
        (DENSE_ONLY, CUTOUTS, np.array([0, -1, 1]), r"Found \[-1\]"),
        (DENSE_ONLY, CUTOUTS, np.array([0, 1]), "2 classes for 3 images"),
        (ends_in(flat(lambda x: layers.Rescaling(1.0)(layers.Dense(2, activation="softmax")(x))),
                 SHAPE),
         CUTOUTS, None, "always adds up to 1: these are probabilities"),
    ],
)  # fmt: skip
def test_images_and_classes_that_do_not_fit_are_refused(
    model: KerasModel, images: Any, classes: Any, reason: str
) -> None:
    for method in METHODS:
        with pytest.raises(ValueError, match=reason):
            METHODS[method](model, images, classes)


def backbone(*after: Any) -> KerasModel:
    return keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(2, 5, activation="relu"), *after], name="backbone"
    )


class Block(layers.Layer):
    """A convolution in a layer of one's own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.convolution = layers.Conv2D(2, 3)

    def call(self, maps: Any) -> Any:
        return keras.ops.relu(self.convolution(maps))


def attentive(inputs: Any) -> Any:
    tokens = layers.Reshape((-1, 3))(inputs)
    return layers.Dense(1)(layers.GlobalAveragePooling1D()(layers.Attention()([tokens, tokens])))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (lambda x: layers.Dense(1)(layers.Flatten()(x)), "has no convolution that leaves any"),
        (attentive, "has no convolution.*Integrated Gradients, LIME or occlusion"),
        (lambda x: layers.Dense(1)(layers.Flatten()(layers.Lambda(lambda y: y * 2)(x))),
         "has no convolution"),
        (lambda x: layers.Dense(1)(layers.Flatten()(layers.Conv2D(2, SIDE)(x))),
         "of more than one pixel"),
        (lambda x: layers.Dense(1)(layers.Flatten()(backbone()(x))),
         "inside the nested model 'backbone'. Build the classifier flat.*layer_name='backbone'"),
        (lambda x: layers.Dense(1)(backbone(layers.Flatten())(x)),
         r"inside the nested model 'backbone'\. Build the classifier flat[^,]*, by[^,]*\.$"),
        (lambda x: layers.Dense(1)(layers.Flatten()(Block(name="block")(layers.Conv2D(2, 3)(x)))),
         "inside the layer 'block'"),
    ],
)  # fmt: skip
def test_where_grad_cam_has_nothing_to_look_at_it_says_so(
    body: Callable[[Any], Any], reason: str
) -> None:
    model = ends_in(body, SHAPE)
    with pytest.raises(ValueError, match=reason):
        grad_cam(model, CUTOUTS)
    with pytest.raises(ValueError, match=reason):
        last_feature_maps(model)


def test_a_nested_model_is_explained_by_the_maps_that_leave_it() -> None:
    keras.utils.set_random_seed(2)
    inner = backbone()
    inputs = keras.Input(SHAPE)
    head = layers.Dense(2, activation="softmax")
    nested = keras.Model(inputs, head(layers.Flatten()(inner(inputs))))
    flat_one = keras.Model(inner.inputs, head(layers.Flatten()(inner.outputs[0])))
    expected = grad_cam(flat_one, CUTOUTS).maps
    assert expected.max() > 0
    maps = grad_cam(nested, CUTOUTS, layer_name="backbone").maps
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-6)
    expected = integrated_gradients(flat_one, CUTOUTS, steps=3).maps
    np.testing.assert_allclose(
        integrated_gradients(nested, CUTOUTS, steps=3).maps, expected, rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_method_explains_five_bands(name: str) -> None:
    keras.utils.set_random_seed(2)
    noise = RNG.normal(0, 0.02, (3, SIDE, SIDE, 5))
    bands = (CUTOUTS[..., [0, 1, 2, 0, 1]] / 100.0 - 0.15 + noise).astype(np.float16)
    scale = measure_bands(bands, np.arange(3))
    network = compact_cnn((SIDE, SIDE, 5), 2, bands=scale, filters=(4, 6))
    maps, quality, _, notes = METHODS[name](network, bands, np.array([0, 1, 1]), **QUICK[name])
    assert maps.shape[:3] == (3, SIDE, SIDE)
    assert np.isfinite(maps).all()
    assert maps.any()
    assert len(notes) == 3
    assert all(np.isfinite(values).all() for values in quality.values())
