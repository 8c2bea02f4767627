"""Stability of methods whose answer to a turned or noisier galaxy is known."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import spearmanr
from survey import draw_galaxy

from galaxy_morphology.attribution.stability import agreement_under_noise, agreement_when_turned
from galaxy_morphology.typing import FloatArray, KerasModel

SIDE = 24
RNG = np.random.default_rng(0)
GALAXIES = np.stack([draw_galaxy(RNG, axis_ratio=q, side=SIDE) for q in (0.3, 0.9, 0.5)])
CLASSES = np.array([1, 0, 1])
NO_MODEL: Any = None


def linear_model(weights: NDArray[Any]) -> KerasModel:
    """A weighted sum of pixels."""
    inputs = keras.Input(weights.shape)
    outputs = keras.layers.Dense(1, use_bias=False)(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.set_weights([weights.reshape(-1, 1)])
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


def brightness(model: KerasModel, images: Any, classes: Any) -> FloatArray:
    return np.asarray(images.mean(axis=-1), np.float32)


def from_left_to_right(model: KerasModel, images: Any, classes: Any) -> FloatArray:
    return np.broadcast_to(np.arange(images.shape[2], dtype=np.float32), images.shape[:3])


@pytest.mark.parametrize("cells", [None, 5])
def test_brightness_turns_with_the_galaxy(cells: int | None) -> None:
    maps = brightness(NO_MODEL, GALAXIES, CLASSES)
    agreement = agreement_when_turned(brightness, NO_MODEL, GALAXIES, CLASSES, maps, cells=cells)
    assert agreement.tolist() == [1, 1, 1]


def test_a_place_does_not_turn_with_the_galaxy() -> None:
    # Turned back, the ramp points up, left, down, and left: 0, -1, 0 and -1.
    maps = from_left_to_right(NO_MODEL, GALAXIES, CLASSES)
    agreement = agreement_when_turned(from_left_to_right, NO_MODEL, GALAXIES, CLASSES, maps)
    np.testing.assert_allclose(agreement, -0.5)


def test_a_network_that_looks_only_at_one_place() -> None:
    flat = np.full((1, SIDE, SIDE, 3), 100, np.uint8)
    in_the_corner, in_the_middle = np.zeros((2, SIDE, SIDE, 3))
    in_the_corner[2:8, 2:8] = 1
    in_the_middle[9:15, 9:15] = 1

    def agreement(weights: NDArray[Any]) -> float:
        model = linear_model(weights)
        maps = gradient_times_input(model, flat, CLASSES[:1])
        return agreement_when_turned(gradient_times_input, model, flat, CLASSES[:1], maps).item()

    assert agreement(in_the_middle) == 1
    square = in_the_corner[..., 0]
    views = [np.rot90(square, quarters) for quarters in (1, 2, 3)] + [square[:, ::-1]]
    expected = np.mean([spearmanr(square.ravel(), view.ravel()).statistic for view in views])
    assert agreement(in_the_corner) == pytest.approx(expected)


def test_the_noise_of_the_image_does_not_reach_a_constant_gradient() -> None:
    model = linear_model(RNG.normal(0, 1, (SIDE, SIDE, 3)))
    maps = gradient(model, GALAXIES, CLASSES)
    agreement = agreement_under_noise(gradient, model, GALAXIES, CLASSES, maps, seed=0)
    assert agreement.tolist() == [1, 1, 1]


def test_brightness_agrees_the_less_the_noisier_the_sky() -> None:
    def agreement(noise: float) -> float:
        galaxy = draw_galaxy(np.random.default_rng(3), axis_ratio=0.7, side=SIDE, noise=noise)
        maps = brightness(NO_MODEL, galaxy[None], CLASSES[:1])
        return agreement_under_noise(
            brightness, NO_MODEL, galaxy[None], CLASSES[:1], maps, seed=1
        ).item()

    assert 0.95 > agreement(2) > agreement(8) > agreement(20) > 0


class Recorder:
    """An explanation that remembers what it was asked."""

    images: NDArray[np.float32]
    classes: NDArray[np.int_]

    def __call__(self, model: KerasModel, images: Any, classes: Any) -> FloatArray:
        self.images, self.classes = images, classes
        return brightness(model, images, classes)


@settings(max_examples=20)
@given(st.floats(0, 20), st.floats(0, 20), st.integers(0, 1000))
def test_the_noise_is_that_of_the_sky_of_each_channel(red: float, blue: float, seed: int) -> None:
    sky = np.random.default_rng(2).normal(0, 1, (64, 64, 3))
    image = 128 + sky * np.array([red, 0, blue])
    image[12:52, 12:52] += 30  # neither the galaxy nor a star in the frame counts
    image[:2, :2] = 250
    asked = Recorder()
    agreement_under_noise(
        asked, NO_MODEL, image[None], np.array([7]), np.zeros((1, 64, 64)), seed=seed
    )
    added = (asked.images[0] - image)[4:]  # at the star, it is clipped
    expected = np.maximum([red, 0, blue], 1)
    np.testing.assert_allclose(added.std(axis=(0, 1)) / expected, 1, atol=0.15)
    np.testing.assert_allclose(added.mean(axis=(0, 1)) / expected, 0, atol=0.15)
    assert asked.images.dtype == np.float32
    assert asked.classes.tolist() == [7]


def test_noisier_galaxies_stay_images() -> None:
    images = np.concatenate(
        [np.zeros_like(GALAXIES[:1]), GALAXIES, np.full_like(GALAXIES[:1], 255)]
    )
    asked = Recorder()
    maps = brightness(NO_MODEL, images, np.zeros(5, int))
    agreement_under_noise(asked, NO_MODEL, images, np.zeros(5, int), maps, seed=0)
    assert (asked.images.min(), asked.images.max()) == (0, 255)


def test_a_galaxy_is_as_stable_whoever_is_beside_it() -> None:
    maps = brightness(NO_MODEL, GALAXIES, CLASSES)

    def agreement(some: slice, seed: int) -> list[float]:
        agreement = agreement_under_noise(
            brightness, NO_MODEL, GALAXIES[some], CLASSES[some], maps[some], seed=seed
        )
        return list(agreement)

    assert agreement(slice(1, 2), 5) == agreement(slice(0, 3), 5)[1:2]
    assert agreement(slice(0, 3), 5) != agreement(slice(0, 3), 6)


def test_only_squares_can_be_turned() -> None:
    images = np.zeros((1, 24, 20, 3), np.uint8)
    with pytest.raises(ValueError, match="24 × 20 px; expected square ones"):
        agreement_when_turned(brightness, NO_MODEL, images, CLASSES[:1], np.zeros((1, 24, 20)))
