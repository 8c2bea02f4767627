"""The colour of the sky."""

from typing import Any

import numpy as np

from galaxy_morphology.sky import noisy_skies, sky_colour


def test_galaxy_and_stars_do_not_change_it() -> None:
    images = np.tile(np.array([[[10, 20, 30]]], np.uint8), (2, 40, 40, 1))
    images[:, 10:30, 10:30] = 250
    images[1, :6, :6] = 255  # a star in the corner
    assert sky_colour(images).tolist() == [[10, 20, 30]] * 2


def test_it_is_the_median_of_the_frame_whatever_the_shape() -> None:
    image = np.random.default_rng(0).uniform(0, 9, (1, 20, 30, 2))
    frame = np.ones((20, 30), bool)
    frame[4:-4, 4:-4] = False
    corners = np.zeros((20, 30), int)  # the sides overlap there, and count twice
    corners[:4, :4] = corners[:4, -4:] = corners[-4:, :4] = corners[-4:, -4:] = 1
    pixels = np.concatenate([image[0][frame], image[0][corners == 1]])
    np.testing.assert_allclose(sky_colour(image)[0], np.median(pixels, axis=0), rtol=1e-6)


def test_a_noisy_sky_has_the_noise_of_the_frame_and_none_of_its_stars() -> None:
    rng = np.random.default_rng(0)
    images = rng.normal((20, 30, 40), (1, 2, 3), (3, 64, 64, 3)).astype(np.float32)
    images[:, 20:44, 20:44] += 100
    images[:, :3, :3] = 250
    skies = noisy_skies(images, np.random.default_rng(1))
    assert skies.shape == images.shape
    assert skies.max() < 60
    np.testing.assert_allclose(skies.mean(axis=(1, 2)), [[20, 30, 40]] * 3, atol=0.4)
    np.testing.assert_allclose(skies.std(axis=(1, 2)), [[1, 2, 3]] * 3, rtol=0.1)
    again = noisy_skies(images[:1], np.random.default_rng(1))
    np.testing.assert_array_equal(skies[:1], again)
    assert not np.array_equal(skies[:1], noisy_skies(images[:1], np.random.default_rng(2)))


def test_its_noise_is_as_correlated_as_that_of_the_frame() -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    grain = gaussian_filter(rng.normal(size=(128, 128)), 1.0, mode="wrap")
    # The first two channels share their noise, the third has its own, without grain.
    image = np.stack([grain * 20, grain * 10, rng.normal(size=(128, 128)) * 4], axis=-1) + 100
    sky = noisy_skies(image[None].astype(np.float32), np.random.default_rng(1))[0]

    def neighbours(noise: Any) -> Any:
        return [
            np.corrcoef(noise[:, :-1, c].ravel(), noise[:, 1:, c].ravel())[0, 1] for c in (0, 2)
        ]

    # A Gaussian filter of 1 px leaves exp(-1/4) between neighbours; the frame, eight pixels wide,
    # lacks some of them.
    np.testing.assert_allclose(neighbours(sky), [np.exp(-1 / 4), 0], atol=0.1)
    between = np.corrcoef(sky.reshape(-1, 3).T)
    np.testing.assert_allclose(between[0], [1, 1, 0], atol=0.1)


def test_a_sky_stays_within_the_range_of_pixels_and_a_flat_one_is_flat() -> None:
    flat = np.full((1, 32, 32, 3), 7, np.uint8)
    np.testing.assert_allclose(noisy_skies(flat, np.random.default_rng(0)), 7, atol=1e-4)
    dark = np.random.default_rng(0).integers(0, 3, (1, 32, 32, 3)).astype(np.uint8)
    assert noisy_skies(dark, np.random.default_rng(0)).min() == 0
