"""Image files to numbers: colours as the file has them, and how opaque they are.

OpenCV decodes what nearly all cut-outs are, plain PNGs, and what Pillow would bring down from 16
bits to eight. Pillow decodes all else: libpng, which OpenCV uses, writes what it thinks of a file
to the terminal.
"""

import logging
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
PNG = b"\x89PNG\r\n\x1a\n"
PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
"""All that the pixels of a PNG depend on."""
TIFF = b"II*\0", b"MM\0*"
BITS_PER_SAMPLE = 258  # tag of TIFF
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers a pixel by the kind of colour in the header."""
PNG_LEAST_SHARE = 100
"""No picture of a sky with noise is compressed to a smaller part than one in so many."""
MAYBE_DEEP = {"TIFF", "PPM", "JPEG2000", "AVIF"}
"""Formats of which Pillow reads colours of more than eight bits as eight."""
STDERR = 2
ONE_AT_A_TIME = threading.Lock()
SEVERAL = "several images in one file: save the one that is meant by itself"

# They tell of damaged files on the terminal; we say why an image is not used.
logging.getLogger("PIL").setLevel(logging.CRITICAL)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class UnusableCutoutError(ValueError):
    """A cut-out that cannot be used; its text is the reason, in words."""


class Decoded(NamedTuple):
    """The pixels of an image file.

    Attributes:
        colours: uint8 or uint16 as in the file, [height, width, 3], RGB.
        opacity: [height, width] where the file can say so, else None; 0 for transparent, the
            highest value has no meaning of its own.
    """

    colours: NDArray[np.uint8] | NDArray[np.uint16]
    opacity: NDArray[Any] | None


def decode(encoded: bytes | NDArray[Any], check_size: Callable[[int, int], None]) -> Decoded:
    """Decode an image file, of eight or sixteen bits a channel, or take pixels as they are.

    Greyscale images get three equal channels; palettes and CMYK become RGB. Profiles, gammas and
    the orientation of cameras change nothing: pixels are taken as they are stored. Texts and
    whatever else a PNG holds beside its pixels are never unpacked, and may be damaged.

    Args:
        encoded: The image file: PNG, JPEG, TIFF, WebP, GIF, BMP, PPM, JPEG 2000 or AVIF. Or its
            pixels, [height, width] or [height, width, 1 or 3].
        check_size: Called with width and height before anything is decoded; what it raises is
            passed on.

    Raises:
        UnusableCutoutError: It is no such image, damaged, holds several images, or has pixels
            of other numbers; says which.
    """
    if isinstance(encoded, np.ndarray):
        return _of_array(encoded, check_size)
    try:
        if encoded.startswith(PNG):
            encoded = _png_without_extras(encoded)
            if plain := _plain_png(encoded, check_size):
                return plain
        with Image.open(BytesIO(encoded), formats=FORMATS) as image:
            check_size(*image.size)
            if encoded.startswith(PNG):
                _check_all_rows(encoded)
            if getattr(image, "is_animated", False):
                raise UnusableCutoutError(SEVERAL)
            return _pixels(image, encoded)
    except (UnusableCutoutError, Image.DecompressionBombError):
        raise
    except UnidentifiedImageError:
        raise UnusableCutoutError(_why_unidentified(encoded)) from None
    except Exception as error:  # Pillow's readers raise whatever their format's parser raises
        raise UnusableCutoutError(f"damaged image: {error}") from error


def _of_array(pixels: NDArray[Any], check_size: Callable[[int, int], None]) -> Decoded:
    """Pixels that were no file: of eight or sixteen bits, or other numbers that fit into eight."""
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (1,), (3,)):
        raise UnusableCutoutError(f"no image: an array of the shape {pixels.shape}")
    height, width = pixels.shape[:2]
    check_size(width, height)
    if pixels.dtype not in (np.uint8, np.uint16):
        eight_bits = np.nan_to_num(pixels, nan=-1).clip(0, 255).astype(np.uint8)
        if not np.array_equal(eight_bits, pixels):
            raise UnusableCutoutError(
                f"its pixels are of the type {pixels.dtype} and not whole numbers from 0 to 255"
            )
        pixels = eight_bits
    grey = pixels.reshape(height, width, -1)
    return Decoded(np.ascontiguousarray(np.broadcast_to(grey, (height, width, 3))), None)


def _pixels(image: ImageFile.ImageFile, encoded: bytes) -> Decoded:
    if encoded.startswith(PNG) and encoded[24] == 16:  # bits a channel, in the header
        return _deep_png(image, encoded)
    if image.mode in ("I", "F") and image.format != "PPM":
        raise UnusableCutoutError(_not_8_or_16_bits(32))
    if image.format in MAYBE_DEEP:
        with _without_libtiff_on_the_terminal():
            image.load()  # fails on damaged images, of which OpenCV decodes what it can
        deep = _opencv_channels(encoded, cv2.IMREAD_UNCHANGED)
        if deep is not None and deep.dtype == np.uint16 and image.mode in ("RGB", "RGBA", "I"):
            return _of_opencv(deep)
    if image.mode.startswith("I;16"):
        return Decoded(_grey(np.asarray(image)), None)
    if image.has_transparency_data:
        channels = np.asarray(image.convert("RGBA"))
        return Decoded(channels[..., :3], channels[..., 3])
    return Decoded(np.asarray(image if image.mode == "RGB" else image.convert("RGB")), None)


def _deep_png(image: ImageFile.ImageFile, encoded: bytes) -> Decoded:
    """A PNG of 16 bits a channel, of which Pillow has modes for greyscale alone.

    It unpacks the upper bytes of the colours, or as if their order were reversed, the lower.
    """

    def unpacked(raw_mode: str) -> NDArray[np.uint16]:
        with Image.open(BytesIO(encoded), formats=("PNG",)) as again:
            again.tile = [again.tile[0]._replace(args=raw_mode)]
            return np.asarray(again).astype(np.uint16)

    if image.mode == "RGBA" and image.tile[0].args == "LA;16B":
        upper_grey, lower_grey, upper, lower = np.moveaxis(unpacked("RGBA"), -1, 0)
        return Decoded(_grey(_joined(upper_grey, lower_grey)), _joined(upper, lower))
    if image.mode in ("RGB", "RGBA"):
        upper, lower = (unpacked(f"{image.mode};16{order}") for order in "BL")
        channels = _joined(upper, lower)
    else:
        channels = _grey(np.asarray(image).astype(np.uint16))
    if channels.shape[-1] == 4:
        return Decoded(channels[..., :3], channels[..., 3])
    transparent = image.info.get("transparency")
    opacity = None if transparent is None else (channels != transparent).any(axis=-1)
    return Decoded(channels, opacity)


@contextmanager
def _without_libtiff_on_the_terminal() -> Iterator[None]:
    """Its messages go to the file descriptor of the errors, past all that Python could set."""
    with ONE_AT_A_TIME, Path(os.devnull).open("wb") as nowhere:
        terminal = os.dup(STDERR)
        os.dup2(nowhere.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(terminal, STDERR)
            os.close(terminal)


def _opencv_channels(encoded: bytes, how: int) -> NDArray[Any] | None:
    try:
        return cv2.imdecode(np.frombuffer(encoded, np.uint8), how)
    except cv2.error:
        return None


def _of_opencv(channels: NDArray[np.uint16]) -> Decoded:
    """What OpenCV decodes: greyscale, BGR, or BGR and opacity."""
    if channels.ndim == 2:
        return Decoded(_grey(channels), None)
    opacity = channels[..., 3] if channels.shape[-1] == 4 else None
    return Decoded(np.ascontiguousarray(channels[..., 2::-1]), opacity)


def _joined(upper: NDArray[np.uint16], lower: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Numbers of 16 bits from their bytes."""
    return np.asarray(upper << 8 | lower, np.uint16)


def _grey(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return np.repeat(values[..., None], 3, axis=-1)


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The parts of a PNG, each with its name, length and checksum."""
    whole, at, name = memoryview(png), len(PNG), b""
    while name != b"IEND":
        name = png[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if end > len(png) or len(name) < 4:
            raise UnusableCutoutError("damaged image: the file is cut off")
        yield name, whole[at:end]
        at = end


def _png_without_extras(encoded: bytes) -> bytes:
    """A PNG with nothing but what its pixels depend on, the checksums of that verified."""
    kept: list[bytes | memoryview] = [PNG]
    for name, chunk in _png_chunks(encoded):
        if name in PNG_CHUNKS:
            if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                raise UnusableCutoutError(f"damaged image: wrong checksum in {name.decode()}")
            kept.append(chunk)
        elif name == b"acTL" and int.from_bytes(chunk[8:12], "big") > 1:
            raise UnusableCutoutError(SEVERAL)
        elif name[:1].isupper():
            unknown = name.decode("latin-1")
            raise UnusableCutoutError(f"damaged image: an unknown part {unknown!r}")
    return b"".join(kept)


def _check_all_rows(png: bytes) -> None:
    """Make sure that a PNG holds as many pixels as it says: Pillow leaves missing ones black."""
    width, height, bits, kind = struct.unpack(">IIBB", png[16:26])
    n_bytes = height * (width * PNG_CHANNELS[kind] * bits // 8)  # at least
    packed = b"".join(chunk[8:-4] for name, chunk in _png_chunks(png) if name == b"IDAT")
    if len(zlib.decompressobj().decompress(packed, max(n_bytes, 1))) < n_bytes:
        raise UnusableCutoutError("damaged image: fewer pixels than its header says")


def _plain_png(png: bytes, check_size: Callable[[int, int], None]) -> Decoded | None:
    """The pixels of a PNG without extras, by OpenCV, which is faster; None for Pillow to say.

    libpng writes errors to the terminal. What could be one of its is left to Pillow: anything but
    RGB of eight bits, parts in another order, and pixels that are far fewer than the header says.
    """
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    n_bytes = 3 * width * height
    is_plain = (bits, kind, interlaced, png[12:16], png[37:41]) == (8, 2, 0, b"IHDR", b"IDAT")
    if not is_plain or len(png) * PNG_LEAST_SHARE < n_bytes:
        return None
    check_size(width, height)
    colours = _opencv_channels(png, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if colours is None else Decoded(colours, None)


def _why_unidentified(encoded: bytes) -> str:
    if not encoded:
        return "no image: the file is empty"
    if encoded.startswith(TIFF):
        file, tags = BytesIO(encoded), TiffImagePlugin.ImageFileDirectory_v2(encoded[:8])
        try:
            file.seek(tags.next)
            tags.load(file)
            bits = max(tags[BITS_PER_SAMPLE])
        except Exception:  # whatever its parser raises
            bits = 0
        return _not_8_or_16_bits(bits) if bits in (32, 64) else "no image: a TIFF of unknown kind"
    return f"no image: it is in no known image format ({', '.join(FORMATS)}, FITS)"


def _not_8_or_16_bits(bits: int) -> str:
    return (
        f"its pixels are numbers of {bits} bits or with a sign: expected whole numbers from 0 of 8 "
        "or 16 bits"
    )
