"""Deletion and insertion: worked by hand, by brute force, and on a model with one known square."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.attribution.baselines import ATTRIBUTING, MEASURING, baseline_images
from galaxy_morphology.attribution.controls import control_maps
from galaxy_morphology.attribution.faithfulness import deletion_and_insertion
from galaxy_morphology.attribution.logits import logit_model
from galaxy_morphology.attribution.place import pointing_game, shares_by_part
from galaxy_morphology.attribution.structure import agreement_with_structure
from galaxy_morphology.typing import KerasModel

SIDE = 24
SQUARE = (slice(2, 7), slice(15, 20))
"""Where the models below look: 25 of 576 pixels, away from the middle of the frame."""
PIXELS: dict[str, Any] = {"cells": 1, "steps": 32, "hide_with": "sky"}
KNOT = 120  # counts


def linear_model(weights: NDArray[Any], biases: Sequence[float], activation: str) -> KerasModel:
    """Classes from weighted sums of pixels; weights are [height, width, channels, logits]."""
    inputs = keras.Input(weights.shape[:3])
    dense = keras.layers.Dense(weights.shape[3], activation=activation)
    model = keras.Model(inputs, dense(keras.layers.Flatten()(inputs)))
    model.set_weights([weights.reshape(-1, weights.shape[3]), np.array(biases)])
    return model


def linear_model_of_the_square() -> KerasModel:
    """A logit of about 4 with a knot in the square, -4 with sky there."""
    weights = np.zeros((SIDE, SIDE, 3, 1))
    weights[SQUARE] = 8 / (25 * 3 * KNOT)
    return linear_model(weights, [-4 - 8 * 15 / KNOT], "sigmoid")


def convolution_of_the_square() -> KerasModel:
    """The same, as far as a convolution and a rectifier leave it so."""
    inputs = keras.Input((SIDE, SIDE, 3))
    (top, bottom), (left, right) = ((part.start, SIDE - part.stop) for part in SQUARE)
    square = keras.layers.Cropping2D(((top, bottom), (left, right)))(inputs)
    square = keras.layers.ZeroPadding2D(2)(square)
    found = keras.layers.Conv2D(1, 3, activation="relu")(square)
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(found))
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(outputs))
    kernel = np.ones((3, 3, 3, 1)) / 27
    kernel[1, 1] *= 2
    weights = np.full((49, 1), 8 / (25 * KNOT * 10 / 9))
    model.set_weights([kernel, np.array([-5.0]), weights, np.array([-4.5])])
    return model


class KnownAnswer(NamedTuple):
    model: KerasModel
    images: NDArray[np.uint8]
    maps: dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module", params=[linear_model_of_the_square, convolution_of_the_square])
def known(request: pytest.FixtureRequest) -> KnownAnswer:
    """A model that looks at the square alone, galaxies with a knot there, and maps to judge."""
    model = request.param()
    rng = np.random.default_rng(0)
    images = np.stack([draw_galaxy(rng, axis_ratio=0.7, side=SIDE, noise=2) for _ in range(48)])
    images[:, *SQUARE] = KNOT + 15
    with tf.GradientTape() as tape:
        points = tf.convert_to_tensor(images, tf.float32)
        tape.watch(points)
        logits = logit_model(model)(points)
    gradients = tape.gradient(logits, points).numpy()
    skies = np.stack(
        [baseline_images(image, "sky", 1, np.random.default_rng(0))[0] for image in images]
    )
    explained = (gradients * (images - skies)).sum(axis=-1)
    controls = control_maps(images, 0)
    return KnownAnswer(model, images, {"gradients": explained, **controls})


def test_a_map_of_what_the_model_looks_at_beats_the_controls(known: KnownAnswer) -> None:
    areas = {
        name: deletion_and_insertion(known.model, known.images, maps, np.ones(48, int), **PIXELS)[
            3:
        ]
        for name, maps in known.maps.items()
    }
    deletion, insertion = areas["gradients"]
    # With the square hidden or shown by the second of 32 steps, little remains to change.
    assert deletion.max() < 0.1
    assert insertion.min() > 0.9
    for control in ("random", "centre"):
        assert (deletion < areas[control][0]).all()
        assert (insertion > areas[control][1]).all()


def test_random_maps_are_no_better_than_a_random_order(known: KnownAnswer) -> None:
    flat = np.ones(known.images.shape[:3], np.float32)
    ordered = deletion_and_insertion(known.model, known.images, known.maps["random"], **PIXELS)
    at_random = deletion_and_insertion(known.model, known.images, flat, **PIXELS)
    for which in ("deletion_area", "insertion_area"):
        expected = getattr(at_random, which).mean()
        assert expected == pytest.approx(0.5, abs=0.15)
        assert getattr(ordered, which).mean() == pytest.approx(expected, abs=0.1)


def test_it_lies_on_the_square_and_points_at_it(known: KnownAnswer) -> None:
    parts = np.zeros(known.images.shape[:3], np.uint8)
    parts[:, *SQUARE] = 1
    shares = {name: shares_by_part(maps, parts) for name, maps in known.maps.items()}
    np.testing.assert_allclose(shares["gradients"]["target"], 1)
    np.testing.assert_allclose(shares["gradients"]["target_area"], 25 / 576)
    assert shares["random"]["target"].mean() == pytest.approx(25 / 576, rel=0.2)
    assert (pointing_game(known.maps["gradients"], parts) == "target").all()
    assert (pointing_game(known.maps["random"], parts) == "target").mean() < 0.2
    assert (pointing_game(known.maps["centre"], parts) == "sky").all()


def test_it_ranks_the_square_above_the_rest(known: KnownAnswer) -> None:
    structure = np.zeros(known.images.shape, np.uint8)
    structure[..., 1] = 255
    structure[:, *SQUARE, 0] = 255
    agreement = {
        name: agreement_with_structure(maps, structure) for name, maps in known.maps.items()
    }
    np.testing.assert_allclose(agreement["gradients"]["ranking"], 1)
    np.testing.assert_allclose(agreement["gradients"]["share_on_structure"], 1)
    assert agreement["random"]["ranking"].mean() == pytest.approx(0.5, abs=0.1)


def test_curves_of_four_cells_worked_by_hand() -> None:
    # The logit is the sum of the pixels, which are logarithms: the odds are their product.
    model = linear_model(np.ones((2, 2, 1, 1)), [0.0], "sigmoid")
    images = np.log([[[[2.0], [3.0]], [[4.0], [1.0]]]])
    maps = np.array([[[-1.0, 5.0], [2.0, -7.0]]])  # 3 comes first, then 4, 2 and 1
    options: dict[str, Any] = {"steps": 4, "cells": 1, "hide_with": "black"}
    deletion = [24 / 25, 8 / 9, 2 / 3, 1 / 2, 1 / 2]
    insertion = [1 / 2, 3 / 4, 12 / 13, 24 / 25, 24 / 25]
    for class_index in (1, 0):
        result = deletion_and_insertion(model, images, maps, np.array([class_index]), **options)
        np.testing.assert_array_equal(result.shares, [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(result.deletion, [deletion], rtol=1e-6)
        np.testing.assert_allclose(result.insertion, [insertion], rtol=1e-6)
        for curve, area in ((deletion, result.deletion_area), (insertion, result.insertion_area)):
            np.testing.assert_allclose(area, sum(curve) / 4 - (curve[0] + curve[-1]) / 8, rtol=1e-6)
        deletion, insertion = [1 - p for p in deletion], [1 - p for p in insertion]
    unasked = deletion_and_insertion(model, images, maps, **options)
    np.testing.assert_allclose(unasked.deletion[0, 0], 24 / 25, rtol=1e-6)  # class 1 is predicted


def test_whole_cells_are_hidden_in_the_order_of_their_means() -> None:
    # Cells of three columns; the last one is cut off after one. Odds of 2 in each pixel.
    model = linear_model(np.ones((1, 7, 1, 1)), [0.0], "sigmoid")
    images = np.full((1, 1, 7, 1), np.log(2))
    # Means of 1, -2 and 3: the largest value is in the cell that comes last.
    maps = np.array([[[0.0, 0.0, 3.0, 9.0, -9.0, -6.0, 3.0]]])
    result = deletion_and_insertion(
        model, images, maps, np.ones(1, int), steps=3, cells=3, hide_with="black"
    )
    np.testing.assert_allclose(result.shares, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(result.deletion, [[128 / 129, 64 / 65, 8 / 9, 1 / 2]], rtol=1e-6)
    np.testing.assert_allclose(result.insertion, [[1 / 2, 2 / 3, 16 / 17, 128 / 129]], rtol=1e-6)


RNG = np.random.default_rng(5)
THREE_CLASSES = linear_model(RNG.normal(0, 0.01, (11, 9, 2, 3)), [0.1, 0.0, -0.2], "softmax")


def galaxies_and_maps(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Two images for the model above, with room for the noise of a frame, and maps."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (2, 11, 9, 2)).astype(np.uint8)
    return images, rng.normal(size=(2, 11, 9))


@settings(max_examples=12)
@given(
    st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 90), st.integers(1, 5),
    st.integers(1, 3), st.sampled_from(["black", "sky", "noisy_sky", "blur"]),
)  # fmt: skip
def test_curves_are_those_of_brute_force(
    seed: int, steps: int, batch_size: int, cells: int, n_skies: int, hide_with: Any
) -> None:
    images, maps = galaxies_and_maps(seed)
    classes = np.random.default_rng(seed).integers(0, 3, 2)
    result = deletion_and_insertion(
        THREE_CLASSES, images, maps, classes, steps=steps, cells=cells, n_skies=n_skies,
        hide_with=hide_with, seed=seed, batch_size=batch_size,
    )  # fmt: skip
    kernel, bias = THREE_CLASSES.get_weights()
    for i in range(2):
        means = {
            (y, x): maps[i, y : y + cells, x : x + cells].mean()
            for y in range(0, 11, cells)
            for x in range(0, 9, cells)
        }
        highest_first = sorted(means, key=lambda cell: -means[cell])
        skies = baseline_images(
            images[i], hide_with, n_skies, np.random.default_rng([seed, MEASURING])
        )
        for step in range(steps + 1):
            probabilities = []
            for sky in skies:
                deleted, inserted = images[i].astype(float), sky.astype(float)
                for y, x in highest_first[: round(len(means) * step / steps)]:
                    cell = np.s_[y : y + cells, x : x + cells]
                    deleted[cell], inserted[cell] = sky[cell], images[i][cell]
                pair = np.stack([deleted, inserted]).reshape(2, -1)
                odds = np.exp(pair @ kernel + bias)
                probabilities.append(odds[:, classes[i]] / odds.sum(axis=1))
            expected = np.mean(probabilities, axis=0)
            found = result.deletion[i, step], result.insertion[i, step]
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=5)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 5, 30]))
def test_what_is_inserted_first_is_deleted_last(seed: int, steps: int) -> None:
    images, maps = galaxies_and_maps(seed)
    # Of 5 × 6 cells, the same number is left over by the first and by the last steps.
    forth = deletion_and_insertion(THREE_CLASSES, images, maps, steps=steps, cells=2)
    back = deletion_and_insertion(THREE_CLASSES, images, -maps, steps=steps, cells=2)
    np.testing.assert_allclose(forth.insertion, back.deletion[:, ::-1], rtol=1e-5)
    np.testing.assert_allclose(forth.insertion_area, back.deletion_area, rtol=1e-5)


def test_the_skies_are_others_than_those_of_methods_and_every_galaxy_has_its_own() -> None:
    images, maps = galaxies_and_maps(0)
    kernel, bias = THREE_CLASSES.get_weights()

    def empty_skies(seed: int, n_skies: int) -> Any:
        return deletion_and_insertion(
            THREE_CLASSES, images, maps, np.ones(2, int), n_skies=n_skies, seed=seed
        ).insertion[:, 0]

    def empty_probability(image: Any, stream: int) -> float:
        (sky,) = baseline_images(image, "noisy_sky", 1, np.random.default_rng([4, stream]))
        odds = np.exp(sky.ravel() @ kernel + bias)
        return float(odds[1] / odds.sum())

    found = empty_skies(4, 1)
    for i, image in enumerate(images):
        assert found[i] == pytest.approx(empty_probability(image, MEASURING), rel=1e-3, abs=0)
        assert found[i] != pytest.approx(empty_probability(image, ATTRIBUTING), rel=1e-3, abs=0)
    assert not np.allclose(empty_skies(4, 2), found, rtol=1e-3, atol=0)
    assert not np.allclose(empty_skies(5, 1), found, rtol=1e-3, atol=0)


def test_a_flat_map_is_a_random_order_and_no_sweep() -> None:
    weights = np.zeros((SIDE, SIDE, 1, 1))
    weights[: SIDE // 2] = 8 / (SIDE * SIDE / 2)
    model = linear_model(weights, [-4.0], "sigmoid")
    image = np.ones((1, SIDE, SIDE, 1))
    options: dict[str, Any] = {"hide_with": "black", "steps": 32, "cells": 1}
    for flat in (np.zeros((1, SIDE, SIDE)), np.full((1, SIDE, SIDE), 7)):
        result = deletion_and_insertion(model, image, flat, **options)
        # A sweep from the top would have an area of a quarter, and have lost all by half.
        assert result.deletion[0, 16] == pytest.approx(0.5, abs=0.1)
        assert result.deletion_area[0] == pytest.approx(0.5, abs=0.05)
    patches = np.zeros((1, SIDE, SIDE))
    patches[:, SIDE // 2 :] = 1  # the half that does not matter comes first
    result = deletion_and_insertion(model, image, patches, **options)
    assert result.deletion[0, 16] == result.deletion[0, 0]


def test_a_galaxy_is_judged_the_same_whoever_is_beside_it(known: KnownAnswer) -> None:
    maps = np.round(known.maps["random"], 1)  # many ties
    together = deletion_and_insertion(known.model, known.images[:3], maps[:3], batch_size=7)
    alone = deletion_and_insertion(known.model, known.images[2:3], maps[2:3])
    np.testing.assert_allclose(together.deletion[2], alone.deletion[0], rtol=1e-5)
    np.testing.assert_allclose(together.insertion[2], alone.insertion[0], rtol=1e-5)


class Counting(keras.layers.Layer):
    """Passes everything on, and counts how often it was made part of a graph."""

    times = 0

    def call(self, inputs: Any) -> Any:
        Counting.times += not tf.executing_eagerly()
        return inputs


def test_one_graph_serves_all_batches_of_all_galaxies() -> None:
    inputs = keras.Input((12, 10, 2))
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(Counting()(inputs)))
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(outputs))
    counts = []
    for n_images, batch_size in ((1, 64), (4, 7)):
        Counting.times = 0
        images, maps = np.ones((n_images, 12, 10, 2)), np.zeros((n_images, 12, 10))
        deletion_and_insertion(model, images, maps, np.ones(n_images, int), batch_size=batch_size)
        counts.append(Counting.times)
    assert counts == [2, 0]  # one of them says whether the images can be explained


def test_what_cannot_be_judged_is_refused_with_a_reason(known: KnownAnswer) -> None:
    model, images, maps = known.model, known.images[:2], known.maps["random"][:2]
    with pytest.raises(ValueError, match=r"maps \(1, 24, 24\) for images \(2, 24, 24\)"):
        deletion_and_insertion(model, images, maps[:1])
    with pytest.raises(ValueError, match="Sum maps of single channels over the channels"):
        deletion_and_insertion(model, images, np.ones(images.shape, np.float32))
    with pytest.raises(ValueError, match="not finite in 2 of 2 maps, the first in row 0"):
        deletion_and_insertion(model, images, maps * np.nan)
    with pytest.raises(ValueError, match="Found 0 steps; expected 1 or more"):
        deletion_and_insertion(model, images, maps, steps=0)
    with pytest.raises(ValueError, match="cells of 24 px for maps of 24 × 24 px"):
        deletion_and_insertion(model, images, maps, cells=24)
    with pytest.raises(ValueError, match="Found 0 skies; expected 1 or more"):
        deletion_and_insertion(model, images, maps, n_skies=0)
    with pytest.raises(ValueError, match="1 classes for 2 images"):
        deletion_and_insertion(model, images, maps, np.array([1]))
