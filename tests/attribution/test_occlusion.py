"""Occlusion against closed forms, a model that looks at one square, and the saliency library."""

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.attribution.baselines import ATTRIBUTING, baseline_images
from galaxy_morphology.attribution.occlusion import _patches_along, _skies_in_turn, occlusion
from galaxy_morphology.typing import KerasModel

SIDE = 24
RNG = np.random.default_rng(0)
CUTOUTS = np.stack([draw_galaxy(RNG, axis_ratio=q, side=SIDE) for q in (0.3, 0.9)])


def linear_model(weights: NDArray[Any], bias: float = 0.3) -> KerasModel:
    """A sigmoid of a weighted sum of pixels."""
    model = keras.Sequential(
        [
            keras.Input(weights.shape),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.set_weights([weights.reshape(-1, 1), np.array([bias])])
    return model


def mean_drop(losses: NDArray[Any], patch: int, stride: int) -> NDArray[Any]:
    """The mean over patches of the sum of what their pixels lose, a patch at a time.

    Losses behind several skies, [skies, height, width], take turns as the patches do.
    """
    n_overlapping = int(np.ceil(patch / stride))
    _, height, width = losses.shape
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for row, top in enumerate([*range(0, height - patch, stride), height - patch]):
        for column, left in enumerate([*range(0, width - patch, stride), width - patch]):
            some = slice(top, top + patch), slice(left, left + patch)
            sky = (row + n_overlapping * column) % len(losses)
            total[some] += losses[sky][some].sum()
            count[some] += 1
    return total / count


def losses_behind(weights: NDArray[Any], image: NDArray[Any], kind: Any, n: int) -> NDArray[Any]:
    """What each pixel loses behind each sky, [skies, height, width]."""
    skies = baseline_images(image, kind, n, np.random.default_rng([0, ATTRIBUTING]))
    return np.asarray((weights * (image - skies)).sum(axis=-1))


@pytest.mark.parametrize("hide_with", ["black", "sky", "noisy_sky", "blur"])
def test_occlusion_of_a_linear_model(hide_with: Any) -> None:
    weights = RNG.normal(0, 0.01, (SIDE, SIDE, 3))
    maps, quality, title, notes = occlusion(
        linear_model(weights), CUTOUTS, np.array([1, 0]), patch=7, stride=5, hide_with=hide_with,
        n_skies=3, batch_size=7,
    )  # fmt: skip
    losses = [losses_behind(weights, image, hide_with, 3) for image in CUTOUTS]
    np.testing.assert_allclose(maps[0], mean_drop(losses[0], 7, 5), atol=1e-4)
    # What speaks for the first class is what speaks against the second.
    np.testing.assert_allclose(maps[1], -mean_drop(losses[1], 7, 5), atol=1e-4)
    assert maps.dtype == np.float32
    assert quality["n_patches"].tolist() == [25, 25]  # they begin at 0, 5, 10, 15 and 17
    assert (quality["largest_drop"] >= maps.max(axis=(1, 2))).all()
    assert title == "Occlusion"
    assert notes[0] == f"a patch counts up to {quality['largest_drop'][0]:.2f} logits"


@given(patch=st.integers(1, 12), stride=st.integers(1, 12), n=st.integers(1, 4))
def test_patches_that_cover_a_pixel_show_different_skies(patch: int, stride: int, n: int) -> None:
    stride = min(stride, patch)
    side = patch + n * stride
    patches = _patches_along(side, patch, stride)
    which = _skies_in_turn(len(patches), len(patches), patch, stride)
    n_overlapping = patches.sum(axis=0).max()
    covering = patches[:, None, :, None] & patches[None, :, None, :]
    for at_pixel in covering.reshape(len(which), -1).T:
        skies = which[at_pixel] % (-(-patch // stride)) ** 2
        assert len(set(skies)) == len(skies) <= n_overlapping**2


def test_a_model_that_looks_at_a_square_loses_only_by_patches_that_touch_it() -> None:
    weights = np.zeros((SIDE, SIDE, 3))
    weights[8:12, 12:16] = 0.01
    maps, *_ = occlusion(linear_model(weights), CUTOUTS, patch=4, stride=4)
    looked_at = np.zeros((SIDE, SIDE), bool)
    looked_at[8:12, 12:16] = True
    assert (maps[:, ~looked_at] == 0).all()
    assert (np.ptp(maps[:, looked_at], axis=1) == 0).all()
    assert (maps[:, looked_at] > 0).all()


def test_a_patch_as_large_as_the_image_leaves_the_sky() -> None:
    weights = RNG.normal(0, 0.01, (SIDE, SIDE, 3))
    maps, quality, *_ = occlusion(
        linear_model(weights), CUTOUTS, np.array([1, 1]), patch=SIDE, stride=SIDE
    )
    for image, found in zip(CUTOUTS, maps, strict=True):
        first_sky = losses_behind(weights, image, "noisy_sky", 4)[0]
        np.testing.assert_allclose(found, first_sky.sum(), rtol=1e-3)
    assert quality["n_patches"].tolist() == [1, 1]


def test_occlusion_agrees_with_saliency() -> None:
    import saliency.core as saliency

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(3, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    image = CUTOUTS[:1, 6:18, 6:18].astype(np.float32)

    def answers(images: NDArray[Any], *_: Any, **__: Any) -> dict[str, Any]:
        logits = np.asarray(model(images.astype(np.float32)))[:, 0]
        return {saliency.OUTPUT_LAYER_VALUES: logits}

    sums = saliency.Occlusion().GetMask(image[0], answers, size=9, value=0)[..., 0]
    maps, *_ = occlusion(model, image, np.array([1]), patch=9, stride=1, hide_with="black")
    along = np.minimum(np.arange(1, 13), np.arange(12, 0, -1)).clip(max=4)
    np.testing.assert_allclose(maps[0] * np.outer(along, along), sums, rtol=1e-3, atol=1e-6)


@given(st.data())
@settings(max_examples=100)
def test_patches_are_whole_and_leave_no_pixel_out(data: st.DataObject) -> None:
    side = data.draw(st.integers(1, 64))
    patch = data.draw(st.integers(1, side))
    stride = data.draw(st.integers(1, patch))
    patches = _patches_along(side, patch, stride)
    assert patches.any(axis=0).all()
    assert (patches.sum(axis=1) == patch).all()
    assert len(np.unique(patches, axis=0)) == len(patches)
    steps = np.diff(patches.argmax(axis=1))
    assert (steps[:-1] == stride).all()
    assert (steps <= stride).all()


def test_impossible_patches_are_refused() -> None:
    model = linear_model(np.zeros((SIDE, SIDE, 3)))
    with pytest.raises(ValueError, match="patches of 25 px for images with a side of 24 px"):
        occlusion(model, CUTOUTS, patch=25)
    with pytest.raises(ValueError, match="patches of 0 px"):
        occlusion(model, CUTOUTS, patch=0)
    with pytest.raises(ValueError, match="stride of 9 px for patches of 8 px.*left out"):
        occlusion(model, CUTOUTS, patch=8, stride=9)
    with pytest.raises(ValueError, match="stride of 0 px"):
        occlusion(model, CUTOUTS, stride=0)
