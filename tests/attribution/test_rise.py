"""RISE against what its masks must show of a linear model, in closed form."""

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from galaxy_morphology.attribution import rise
from galaxy_morphology.attribution.rise import _draw_masks
from galaxy_morphology.typing import KerasModel

SIDE = 24
WHITE = np.full((1, SIDE, SIDE, 3), 200, np.uint8)


def linear_model(weights: NDArray[Any]) -> KerasModel:
    """A sigmoid of a weighted sum of pixels."""
    inputs = keras.Input(weights.shape)
    outputs = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.set_weights([weights.reshape(-1, 1), np.array([2.0])])
    return model


def correlations(cell: float) -> NDArray[np.float64]:
    """How far a mask shows two pixels of a side together, [side, side].

    Linear interpolation of independent nodes, shifted at random: the autocorrelation of a hat is
    the cubic B-spline.
    """
    apart = np.abs(np.subtract.outer(np.arange(SIDE), np.arange(SIDE))) / cell
    spline = np.where(
        apart < 1, 2 / 3 - apart**2 + apart**3 / 2, np.clip(2 - apart, 0, None) ** 3 / 6
    )
    return np.asarray(spline / (2 / 3))


@pytest.mark.parametrize(("cells", "share_shown"), [(4, 0.5), (6, 0.3)])
def test_slopes_of_a_linear_model(cells: int, share_shown: float) -> None:
    weights = np.zeros((SIDE, SIDE, 3))
    weights[4:8, 10:14] = 1 / (16 * 3 * 200)  # all of it is worth a logit
    weights[16:20, 4:8] = -0.5 / (16 * 3 * 200)
    maps, quality, *_ = rise(
        linear_model(weights), WHITE, np.array([1]), n_masks=20_000, cells=cells,
        share_shown=share_shown, hide_with="black", batch_size=500,
    )  # fmt: skip
    along = correlations(SIDE / cells)
    expected = along @ (weights.sum(axis=-1) * 200) @ along
    assert expected.max() > 0.75
    np.testing.assert_allclose(maps[0], expected, atol=0.05)
    assert quality["halves_agree"][0] > 0.95


@pytest.mark.parametrize("class_index", [0, 1])
def test_it_finds_the_square_that_the_model_looks_at(class_index: int) -> None:
    weights = np.zeros((SIDE, SIDE, 3))
    weights[4:8, 10:14] = 0.01
    image = np.random.default_rng(0).normal(15, 4, (1, SIDE, SIDE, 3))
    image[:, 2:22, 2:22] += 100  # as bright elsewhere
    maps = rise(linear_model(weights), image, np.array([class_index]), n_masks=1000, cells=6).maps
    strength = maps[0] * (2 * class_index - 1)
    y, x = np.unravel_index(strength.argmax(), strength.shape)
    assert (4 <= y < 8, 10 <= x < 14) == (True, True)


@pytest.mark.parametrize("share_shown", [0.2, 0.5])
def test_masks_show_every_pixel_as_often(share_shown: float) -> None:
    drawn = _draw_masks(4000, 5, share_shown, (20, 33), np.random.default_rng(0))
    masks = drawn.enlarged(slice(None))
    assert masks.shape == (4000, 20, 33)
    assert masks.dtype == np.float32
    assert masks.min() >= 0
    assert masks.max() <= 1 + 1e-6
    np.testing.assert_allclose(masks.mean(axis=0), share_shown, atol=0.03)
    # A pixel half-way between nodes mixes them, one at a node is all hidden or shown.
    np.testing.assert_allclose(
        masks.var(axis=0), share_shown * (1 - share_shown) * 4 / 9, rtol=0.15
    )


def test_the_same_whatever_the_batches() -> None:
    model = linear_model(np.random.default_rng(1).normal(0, 0.01, (SIDE, SIDE, 3)))
    one, other = (
        rise(model, WHITE, n_masks=50, cells=4, batch_size=size).maps for size in (25, 64)
    )
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_where_nothing_matters_there_is_no_agreement_to_speak_of() -> None:
    maps, quality, *_ = rise(linear_model(np.zeros((SIDE, SIDE, 3))), WHITE, n_masks=20, cells=4)
    np.testing.assert_allclose(maps, 0, atol=1e-6)
    assert np.isnan(quality["halves_agree"]).all()


def test_shares_that_show_all_or_nothing_are_refused() -> None:
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match=f"share of {share}; expected one between 0 and 1"):
            rise(linear_model(np.zeros((SIDE, SIDE, 3))), WHITE, share_shown=share)
