"""Augmentation against transforms worked out by hand and by TensorFlow."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxy_morphology.networks import augment, random_pattern, random_transforms, warp
from galaxy_morphology.typing import Images

STILL: dict[str, Any] = {
    "rotation_degrees": 0.0,
    "width_shift": 0.0,
    "height_shift": 0.0,
    "shear_degrees": 0.0,
    "zoom": 0.0,
    "zoom_per_axis": False,
    "horizontal_flip": False,
    "vertical_flip": False,
}
CUTOUTS = np.random.default_rng(0).integers(0, 256, (4, 20, 20, 3)).astype(np.uint8)


def transforms(n: int = 4, side: int = 20, seed: int = 0, **changes: Any) -> NDArray[np.float32]:
    return random_transforms(n, side, np.random.default_rng(seed), **(STILL | changes))


def warped(images: Images, maps: NDArray[np.float32], **how: Any) -> Images:
    skies = np.zeros_like(images)
    return warp(images, maps, skies, **({"fill": "sky", "interpolation": "nearest"} | how))


def test_no_range_is_no_change() -> None:
    np.testing.assert_array_equal(warped(CUTOUTS, transforms()), CUTOUTS)


def test_flips_mirror_about_the_centre() -> None:
    maps = transforms(64, horizontal_flip=True)
    images = np.repeat(CUTOUTS[:1], 64, axis=0)
    results = warped(images, maps)
    mirrored = np.array([(r == CUTOUTS[0, :, ::-1]).all() for r in results])
    same = np.array([(r == CUTOUTS[0]).all() for r in results])
    assert (mirrored ^ same).all()
    assert 16 < mirrored.sum() < 48


@given(seed=st.integers(0, 1000))
def test_rotation_keeps_distances_from_the_centre(seed: int) -> None:
    a, b, tx, c, d, ty = transforms(1, seed=seed, rotation_degrees=180.0).ravel()
    linear = np.array([[a, b], [c, d]])
    np.testing.assert_allclose(linear @ linear.T, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(linear @ [9.5, 9.5] + [tx, ty], [9.5, 9.5], atol=1e-4)


def test_every_angle_is_as_likely_and_ranges_are_kept() -> None:
    maps = transforms(4000, rotation_degrees=30.0)
    angles = np.degrees(np.arctan2(maps[:, 1, 0], maps[:, 0, 0]))
    assert np.abs(angles).max() <= 30
    counts, _ = np.histogram(angles, bins=6, range=(-30, 30))
    assert np.abs(counts - 4000 / 6).max() < 5 * np.sqrt(4000 / 6)
    zooms = transforms(4000, zoom=0.2)
    assert (zooms[:, 0, 0] == zooms[:, 1, 1]).all()
    assert 0.8 <= zooms[:, 0, 0].min() < 0.81
    assert 1.19 < zooms[:, 0, 0].max() <= 1.2
    apart = transforms(100, zoom=0.2, zoom_per_axis=True)
    assert not np.allclose(apart[:, 0, 0], apart[:, 1, 1])
    shifts = transforms(4000, width_shift=0.1)
    assert 1.99 < np.abs(shifts[:, 0, 2]).max() <= 2
    assert (shifts[:, 1, 2] == 0).all()


@pytest.mark.parametrize("fill", ["nearest", "reflect"])
def test_bilinear_warp_agrees_with_tensorflow(fill: str) -> None:
    from keras import ops

    smooth = np.linspace(0, 255, 20)[:, None, None] * np.array([1.0, 0.5, 0.2])
    images = np.stack(
        [smooth + np.zeros((1, 20, 1)), smooth.transpose(1, 0, 2) + np.zeros((20, 1, 1))]
    )
    images = np.rint(images).astype(np.uint8)
    maps = transforms(2, rotation_degrees=180.0, width_shift=0.1, shear_degrees=5.0, zoom=0.2)
    theirs = ops.image.affine_transform(
        images.astype(np.float32), np.pad(maps.reshape(2, 6), ((0, 0), (0, 2))),
        interpolation="bilinear", fill_mode=fill,
    )  # fmt: skip
    ours = warped(images, maps, interpolation="bilinear", fill=fill).astype(float)
    # OpenCV rounds positions to 1/32 of a pixel; one pixel to the next is up to 14 counts.
    np.testing.assert_allclose(ours, theirs, atol=2)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_outside_the_frame_is_the_sky_that_is_given(interpolation: str) -> None:
    images = np.full((1, 20, 20, 3), 200, np.uint8)
    sky = np.random.default_rng(0).integers(0, 50, images.shape).astype(np.uint8)
    maps = transforms(1, width_shift=0.4, seed=3)
    assert abs(maps[0, 0, 2]) > 2  # it moves by more than two pixels
    result = warp(images, maps, sky, fill="sky", interpolation=interpolation)  # type: ignore[arg-type]
    outside = (result == sky).all(axis=-1)
    assert ((result == 200).all(axis=-1) | outside).mean() > 0.94  # but for a column in between
    n_columns = outside[0].all(axis=0).sum()
    assert abs(n_columns - abs(maps[0, 0, 2])) <= 1.5


def test_nearest_interpolation_invents_no_values() -> None:
    result = warped(CUTOUTS, transforms(rotation_degrees=180.0), fill="reflect")
    for image, original in zip(result, CUTOUTS, strict=True):
        assert set(image.ravel()) <= set(original.ravel())


def test_an_unknown_range_is_an_error() -> None:
    with pytest.raises(TypeError, match="rotation"):
        transforms(rotation=3)


HIDE: dict[str, Any] = {
    "everything": 0.0, "faded": 0.0, "parts": 1.0,
    "hidden_share": (0.0, 1.0), "cells": (3, 16), "smooth": 0.5,
}  # fmt: skip


def augmented(images: Images, seed: int = 0, **changes: Any) -> Images:
    arguments = STILL | {"fill": "sky", "interpolation": "nearest", "hide": HIDE} | changes
    return augment(images, np.random.default_rng(seed), **arguments)[0]


def test_with_nothing_to_do_images_stay() -> None:
    same = augmented(CUTOUTS, hide=HIDE | {"parts": 0.0})
    np.testing.assert_array_equal(same, CUTOUTS)


def test_hidden_pixels_show_the_sky_and_the_others_the_galaxy() -> None:
    images = np.full((2, 32, 32, 3), 10, np.uint8)  # skies without noise
    images[1] = 100
    images[:, 4:-4, 4:-4] = 200
    some = augmented(images, hide=HIDE | {"hidden_share": (0.4, 0.6)})
    for image, sky, before in zip(some, (10, 100), images, strict=True):
        is_hidden = (image == sky) & (before == 200)
        assert 0.2 < is_hidden.mean() < 0.6
        np.testing.assert_array_equal(image[~is_hidden], before[~is_hidden])


def test_a_faded_image_lies_between_galaxy_and_sky() -> None:
    images = np.full((60, 16, 16, 3), 10, np.uint8)  # skies without noise
    images[:, 4:-4, 4:-4] = 210
    some = augmented(images, hide=HIDE | {"faded": 1.0, "parts": 0.0})
    assert (some[:, :4] == 10).all()
    galaxies = some[:, 4:-4, 4:-4].reshape(60, -1)
    assert (galaxies == galaxies[:, :1]).all()  # all of it fades alike
    shares = (galaxies[:, 0].astype(float) - 10) / 200
    assert 0 <= shares.min() < 0.1
    assert 0.9 < shares.max() <= 1
    assert abs(shares.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 60)


def test_as_many_images_are_hidden_as_wanted() -> None:
    images = np.random.default_rng(0).integers(100, 110, (400, 16, 16, 1)).astype(np.uint8)
    images[:, 4:-4, 4:-4] = 255
    hide = HIDE | {"everything": 0.2, "parts": 0.3, "hidden_share": (0.5, 0.6)}
    arguments = STILL | {"fill": "sky", "interpolation": "nearest", "hide": hide}
    some, is_empty = augment(images, np.random.default_rng(0), **arguments)
    is_shown = (some == 255).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(is_empty, ~is_shown)  # but for chance, a part is left
    is_changed = (some != images).any(axis=(1, 2, 3))
    for share, wanted in ((is_empty.mean(), 0.2), ((is_changed & ~is_empty).mean(), 0.3)):
        assert abs(share - wanted) < 5 * np.sqrt(wanted * (1 - wanted) / 400)


@given(seed=st.integers(0, 1000), share=st.floats(0, 1), cells=st.integers(1, 16))
def test_a_smooth_pattern_hides_the_share_that_was_drawn(
    seed: int, share: float, cells: int
) -> None:
    pattern = random_pattern(
        32, np.random.default_rng(seed),
        hidden_share=(share, share), cells=(cells, cells), smooth=1.0,
    )  # fmt: skip
    assert pattern.shape == (32, 32)
    assert pattern.mean() == pytest.approx(share, abs=2 / 32)


def test_shares_of_many_patterns_are_uniform_and_places_alike() -> None:
    from scipy.stats import kstest

    rng = np.random.default_rng(0)
    patterns = np.stack(
        [
            random_pattern(24, rng, hidden_share=(0, 1), cells=(3, 8), smooth=1.0)
            for _ in range(2000)
        ]
    )
    assert kstest(patterns.mean(axis=(1, 2)), "uniform").pvalue > 1e-3
    # Every pixel is hidden in half of them, within five standard deviations.
    assert np.abs(patterns.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(2000)


def test_a_blocky_pattern_is_made_of_squares() -> None:
    rng = np.random.default_rng(1)
    pattern = random_pattern(32, rng, hidden_share=(0.5, 0.5), cells=(4, 4), smooth=0.0)
    changes = np.flatnonzero((pattern[:, 1:] != pattern[:, :-1]).any(axis=0))
    assert len(changes) >= 2
    assert set(np.diff(changes).tolist()) <= {8, 16, 24}
