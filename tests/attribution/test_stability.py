"""Stability of methods whose answer to a turned or noisier galaxy is known."""

from itertools import combinations
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

from galaxy_morphology.attribution.stability import (
    agreement_under_noise,
    agreement_when_turned,
    overlap_of_seeds,
)
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


def test_overlap_worked_by_hand() -> None:
    # Cells of two pixels by two; the means of a row of them, the rest is zero.
    by_seed = [[5, -4, 3, 0], [5, -4, 0, 3], [0, -4, -5, 3]]
    maps = [np.kron([cells, [0, 0, 0, 0]], np.ones((2, 2)))[None] for cells in by_seed]
    # Named are {1, 2}, {1, 2} and {2, 3}: overlaps of 1, 1/3 and 1/3.
    found = overlap_of_seeds(maps, n_top=2, cells=2)
    assert found.dtype == np.float64
    assert found.tolist() == pytest.approx([5 / 9])
    # {1, 2, 3}, {1, 2, 4} and {2, 3, 4}: two in common of four, each time.
    assert overlap_of_seeds(maps, n_top=3, cells=2).tolist() == pytest.approx([1 / 2])


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 11), st.integers(1, 4))
def test_overlap_is_that_of_sets(seed: int, n_seeds: int, n_top: int, cells: int) -> None:
    maps = np.random.default_rng(seed).normal(0, 1, (n_seeds, 2, 4 * cells - 1, 3 * cells))
    found = overlap_of_seeds(list(maps), n_top=n_top, cells=cells)
    for i in range(2):
        named = []
        for of_seed in maps[:, i]:
            means = {
                (y, x): abs(of_seed[y : y + cells, x : x + cells].mean())
                for y in range(0, 4 * cells - 1, cells)
                for x in range(0, 3 * cells, cells)
                if y < of_seed.shape[0]
            }
            named.append(set(sorted(means, key=lambda cell: -means[cell])[:n_top]))
        overlaps = [len(one & other) / len(one | other) for one, other in combinations(named, 2)]
        if n_top < len(means):
            assert found[i] == pytest.approx(np.mean(overlaps))
        else:
            assert np.isnan(found[i])


def test_the_more_noise_between_seeds_the_less_overlap() -> None:
    signal = brightness(NO_MODEL, GALAXIES, CLASSES)

    def overlap(noise: float) -> float:
        maps = [signal + noise * RNG.normal(0, 1, signal.shape) for _ in range(4)]
        return float(overlap_of_seeds(maps, n_top=5, cells=3).mean())

    assert overlap(0) == 1
    assert overlap(0) > overlap(100) > overlap(1e5)
    # Five of 64 cells at random have an overlap of about 5 / 123.
    assert overlap(1e9) < 0.2


def test_a_flat_map_names_nothing() -> None:
    maps = np.stack([RNG.normal(0, 1, (8, 8)), np.full((8, 8), 0.1)]).astype(np.float32)
    found = overlap_of_seeds([maps, maps], n_top=2, cells=3)
    assert found[0] == 1
    assert np.isnan(found[1])


def test_nothing_to_compare_is_refused() -> None:
    maps = np.ones((1, 8, 8))
    with pytest.raises(ValueError, match="maps of 1 seeds; expected two or more"):
        overlap_of_seeds([maps], n_top=2, cells=2)
    with pytest.raises(ValueError, match="n_top 0; expected 1 or more"):
        overlap_of_seeds([maps, maps], n_top=0, cells=2)
