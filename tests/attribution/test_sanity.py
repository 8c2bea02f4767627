"""Networks that forget from the top down, and methods that do or do not take notice."""

import random
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy.stats import spearmanr
from survey import draw_galaxy

from galaxy_morphology.attribution import grad_cam, integrated_gradients
from galaxy_morphology.attribution.sanity import (
    agreement_after_randomising,
    passes,
    randomised_models,
)
from galaxy_morphology.networks import compact_cnn, three_block_cnn
from galaxy_morphology.typing import FloatArray, KerasModel

SIDE = 24
RNG = np.random.default_rng(0)
GALAXIES = np.stack([draw_galaxy(RNG, axis_ratio=q, side=SIDE) for q in (0.3, 0.9, 0.5)])
CLASSES = np.array([1, 0, 1])


def three_block() -> KerasModel:
    return three_block_cnn((SIDE, SIDE, 3), 2, filters=(2, 3), dense_units=5)


def compact_without_colour() -> KerasModel:
    return compact_cnn((SIDE, SIDE, 3), 3, filters=(2, 3, 4), colour=False)


def sequential() -> KerasModel:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.BatchNormalization(name="norm_of_image"),
            layers.Conv2D(2, 3, name="conv"),
            layers.BatchNormalization(name="norm", scale=False, center=False),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid", name="dense"),
        ]
    )


def trained(model: KerasModel) -> KerasModel:
    """As if trained: every weight is some way from where it started."""
    model.set_weights([w + RNG.uniform(10, 11, w.shape) for w in model.get_weights()])
    return model


def linear_model(n_layers: int = 1) -> KerasModel:
    """A weighted sum of pixels, times further weights."""
    inputs = keras.Input((SIDE, SIDE, 3))
    outputs = keras.layers.Flatten()(inputs)
    for _ in range(n_layers):
        outputs = keras.layers.Dense(1, use_bias=False)(outputs)
    model = keras.Model(inputs, outputs)
    model.set_weights([RNG.normal(0, 1, w.shape) for w in model.get_weights()])
    return model


def gradient(model: KerasModel, images: Any, classes: Any) -> FloatArray:
    """Of the logit, the channels added up."""
    with tf.GradientTape() as tape:
        points = tf.cast(images, tf.float32)
        tape.watch(points)
        logits = model(points)
    return np.asarray(tape.gradient(logits, points).numpy().sum(axis=-1))


def gradient_times_input(model: KerasModel, images: Any, classes: Any) -> FloatArray:
    return np.asarray(gradient(model, images, classes) * images.mean(axis=-1))


def edges(model: KerasModel, images: Any, classes: Any) -> FloatArray:
    dy, dx = np.gradient(images.mean(axis=-1), axis=(1, 2))
    return np.asarray(np.hypot(dy, dx), np.float32)


STEPS = [
    (
        three_block,
        [["logit"], ["dense", "dense_norm"], ["last_conv", "conv_norm_2"],
         ["conv_1", "conv_norm_1"]],
    ),
    (
        compact_without_colour,
        [["logit"], ["conv_3", "conv_norm_3"], ["conv_2", "conv_norm_2"],
         ["conv_1", "conv_norm_1"]],
    ),
    (sequential, [["dense"], ["conv", "norm"], ["norm_of_image"]]),
]  # fmt: skip


@pytest.mark.parametrize(("build", "steps"), STEPS)
@pytest.mark.parametrize("frozen", [False, True])
def test_networks_forget_layer_by_layer(build: Any, steps: list[list[str]], frozen: bool) -> None:
    model = trained(build())
    model.trainable = not frozen
    before = model.get_weights()
    forgotten: set[str] = set()
    copies: list[KerasModel] = []
    for (name, randomised), names in zip(randomised_models(model, seed=1), steps, strict=True):
        assert name == names[0]
        forgotten.update(names)
        copies.append(randomised)
        assert randomised.output_shape == model.output_shape
        for layer in model.layers:
            weights = randomised.get_layer(layer.name).get_weights()
            for old, new in zip(layer.get_weights(), weights, strict=True):
                if layer.name in forgotten:
                    assert np.abs(new - old).min() > 5
                else:
                    np.testing.assert_array_equal(new, old)
    for weight, weight_before in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, weight_before)
    assert all(randomised is copies[0] for randomised in copies)  # compiled once for all depths
    assert np.isfinite(copies[0].predict(GALAXIES.astype(np.float32), verbose=0)).all()


def test_weights_come_from_the_initialisers_of_the_layer() -> None:
    model = trained(three_block_cnn((SIDE, SIDE, 3), 2, filters=(20, 30), dense_units=50))
    *_, (_, randomised) = randomised_models(model, seed=0)
    for name in ("conv_1", "last_conv", "dense", "logit"):
        kernel, bias = randomised.get_layer(name).get_weights()
        # Glorot & Bengio 2010: uniform within the root of 6 / (fan in + fan out).
        field = np.prod(kernel.shape[:-2])
        limit = np.sqrt(6 / (field * (kernel.shape[-2] + kernel.shape[-1])))
        assert 0.8 * limit < np.abs(kernel).max() <= limit
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.2)
        assert (bias == 0).all()
    gamma, beta, mean, variance = randomised.get_layer("dense_norm").get_weights()
    for values, expected in ((gamma, 1), (beta, 0), (mean, 0), (variance, 1)):
        assert (values == expected).all()


def test_the_seed_decides() -> None:
    model = trained(compact_without_colour())

    def top(seed: int) -> list[list[float]]:
        _, randomised = next(randomised_models(model, seed))
        weights: list[list[float]] = randomised.get_layer("logit").get_weights()[0].tolist()
        return weights

    assert top(1) == top(1) != top(2)


def test_random_weights_are_not_those_that_training_started_from() -> None:
    keras.utils.set_random_seed(1)
    model = compact_without_colour()
    for _, randomised in randomised_models(model, seed=1):
        kernel = randomised.get_layer("logit").get_weights()[0]
        assert not np.isclose(kernel, model.get_layer("logit").get_weights()[0]).any()


def test_other_randomness_goes_on_undisturbed() -> None:
    model = compact_without_colour()

    def draws(meanwhile: Any) -> list[float]:
        keras.utils.set_random_seed(5)
        random.random()  # noqa: S311
        meanwhile()
        return [
            random.random(),  # noqa: S311
            np.random.random(),  # noqa: NPY002
            float(keras.random.normal(())),
            float(tf.random.normal(())),
        ]

    assert draws(lambda: list(randomised_models(model, seed=0))) == draws(lambda: None)


@pytest.mark.parametrize("build", [three_block, sequential])
def test_an_edge_detector_takes_no_notice(build: Any) -> None:
    model = trained(build())
    table = agreement_after_randomising(
        edges, model, GALAXIES, CLASSES, edges(model, GALAXIES, CLASSES), seed=0
    )
    assert (table["rank_correlation"] == 1).all()
    assert (table["rank_correlation_absolute"] == 1).all()
    assert passes(table) is False


def test_the_gradient_of_a_linear_model_is_forgotten_with_its_weights() -> None:
    model = linear_model()
    ((_, randomised),) = randomised_models(model, seed=4)
    (fresh,), (old,) = randomised.get_weights(), model.get_weights()
    maps = gradient(model, GALAXIES, CLASSES)
    table = agreement_after_randomising(gradient, model, GALAXIES, CLASSES, maps, seed=4)
    old, fresh = (weights.reshape(SIDE * SIDE, 3).sum(axis=1) for weights in (old, fresh))
    np.testing.assert_allclose(table["rank_correlation"], spearmanr(old, fresh).statistic)
    # Of 576 independent pixels: a standard error of 0.042.
    assert table["rank_correlation"].abs().max() < 0.15
    assert table["rank_correlation_absolute"].abs().max() < 0.15
    assert passes(table) is True


def test_a_product_with_the_image_keeps_the_image_in_its_absolute_values() -> None:
    # One half is so much brighter that its absolute products outrank all of the other half,
    # whatever the weights. The split alone holds three quarters of the variance of the ranks.
    halves = np.full((1, SIDE, SIDE, 3), 1e-3)
    halves[:, :, : SIDE // 2] = 250
    model = linear_model()
    maps = gradient_times_input(model, halves, CLASSES[:1])
    table = agreement_after_randomising(
        gradient_times_input, model, halves, CLASSES[:1], maps, seed=4
    )
    assert table["rank_correlation"].item() == pytest.approx(0, abs=0.15)
    assert table["rank_correlation_absolute"].item() == pytest.approx(0.75, abs=0.05)
    assert passes(table) is False


def test_a_turned_sign_changes_no_absolute_value() -> None:
    # The last layer is one number: randomised, it rescales the gradient, or turns its sign.
    model = linear_model(n_layers=2)
    maps = gradient(model, GALAXIES, CLASSES)
    tables = [
        agreement_after_randomising(gradient, model, GALAXIES, CLASSES, maps, seed=seed)
        for seed in range(6)
    ]
    tops = [table[table["depth"] == 1] for table in tables]
    assert {top["rank_correlation"].round(12).unique().item() for top in tops} == {-1, 1}
    for table, top in zip(tables, tops, strict=True):
        np.testing.assert_allclose(top["rank_correlation_absolute"], 1)
        assert table.loc[table["depth"] == 2, "rank_correlation_absolute"].max() < 0.3


def test_the_table_has_a_row_per_depth_and_galaxy() -> None:
    model = trained(compact_without_colour())
    seen: list[int] = []

    def explain(model: KerasModel, images: Any, classes: Any) -> FloatArray:
        seen.extend(classes)
        return np.asarray(grad_cam(model, images, classes).maps)

    maps = explain(model, GALAXIES, CLASSES)
    table = agreement_after_randomising(explain, model, GALAXIES, CLASSES, maps, seed=0)
    assert table["depth"].tolist() == [d for d in (1, 2, 3, 4) for _ in range(3)]
    assert table["index"].tolist() == [0, 1, 2] * 4
    assert table["layer"].unique().tolist() == ["logit", "conv_3", "conv_2", "conv_1"]
    assert seen == [1, 0, 1] * 5


def test_integrated_gradients_of_a_linear_model_take_notice() -> None:
    def explain(model: KerasModel, images: Any, classes: Any) -> FloatArray:
        found = integrated_gradients(model, images, classes, steps=1, baseline="black")
        return np.asarray(found.maps.sum(axis=-1))

    model, galaxy, classes = linear_model(), GALAXIES[:1], CLASSES[:1]
    maps = explain(model, galaxy, classes)
    table = agreement_after_randomising(explain, model, galaxy, classes, maps, seed=0)
    ((_, randomised),) = randomised_models(model, seed=0)
    products = [
        (network.get_weights()[0].reshape(SIDE, SIDE, 3) * galaxy[0]).sum(axis=-1).ravel()
        for network in (model, randomised)
    ]
    assert table["rank_correlation"].item() == pytest.approx(
        spearmanr(*products).statistic, abs=1e-3
    )
    assert abs(table["rank_correlation"].item()) < 0.2


def test_nothing_to_randomise() -> None:
    inputs = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs), name="mean")
    with pytest.raises(ValueError, match="'mean' has no layer with trainable weights"):
        next(randomised_models(model, seed=0))


@pytest.mark.parametrize(
    ("signed", "absolute", "verdict"),
    [
        ([0.1, 0.3], [0.2, 0.7], True),  # on average
        ([0.9, 0.3], [0.2, 0.2], False),
        ([0.1, 0.1], [0.9, 0.3], False),
        ([-1.0, -1.0], [1.0, 1.0], False),  # the same map, its sign turned
        ([0.1, np.nan], [0.2, np.nan], True),
        ([np.nan, np.nan], [np.nan, np.nan], None),
        ([0.1, 0.1], [np.nan, np.nan], None),
    ],
)
def test_both_agreements_must_fall_in_the_end(
    signed: list[float], absolute: list[float], verdict: bool | None
) -> None:
    correlations = ["rank_correlation", "rank_correlation_absolute"]
    at_the_end = pd.DataFrame(
        {"depth": 2, **dict(zip(correlations, (signed, absolute), strict=True))}
    )
    before = at_the_end.assign(depth=1, rank_correlation=1 - at_the_end["rank_correlation"])
    assert passes(pd.concat([at_the_end, before])) is verdict
