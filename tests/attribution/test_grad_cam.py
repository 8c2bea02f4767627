"""Grad-CAM against class activation maps, networks worked out by hand, and another library."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.attribution import grad_cam, logit_model
from galaxy_morphology.attribution.baselines import ATTRIBUTING, baseline_images
from galaxy_morphology.attribution.grad_cam import _weights
from galaxy_morphology.attribution.layers import Cells
from galaxy_morphology.networks import compact_cnn, three_block_cnn
from galaxy_morphology.typing import KerasModel

RNG = np.random.default_rng(0)
GALAXIES = np.stack([draw_galaxy(RNG, axis_ratio=q, side=64) for q in (0.3, 0.9, 0.5)])


def settled(model: KerasModel) -> KerasModel:
    """Give every weight a value of its own, so that a forgotten bias or normalisation shows."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            for weight in layer.weights:
                weight.assign(rng.uniform(0.2, 1.5, weight.shape))
    logit = model.get_layer("logit")
    logit.bias.assign(rng.normal(0, 1, logit.bias.shape))
    return model


def skies_of(image: NDArray[Any], n: int) -> NDArray[np.float32]:
    return baseline_images(image, "noisy_sky", n, np.random.default_rng([0, ATTRIBUTING]))


def tents(first: float, spacing: float, n_cells: int) -> NDArray[np.float64]:
    """Weights of 64 pixels around each cell, whose sum is 1."""
    rows = []
    for middle in first + spacing * np.arange(n_cells):
        tent = np.interp(np.arange(64), [middle - spacing, middle, middle + spacing], [0, 1, 0])
        rows.append(tent / tent.sum())
    return np.array(rows)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_the_class_activation_map_of_a_network_that_averages(n_classes: int) -> None:
    keras.utils.set_random_seed(2)
    model = settled(compact_cnn((64, 64, 3), n_classes, filters=(3, 4, 5, 6)))
    classes = np.array([1, 0, n_classes - 1])
    maps, quality, title, notes = grad_cam(model, GALAXIES, classes, n_skies=4)
    features = keras.Model(model.inputs[0], model.get_layer("last_conv").output)
    kernel, bias = model.get_layer("logit").get_weights()

    def activation_map(images: NDArray[Any], class_index: int) -> Any:
        """Zhou et al. 2016: the maps weighed with the weights of the class."""
        unit, sign = (class_index, 1) if n_classes > 2 else (0, 2 * class_index - 1)
        found = np.asarray(features(images.astype(np.float32)))
        return sign * found @ kernel[:, unit] / found[0, ..., 0].size, sign * bias[unit]

    along = tents(4, 8, 8)
    for i, (image, class_index) in enumerate(zip(GALAXIES, classes, strict=True)):
        (of_galaxy,), constant = activation_map(image[None], class_index)
        of_skies, _ = activation_map(skies_of(image, 4), class_index)
        assert of_galaxy.sum() + constant == pytest.approx(quality["logit"][i], rel=1e-4)
        assert of_skies.mean(axis=0).sum() + constant == pytest.approx(
            quality["baseline_logit"][i], rel=1e-4
        )
        evidence = of_galaxy - of_skies.mean(axis=0)
        largest = np.abs(maps[i]).max()
        np.testing.assert_allclose(
            maps[i], along.T @ evidence @ along, rtol=1e-3, atol=1e-4 * largest
        )
        positive = evidence[evidence > 0].sum() / np.abs(evidence).sum()
        assert quality["positive_share"][i] == pytest.approx(positive, rel=1e-3)
    np.testing.assert_allclose(
        maps.sum(axis=(1, 2)), quality["logit"] - quality["baseline_logit"], atol=1e-4
    )
    assert quality["completeness_residual"].max() < 1e-4
    assert title == "Grad-CAM"
    assert notes == ["adds up to within 0.00 logits"] * 3


@pytest.fixture(scope="module")
def by_hand() -> KerasModel:
    """Filter 0 passes red, filter 1 green; each cell of each has a weight of its own."""
    inputs = keras.Input((2, 2, 3))
    features = layers.Conv2D(2, 1, use_bias=False, name="last_conv")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(features)))
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1
    weights = np.array([[1, -1], [2, 0], [0, 3], [-4, 1]])  # red and green of the four cells
    model.set_weights([kernel, weights.reshape(8, 1), np.array([0.5])])
    return model


def test_hires_cam_of_two_filters_worked_by_hand(by_hand: KerasModel) -> None:
    image = np.zeros((1, 2, 2, 3), np.float32)
    image[0, :, :, 0] = [[5, 1], [2, 1]]
    image[0, :, :, 1] = [[2, 4], [1, 0]]
    image[0, :, :, 2] = 9
    # 5 - 2, 2 * 1, 3 * 1 and -4 * 1; the mean gradients of -1/4 and 3/4 would give 1/4, 11/4, ...
    expected = np.array([[[3, 2], [3, -4]]])
    maps, quality, title, notes = grad_cam(by_hand, image, np.array([1]), baseline="black")
    np.testing.assert_allclose(maps, expected)
    assert title == "HiResCAM"
    found = [quality[name][0] for name in ("logit", "baseline_logit", "positive_share")]
    np.testing.assert_allclose(found, [4.5, 0.5, 8 / 12])
    assert notes == ["adds up to within 0.00 logits"]
    against, *_ = grad_cam(by_hand, image, np.array([0]), baseline="black")
    np.testing.assert_allclose(against, -expected)


def test_it_agrees_with_tf_keras_vis_where_both_are_the_same() -> None:
    from tf_keras_vis.gradcam import Gradcam

    keras.utils.set_random_seed(1)
    inputs = keras.Input((64, 64, 3))
    x = layers.Conv2D(5, 4, strides=4)(layers.Rescaling(1 / 255)(inputs))
    x = layers.ReLU(name="rectified")(layers.BatchNormalization()(x))
    x = layers.Dense(6, activation="relu")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    both = np.stack([GALAXIES[0], np.zeros_like(GALAXIES[0])]).astype(np.float32)
    cam, without = Gradcam(logit_model(model), clone=False)(
        lambda logits: logits[:, 2], both, penultimate_layer="rectified",
        seek_penultimate_conv_layer=False, expand_cam=False, normalize_cam=False,
        activation_modifier=None,
    )  # fmt: skip
    maps, _, title, _ = grad_cam(model, GALAXIES[:1], np.array([2]), baseline="black")
    along = tents(1.5, 4, 16)
    expected = along.T @ (cam - without) @ along
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(maps[0], expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    assert title == "Grad-CAM"


def test_a_network_that_flattens_is_explained_by_another_name() -> None:
    keras.utils.set_random_seed(3)
    model = settled(three_block_cnn((64, 64, 3), 2, filters=(4, 6, 8), dense_units=16))
    maps, quality, title, notes = grad_cam(model, GALAXIES)
    assert title == "HiResCAM"
    np.testing.assert_allclose(
        np.abs(maps.sum(axis=(1, 2)) - (quality["logit"] - quality["baseline_logit"])),
        quality["completeness_residual"],
        atol=1e-4,
    )
    assert all(len(note) <= 34 for note in notes)


def test_evidence_lies_where_it_was_seen() -> None:
    # Stretched over the frame, the cells at its edge would lie 5.7 px further out.
    inputs = x = keras.Input((64, 64, 1))
    for _ in range(3):
        x = layers.Conv2D(1, 3, kernel_initializer="ones")(x)
        x = layers.AveragePooling2D(2)(x)
    x = layers.Conv2D(1, 1, kernel_initializer="ones")(x)
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))
    model.get_layer(index=-1).set_weights([np.ones((1, 1)), np.zeros(1)])
    pixels = np.arange(64)
    for place in (20, 33, 41):
        image = np.zeros((1, 64, 64, 1), np.float32)
        image[0, place, 63 - place] = 1
        (found,) = grad_cam(model, image, np.array([1]), baseline="black").maps
        middle = [(found.sum(axis=axis) * pixels).sum() / found.sum() for axis in (1, 0)]
        np.testing.assert_allclose(middle, [place, 63 - place], atol=1)
        # The cells have their middles at 10.5, 18.5, ..., 50.5: the next would be 8 px away.
        assert found[:3].sum() == found[:, -5:].sum() == 0


@pytest.mark.parametrize(
    "cells", [Cells(4.0, 8.0, 8), Cells(8.5, 4.0, 12), Cells(-3.0, 10.0, 8), Cells(-0.25, 0.5, 128)]
)
def test_enlarging_keeps_every_cell_whole(cells: Cells) -> None:
    weights = _weights(cells, 64)
    assert weights.shape == (cells.number, 64)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    middles = cells.first + cells.spacing * np.arange(cells.number)
    far = np.abs(np.arange(64) - middles.clip(0, 63)[:, None]) >= max(cells.spacing, 1)
    assert (weights[far] == 0).all()


def test_layers_that_have_no_maps_are_refused() -> None:
    model = three_block_cnn((32, 32, 3), 2, filters=(2,), dense_units=3)
    images = np.zeros((2, 32, 32, 3), np.uint8)
    with pytest.raises(ValueError, match=r"no layer 'conv9'; its layers are \['cutout'"):
        grad_cam(model, images, layer_name="conv9")
    with pytest.raises(ValueError, match=r"'dense' has output .* name a convolution"):
        grad_cam(model, images, layer_name="dense")
