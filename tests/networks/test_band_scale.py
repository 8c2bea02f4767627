"""Networks take bands in whatever units, and scale them by the galaxies they learn from."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.bands import pictures_of
from galaxy_morphology.networks import (
    NETWORKS,
    BandScale,
    augment,
    build_optimizer,
    compact_cnn,
    kept_weights,
    measure_bands,
    predict_logits,
    train,
    warp,
)
from galaxy_morphology.networks.ends import cutout_input, sees_bands
from galaxy_morphology.typing import Bands

STILL: dict[str, Any] = {
    "rotation_degrees": 0.0, "width_shift": 0.0, "height_shift": 0.0, "shear_degrees": 0.0,
    "zoom": 0.0, "zoom_per_axis": False, "horizontal_flip": False, "vertical_flip": False,
}  # fmt: skip
NOTHING_HIDDEN = {"everything": 0.0, "faded": 0.0, "parts": 0.0, "hidden_share": (0.0, 1.0),
                  "cells": (3, 16), "smooth": 0.5}  # fmt: skip


def galaxies(n: int, n_bands: int, *, unit: float = 1.0, seed: int = 0) -> Bands:
    """Round and elongated galaxies in turn, each band with its own sky, noise and brightness."""
    rng = np.random.default_rng(seed)
    images = np.empty((n, 32, 32, n_bands), np.float32)
    for row, image in enumerate(images):
        light = draw_galaxy(rng, axis_ratio=0.3 if row % 2 else 0.95, side=32, noise=0.0)
        for band in range(n_bands):
            noise = rng.normal(0.01 * band, 0.02 * (1 + band), (32, 32))
            image[..., band] = (light[..., 0] - 15.0) * (0.01 + 0.02 * band) + noise
    return (images * unit).astype(np.float16)


# ------------------------------------------------------------------ scale


@given(n=st.integers(1, 300), n_bands=st.integers(1, 5), seed=st.integers(0, 9))
@settings(max_examples=12, deadline=None)
def test_the_scale_is_that_of_numpy(n: int, n_bands: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.gamma(2, 3, (n, 12, 12, n_bands)).astype(np.float16)
    rows = rng.permutation(n)[: max(1, n // 2)]
    scale = measure_bands(images, rows)
    some = images[rows].astype(np.float64)
    frame = np.ones((12, 12), int)
    frame[4:-4, 4:-4] = 0
    frame[:4, :4] = frame[:4, -4:] = frame[-4:, :4] = frame[-4:, -4:] = 2  # corners count twice
    pixels = np.repeat(some.reshape(len(some), 144, n_bands), frame.ravel(), axis=1)
    median = np.median(pixels, axis=1)
    spread = np.median(np.abs(pixels - median[:, None]), axis=1) / 0.6744897501960817
    sky, noise = np.median(median, axis=0), np.median(spread, axis=0)
    stretched = np.arcsinh((some - sky) / noise).reshape(-1, n_bands)
    expected = (sky, noise, stretched.mean(axis=0), stretched.std(axis=0))
    for found, wanted in zip(scale, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("n_bands", [1, 2, 3, 5])
def test_what_a_network_sees_of_its_training_galaxies_is_standardised(n_bands: int) -> None:
    images = galaxies(20, n_bands)
    scale = measure_bands(images, np.arange(20))
    inputs, seen = cutout_input((32, 32, n_bands), colour=True, bands=scale)
    found = keras.Model(inputs, seen).predict(images.astype(np.float32), verbose=0)
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, atol=1e-4)
    sky, noise, mean, deviation = (np.array(each) for each in scale)
    by_hand = (np.arcsinh((images.astype(np.float64) - sky) / noise) - mean) / deviation
    np.testing.assert_allclose(found, by_hand, atol=1e-4)


def test_only_the_given_galaxies_are_measured() -> None:
    images = galaxies(8, 2)
    scale = measure_bands(images, np.array([1, 3, 4]))
    images[[0, 2, 5, 6, 7]] = 1000
    assert measure_bands(images, np.array([1, 3, 4])) == scale


def test_a_sky_without_noise_is_scaled_by_all_pixels() -> None:
    images = np.zeros((2, 12, 12, 1), np.float16)
    images[:, 5:7, 5:7] = 10
    scale = measure_bands(images, np.arange(2))
    assert scale.sky == (0,)
    assert scale.noise[0] == pytest.approx(images.astype(float).std())


@pytest.mark.parametrize("value", [0, 0.1, 1000])
def test_a_band_that_is_dead_in_all_galaxies_is_refused(value: float) -> None:
    images = galaxies(4, 3)
    images[..., 1] = value
    with pytest.raises(ValueError, match=r"Band 2 of 3 .* all 2 training galaxies: leave it out"):
        measure_bands(images, np.arange(2))


# ------------------------------------------------------------------ networks


def network_for(images: Bands, name: str = "compact", **options: Any) -> Any:
    keras.utils.set_random_seed(3)
    scale = measure_bands(images, np.arange(len(images)))
    return NETWORKS[name](images.shape[1:], 2, bands=scale, **options)


@pytest.mark.parametrize("n_bands", [1, 2, 3, 5])
def test_a_saved_network_takes_bands_as_they_are(n_bands: int, tmp_path: Path) -> None:
    images = galaxies(6, n_bands)
    network = network_for(images, filters=(4, 6))
    logits = predict_logits(network, images)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", safe_mode=True, compile=False)
    assert sees_bands(again)
    np.testing.assert_array_equal(predict_logits(again, images), logits)
    half = predict_logits(again, images, precision="mixed_bfloat16")
    np.testing.assert_allclose(half, logits, atol=0.03)


def test_another_unit_changes_nothing() -> None:
    in_nanomaggies, in_counts = galaxies(6, 3), galaxies(6, 3, unit=512.0)
    logits = [
        predict_logits(network_for(images, filters=(4, 6)), images)
        for images in (in_nanomaggies, in_counts)
    ]
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-5)


def test_bright_stars_are_finite_in_half_precision() -> None:
    images = galaxies(6, 2)
    network = network_for(images, filters=(4, 6))
    images[:, 10, 10] = 60_000  # millions of times the noise
    assert np.isfinite(predict_logits(network, images, precision="mixed_float16")).all()


@pytest.mark.parametrize("n_bands", [1, 3, 5])
def test_a_backbone_sees_bands_as_bright_as_photographs(n_bands: int, tiny_backbone: Path) -> None:
    images = galaxies(10, n_bands)
    network = network_for(images, "transfer", backbone=str(tiny_backbone))
    entering = keras.Model(network.inputs, network.get_layer("scale_for_backbone").output)
    found = entering.predict(images.astype(np.float32), verbose=0)
    # The backbone takes pixels of 0 to 255 to -1 to 1.
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 2 * 0.449 - 1, atol=1e-3)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 2 * 0.226, atol=1e-3)


def test_an_ensemble_has_no_members_that_see_something_else(tmp_path: Path) -> None:
    images = galaxies(4, 3)
    of_bands, of_pictures = tmp_path / "bands.keras", tmp_path / "pictures.keras"
    network_for(images, filters=(4, 6)).save(of_bands)
    compact_cnn((32, 32, 3), 2, filters=(4, 6)).save(of_pictures)
    members = [str(of_bands), str(of_bands)]
    single = keras.models.load_model(of_bands, compile=False)
    together = network_for(images, "ensemble", members=members)
    np.testing.assert_allclose(
        predict_logits(together, images), predict_logits(single, images), atol=1e-5
    )
    with pytest.raises(ValueError, match="it sees pictures; expected one of bands, as here"):
        network_for(images, "ensemble", members=[*members, str(of_pictures)])
    with pytest.raises(ValueError, match="it sees bands; expected one of pictures, as here"):
        NETWORKS["ensemble"]((32, 32, 3), 2, members=members)


@pytest.mark.parametrize("n_bands", [1, 5])
def test_bands_are_learned_from(n_bands: int) -> None:
    images = galaxies(48, n_bands)
    network = network_for(images, filters=(8, 16))
    labels = np.eye(2)[np.arange(48) % 2]
    *_, state = train(
        network, images, labels, np.arange(32), np.arange(32, 48),
        weights=np.ones(48), augmentation=STILL | {"fill": "sky", "interpolation": "nearest",
                                                   "hide": NOTHING_HIDDEN},
        optimizer=build_optimizer(name="adam", learning_rate=0.02, weight_decay=0.0,
                                  schedule="constant", warm_up_epochs=0, epochs=6,
                                  steps_per_epoch=4),
        epochs=6, batch_size=8, weight_average=0.0, batch_norm_galaxies=32, keep="best",
        patience=0, seed=0,
    )  # fmt: skip
    network.set_weights(kept_weights(state))
    assert state["history/validation_roc_auc"].max() > 0.9
    right = (predict_logits(network, images)[32:, 0] > 0) == (np.arange(32, 48) % 2)
    assert right.mean() > 0.8


# ------------------------------------------------------------------ augmentation and pictures


@pytest.mark.parametrize("fill", ["reflect", "nearest", "sky"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_all_bands_are_warped_alike(fill: Any, interpolation: Any) -> None:
    one, factors = galaxies(3, 1).astype(np.float32), np.array([1, 2, -1, 0.5, 4], np.float32)
    maps = np.tile(np.array([[0.9, 0.2, 1.0], [-0.2, 1.1, 2.0]], np.float32), (3, 1, 1))
    how = {"fill": fill, "interpolation": interpolation}
    images, skies = one * factors, np.full_like(one, -7) * factors
    together = warp(images, maps, skies, **how)
    np.testing.assert_allclose(together, together[..., :1] * factors, rtol=1e-5, atol=1e-6)
    # OpenCV warps up to four channels by another routine.
    alone = warp(images[..., :1], maps, skies[..., :1], **how)
    assert np.median(np.abs(together[..., :1] - alone)) < 0.002


@pytest.mark.parametrize("n_bands", [1, 2, 5])
def test_augmented_bands_keep_their_values(n_bands: int) -> None:
    images = galaxies(12, n_bands)
    how: dict[str, Any] = {"fill": "sky", "interpolation": "nearest"}
    same, _ = augment(images, np.random.default_rng(0), hide=NOTHING_HIDDEN, **how, **STILL)
    np.testing.assert_array_equal(same, images)
    hide = NOTHING_HIDDEN | {"everything": 0.5, "parts": 0.5}
    hidden, is_empty = augment(images, np.random.default_rng(0), hide=hide, **how, **STILL)
    assert hidden.dtype == np.float16
    sky = hidden[is_empty].astype(np.float64)
    noise = [0.02 * (1 + band) for band in range(n_bands)]
    # As noisy as the galaxies' own, and below zero as often: nothing is cut off.
    np.testing.assert_allclose(sky.std(axis=(0, 1, 2)), noise, rtol=0.4)
    assert (sky[..., 0] < 0).mean() == pytest.approx(0.5, abs=0.15)


@given(n_bands=st.integers(1, 5), unit=st.sampled_from([0.01, 1.0, 100.0]))
@settings(max_examples=10, deadline=None)
def test_pictures_of_bands_show_galaxy_and_sky(n_bands: int, unit: float) -> None:
    images = galaxies(3, n_bands, unit=unit)
    pictures = pictures_of(images)
    assert pictures.dtype == np.uint8
    assert pictures.shape == (3, 32, 32, 3)
    first: NDArray[Any] = pictures[0].astype(float).mean(axis=-1)
    assert first[14:18, 14:18].mean() > 150 > 100 > first[:4].mean() > 10


def test_a_scale_names_a_number_for_each_band() -> None:
    scale = measure_bands(galaxies(4, 3), np.arange(4))
    assert isinstance(scale, BandScale)
    assert {len(each) for each in scale} == {3}
