"""Single cut-outs: every kind of image comes out as 8-bit RGB, or with a reason."""

import gzip
import resource
import struct
import zlib
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from survey import encode

from galaxy_morphology.imaging import (
    Cutout,
    FitsColours,
    UnknownWhiteLevelError,
    UnusableCutoutError,
    prepare_cutout,
    read_cutout,
    resize,
    square,
)

RGB = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


def cutout_of(encoded: bytes, white_level: int | None = 65535) -> Cutout:
    return read_cutout(encoded, minimum_side=16, maximum_side=4096, white_level=white_level)


def read(encoded: bytes) -> NDArray[np.uint8]:
    return cutout_of(encoded).pixels


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_of_size(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG whose header promises a size, whatever its pixels are."""

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


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with more parts behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def save(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


TEXT = zlib.compress(bytes(30_000_000))
SOUND = {
    "text of megabytes": chunk(b"tEXt", b"a\0" + b"x" * 3_000_000),
    "packed text": chunk(b"zTXt", b"a\0\0" + TEXT),
    "many packed texts": b"".join([chunk(b"zTXt", b"a\0\0" + TEXT)] * 100),
    "international text": chunk(b"iTXt", b"a\0\1\0\0\0" + TEXT),
    "a huge profile": chunk(b"iCCP", b"sRGB\0\0" + TEXT),
    "a wrong profile": chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(bytes(3144))),
    "a wrong checksum beside the pixels": chunk(b"tEXt", b"a\0b", checksum=0),
    "a wrong gamma": chunk(b"gAMA", bytes(4)),
    "one frame": chunk(b"acTL", struct.pack(">II", 1, 0)),
}


@pytest.mark.parametrize("extra", SOUND.values(), ids=SOUND)
def test_what_a_png_holds_beside_its_pixels_does_not_matter(
    extra: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    np.testing.assert_array_equal(read(with_chunks(encode(RGB), extra)), RGB)
    deep = encode(RGB.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read(with_chunks(deep, extra)), RGB)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024  # KiB
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # as when cut-outs are read
def test_nothing_is_written_whatever_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    picture = Image.fromarray(RGB)
    files = [
        encode(RGB), encode(RGB.astype(np.uint16)), encode(RGB.astype(np.uint16), ".tiff"),
        encode(RGB[..., 0]), save(picture, "TIFF", compression="tiff_lzw"), save(picture, "JPEG"),
        save(picture.convert("P"), "GIF"), save(picture, "WEBP"), save(picture, "JPEG2000"),
        encode(RGB.astype(np.float32), ".tiff"), png_of_size(64, 64, b"not zlib"),
        png_of_size(64, 64, zlib.compress(bytes(193 * 20))),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    outcomes = set()
    for file in files:
        for i in range(60):
            damaged = bytearray(file)
            damaged[rng.integers(len(file) if i % 2 else min(len(file), 200))] ^= 0x55
            try:
                read(bytes(damaged[: rng.integers(1, len(file))] if i % 5 == 0 else damaged))
                outcomes.add("read")
            except UnusableCutoutError as error:
                outcomes.add(str(error)[:7])
    assert {"read", "damaged", "no imag"} <= outcomes
    assert capfd.readouterr() == ("", "")


ALPHA = np.full(RGB.shape[:2], 255, np.uint8)
ALPHA[10:30, 5:20] = 0
SKY = (20, 30, 40)


def on_sky(side: int = 64) -> NDArray[np.uint8]:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    light = np.exp(-(x**2 + y**2) / (2 * (side / 12) ** 2))[..., None] * (200, 150, 100)
    return np.asarray(np.rint(light + SKY).clip(0, 255), np.uint8)


@pytest.mark.parametrize("kind", ["RGBA", "LA", "RGBA of 16 bits", "palette", "grey key", "WebP"])
@pytest.mark.parametrize("cut", ["a corner", "a circle"])
def test_where_a_cutout_is_transparent_it_shows_its_own_sky(kind: str, cut: str) -> None:
    image = on_sky()
    y, x = np.mgrid[:64, :64] - 31.5
    hidden = (x < -20) & (y < -20) if cut == "a corner" else np.hypot(x, y) > 28
    alpha = np.where(hidden, 0, 255).astype(np.uint8)
    white = np.where(hidden[..., None], 255, image).astype(np.uint8)  # what a viewer never shows
    grey = white[..., 1]
    expected = image
    if kind == "RGBA":
        encoded = save(Image.fromarray(np.dstack([white, alpha])), "PNG")
    elif kind == "WebP":
        encoded = save(Image.fromarray(np.dstack([white, alpha])), "WEBP", lossless=True)
    elif kind == "RGBA of 16 bits":
        encoded = encode(np.dstack([white, alpha]).astype(np.uint16) * 257)
    elif kind == "LA":
        encoded = save(Image.fromarray(np.dstack([grey, alpha])), "PNG")
    elif kind == "grey key":
        encoded = save(Image.fromarray(grey), "PNG", transparency=255)
    else:
        table = Image.fromarray(np.where(hidden, 255, image[..., 1]).astype(np.uint8), "P")
        table.putpalette([level for level in range(256) for _ in range(3)])
        encoded = save(table, "PNG", transparency=255)
    if kind in ("LA", "grey key", "palette"):
        expected = np.repeat(image[..., 1:2], 3, axis=2)
    cutout = cutout_of(encoded)
    assert cutout.transparent
    np.testing.assert_allclose(cutout.pixels.astype(int), expected, atol=3)
    np.testing.assert_array_equal(cutout.pixels[~hidden], expected[~hidden])


def test_what_is_half_transparent_is_half_sky() -> None:
    image, alpha = np.full((40, 40, 3), SKY, np.uint8), np.full((40, 40), 255, np.uint8)
    image[18:22, 18:22], alpha[18:22, 18:22] = 220, 51
    pixels = read(save(Image.fromarray(np.dstack([image, alpha])), "PNG"))
    assert pixels[20, 20].tolist() == [60, 68, 76]  # a fifth of 220, the rest of the sky
    assert pixels[0, 0].tolist() == list(SKY)


def test_transparency_that_is_the_same_everywhere() -> None:
    cutout = cutout_of(save(Image.fromarray(np.dstack([RGB, np.full_like(ALPHA, 9)])), "PNG"))
    assert not cutout.transparent
    np.testing.assert_array_equal(cutout.pixels, RGB)
    with pytest.raises(UnusableCutoutError, match="transparent: nothing is to be seen"):
        read(save(Image.fromarray(np.dstack([RGB, np.zeros_like(ALPHA)])), "PNG"))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_all_16_bits_are_read(channels: int, suffix: str) -> None:
    # White at 4,095: were the upper eight bits all that is read, at most 16 levels were left.
    values = np.random.default_rng(0).integers(0, 4096, (40, 50, channels), dtype=np.uint16)
    if channels == 4:
        values[..., 3] = 65535
    stored = values[..., 0] if channels == 1 else values
    expected = np.broadcast_to(values[..., : min(channels, 3)], (40, 50, 3)) * (255 / 4095)
    cutout = cutout_of(encode(stored, suffix), white_level=4095)
    np.testing.assert_allclose(cutout.pixels, expected, atol=0.501)
    assert cutout.white_level == 4095
    with pytest.raises(UnknownWhiteLevelError) as unknown:
        cutout_of(encode(stored, suffix), white_level=None)
    assert unknown.value.largest == values[..., :3].max()


def test_kinds_of_images() -> None:
    picture = Image.fromarray(RGB)
    grey = np.repeat(RGB[..., :1], 3, axis=2)
    black_and_white = np.where(grey > 127, 255, 0)
    turned = Image.Exif()
    turned[0x112] = 6
    for encoded, expected, tolerance in (
        (save(picture, "TIFF", compression="tiff_lzw"), RGB, 0),
        (save(picture.convert("CMYK"), "TIFF"), RGB, 0),
        (save(Image.fromarray(on_sky()).convert("CMYK"), "JPEG", quality=95), on_sky(), 6),
        (save(Image.fromarray(on_sky()), "JPEG", quality=95), on_sky(), 6),
        (save(Image.fromarray(black_and_white[..., 0] > 0), "PNG"), black_and_white, 0),
        (save(Image.fromarray(RGB[..., 0]), "PPM"), grey, 0),
        (save(picture, "PNG", exif=turned), RGB, 0),  # pixels as they are stored
    ):
        np.testing.assert_allclose(read(encoded).astype(int), expected, atol=tolerance)


@pytest.mark.parametrize(
    ("dtype", "channels"), [(np.float32, 1), (np.float32, 3), (np.int32, 1), (np.float64, 1)]
)
def test_other_numbers_than_of_8_or_16_bits_are_refused(dtype: Any, channels: int) -> None:
    values = RGB.astype(dtype) if channels == 3 else RGB[..., 0].astype(dtype)
    bits = 8 * np.dtype(dtype).itemsize
    with pytest.raises(UnusableCutoutError, match=f"numbers of {bits} bits .* 8 or 16 bits"):
        read(encode(values, ".tiff"))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_images_in_one_file_are_refused(kind: str) -> None:
    pages = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    with pytest.raises(UnusableCutoutError, match="several images in one file"):
        read(save(pages[0], kind, save_all=True, append_images=pages[1:]))


# ------------------------------------------------------------------ pixels that were no file


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(20, 30, 3), (20, 30, 1), (20, 30)])
def test_pixels_are_taken_as_they_are(dtype: type, shape: tuple[int, ...]) -> None:
    pixels: NDArray[Any] = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    cutout = read_cutout(pixels, minimum_side=16, maximum_side=99, white_level=255)
    assert (cutout.width, cutout.height, cutout.transparent) == (30, 20, False)
    expected = np.broadcast_to(pixels.reshape(20, 30, -1), (20, 30, 3))
    np.testing.assert_array_equal(cutout.pixels, expected)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((20, 30, 4), np.uint8), r"an array of the shape \(20, 30, 4\)"),
        (np.full((20, 30, 3), 0.5), "type float64 and not whole numbers from 0 to 255"),
        (np.full((20, 30, 3), -1), "not whole numbers from 0 to 255"),
        (np.full((20, 30, 3), 256.0), "not whole numbers from 0 to 255"),
        (np.full((20, 30, 3), np.nan), "not whole numbers from 0 to 255"),
        (np.zeros((20, 10, 3), np.uint8), "too small"),
        (np.zeros((20, 100, 3), np.uint8), "too large"),
    ],
)
def test_pixels_that_are_no_cutout(pixels: NDArray[Any], words: str) -> None:
    with pytest.raises(UnusableCutoutError, match=words):
        read_cutout(pixels, minimum_side=16, maximum_side=99)


# ------------------------------------------------------------------ FITS, scale and crop


def disc(side: int, arcsec_per_pixel: float, radius: float = 6.0) -> NDArray[np.uint8]:
    """A disc of a radius in arcsec, and a faint mark at the edge."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    image = np.where(np.hypot(x, y) * arcsec_per_pixel < radius, 200, 20)
    image[0, 0] = 90
    return np.repeat(image[..., None], 3, axis=2).astype(np.uint8)


def fits_of(image: NDArray[Any], arcsec_per_pixel: float | None = None) -> bytes:
    """The channels of a picture as bands b, g and r, as astropy writes them."""
    file, header = BytesIO(), fits.Header({"BANDS": "bgr"})
    if step := (arcsec_per_pixel or 0) / 3600:
        header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CD1_1=-step, CD2_2=step)
    fits.PrimaryHDU(image[::-1].transpose(2, 0, 1)[::-1].astype(np.float32), header).writeto(file)
    return file.getvalue()


LINEAR = FitsColours(stretch="linear", scale=255.0)
LIMITS: dict[str, Any] = {"minimum_side": 16, "maximum_side": 4096}


@pytest.mark.parametrize("shape", [(64, 64), (40, 50), (90, 30)])
def test_the_same_pixels_as_png_and_as_fits_are_the_same_image(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    of_png = prepare_cutout(encode(image), side=32, **LIMITS)
    of_fits = prepare_cutout(fits_of(image), side=32, fits=LINEAR, **LIMITS)
    np.testing.assert_array_equal(of_fits.pixels, of_png.pixels)
    assert of_fits[1:] == of_png[1:]


def test_the_scale_is_that_of_the_file_where_it_tells() -> None:
    cutouts = [
        read_cutout(encoded, arcsec_per_pixel=0.3, **LIMITS)
        for encoded in (fits_of(RGB, 0.262), fits_of(RGB), encode(RGB))
    ]
    assert [cutout.arcsec_per_pixel for cutout in cutouts] == [pytest.approx(0.262), 0.3, 0.3]


def test_surveys_of_different_resolution_show_the_same_part_of_the_sky() -> None:
    fine, coarse = disc(200, 0.2), disc(80, 0.4)
    cutouts = [
        prepare_cutout(encoded, side=60, crop_arcsec=24.0, arcsec_per_pixel=0.4, fits=LINEAR,
                       **LIMITS)
        for encoded in (fits_of(fine, 0.2), fits_of(coarse), encode(coarse))
    ]  # fmt: skip
    assert [cutout[1:3] for cutout in cutouts] == [(120, 120), (60, 60), (60, 60)]
    for cutout in cutouts:
        is_disc = cutout.pixels[..., 1] > 110
        assert is_disc.mean() == pytest.approx(np.pi * 6**2 / 24**2, rel=0.03)
        rows, columns = np.nonzero(is_disc)
        assert rows.mean() == pytest.approx(29.5)
        assert columns.mean() == pytest.approx(29.5)
        assert cutout.pixels[0, 0].tolist() == [20, 20, 20]


def test_what_cannot_be_cropped_is_refused() -> None:
    small = disc(80, 0.4)
    for encoded in (fits_of(small, 0.4), encode(small), encode(small[:, :70])):
        with pytest.raises(UnusableCutoutError, match=r"too small: .* × 32 arcsec, .* to 33 "):
            read_cutout(encoded, crop_arcsec=33.0, arcsec_per_pixel=0.4, **LIMITS)
        with pytest.raises(UnusableCutoutError, match="its scale is not known"):
            read_cutout(encode(small), crop_arcsec=20.0, **LIMITS)
        with pytest.raises(UnusableCutoutError, match="too small: 10 × 10 px"):
            read_cutout(encoded, crop_arcsec=4.0, arcsec_per_pixel=0.4, **LIMITS)
    with pytest.raises(UnusableCutoutError, match="too small"):
        read_cutout(fits_of(small, 1e-150), crop_arcsec=1.0, **LIMITS)
    with pytest.raises(UnusableCutoutError, match="too small: 0 × 0 px"):
        read_cutout(fits_of(small, 1e150), crop_arcsec=1.0, **LIMITS)
    whole = read_cutout(encode(small), crop_arcsec=32.0, arcsec_per_pixel=0.4, **LIMITS)
    np.testing.assert_array_equal(whole.pixels, small)


def test_transparency_and_16_bits_are_cropped_too() -> None:
    image = np.dstack([RGB, ALPHA]).astype(np.uint16) * 257
    cutout = read_cutout(
        encode(image), white_level=65535, crop_arcsec=20.0, arcsec_per_pixel=1.0, **LIMITS
    )
    top, left = (RGB.shape[0] - 20) // 2, (RGB.shape[1] - 20) // 2
    hidden = ALPHA[top : top + 20, left : left + 20] == 0
    assert cutout.transparent == hidden.any()
    expected = RGB[top : top + 20, left : left + 20]
    np.testing.assert_array_equal(cutout.pixels[~hidden], expected[~hidden])


def test_masked_pixels_outside_of_the_crop_do_not_count() -> None:
    values = disc(80, 0.4).astype(np.float32)
    values[:20] = np.nan
    with pytest.raises(UnusableCutoutError, match="masked: 25.0% of its pixels"):
        read_cutout(fits_of(values), fits=LINEAR, **LIMITS)
    cutout = read_cutout(
        fits_of(values), fits=LINEAR, crop_arcsec=16.0, arcsec_per_pixel=0.4, **LIMITS
    )
    assert cutout.masked_share == 0
    values[36, 40, 1] = np.nan
    cutout = read_cutout(fits_of(values, 0.4), fits=LINEAR, crop_arcsec=16.0, **LIMITS)
    assert cutout.masked_share == pytest.approx(1 / 40**2)


def test_sizes_of_fits_are_limited_before_anything_is_read() -> None:
    for side, why in ((15, "too small: 15 × 15 px"), (5000, "too large: 5000 × 5000 px")):
        header = fits.PrimaryHDU(np.zeros((1, 1, 1), np.float32)).header
        header.update(NAXIS1=side, NAXIS2=side)
        with pytest.raises(UnusableCutoutError, match=why):
            read_cutout(header.tostring().encode(), **LIMITS)


def test_fits_files_in_gzip_are_those_in_them_and_bombs_are_refused() -> None:
    plain = fits_of(RGB, 0.3)
    for encoded in (gzip.compress(plain), gzip.compress(plain) + bytes(700)):
        found = read_cutout(encoded, fits=LINEAR, **LIMITS)
        np.testing.assert_array_equal(found.pixels, RGB)
        assert found.arcsec_per_pixel == pytest.approx(0.3)
    for encoded, why in {
        gzip.compress(plain)[:-9]: "its gzip data are cut off",
        gzip.compress(plain) * 2: "or others follow",
        gzip.compress(plain)[:-8] + bytes(8): "in its gzip data",
        gzip.compress(encode(RGB)): "FITS files alone are read",
        gzip.compress(plain + bytes(64 * 1024**2)): "expands to more than the 67,108,864 bytes",
        gzip.compress(gzip.compress(plain)): "FITS files alone are read",
    }.items():
        with pytest.raises(UnusableCutoutError, match=why):
            read_cutout(encoded, fits=LINEAR, **LIMITS)
