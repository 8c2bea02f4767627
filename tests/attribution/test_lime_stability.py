"""Overlap of LIME's superpixels between seeds, against sets counted from its maps."""

from itertools import combinations
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.segmentation import slic

from galaxy_morphology.attribution.lime import _mean_overlap, lime, lime_stability
from galaxy_morphology.typing import KerasModel

SIDE = 24
OPTIONS: dict[str, Any] = {"n_segments": 16, "hide_with": "black"}


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
    model.set_weights([weights.reshape(-1, 1), np.zeros(1)])
    return model


@pytest.fixture(scope="module")
def noisy_model() -> KerasModel:
    """Every pixel counts a little, so that a few samples hardly tell the superpixels apart."""
    return linear_model(np.random.default_rng(2).normal(0, 0.01, (SIDE, SIDE, 3)))


def test_it_is_the_overlap_of_what_the_maps_show(noisy_model: KerasModel) -> None:
    image, seeds, n_top = chequered(), [0, 3, 8], 3
    found = lime_stability(noisy_model, image, seeds=seeds, n_top=n_top, n_samples=25, **OPTIONS)
    segments = slic(image[0] / 255, n_segments=16, compactness=10, start_label=0)
    _, first_pixels = np.unique(segments, return_index=True)
    tops = []
    for seed in seeds:
        (map_,), _ = lime(noisy_model, image, seed=seed, n_samples=25, **OPTIONS)
        weights = map_.ravel()[first_pixels]
        tops.append(set(np.argsort(np.abs(weights))[-n_top:].tolist()))
    by_hand = np.mean([len(a & b) / len(a | b) for a, b in combinations(tops, 2)])
    assert 0 < by_hand < 1
    assert found.dtype == np.float64
    assert found.tolist() == pytest.approx([by_hand])


def test_a_model_that_hangs_on_one_square_is_stable() -> None:
    weights = np.zeros((SIDE, SIDE, 3))
    weights[9:15, 9:15] = 0.01
    images = np.concatenate([chequered(), 255 - chequered()])
    found = lime_stability(
        linear_model(weights), images, seeds=range(4), n_top=1, n_samples=200, **OPTIONS
    )
    assert found.tolist() == [1, 1]


def test_more_samples_are_more_stable(noisy_model: KerasModel) -> None:
    few, many = (
        lime_stability(noisy_model, chequered(), seeds=range(4), n_top=4, n_samples=n, **OPTIONS)[0]
        for n in (12, 600)
    )
    assert few < many


def test_where_there_is_nothing_to_choose_it_is_not_a_number(noisy_model: KerasModel) -> None:
    n_superpixels = int(lime(noisy_model, chequered(), n_samples=12, **OPTIONS).quality[
        "n_superpixels"][0])  # fmt: skip
    some, all_of_them = (
        lime_stability(noisy_model, chequered(), seeds=(0, 1), n_top=n, n_samples=12, **OPTIONS)
        for n in (n_superpixels - 1, n_superpixels)
    )
    assert some[0] > 0
    assert np.isnan(all_of_them).all()


SETS = st.sets(st.integers(0, 9), min_size=3, max_size=3)


@given(st.lists(SETS, min_size=2, max_size=5))
def test_overlap(sets: list[set[int]]) -> None:
    overlap = _mean_overlap(sets)
    assert 0 <= overlap <= 1
    assert (overlap == 1) == all(some == sets[0] for some in sets)
    assert _mean_overlap(sets[::-1]) == pytest.approx(overlap)
    # Sets of equal size n that share k have an overlap of k / (2 n - k).
    by_size = [len(a & b) / (6 - len(a & b)) for a, b in combinations(sets, 2)]
    assert overlap == pytest.approx(np.mean(by_size))


def test_nothing_to_compare_is_refused(noisy_model: KerasModel) -> None:
    for seeds in ([], [4], [4, 4]):
        with pytest.raises(ValueError, match=r"seeds .*; expected two or more different ones"):
            lime_stability(noisy_model, chequered(), seeds=seeds)
    with pytest.raises(ValueError, match="n_top 0; expected 1 or more"):
        lime_stability(noisy_model, chequered(), seeds=(0, 1), n_top=0)
    with pytest.raises(TypeError, match="n_sample"):
        lime_stability(noisy_model, chequered(), seeds=(0, 1), n_sample=50)
