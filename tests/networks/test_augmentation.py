"""Augmentation against transforms worked out by hand and by TensorFlow."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxy_morphology.networks import random_transforms, warp
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
    return warp(images, maps, **({"fill": "sky", "interpolation": "nearest"} | how))


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


def test_outside_the_frame_is_the_median_sky_of_each_channel() -> None:
    sky = np.array([10, 20, 30], np.uint8)
    image = np.tile(sky, (1, 20, 20, 1))
    image[0, 6:14, 6:14] = 200
    image[0, 0, 0] = 255  # a star in the corner does not move a median
    result = warped(image, transforms(1, seed=3, width_shift=0.4, height_shift=0.4))[0]
    filled = (result == sky).all(axis=-1)
    galaxy = (result == 200).all(axis=-1)
    assert (filled | galaxy).sum() >= 399
    assert galaxy.any()


def test_nearest_interpolation_invents_no_values() -> None:
    result = warped(CUTOUTS, transforms(rotation_degrees=180.0), fill="reflect")
    for image, original in zip(result, CUTOUTS, strict=True):
        assert set(image.ravel()) <= set(original.ravel())


def test_an_unknown_range_is_an_error() -> None:
    with pytest.raises(TypeError, match="rotation"):
        transforms(rotation=3)
