"""Attributions against closed forms, a network worked out by hand, and other libraries."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.attribution import (
    grad_cam,
    integrated_gradients,
    lime,
    logit_model,
    predicted_classes,
)
from galaxy_morphology.attribution.baselines import baseline_images
from galaxy_morphology.networks import three_block_cnn
from galaxy_morphology.sky import sky_colour
from galaxy_morphology.typing import Attribution, KerasModel

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


@pytest.mark.parametrize("baseline", ["black", "sky", "noisy_sky", "blur"])
@pytest.mark.parametrize("steps", [1, 50])
def test_integrated_gradients_of_a_linear_model(baseline: Any, steps: int) -> None:
    weights = RNG.normal(0, 0.01, (SIDE, SIDE, 3))
    maps, quality = integrated_gradients(
        linear_model(weights, 0.3), CUTOUTS, np.array([1, 1, 0]), steps=steps, baseline=baseline
    )
    expected = weights * (CUTOUTS - baseline_images(CUTOUTS, baseline))
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
    maps, quality = integrated_gradients(
        model, np.ones((1, 1, 1, 1)), np.array([1]), steps=10, baseline="black"
    )
    assert maps.item() == pytest.approx(1 - 1 / 400, rel=1e-5)
    assert quality["completeness_residual"][0] == pytest.approx(1 / 400, rel=1e-3)


def test_grad_cam_of_two_filters_worked_by_hand() -> None:
    # Filter 0 passes red, filter 1 passes green; logit = 2 sum(red) / 16 - sum(green) / 16.
    inputs = keras.Input((4, 4, 3))
    features = keras.layers.Conv2D(2, 1, use_bias=False, name="last_conv")(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    outputs = keras.layers.Dense(1, activation="sigmoid", use_bias=False)(pooled)
    model = keras.Model(inputs, outputs)
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1
    model.set_weights([kernel, np.array([[2.0], [-1.0]])])
    image = np.zeros((1, 4, 4, 3), np.float32)
    image[0, 0, 0] = (8, 0, 0)
    image[0, 1, 1] = (8, 4, 9)
    image[0, 2, 2] = (0, 8, 0)
    # Mean gradients are 2/16 and -1/16: maps are relu(red / 8 - green / 16), and the reverse.
    for_other = np.zeros((4, 4))
    for_other[0, 0], for_other[1, 1] = 1.0, 0.75
    for_elliptical = np.zeros((4, 4))
    for_elliptical[2, 2] = 0.5
    maps, quality = grad_cam(model, np.concatenate([image, image]), np.array([1, 0]))
    np.testing.assert_allclose(maps[0], for_other, atol=1e-6)
    np.testing.assert_allclose(maps[1], for_elliptical, atol=1e-6)
    np.testing.assert_allclose(quality["positive_share"], [1.75 / 2.25, 0.5 / 2.25], rtol=1e-5)


def test_grad_cam_agrees_with_tf_keras_vis(
    network: KerasModel, galaxies: NDArray[np.uint8]
) -> None:
    from tf_keras_vis.gradcam import Gradcam

    maps, _ = grad_cam(network, galaxies, np.ones(4, int))
    theirs = Gradcam(logit_model(network), clone=False)(
        lambda logits: logits[:, 0], galaxies.astype(np.float32), penultimate_layer="last_conv",
        expand_cam=False, normalize_cam=False,
    )  # fmt: skip
    assert theirs.shape == (4, 12, 12)
    enlarged = tf.image.resize(theirs[..., None], (64, 64), method="bilinear")[..., 0].numpy()
    assert enlarged.max() > 0
    np.testing.assert_allclose(maps, enlarged, rtol=1e-3, atol=1e-6 * enlarged.max())


def test_integrated_gradients_agree_with_saliency(
    network: KerasModel, galaxies: NDArray[np.uint8]
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
    theirs = saliency.IntegratedGradients().GetMask(
        image, gradients, x_steps=2000, x_baseline=np.zeros_like(image), batch_size=100
    )
    (ours,), _ = integrated_gradients(
        network, galaxies[:1], np.array([1]), steps=200, baseline="black"
    )
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.01)


def test_lime_recovers_the_patches_of_a_linear_model() -> None:
    # Four flat squares on black; a linear logit counts the light in two of them.
    image = np.zeros((32, 32, 3), np.uint8)
    weights = np.zeros((32, 32, 3))
    gains = {(4, 4): 3.0, (4, 20): -2.0, (20, 4): 0.0, (20, 20): 0.0}
    for (y, x), gain in gains.items():
        image[y : y + 8, x : x + 8] = 200
        weights[y : y + 8, x : x + 8] = gain / (64 * 3 * 200)
    maps, quality = lime(
        linear_model(weights, 0.0), image[None], np.array([1]), n_samples=400, n_segments=16,
        hide_with="black",
    )  # fmt: skip
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
    maps, quality = lime(network, galaxies[:1], np.array([1]), n_samples=400, n_segments=20)
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
    methods: list[tuple[Callable[..., Attribution], dict[str, Any]]] = [
        (grad_cam, {"batch_size": 3}),
        (integrated_gradients, {"steps": 7, "batch_size": 4}),
        (lime, {"n_samples": 60, "n_segments": 10}),
    ]
    for method, options in methods:
        together = method(network, galaxies, **options)
        alone = method(network, galaxies[2:3], **options)
        np.testing.assert_allclose(
            together.maps[2], alone.maps[0], rtol=1e-3, atol=1e-4 * np.abs(alone.maps).max()
        )


def test_more_than_two_classes() -> None:
    keras.utils.set_random_seed(0)
    model = three_block_cnn((32, 32, 3), 4, filters=(2, 3), dense_units=4)
    images = np.stack([draw_galaxy(RNG, axis_ratio=0.5, side=32)])
    maps, quality = integrated_gradients(model, images, np.array([2]), steps=50, baseline="black")
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
    with pytest.raises(ValueError, match=r"no layer 'conv9'; its layers are \['cutout'"):
        grad_cam(network, images, layer_name="conv9")
    with pytest.raises(ValueError, match=r"'dense' has output .* name a convolution"):
        grad_cam(network, images, layer_name="dense")
    with pytest.raises(
        ValueError, match="baseline 'white'; expected 'black', 'sky', 'noisy_sky' or 'blur'"
    ):
        integrated_gradients(network, images, baseline="white")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 classes for 2 images"):
        lime(network, images, np.array([1]))
    with pytest.raises(ValueError, match=r"one output \[N, 1\] or \[N, K\]"):
        logit_model(keras.Model(network.inputs, network.get_layer("last_conv").output))
    with pytest.raises(ValueError, match="functional Keras classifier"):
        logit_model(keras.layers.Dense(1))


def test_baselines() -> None:
    image = np.full((1, 32, 32, 3), (10, 20, 30), np.uint8)
    image[0, 12:20, 12:20] = 250
    assert (baseline_images(image, "black") == 0).all()
    assert (baseline_images(image, "sky") == (10, 20, 30)).all()
    noisy = baseline_images(image, "noisy_sky")
    assert (noisy == (10, 20, 30)).all()  # no noise in it, none comes out
    blurred = baseline_images(image, "blur")
    assert blurred.max() < 150
    assert blurred[0].argmax() // (32 * 3) in range(14, 18)
