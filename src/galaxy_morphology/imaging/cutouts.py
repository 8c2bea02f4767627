"""One cut-out: decode it, check it, and bring it to the size of the network."""

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from galaxy_morphology.sky import sky_colour


class UnusableCutoutError(ValueError):
    """A cut-out that cannot be used; its text is the reason, in words."""


def prepare_cutout(
    encoded: bytes, *, side: int, minimum_side: int, maximum_side: int
) -> NDArray[np.uint8]:
    """Decode a cut-out, make it square and bring it to the size of the network.

    Args:
        encoded: The image file.
        side: Width and height wanted, in pixels.
        minimum_side: See :func:`read_cutout`.
        maximum_side: See :func:`read_cutout`.

    Returns:
        uint8 [side, side, 3], RGB.

    Raises:
        UnusableCutoutError: It cannot be read, or nothing is to be seen on it.
    """
    image = read_cutout(encoded, minimum_side=minimum_side, maximum_side=maximum_side)
    small = resize(square(image), side)
    if flat_channels(small).all():
        raise UnusableCutoutError("uniform: at eight bits every pixel has the same colour")
    return small


def read_cutout(encoded: bytes, *, minimum_side: int, maximum_side: int) -> NDArray[np.uint8]:
    """Decode a cut-out to 8-bit RGB.

    16-bit images keep their upper eight bits, greyscale ones get three equal channels, and
    transparency is dropped.

    Args:
        encoded: The image file.
        minimum_side: Smallest width and height in pixels.
        maximum_side: Largest width and height in pixels, checked in the header: a small file
            can hold an image that does not fit in memory.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        UnusableCutoutError: It is no image, damaged, too small or too large.
    """
    width, height = _size(encoded, maximum_side)
    if min(width, height) < minimum_side:
        raise UnusableCutoutError(
            f"too small: {width} × {height} px, at least {minimum_side} px a side expected "
            "(cutouts.minimum_side)"
        )
    if max(width, height) > maximum_side:
        raise UnusableCutoutError(
            f"too large: {width} × {height} px, at most {maximum_side} px a side allowed "
            "(cutouts.maximum_side)"
        )
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    if image is None:
        raise UnusableCutoutError("damaged image: its pixels cannot be decoded")
    return np.asarray(image, np.uint8)


def square(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pad the shorter side of a cut-out with its sky, the galaxy staying in the middle.

    Args:
        image: uint8 [height, width, 3].

    Returns:
        uint8 [side, side, 3] with ``side`` the longer of height and width.
    """
    height, width, n_channels = image.shape
    if height == width:
        return image
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padded = np.empty((side, side, n_channels), np.uint8)
    padded[:] = np.rint(sky_colour(image[None]))[0].astype(np.uint8)
    padded[top : top + height, left : left + width] = image
    return padded


def resize(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bring a square cut-out to ``side`` pixels a side.

    Shrinking averages over areas, which keeps the flux and does not alias; enlarging
    interpolates with cubics.

    Args:
        image: uint8 [height, width, 3], square.
        side: Width and height wanted, in pixels.

    Returns:
        uint8 [side, side, 3].
    """
    interpolation = cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (side, side), interpolation=interpolation), np.uint8)


def flat_channels(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which channels have the same value everywhere.

    Args:
        image: uint8 [height, width, 3].

    Returns:
        bool [3].
    """
    # Ten times as fast as comparing in NumPy, which is slow along a last axis of three.
    differences = cv2.absdiff(image, image[0, 0].astype(np.float64))
    return np.asarray(np.array(cv2.sumElems(differences)[:3]) == 0, np.bool_)


def _size(encoded: bytes, maximum_side: int) -> tuple[int, int]:
    """Width and height from the header alone, after the file's own checksums were verified."""
    try:
        with Image.open(BytesIO(encoded)) as image:
            size = image.size
            image.verify()
    except Image.DecompressionBombError:
        raise UnusableCutoutError(
            f"too large: at most {maximum_side} px a side allowed (cutouts.maximum_side)"
        ) from None
    except UnidentifiedImageError:
        reason = "it is in no known image format" if encoded else "the file is empty"
        raise UnusableCutoutError(f"no image: {reason}") from None
    except Exception as error:  # Pillow's readers raise whatever their format's parser raises
        raise UnusableCutoutError(f"damaged image: {error}") from error
    return size
