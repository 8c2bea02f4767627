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

from galaxy_morphology.attribution.baselines import baseline_images
from galaxy_morphology.attribution.controls import control_maps
from galaxy_morphology.attribution.faithfulness import deletion_and_insertion
from galaxy_morphology.attribution.logits import logit_model
from galaxy_morphology.attribution.place import pointing_game, shares_by_part
from galaxy_morphology.attribution.structure import agreement_with_structure
from galaxy_morphology.typing import KerasModel

SIDE = 24
SQUARE = (slice(2, 7), slice(15, 20))
"""Where the models below look: 25 of 576 pixels, away from the middle of the frame."""
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
    explained = (gradients * (images - baseline_images(images, "sky"))).sum(axis=-1)
    controls = control_maps(images.shape[:3], 0)
    return KnownAnswer(model, images, {"gradients": explained, **controls})


def test_a_map_of_what_the_model_looks_at_beats_the_controls(known: KnownAnswer) -> None:
    areas = {
        name: deletion_and_insertion(known.model, known.images, maps, np.ones(48, int))[3:]
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
    ordered = deletion_and_insertion(known.model, known.images, known.maps["random"])
    at_random = deletion_and_insertion(known.model, known.images, flat)
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
    for control in ("random", "centre"):  # the square is as far off as most of the frame
        assert agreement[control]["ranking"].mean() == pytest.approx(0.5, abs=0.1)


def test_curves_of_four_pixels_worked_by_hand() -> None:
    # The logit is the sum of the pixels, which are logarithms: the odds are their product.
    model = linear_model(np.ones((2, 2, 1, 1)), [0.0], "sigmoid")
    images = np.log([[[[2.0], [3.0]], [[4.0], [1.0]]]])
    maps = np.array([[[-1.0, 5.0], [2.0, -7.0]]])  # 3 comes first, then 4, 2 and 1
    deletion = [24 / 25, 8 / 9, 2 / 3, 1 / 2, 1 / 2]
    insertion = [1 / 2, 3 / 4, 12 / 13, 24 / 25, 24 / 25]
    for class_index in (1, 0):
        result = deletion_and_insertion(
            model, images, maps, np.array([class_index]), steps=4, hide_with="black"
        )
        np.testing.assert_array_equal(result.shares, [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(result.deletion, [deletion], rtol=1e-6)
        np.testing.assert_allclose(result.insertion, [insertion], rtol=1e-6)
        for curve, area in ((deletion, result.deletion_area), (insertion, result.insertion_area)):
            np.testing.assert_allclose(area, sum(curve) / 4 - (curve[0] + curve[-1]) / 8, rtol=1e-6)
        deletion, insertion = [1 - p for p in deletion], [1 - p for p in insertion]
    unasked = deletion_and_insertion(model, images, maps, steps=4, hide_with="black")
    np.testing.assert_allclose(unasked.deletion[0, 0], 24 / 25, rtol=1e-6)  # class 1 is predicted


RNG = np.random.default_rng(5)
THREE_CLASSES = linear_model(RNG.normal(0, 0.01, (6, 5, 2, 3)), [0.1, 0.0, -0.2], "softmax")


@settings(max_examples=12)
@given(
    st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 90),
    st.sampled_from(["black", "sky", "noisy_sky", "blur"]),
)  # fmt: skip
def test_curves_are_those_of_brute_force(
    seed: int, steps: int, batch_size: int, hide_with: Any
) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (2, 6, 5, 2)).astype(np.uint8)
    maps = rng.normal(size=(2, 6, 5))
    classes = rng.integers(0, 3, 2)
    result = deletion_and_insertion(
        THREE_CLASSES, images, maps, classes, steps=steps, hide_with=hide_with,
        batch_size=batch_size,
    )  # fmt: skip
    hidden = baseline_images(images, hide_with)
    kernel, bias = THREE_CLASSES.get_weights()
    for i in range(2):
        highest_first = sorted(np.ndindex(6, 5), key=lambda pixel: -maps[(i, *pixel)])
        for step in range(steps + 1):
            deleted, inserted = images[i].astype(float), hidden[i].astype(float)
            for pixel in highest_first[: round(30 * step / steps)]:
                deleted[pixel], inserted[pixel] = hidden[i][pixel], images[i][pixel]
            for curve, image in ((result.deletion, deleted), (result.insertion, inserted)):
                odds = np.exp(image.ravel() @ kernel + bias)
                expected = odds[classes[i]] / odds.sum()
                assert curve[i, step] == pytest.approx(expected, rel=1e-4, abs=1e-6)


@settings(max_examples=5)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 5, 30]))
def test_what_is_inserted_first_is_deleted_last(seed: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (2, 6, 5, 2)).astype(np.uint8)
    maps = rng.normal(size=(2, 6, 5)).astype(np.float32)
    forth = deletion_and_insertion(THREE_CLASSES, images, maps, steps=steps)
    back = deletion_and_insertion(THREE_CLASSES, images, -maps, steps=steps)
    np.testing.assert_allclose(forth.insertion, back.deletion[:, ::-1], rtol=1e-5)
    np.testing.assert_allclose(forth.insertion_area, back.deletion_area, rtol=1e-5)


def test_a_flat_map_is_a_random_order_and_no_sweep() -> None:
    weights = np.zeros((SIDE, SIDE, 1, 1))
    weights[: SIDE // 2] = 8 / (SIDE * SIDE / 2)
    model = linear_model(weights, [-4.0], "sigmoid")
    image = np.ones((1, SIDE, SIDE, 1))
    for flat in (np.zeros((1, SIDE, SIDE)), np.full((1, SIDE, SIDE), 7)):
        result = deletion_and_insertion(model, image, flat, hide_with="black")
        # A sweep from the top would have an area of a quarter, and have lost all by half.
        assert result.deletion[0, 16] == pytest.approx(0.5, abs=0.1)
        assert result.deletion_area[0] == pytest.approx(0.5, abs=0.05)
    patches = np.zeros((1, SIDE, SIDE))
    patches[:, SIDE // 2 :] = 1  # the half that does not matter comes first
    result = deletion_and_insertion(model, image, patches, hide_with="black")
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
    inputs = keras.Input((6, 5, 2))
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(Counting()(inputs)))
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(outputs))
    counts = []
    for n_images, batch_size in ((1, 64), (4, 7)):
        Counting.times = 0
        images, maps = np.ones((n_images, 6, 5, 2)), np.zeros((n_images, 6, 5))
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
    with pytest.raises(ValueError, match="1 classes for 2 images"):
        deletion_and_insertion(model, images, maps, np.array([1]))
