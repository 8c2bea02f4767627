"""Explanations of what networks see in bands: where the light is, and in which band."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from galaxy_morphology.attribution import (
    agreement_under_noise,
    baseline_images,
    control_maps,
    deletion_and_insertion,
    explainer,
    integrated_gradients,
)
from galaxy_morphology.attribution.hiding import logits_behind
from galaxy_morphology.attribution.stability import _with_more_noise
from galaxy_morphology.attribution.superpixels import superpixels
from galaxy_morphology.networks import BandScale, compact_cnn, measure_bands, predict_logits
from galaxy_morphology.networks.ends import classifier, cutout_input
from galaxy_morphology.typing import Bands, KerasModel

SIDE = 24
RNG = np.random.default_rng(0)


def galaxies(n: int, n_bands: int) -> Bands:
    """Round galaxies of half the brightness of their skies' noise to 200 times as much."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    light = np.exp(-(x**2 + y**2) / 18)[..., None] * np.linspace(1, 4, n_bands)
    return np.asarray(light + RNG.normal(0, 0.02, (n, SIDE, SIDE, n_bands)), np.float16)


def small_network(images: Bands) -> KerasModel:
    keras.utils.set_random_seed(2)
    scale = measure_bands(images, np.arange(len(images)))
    return compact_cnn(images.shape[1:], 2, bands=scale, filters=(4, 6))


def network_of_one_band(scale: BandScale, n_bands: int, band: int, weight: float) -> KerasModel:
    """A logit that is a weight times the mean of one band, as it is after the stretch."""
    inputs, x = cutout_input((SIDE, SIDE, n_bands), colour=True, bands=scale)
    network = classifier(inputs, layers.GlobalAveragePooling2D()(x), 2, name="one_band")
    kernel = np.zeros((n_bands, 1), np.float32)
    kernel[band] = weight
    network.get_layer("logit").set_weights([kernel, np.zeros(1, np.float32)])
    return network


@pytest.mark.parametrize(("n_bands", "band"), [(1, 0), (2, 1), (3, 0), (5, 3)])
def test_integrated_gradients_find_the_band_that_alone_tells_the_classes(
    n_bands: int, band: int
) -> None:
    images = galaxies(3, n_bands)
    scale = measure_bands(images, np.arange(3))
    network = network_of_one_band(scale, n_bands, band, 5.0)
    maps, quality, _, _ = integrated_gradients(
        network, images, np.ones(3, int), baseline="black", steps=160, n_skies=1
    )
    assert maps.shape == (3, SIDE, SIDE, n_bands)
    others = np.delete(maps, band, axis=-1)
    assert not others.any()

    def standardised(values: Any) -> Any:
        sky, noise, mean, deviation = (each[band] for each in scale)
        return (np.arcsinh((values - sky) / noise) - mean) / deviation

    # The logit is a sum over pixels, so that each integral is a difference of its own term.
    values = images[..., band].astype(np.float64)
    expected = 5.0 * (standardised(values) - standardised(0.0)) / SIDE**2
    np.testing.assert_allclose(maps[..., band], expected, atol=3e-5)
    assert (quality["completeness_residual"] < 0.01).all()
    _, quality, _, _ = integrated_gradients(
        network, images, np.ones(3, int), baseline="black", steps=10, maximum_steps=10
    )
    difference = np.abs(quality["logit"] - quality["baseline_logit"])
    assert (quality["completeness_residual"] < 0.03 * difference).all()


@pytest.mark.parametrize("n_bands", [1, 2, 3, 5])
def test_superpixels_follow_the_galaxy_in_any_number_of_bands(n_bands: int) -> None:
    image = galaxies(1, n_bands)[0]
    segments = superpixels(image, 20, 10.0)
    assert segments.shape == (SIDE, SIDE)
    assert len(np.unique(segments)) > 4
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(x, y)
    within = [np.std(radius[segments == number]) for number in np.unique(segments)]
    assert np.mean(within) < np.std(radius)


def test_parts_are_hidden_in_all_bands_at_once() -> None:
    images = galaxies(2, 5)
    network = small_network(images)
    skies = baseline_images(images[0], "noisy_sky", 2, np.random.default_rng(1))
    shown = np.stack([np.ones((SIDE, SIDE)), np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))])
    shown[2, :, :12] = 1
    logits = logits_behind(network, images[0], skies, shown, np.array([0, 1, 1]))
    halves = np.where(shown[2][..., None] == 1, images[0].astype(np.float32), skies[1])
    by_hand = np.stack([images[0].astype(np.float32), skies[1], halves])
    np.testing.assert_allclose(logits, predict_logits(network, by_hand), atol=1e-4)


def test_skies_of_bands_have_no_limits() -> None:
    images = galaxies(1, 2) - np.float16(3)
    (sky,) = baseline_images(images[0], "noisy_sky", 1, np.random.default_rng(1))
    assert sky.mean() == pytest.approx(-3, abs=0.05)
    noisy = _with_more_noise(images, 0)
    assert noisy.dtype == np.float16
    assert noisy.mean() == pytest.approx(float(images.mean()), abs=0.02)
    added = (noisy - images).astype(np.float32)[0]
    np.testing.assert_allclose(added.std(axis=(0, 1)), 0.02, rtol=0.3)


def test_checks_take_bands() -> None:
    images = galaxies(3, 5)
    network, codes = small_network(images), np.zeros(3, int)
    explain = explainer("grad_cam")
    maps = explain(network, images, codes)
    found = deletion_and_insertion(network, images, maps, codes, steps=2, n_skies=1)
    assert np.isfinite(found.deletion).all()
    agreement = agreement_under_noise(explain, network, images, codes, maps, seed=0)
    assert np.isfinite(agreement).all()
    brightness = control_maps(images, 0)["brightness"]
    assert brightness[:, 12, 12].min() > 100 * np.median(brightness)
