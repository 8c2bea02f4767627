"""One cut-out: decode it, check it, and bring it to the size of the network."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from galaxy_morphology.imaging.colours import WHITE, FitsColours, to_colours, without_gaps
from galaxy_morphology.imaging.decoding import UnusableCutoutError, decode
from galaxy_morphology.imaging.fits import is_fits, read_bands, unzipped
from galaxy_morphology.sky import FRAME_WIDTH, frame_pixels, sky_colour

AS_THEY_COME = FitsColours()
LARGEST = float(np.finfo(np.float16).max)
ROUGHEST = 0.1
"""Largest rounding error of bands, as a share of the noise of the sky."""

Pixels = TypeVar("Pixels", NDArray[np.uint8], NDArray[np.float32])


class UnknownWhiteLevelError(Exception):
    """A cut-out of 16 bits a channel cannot be brought to eight without knowing all the others.

    Attributes:
        largest: The largest value of its colours.
    """

    def __init__(self, largest: int) -> None:
        super().__init__(f"a cut-out of 16 bits a channel, up to {largest}: which value is white?")
        self.largest = largest


class Cutout(NamedTuple):
    """A cut-out, and how it came.

    Attributes:
        pixels: uint8 [height, width, 3], RGB.
        width: Of the part of the image in the file that is used, px.
        height: Of the part of the image in the file that is used, px.
        white_level: The value in the file that is white here; 255 of FITS.
        transparent: Whether parts of it were transparent, and show the sky here.
        masked_share: Of its pixels, how many are masked in a band, and show its sky here.
        arcsec_per_pixel: Scale of the image in the file, None where it is not known.
        bands: The bands that networks see, [height, width, bands], None where they see the
            pixels: float32 in the units of the file or, of the size of the network, float16 in
            those of ``cutouts.channel_unit``.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    white_level: int
    transparent: bool
    masked_share: float
    arcsec_per_pixel: float | None
    bands: NDArray[np.float32] | NDArray[np.float16] | None = None

    @property
    def network_image(self) -> NDArray[Any]:
        """What networks see: the bands or, without them, the pixels."""
        return self.pixels if self.bands is None else self.bands


def prepare_cutout(
    encoded: bytes | NDArray[Any],
    *,
    side: int,
    minimum_side: int,
    maximum_side: int,
    white_level: int | None = None,
    arcsec_per_pixel: float | None = None,
    crop_arcsec: float | None = None,
    channels: Sequence[str | int] | None = None,
    channel_unit: float = 1.0,
    fits: FitsColours = AS_THEY_COME,
) -> Cutout:
    """Decode a cut-out, make it square and bring it to the size of the network.

    Args:
        encoded: The image file, or its pixels.
        side: Width and height wanted, in pixels.
        minimum_side: See :func:`read_cutout`.
        maximum_side: See :func:`read_cutout`.
        white_level: See :func:`read_cutout`.
        arcsec_per_pixel: See :func:`read_cutout`.
        crop_arcsec: See :func:`read_cutout`.
        channels: See :func:`read_cutout`.
        channel_unit: What in the files is 1 in the bands that networks see.
        fits: See :func:`read_cutout`.

    Returns:
        The cut-out with pixels [side, side, 3], and bands likewise.

    Raises:
        UnusableCutoutError: It cannot be read, nothing is to be seen on it, or its bands do not
            fit into float16.
        UnknownWhiteLevelError: See :func:`read_cutout`.
    """
    cutout = read_cutout(
        encoded,
        minimum_side=minimum_side,
        maximum_side=maximum_side,
        white_level=white_level,
        arcsec_per_pixel=arcsec_per_pixel,
        crop_arcsec=crop_arcsec,
        channels=channels,
        fits=fits,
    )
    small = resize(square(cutout.pixels), side)
    if flat_channels(small).all():
        raise UnusableCutoutError("uniform: at eight bits every pixel has the same colour")
    if cutout.bands is None:
        return cutout._replace(pixels=small)
    bands = np.asarray(cutout.bands / channel_unit, np.float32)
    _check_digits(bands, channels or ())
    seen = resize(square(bands), side).clip(-LARGEST, LARGEST)
    return cutout._replace(pixels=small, bands=seen.astype(np.float16))


def read_cutout(
    encoded: bytes | NDArray[Any],
    *,
    minimum_side: int,
    maximum_side: int,
    white_level: int | None = None,
    arcsec_per_pixel: float | None = None,
    crop_arcsec: float | None = None,
    channels: Sequence[str | int] | None = None,
    fits: FitsColours = AS_THEY_COME,
) -> Cutout:
    """Decode a cut-out to 8-bit RGB.

    See :func:`decoding.decode` and :func:`fits.read_bands` for what is understood. Where it is
    transparent or masked, its own sky shows.

    Args:
        encoded: The image file, or its pixels.
        minimum_side: Smallest width and height in pixels.
        maximum_side: Largest width and height in pixels, checked in the header: a small file
            can hold an image that does not fit in memory.
        white_level: Of images of 16 bits a channel, the value that becomes 255; what is brighter
            is cut off. It must be the same for all galaxies that are to be compared.
        arcsec_per_pixel: Scale of files that do not tell theirs, None where it is not known.
        crop_arcsec: Width and height of the middle that is used, to the nearest pixel; None for
            all of the image.
        channels: Bands of FITS files that networks see instead of the pixels, by name or number.
        fits: How the bands of FITS files become colours.

    Returns:
        The cut-out with pixels [height, width, 3].

    Raises:
        UnusableCutoutError: It is no image, damaged, too small, too large, all transparent or
            masked in too many places, or has no such channels.
        UnknownWhiteLevelError: It has 16 bits a channel, and no ``white_level`` is given.
    """

    def check_size(width: int, height: int) -> None:
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

    def middle(shape: tuple[int, ...], scale: float | None) -> tuple[slice, slice]:
        if crop_arcsec is None:
            return slice(None), slice(None)
        rows, columns = _middle(shape, crop_arcsec, scale)
        check_size(columns.stop - columns.start, rows.stop - rows.start)
        return rows, columns

    encoded = unzipped(encoded)
    if is_fits(encoded):
        values, scale = read_bands(encoded, fits.bands, check_size)
        scale = scale or arcsec_per_pixel
        rows, columns = middle(values.shape[1:], scale)
        pixels, masked_share = to_colours(values[:, rows, columns], fits)
        height, width, _ = pixels.shape
        cutout = Cutout(pixels, width, height, WHITE, False, masked_share, scale)
        if channels is None:
            return cutout
        values = read_bands(encoded, channels, check_size, "cutouts.channels").values
        bands, masked_share = without_gaps(values[:, rows, columns], fits.maximum_masked_share)
        masked_share = max(masked_share, cutout.masked_share)
        return cutout._replace(bands=np.moveaxis(bands, 0, -1), masked_share=masked_share)
    if channels is not None:
        raise UnusableCutoutError(
            f"no FITS file, so that it has no bands {', '.join(map(str, channels))} "
            "(cutouts.channels): set it to null, and networks see pictures"
        )
    try:
        colours, opacity = decode(encoded, check_size)
    except Image.DecompressionBombError:
        raise UnusableCutoutError(
            f"too large: at most {maximum_side} px a side allowed (cutouts.maximum_side)"
        ) from None
    rows, columns = middle(colours.shape[:2], arcsec_per_pixel)
    opacity = None if opacity is None else opacity[rows, columns]
    pixels, white = _of_eight_bits(colours[rows, columns], white_level)
    transparent = opacity is not None and bool((opacity != opacity.flat[0]).any())
    if opacity is not None and not opacity.any():
        raise UnusableCutoutError("transparent: nothing is to be seen on it")
    if opacity is not None and transparent:
        pixels = over_its_sky(pixels, opacity)
    height, width, _ = pixels.shape
    pixels = np.ascontiguousarray(pixels)
    return Cutout(pixels, width, height, white, transparent, 0.0, arcsec_per_pixel)


def _middle(shape: tuple[int, ...], crop_arcsec: float, scale: float | None) -> tuple[slice, slice]:
    """The rows and columns of a square of so many arcsec in the middle of an image."""
    if scale is None:
        raise UnusableCutoutError(
            "its scale is not known, so that it cannot be cropped (cutouts.crop_arcsec or "
            "crop_radii): set cutouts.arcsec_per_pixel, or columns.scale in globals.yml"
        )
    height, width = shape
    if crop_arcsec > (min(shape) + 0.5) * scale:
        raise UnusableCutoutError(
            f"too small: {width * scale:.4g} × {height * scale:.4g} arcsec, to be cropped to "
            f"{crop_arcsec:.4g} (cutouts.crop_arcsec or crop_radii)"
        )
    side = round(crop_arcsec / scale)
    top, left = (height - side) // 2, (width - side) // 2
    return slice(top, top + side), slice(left, left + side)


def _of_eight_bits(
    colours: NDArray[np.uint8] | NDArray[np.uint16], white_level: int | None
) -> tuple[NDArray[np.uint8], int]:
    """Colours of eight bits, and the value that was white."""
    if colours.dtype == np.uint8:
        return np.asarray(colours, np.uint8), WHITE
    if white_level is None and not colours.any():
        raise UnusableCutoutError("uniform: it is black all over")
    if white_level is None:
        raise UnknownWhiteLevelError(int(colours.max()))
    return np.asarray(cv2.convertScaleAbs(colours, alpha=WHITE / white_level)), white_level


def over_its_sky(image: NDArray[np.uint8], opacity: NDArray[Any]) -> NDArray[np.uint8]:
    """Show, where a cut-out is transparent, the sky of what is visible.

    The sky is the median colour along the frame of the visible part, wherever that ends. What is
    as opaque as anything in the image counts as wholly opaque.

    Args:
        image: uint8 [height, width, 3].
        opacity: [height, width], 0 for transparent, somewhere above 0.

    Returns:
        uint8 [height, width, 3].
    """
    shown = (opacity / opacity.max()).astype(np.float32)
    visible = (shown >= 0.5).astype(np.uint8)  # the colour of what is fainter need not be true
    reach = np.ones((2 * FRAME_WIDTH + 1, 2 * FRAME_WIDTH + 1), np.uint8)
    inner = cv2.erode(visible, reach, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    sky = np.median(image[visible > inner], axis=0)
    return np.asarray(np.rint(sky + shown[..., None] * (image - sky)), np.uint8)


def square(image: Pixels) -> Pixels:
    """Pad the shorter side of a cut-out with its sky, the galaxy staying in the middle.

    Args:
        image: [height, width, channels], uint8 or float32.

    Returns:
        [side, side, channels] with ``side`` the longer of height and width.
    """
    height, width, n_channels = image.shape
    if height == width:
        return image
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padded = np.empty((side, side, n_channels), image.dtype)
    sky = sky_colour(image[None])[0]
    padded[:] = np.rint(sky) if image.dtype == np.uint8 else sky
    padded[top : top + height, left : left + width] = image
    return padded


def resize(image: Pixels, side: int) -> Pixels:
    """Bring a square cut-out to ``side`` pixels a side.

    Shrinking averages over areas, which keeps the flux and does not alias; enlarging
    interpolates with cubics.

    Args:
        image: [height, width, channels], square, uint8 or float32.
        side: Width and height wanted, in pixels.

    Returns:
        [side, side, channels].
    """
    interpolation = cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_CUBIC
    # OpenCV takes four channels at most.
    parts = np.split(image, range(3, image.shape[-1], 3), axis=-1)
    resized = [cv2.resize(part, (side, side), interpolation=interpolation) for part in parts]
    return np.asarray(np.dstack(resized), image.dtype)


def _check_digits(bands: NDArray[np.float32], names: Sequence[str | int]) -> None:
    """Refuse bands of which float16, which keeps three digits, would lose something."""
    sky = frame_pixels(bands[None])[0]
    error = np.median(np.abs(sky - sky.clip(-LARGEST, LARGEST).astype(np.float16)), axis=0)
    noise = 1.4826 * np.median(np.abs(sky - np.median(sky, axis=0)), axis=0)
    for name, *found in zip(names, np.abs(bands).max(axis=(0, 1)), error, noise, strict=True):
        largest, its_error, its_noise = map(float, found)
        if largest > LARGEST:
            raise UnusableCutoutError(
                f"too bright: band {name} reaches {largest:.4g}, of at most {LARGEST:,.0f} that "
                "are kept: raise cutouts.channel_unit"
            )
        if its_error > ROUGHEST * its_noise > 0:
            raise UnusableCutoutError(
                f"too fine: of band {name} three digits are kept, which differ by {its_error:.2g} "
                f"from its sky, whose noise is {its_noise:.2g}: subtract the sky, or lower "
                "cutouts.channel_unit"
            )


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
