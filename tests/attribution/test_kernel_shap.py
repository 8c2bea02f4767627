"""Kernel SHAP against additive games, and games whose orders are all gone through."""

from collections.abc import Callable
from itertools import permutations
from math import comb, factorial
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from galaxy_morphology.attribution import kernel_shap, logit_model
from galaxy_morphology.attribution.baselines import ATTRIBUTING, baseline_images
from galaxy_morphology.attribution.kernel_shap import _pairs, _shapley_values
from galaxy_morphology.attribution.superpixels import superpixels
from galaxy_morphology.typing import KerasModel

SIDE = 24
OPTIONS: dict[str, Any] = {"n_segments": 9, "hide_with": "black"}


def chequered() -> NDArray[np.uint8]:
    """Nine bright squares of three brightnesses on black, [1, 24, 24, 3]."""
    image = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    for row in range(3):
        for column in range(3):
            y, x = 8 * row + 1, 8 * column + 1
            image[0, y : y + 6, x : x + 6] = 100 + 50 * ((row + column) % 3)
    return image


def linear_model(weights: NDArray[Any]) -> KerasModel:
    """A sigmoid of a weighted sum of pixels."""
    inputs = keras.Input(weights.shape)
    outputs = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.set_weights([weights.reshape(-1, 1), np.array([0.7])])
    return model


def by_all_orders(gain: Callable[[NDArray[Any]], float], n_players: int) -> NDArray[np.float64]:
    """Shapley values: what each player adds when it comes, over all orders of coming."""
    values = np.zeros(n_players)
    for order in permutations(range(n_players)):
        members, before = np.zeros(n_players, bool), 0.0
        for player in order:
            members[player] = True
            values[player] += gain(members) - before
            before = gain(members)
    return values / factorial(n_players)


@pytest.mark.parametrize("class_index", [0, 1])
def test_patches_of_a_linear_model_get_what_they_add(class_index: int) -> None:
    weights = np.random.default_rng(2).normal(0, 0.01, (SIDE, SIDE, 3))
    image = chequered()
    found = kernel_shap(
        linear_model(weights), image, np.array([class_index]), n_samples=60, **OPTIONS
    )
    segments = superpixels(image[0].astype(np.float32), 9, 10)
    by_pixel = (weights * image[0]).sum(axis=-1) * (2 * class_index - 1)
    by_patch = np.bincount(segments.ravel(), by_pixel.ravel())
    np.testing.assert_allclose(found.maps[0], by_patch[segments], rtol=1e-4, atol=1e-4)
    assert found.quality["r_squared"][0] == pytest.approx(1, abs=1e-6)
    assert found.quality["n_superpixels"].tolist() == [len(by_patch)]


def test_patches_of_a_network_get_the_mean_over_all_orders() -> None:
    keras.utils.set_random_seed(5)
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Dense(6, activation="tanh")(keras.layers.Flatten()(inputs / 255))
    model = keras.Model(inputs, keras.layers.Dense(1)(3 * x))
    blocks = np.kron([[40, 200, 90], [160, 90, 220]], np.ones((12, 8)))[None, ..., None]
    image = np.broadcast_to(blocks, (1, SIDE, SIDE, 3)).astype(np.uint8)
    segments = superpixels(image[0].astype(np.float32), 5, 10)
    n = int(segments.max()) + 1
    assert n == 6  # the blocks, so that 720 orders are all
    answers: dict[bytes, float] = {}

    def gain(members: NDArray[Any]) -> float:
        if members.tobytes() not in answers:
            shown = (image * members[segments][..., None]).astype(np.float32)
            both = np.concatenate([shown, np.zeros_like(shown)])
            logits = np.asarray(logit_model(model)(both))
            answers[members.tobytes()] = float(logits[0, 0] - logits[1, 0])
        return answers[members.tobytes()]

    expected = by_all_orders(gain, n)
    maps = kernel_shap(
        model, image, np.array([1]), n_samples=6000, n_segments=5, hide_with="black"
    ).maps
    _, first_pixels = np.unique(segments, return_index=True)
    alone = [gain(np.arange(n) == player) for player in range(n)]
    assert np.abs(np.array(alone) - expected).max() > 0.1  # else any method would find them
    np.testing.assert_allclose(maps[0].ravel()[first_pixels], expected, atol=0.02)


@pytest.mark.parametrize("n_players", [2, 3, 4, 5])
def test_values_of_any_game_where_every_coalition_counts_as_it_should(n_players: int) -> None:
    games = np.random.default_rng(1).normal(0, 1, 2**n_players)
    games[0] = 0
    bits = 2 ** np.arange(n_players)
    coalitions = np.arange(1, 2**n_players - 1)[:, None] & bits > 0
    size = coalitions.sum(axis=1)
    # The Shapley kernel is 1 / (C(n, k) k (n - k)): times these, whole numbers of repetitions.
    kernel = [60 * 60 / (comb(n_players, k) * k * (n_players - k)) for k in size]
    samples = np.repeat(coalitions, np.rint(kernel).astype(int), axis=0)
    values, _ = _shapley_values(samples, games[samples @ bits], games[-1])
    expected = by_all_orders(lambda members: games[members @ bits], n_players)
    np.testing.assert_allclose(values, expected, atol=1e-9)


def test_values_add_up_however_few_samples_there_are() -> None:
    rng = np.random.default_rng(0)
    for n_pairs in (1, 3, 40):
        samples = _pairs(n_pairs, 12, rng)
        values, r_squared = _shapley_values(samples, rng.normal(0, 1, 2 * n_pairs), 3.5)
        assert values.sum() == pytest.approx(3.5)
        assert r_squared <= 1


def test_what_the_map_adds_up_to_behind_several_skies() -> None:
    weights = np.random.default_rng(2).normal(0, 0.01, (SIDE, SIDE, 3))
    model, image = linear_model(weights), chequered()
    maps, quality, *_ = kernel_shap(model, image, n_samples=40, n_segments=9, n_skies=3, seed=4)
    rng = np.random.default_rng([4, ATTRIBUTING])
    skies = baseline_images(image[0], "noisy_sky", 3, rng)
    logits = np.asarray(logit_model(model)(np.concatenate([image, skies])))[:, 0]
    logits = logits * np.sign(logits[0])  # for the class that is predicted
    assert quality["logit"][0] == pytest.approx(logits[0], rel=1e-4)
    assert quality["baseline_logit"][0] == pytest.approx(logits[1:].mean(), rel=1e-3, abs=1e-4)
    segments = superpixels(image[0].astype(np.float32), 9, 10)
    _, first_pixels = np.unique(segments, return_index=True)
    total = maps[0].ravel()[first_pixels].sum()
    assert total == pytest.approx(logits[0] - logits[1:].mean(), rel=1e-4)


def test_coalitions_come_in_pairs_and_as_often_as_the_kernel_wants() -> None:
    n_players, n_pairs = 6, 20_000
    samples = _pairs(n_pairs, n_players, np.random.default_rng(0))
    np.testing.assert_array_equal(samples[::2], ~samples[1::2])
    sizes = np.arange(1, n_players)
    weights = np.array([1 / (k * (n_players - k)) for k in sizes])
    found = np.bincount(samples.sum(axis=1), minlength=n_players + 1)
    assert found[0] == found[n_players] == 0
    np.testing.assert_allclose(found[1:-1] / len(samples), weights / weights.sum(), atol=0.01)
    np.testing.assert_allclose(samples.mean(axis=0), 0.5)
    alone = samples[samples.sum(axis=1) == 1].mean(axis=0)
    np.testing.assert_allclose(alone, 1 / n_players, atol=0.02)


def test_one_patch_gets_all_of_it() -> None:
    image = np.full((1, SIDE, SIDE, 3), 50, np.uint8)
    maps, quality, *_ = kernel_shap(
        linear_model(np.full((SIDE, SIDE, 3), 1e-4)), image, n_samples=4, n_segments=1,
        hide_with="black",
    )  # fmt: skip
    assert quality["n_superpixels"].tolist() == [1]
    np.testing.assert_allclose(maps, 50 * SIDE * SIDE * 3 * 1e-4, rtol=1e-4)


def test_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="Found 1 samples; expected 2 or more"):
        kernel_shap(linear_model(np.zeros((SIDE, SIDE, 3))), chequered(), n_samples=1)
