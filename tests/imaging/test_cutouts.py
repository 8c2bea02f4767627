"""Single cut-outs: every kind of image comes out as 8-bit RGB, or with a reason."""

import resource
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from survey import encode

from galaxy_morphology.imaging import (
    UnusableCutoutError,
    prepare_cutout,
    read_cutout,
    resize,
    square,
)

RGB = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def read(encoded: bytes) -> NDArray[np.uint8]:
    return read_cutout(encoded, minimum_side=16, maximum_side=4096)


def png_of_size(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG whose header promises a size, whatever its pixels are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_colours_are_rgb() -> None:
    np.testing.assert_array_equal(read(encode(RGB)), RGB)


def test_16_bit_greyscale_and_alpha_become_8_bit_rgb() -> None:
    wide = RGB.astype(np.uint16) * 257
    np.testing.assert_array_equal(read(encode(wide)), RGB)
    grey = np.repeat(RGB[..., :1], 3, axis=2)
    np.testing.assert_array_equal(read(encode(RGB[..., 0])), grey)
    np.testing.assert_array_equal(read(encode(wide[..., 0])), grey)
    alpha = np.full((*RGB.shape[:2], 1), 9, np.uint8)
    np.testing.assert_array_equal(read(encode(np.concatenate([RGB, alpha], axis=2))), RGB)


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"", "no image: the file is empty"),
        (b"<html>404</html>", "no image"),
        (encode(RGB)[:3000], "damaged"),
        (encode(RGB)[:2000] + b"\x00" + encode(RGB)[2001:], "damaged"),
        (png_of_size(64, 64, zlib.compress(bytes(193 * 20))), "damaged"),
        (png_of_size(64, 64, b"not zlib"), "damaged"),
        (encode(RGB, ".jpg")[:1000], "damaged"),
        (encode(RGB[:15]), "too small: 50 × 15 px, at least 16 px"),
        (png_of_size(5000, 20, b""), "too large: 5000 × 20 px, at most 4096 px"),
    ],
)
def test_unusable_cutouts_have_a_reason(encoded: bytes, reason: str) -> None:
    with pytest.raises(UnusableCutoutError, match=reason):
        read(encoded)


def test_cutouts_on_which_nothing_is_to_be_seen() -> None:
    almost = np.full((2000, 2000, 3), 7, np.uint8)
    almost[500, 500] = 8  # gone once it is shrunk
    for image in (
        np.full((20, 20, 3), 7, np.uint8),
        np.full((20, 30, 3), (0, 200, 7), np.uint8),
        almost,
    ):
        with pytest.raises(UnusableCutoutError, match="uniform"):
            prepare_cutout(encode(image), side=128, minimum_side=16, maximum_side=4096)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_huge_image_is_rejected_before_it_is_decoded() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for side in (12_000, 30_000):
        rows = zlib.compress(bytes(3 * side + 1) * 100)
        with pytest.raises(UnusableCutoutError, match="too large"):
            read(png_of_size(side, side, rows))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50 * 1024  # KiB


def test_padding_keeps_the_galaxy_in_the_middle_on_its_sky() -> None:
    image = np.full((20, 31, 3), (5, 6, 7), np.uint8)
    image[8:12, 13:18] = 200
    padded = square(image)
    assert padded.shape == (31, 31, 3)
    np.testing.assert_array_equal(padded[5:25], image)
    assert (padded[:5] == (5, 6, 7)).all()
    assert (padded[25:] == (5, 6, 7)).all()


def test_shrinking_averages_over_areas() -> None:
    image = np.random.default_rng(1).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    by_hand = image.reshape(128, 2, 128, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(resize(image, 128) - by_hand).max() <= 0.5


@given(height=st.integers(16, 200), width=st.integers(16, 200), side=st.integers(16, 130))
def test_every_shape_comes_out_square_at_the_size_asked(height: int, width: int, side: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    image[height // 2, width // 2] = 255
    small = resize(square(image), side)
    assert small.shape == (side, side, 3)
    assert small.dtype == np.uint8


def test_a_round_galaxy_stays_round_in_a_frame_that_is_not_square() -> None:
    y, x = np.mgrid[:120, :200]
    light = np.exp(-((x - 99.5) ** 2 + (y - 59.5) ** 2) / (2 * 12**2))
    image = np.repeat((200 * light).astype(np.uint8)[..., None], 3, axis=2)
    small = resize(square(image), 128)[..., 0].astype(float)
    moments = cv2.moments(small)
    assert moments["mu20"] / moments["mu02"] == pytest.approx(1, abs=0.01)
    assert moments["m10"] / moments["m00"] == pytest.approx(63.5, abs=0.1)
