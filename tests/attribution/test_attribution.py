"""Attributions against closed forms, a network worked out by hand, and other libraries."""

from inspect import Parameter, signature
from typing import Any, get_type_hints

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from pydantic import ConfigDict, ValidationError, create_model
from survey import draw_galaxy

from galaxy_morphology.attribution import (
    METHODS,
    explainer,
    grad_cam,
    integrated_gradients,
    lime,
    logit_model,
    occlusion,
    predicted_classes,
    titles_of,
)
from galaxy_morphology.attribution.baselines import ATTRIBUTING, baseline_images
from galaxy_morphology.networks import three_block_cnn
from galaxy_morphology.sky import sky_colour
from galaxy_morphology.typing import KerasModel

SIDE = 24
RNG = np.random.default_rng(0)
CUTOUTS = np.stack([draw_galaxy(RNG, axis_ratio=q, side=SIDE) for q in (0.3, 0.9, 0.5)])


def linear_model(weights: NDArray[Any], bias: float, head: str = "layer") -> KerasModel:
    """A sigmoid of a weighted sum of pixels."""
    inputs = keras.Input(weights.shape)
    activation = "sigmoid" if head == "dense" else None
    outputs = keras.layers.Dense(1, activation=activation)(keras.layers.Flatten()(inputs))
    if head == "layer":
        outputs = keras.layers.Activation("sigmoid")(outputs)
    model = keras.Model(inputs, outputs)
    model.set_weights([weights.reshape(-1, 1), np.array([bias])])
    return model


@pytest.fixture(scope="module")
def network() -> KerasModel:
    keras.utils.set_random_seed(3)
    model = three_block_cnn((64, 64, 3), 2, filters=(4, 6, 8), dense_units=16)
    # Statistics other than 0 and 1, so that a forgotten normalisation shows.
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(RNG.uniform(0, 0.2, layer.moving_mean.shape))
            layer.moving_variance.assign(RNG.uniform(0.5, 2, layer.moving_variance.shape))
    return model


@pytest.fixture(scope="module")
def galaxies() -> NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    return np.stack([draw_galaxy(rng, axis_ratio=q, side=64) for q in (0.3, 0.9, 0.5, 0.7)])


def skies_of(image: NDArray[Any], kind: Any, n: int) -> NDArray[np.float32]:
    """The skies that a method compares a galaxy with, by default."""
    return baseline_images(image, kind, n, np.random.default_rng([0, ATTRIBUTING]))


@pytest.mark.parametrize("baseline", ["black", "sky", "noisy_sky", "blur"])
@pytest.mark.parametrize("steps", [1, 20])
def test_integrated_gradients_of_a_linear_model(baseline: Any, steps: int) -> None:
    weights = RNG.normal(0, 0.01, (SIDE, SIDE, 3))
    maps, quality, *_ = integrated_gradients(
        linear_model(weights, 0.3), CUTOUTS, np.array([1, 1, 0]), steps=steps, baseline=baseline,
        n_skies=3, batch_size=7,
    )  # fmt: skip
    means = np.stack([skies_of(image, baseline, 3).mean(axis=0) for image in CUTOUTS])
    expected = weights * (CUTOUTS - means)
    expected[2] *= -1  # what speaks for the first class is what speaks against the second
    np.testing.assert_allclose(maps, expected, atol=1e-4)
    np.testing.assert_allclose(
        quality["logit"] - quality["baseline_logit"],
        expected.sum(axis=(1, 2, 3)),
        rtol=1e-4,
        atol=1e-3,
    )
    assert quality["completeness_residual"].max() < 1e-3


def test_integrated_gradients_of_a_cubic_take_the_midpoint() -> None:
    # f(x) = x³ from 0 to 1: the integral of 3 (s x)² x is 1; the midpoint rule with n steps
    # misses 1 / (4 n²), a left-endpoint rule 3 / (2 n).
    inputs = keras.Input((1, 1, 1))
    outputs = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(inputs**3))
    model = keras.Model(inputs, outputs)
    model.set_weights([np.ones((1, 1))])
    maps, quality, *_ = integrated_gradients(
        model, np.ones((1, 1, 1, 1)), np.array([1]), steps=10, baseline="black"
    )
    assert maps.item() == pytest.approx(1 - 1 / 400, rel=1e-5)
    assert quality["completeness_residual"][0] == pytest.approx(1 / 400, rel=1e-3)


@pytest.mark.parametrize("baseline", ["black", "noisy_sky"])
def test_integrated_gradients_agree_with_saliency(
    network: KerasModel, galaxies: NDArray[np.uint8], baseline: Any
) -> None:
    import saliency.core as saliency

    to_logit = logit_model(network)

    def gradients(images: NDArray[Any], *_: Any, **__: Any) -> dict[str, NDArray[Any]]:
        with tf.GradientTape() as tape:
            points = tf.convert_to_tensor(images, tf.float32)
            tape.watch(points)
            logits = to_logit(points)[:, 0]
        return {saliency.INPUT_OUTPUT_GRADIENTS: tape.gradient(logits, points).numpy()}

    image = galaxies[0].astype(np.float32)
    # It takes the left end of each step; with many steps both converge to the integral.
    theirs = np.mean(
        [
            saliency.IntegratedGradients().GetMask(
                image, gradients, x_steps=1000, x_baseline=sky, batch_size=100
            )
            for sky in skies_of(image, baseline, 2)
        ],
        axis=0,
    )
    (ours,), *_ = integrated_gradients(
        network, galaxies[:1], np.array([1]), steps=100, baseline=baseline, n_skies=2
    )
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999
    assert ours.sum() == pytest.approx(theirs.sum(), abs=1e-3 * float(np.abs(theirs).sum()))


def test_integrated_gradients_add_up_over_several_skies(
    network: KerasModel, galaxies: NDArray[np.uint8]
) -> None:
    maps, quality, *_ = integrated_gradients(network, galaxies, tolerance=0.01)
    assert quality["complete"].all()
    logits = logit_model(network)
    for image, found, class_index in zip(
        galaxies, maps, predicted_classes(network, galaxies), strict=True
    ):
        ends = np.concatenate([image[None].astype(np.float32), skies_of(image, "noisy_sky", 5)])
        at_image, *at_skies = np.asarray(logits(ends))[:, 0] * (2 * class_index - 1)
        assert found.sum() == pytest.approx(at_image - np.mean(at_skies), abs=0.011)


def test_lime_recovers_the_patches_of_a_linear_model() -> None:
    # Four flat squares on black; a linear logit counts the light in two of them.
    image = np.zeros((32, 32, 3), np.uint8)
    weights = np.zeros((32, 32, 3))
    gains = {(4, 4): 3.0, (4, 20): -2.0, (20, 4): 0.0, (20, 20): 0.0}
    for (y, x), gain in gains.items():
        image[y : y + 8, x : x + 8] = 200
        weights[y : y + 8, x : x + 8] = gain / (64 * 3 * 200)
    maps, quality, title, notes = lime(
        linear_model(weights, 0.0), image[None], np.array([1]), n_samples=400, n_segments=16,
        hide_with="black",
    )  # fmt: skip
    assert (title, notes) == ("LIME", [f"linear fit with R² = {quality['r_squared'][0]:.2f}"])
    assert quality["r_squared"][0] > 0.95
    for (y, x), gain in gains.items():
        assert maps[0, y + 2 : y + 6, x + 2 : x + 6].mean() == pytest.approx(gain, abs=0.3)


def test_lime_has_the_fit_of_the_lime_package(
    network: KerasModel, galaxies: NDArray[np.uint8]
) -> None:
    from lime.lime_image import LimeImageExplainer
    from skimage.segmentation import slic

    to_logit = logit_model(network)
    image = galaxies[0]

    def two_columns(images: Any) -> NDArray[np.float32]:
        logits = to_logit.predict(np.asarray(images, np.float32), verbose=0)
        return np.concatenate([-logits, logits], axis=1)

    explanation = LimeImageExplainer(random_state=0).explain_instance(
        image, two_columns, labels=(1,), top_labels=None, num_samples=400,
        hide_color=sky_colour(image[None])[0],
        segmentation_fn=lambda x: slic(x / 255, n_segments=20, compactness=10, start_label=0),
    )  # fmt: skip
    maps, quality, *_ = lime(
        network, galaxies[:1], np.array([1]), n_samples=400, n_segments=20, hide_with="sky"
    )
    theirs = np.zeros((64, 64))
    for segment, weight in explanation.local_exp[1]:
        theirs[explanation.segments == segment] = weight
    fit = explanation.score[1] if isinstance(explanation.score, dict) else explanation.score
    assert quality["r_squared"][0] == pytest.approx(float(fit), abs=0.1)
    assert np.corrcoef(maps[0].ravel(), theirs.ravel())[0, 1] > 0.9


def test_the_predicted_class_is_explained_unless_told(
    network: KerasModel, galaxies: NDArray[np.uint8]
) -> None:
    logits = logit_model(network).predict(galaxies.astype(np.float32), verbose=0)[:, 0]
    predicted = predicted_classes(network, galaxies)
    np.testing.assert_array_equal(predicted, logits > 0)
    unasked = integrated_gradients(network, galaxies, steps=4).maps
    asked = integrated_gradients(network, galaxies, predicted, steps=4).maps
    against = integrated_gradients(network, galaxies, 1 - predicted, steps=4).maps
    np.testing.assert_array_equal(unasked, asked)
    np.testing.assert_allclose(asked, -against)


def test_a_galaxy_is_explained_the_same_whoever_is_beside_it(
    network: KerasModel, galaxies: NDArray[np.uint8]
) -> None:
    few: dict[str, dict[str, Any]] = {
        "grad_cam": {"batch_size": 3},
        "integrated_gradients": {"steps": 3, "batch_size": 4},
        "lime": {"n_samples": 60, "n_segments": 10},
        "occlusion": {"patch": 32, "stride": 16},
        "kernel_shap": {"n_samples": 60, "n_segments": 10},
        "rise": {"n_masks": 60},
    }
    for name, method in METHODS.items():
        together = method(network, galaxies, **few[name])
        alone = method(network, galaxies[2:3], **few[name])
        np.testing.assert_allclose(
            together.maps[2], alone.maps[0], rtol=1e-3, atol=1e-4 * np.abs(alone.maps).max()
        )


def test_more_than_two_classes() -> None:
    keras.utils.set_random_seed(0)
    model = three_block_cnn((32, 32, 3), 4, filters=(2, 3), dense_units=4)
    images = np.stack([draw_galaxy(RNG, axis_ratio=0.5, side=32)])
    maps, quality, *_ = integrated_gradients(
        model, images, np.array([2]), steps=50, baseline="black"
    )
    logits = logit_model(model).predict(
        np.concatenate([images, np.zeros_like(images)]).astype(np.float32), verbose=0
    )
    assert quality["logit"][0] == pytest.approx(logits[0, 2], rel=1e-4)
    assert quality["baseline_logit"][0] == pytest.approx(logits[1, 2], rel=1e-4)
    assert maps.sum() == pytest.approx(logits[0, 2] - logits[1, 2], rel=0.02)
    assert grad_cam(model, images).maps.shape == (1, 32, 32)
    assert lime(model, images, n_samples=20, n_segments=5).maps.shape == (1, 32, 32)


@pytest.mark.parametrize("head", ["layer", "dense", "none"])
def test_logits_are_found_behind_any_head(head: str) -> None:
    weights = RNG.normal(0, 0.01, (SIDE, SIDE, 3))
    logits = logit_model(linear_model(weights, 0.3, head)).predict(
        CUTOUTS.astype(np.float32), verbose=0
    )
    expected = (weights * CUTOUTS).sum(axis=(1, 2, 3)) + 0.3
    np.testing.assert_allclose(logits[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_what_cannot_be_explained_is_refused_with_a_reason(network: KerasModel) -> None:
    images = np.zeros((2, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="1 classes for 2 images"):
        lime(network, images, np.array([1]))
    with pytest.raises(ValueError, match=r"one output \[N, 1\] or \[N, K\]"):
        logit_model(keras.Model(network.inputs, network.get_layer("last_conv").output))
    with pytest.raises(ValueError, match="functional Keras classifier"):
        logit_model(keras.layers.Dense(1))
    with pytest.raises(ValueError, match="method 'gradcam'; expected one of grad_cam, integrated_"):
        explainer("gradcam")


@pytest.mark.parametrize("name", METHODS)
def test_the_options_of_a_method_are_hinted_and_have_defaults(name: str) -> None:
    hints = get_type_hints(METHODS[name], include_extras=True)
    options: dict[str, Any] = {
        parameter.name: (hints[parameter.name], parameter.default)
        for parameter in signature(METHODS[name]).parameters.values()
        if parameter.kind is Parameter.KEYWORD_ONLY
    }
    assert {"seed", "n_skies", "batch_size"} < set(options)
    model = create_model(name, __config__=ConfigDict(extra="forbid"), **options)
    assert model().model_dump() == {key: default for key, (_, default) in options.items()}
    for wrong in ({"n_skies": 0}, {"seed": -1}, {"batch_size": 0}, {"unknown": 1}):
        with pytest.raises(ValidationError):
            model(**wrong)
    kind = "baseline" if "baseline" in options else "hide_with"
    assert model(**{kind: "sky"})
    with pytest.raises(ValidationError):
        model(**{kind: "white"})


def test_an_explainer_is_its_method_with_channels_added_up(
    network: KerasModel, galaxies: NDArray[np.uint8]
) -> None:
    classes = np.array([1, 0, 1, 0])
    by_channel = integrated_gradients(network, galaxies, classes, steps=2, n_skies=2).maps
    explain = explainer("integrated_gradients", steps=2, n_skies=2)
    np.testing.assert_array_equal(explain(network, galaxies, classes), by_channel.sum(axis=-1))
    patches = occlusion(network, galaxies, classes, patch=32, stride=32).maps
    explain = explainer("occlusion", patch=32, stride=32)
    np.testing.assert_array_equal(explain(network, galaxies, classes), patches)


def test_titles_come_in_the_order_of_the_methods() -> None:
    table = pd.DataFrame(
        {
            "method": ["lime", "grad_cam"] * 2,
            "title": ["LIME", "HiResCAM"] * 2,
            "cataid": [1, 1, 2, 2],
        }
    )
    assert list(titles_of(table).items()) == [("lime", "LIME"), ("grad_cam", "HiResCAM")]
