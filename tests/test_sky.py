"""The colour of the sky."""

import numpy as np

from galaxy_morphology.sky import sky_colour, sky_with_noise


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
    skies = sky_with_noise(images, seed=1)
    assert skies.shape == images.shape
    assert skies.max() < 60
    np.testing.assert_allclose(skies.mean(axis=(1, 2)), [[20, 30, 40]] * 3, atol=0.4)
    np.testing.assert_allclose(skies.std(axis=(1, 2)), [[1, 2, 3]] * 3, rtol=0.1)
    np.testing.assert_array_equal(skies[1:2], sky_with_noise(images[1:2], seed=1))
