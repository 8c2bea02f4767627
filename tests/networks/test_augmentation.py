"""Augmentation against transforms worked out by hand and by OpenCV."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxy_morphology.networks import random_transforms, warp

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
CUTOUTS = np.random.default_rng(0).uniform(0, 255, (4, 20, 20, 3)).astype(np.float32)


def transforms(n: int = 4, side: int = 20, seed: int = 0, **changes: Any) -> NDArray[np.float32]:
    return random_transforms(n, side, np.random.default_rng(seed), **(STILL | changes))


def warped(images: NDArray[np.float32], maps: NDArray[np.float32], **how: Any) -> NDArray[Any]:
    return np.asarray(warp(images, maps, **({"fill": "sky", "interpolation": "nearest"} | how)))


def test_no_range_is_no_change() -> None:
    np.testing.assert_allclose(warped(CUTOUTS, transforms()), CUTOUTS, atol=1e-4)


def test_flips_mirror_about_the_centre() -> None:
    maps = transforms(64, horizontal_flip=True)
    images = np.repeat(CUTOUTS[:1], 64, axis=0)
    results = warped(images, maps)
    mirrored = np.array([np.abs(r - CUTOUTS[0, :, ::-1]).max() < 1e-3 for r in results])
    same = np.array([np.abs(r - CUTOUTS[0]).max() < 1e-3 for r in results])
    assert (mirrored ^ same).all()
    assert 16 < mirrored.sum() < 48


@given(seed=st.integers(0, 1000))
def test_rotation_keeps_distances_from_the_centre(seed: int) -> None:
    a, b, tx, c, d, ty = transforms(1, seed=seed, rotation_degrees=180.0)[0, :6]
    linear = np.array([[a, b], [c, d]])
    np.testing.assert_allclose(linear @ linear.T, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(linear @ [9.5, 9.5] + [tx, ty], [9.5, 9.5], atol=1e-4)


def test_every_angle_is_as_likely_and_ranges_are_kept() -> None:
    maps = transforms(4000, rotation_degrees=30.0)
    angles = np.degrees(np.arctan2(maps[:, 3], maps[:, 0]))
    assert np.abs(angles).max() <= 30
    counts, _ = np.histogram(angles, bins=6, range=(-30, 30))
    assert np.abs(counts - 4000 / 6).max() < 5 * np.sqrt(4000 / 6)
    zooms = transforms(4000, zoom=0.2)
    assert (zooms[:, 0] == zooms[:, 4]).all()
    assert 0.8 <= zooms[:, 0].min() < 0.81
    assert 1.19 < zooms[:, 0].max() <= 1.2
    apart = transforms(100, zoom=0.2, zoom_per_axis=True)
    assert not np.allclose(apart[:, 0], apart[:, 4])
    shifts = transforms(4000, width_shift=0.1)
    assert 1.99 < np.abs(shifts[:, 2]).max() <= 2
    assert (shifts[:, 5] == 0).all()


def test_bilinear_warp_agrees_with_opencv() -> None:
    maps = transforms(rotation_degrees=180.0, width_shift=0.1, shear_degrees=5.0, zoom=0.2)
    for image, result, flat in zip(
        CUTOUTS, warped(CUTOUTS, maps, interpolation="bilinear", fill="nearest"), maps, strict=True
    ):
        expected = cv2.warpAffine(
            image,
            flat[:6].reshape(2, 3).astype(float),
            (20, 20),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        # OpenCV rounds positions to 1/32 of a pixel.
        assert np.abs(result - expected).mean() < 2


def test_outside_the_frame_is_the_median_sky_of_each_channel() -> None:
    sky = np.array([10.0, 20.0, 30.0], np.float32)
    image = np.tile(sky, (1, 20, 20, 1))
    image[0, 6:14, 6:14] = 200
    image[0, 0, 0] = 255  # a star in the corner does not move a median
    result = warped(image, transforms(1, seed=3, width_shift=0.4, height_shift=0.4))[0]
    filled = np.abs(result - sky).max(axis=-1) < 1e-3
    galaxy = np.abs(result - 200).max(axis=-1) < 1e-3
    assert (filled | galaxy).sum() >= 399
    assert galaxy.any()


def test_nearest_interpolation_invents_no_values() -> None:
    result = warped(CUTOUTS, transforms(rotation_degrees=180.0), fill="reflect")
    for image, original in zip(result, CUTOUTS, strict=True):
        assert set(image.ravel()) <= set(original.ravel())


def test_an_unknown_range_is_an_error() -> None:
    with pytest.raises(TypeError, match="rotation"):
        transforms(rotation=3)
