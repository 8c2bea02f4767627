"""The bands of FITS cut-outs, and what their headers say of them.

What a file says of its sizes is checked in its headers, before anything is unpacked. Pixels are
taken where they lie, and astropy unpacks those that are compressed. Lines of headers in common
forms are read here, since astropy takes longer for them than for the pixels; others by astropy.
"""

import math
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.imaging.decoding import UnusableCutoutError

SIGNATURE = b"SIMPLE  ="
GZIP = b"\x1f\x8b"
MAXIMUM_BYTES = 64 * 1024**2
"""Most bytes that may come of a file in gzip."""
BLOCK = 2880
HEADER_BYTES = 200 * BLOCK
"""Longest header: 7,200 lines."""
END = re.compile(rb"(?:.{80})*?END {77}", re.DOTALL)
MAXIMUM_HDUS = 100
MAXIMUM_BANDS = 64
MAXIMUM_TILES = 100_000
NUMBERS = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
"""How numbers of so many bits are stored (Pence et al. 2010, A&A 524, A42)."""
COMPRESSIONS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "NOCOMPRESS")
"""Of which it is known beforehand how much comes out of them.

The decoder of HCOMPRESS reads on where data are cut off, which can end the process.
"""
READ = re.compile(
    r"XTENSION|EXTNAME|IMAGETYP|Z?BITPIX|Z?NAXIS\d*|PCOUNT|GCOUNT|THEAP|BSCALE|BZERO|BLANK|BANDS|BAND\d*"
    r"|ZIMAGE|ZCMPTYPE|Z(TILE|NAME|VAL)\d*|C(TYPE|UNIT|DELT)[12]|CROTA2|(CD|PC)[12]_[12]"
)
"""The keywords of headers that matter here."""
RICE = {"BLOCKSIZE": (16, 32), "BYTEPIX": (1, 2, 4, 8)}
"""What its decoder would take as it is told."""
VALUE = re.compile(
    r"= *(?:(?P<whole>[+-]?\d+)|(?P<decimal>[+-]?\d+\.\d*(?:E[+-]?\d+)?)|(?P<truth>[TF])"
    r"|'(?P<text>[^']*)') *(?:/.*)?"
)
"""The common forms of values in a header, and a comment."""
VALUES: dict[str, Callable[[str], Any]] = {
    "whole": int, "decimal": float, "truth": "T".__eq__, "text": str.rstrip,
}  # fmt: skip
INVERSE_VARIANCE = ("INVVAR", "IVAR")
UNNAMED = "COMPRESSED_IMAGE"
"""What compressed images without a name are called."""
ARCSEC = 3600
"""In a degree."""


Header = Mapping[str, Any]
"""Values by keyword."""


class Bands(NamedTuple):
    """The bands of a cut-out.

    Attributes:
        values: float32 [bands, height, width] in the units of the file, upright; NaN where pixels
            are masked.
        arcsec_per_pixel: Its scale, None where it does not tell.
    """

    values: NDArray[np.float32]
    arcsec_per_pixel: float | None


class _Image(NamedTuple):
    """An image of a file: its header, and where its pixels are."""

    number: int
    header: Header
    shape: tuple[int, int, int]
    start: int
    is_compressed: bool

    @property
    def measures_noise(self) -> bool:
        kinds = (str(self.header.get(key, "")).upper() for key in ("EXTNAME", "IMAGETYP"))
        return any(kind.startswith(INVERSE_VARIANCE) for kind in kinds)


class _Plane(NamedTuple):
    """One band of an image."""

    name: str
    image: _Image
    place: int


def is_fits(encoded: bytes | NDArray[Any]) -> TypeGuard[bytes]:
    """Whether a cut-out is a FITS file."""
    return isinstance(encoded, bytes) and encoded.startswith(SIGNATURE)


def unzipped(encoded: bytes | NDArray[Any]) -> bytes | NDArray[Any]:
    """A FITS file that is in gzip, as it was before; anything else as it is.

    Args:
        encoded: The file, or pixels.

    Raises:
        UnusableCutoutError: It is damaged, or expands to too much.
    """
    if not isinstance(encoded, bytes) or not encoded.startswith(GZIP):
        return encoded
    gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        content = gzip.decompress(encoded, MAXIMUM_BYTES + 1)
    except zlib.error as error:
        raise UnusableCutoutError(f"damaged image: {error} in its gzip data") from error
    if len(content) > MAXIMUM_BYTES:
        raise UnusableCutoutError(f"it expands to more than the {MAXIMUM_BYTES:,} bytes allowed")
    if not gzip.eof or gzip.unused_data.strip(b"\0"):
        raise UnusableCutoutError("damaged image: its gzip data are cut off, or others follow")
    if not is_fits(content):
        raise UnusableCutoutError("no image: of files in gzip, FITS files alone are read")
    return content


def read_bands(
    encoded: bytes,
    wanted: Sequence[str | int] | None,
    check_size: Callable[[int, int], None],
    parameter: str = "cutouts.fits.bands",
) -> Bands:
    """Read bands of a FITS file.

    Bands are the planes of its images, [bands, height, width] or [height, width], that are as
    large as the first. Images called INVVAR, or IVAR, hold inverse variances of all bands in their
    order: pixels in which they are 0 are masked, as are pixels without a number. Images are
    turned as they are seen on the sky: with the north up and the east on the left, or as near to
    that as it goes without interpolation; without coordinates, with the first row at the bottom.

    Args:
        encoded: The file.
        wanted: Bands by the names that their headers tell, or by their numbers from 0. None for
            all of them, from the last to the first, of three at most.
        check_size: Called with width and height before anything is unpacked; what it raises is
            passed on.
        parameter: What it is called where bands are wanted.

    Raises:
        UnusableCutoutError: The file is damaged, or has no such bands; says what was found.
    """
    try:
        with np.errstate(all="ignore"):
            return _bands(encoded, wanted, check_size, parameter)
    except UnusableCutoutError:
        raise
    except Exception as error:  # astropy raises whatever comes up
        raise UnusableCutoutError(
            f"damaged image: its FITS headers and data do not fit together ({error})"
        ) from error


def _bands(
    encoded: bytes,
    wanted: Sequence[str | int] | None,
    check_size: Callable[[int, int], None],
    parameter: str,
) -> Bands:
    images: list[_Image] = []
    for image in _images(encoded):
        if not images:
            check_size(image.shape[2], image.shape[1])
        images.append(image)
    if not images:
        raise UnusableCutoutError("no image: the FITS file holds none")
    size = images[0].shape[1:]
    planes = [plane for image in images if image.shape[1:] == size for plane in _planes(image)]
    bands = [plane for plane in planes if not plane.image.measures_noise]
    noises = [plane for plane in planes if plane.image.measures_noise]
    if len(noises) not in (0, 1, len(bands)):
        raise UnusableCutoutError(
            f"it holds {len(bands)} bands, but inverse variances of {len(noises)}: expected one "
            "for each band, or one for all"
        )
    unpacked: dict[int, NDArray[Any]] = {}

    def pixels_of(plane: _Plane) -> NDArray[Any]:
        if not plane.image.is_compressed:
            return _stored(encoded, plane)
        if plane.image.number not in unpacked:
            unpacked[plane.image.number] = _unpacked(encoded, plane.image)
        pixels: NDArray[Any] = unpacked[plane.image.number][plane.place]
        return pixels

    places = _chosen(bands, wanted, parameter)
    values = np.empty((len(places), *size), np.float32)
    for row, place in zip(values, places, strict=True):
        row[:] = pixels_of(bands[place])
        if noises:
            row[~(pixels_of(noises[place % len(noises)]) > 0)] = np.nan
    values[np.isinf(values)] = np.nan
    matrix = _pixel_matrix(images[0].header)
    scale = None if matrix is None else ARCSEC * math.sqrt(abs(np.linalg.det(matrix)))
    return Bands(_upright(values, matrix), scale)


def _images(encoded: bytes) -> Iterator[_Image]:
    at = 0
    for number in range(MAXIMUM_HDUS):
        header, start = _header(encoded, at)
        if image := _image(header, number, start):
            yield image
        end = start + _data_bytes(header)
        if end > len(encoded):
            raise UnusableCutoutError(
                f"damaged image: the file is cut off, at {len(encoded):,} of {end:,} bytes"
            )
        at = start + -(-(end - start) // BLOCK) * BLOCK
        if not encoded.startswith(b"XTENSION", at):
            return
    raise UnusableCutoutError(f"it holds more than {MAXIMUM_HDUS} images and tables")


def _header(encoded: bytes, start: int) -> tuple[Header, int]:
    """A header, and where it ends."""
    for end in range(start + BLOCK, min(len(encoded), start + HEADER_BYTES) + 1, BLOCK):
        if END.match(encoded, end - BLOCK, end):
            return _values(encoded[start:end].decode("latin-1")), end
    if len(encoded) < start + HEADER_BYTES:
        raise UnusableCutoutError("damaged image: the file is cut off within a header")
    raise UnusableCutoutError(f"damaged image: a header of more than {HEADER_BYTES:,} bytes")


def _values(header: str) -> Header:
    """What matters of a header. Of two lines with one keyword the first counts."""
    from astropy.io import fits

    lines = [header[at : at + 80] for at in range(0, len(header), 80)]
    values: dict[str, Any] = {}
    for line in lines[::-1]:
        keyword = line[:8].rstrip()
        if READ.fullmatch(keyword):
            found = VALUE.fullmatch(line, 8)
            if found and found.lastgroup:
                values[keyword] = VALUES[found.lastgroup](found[found.lastgroup])
            else:
                values[keyword] = fits.Card.fromstring(line).value
    if "ZIMAGE" not in values:
        return values
    # What unpacks it must not find another size in another place, or in an uncommon form.
    values = {}
    for card in fits.Header.fromstring(header).cards:
        if (
            READ.fullmatch(card.keyword)
            and values.setdefault(card.keyword, card.value) != card.value
        ):
            raise UnusableCutoutError(f"damaged image: {card.keyword} stands twice in its header")
    return values


def _whole(header: Header, name: str, lowest: int, highest: int, default: int | None = None) -> int:
    value = header.get(name, default)
    if type(value) is not int or not lowest <= value <= highest:
        raise UnusableCutoutError(
            f"damaged image: {name} in its header is {value!r}, expected a whole number from "
            f"{lowest:,} to {highest:,}"
        )
    return value


def _bits(header: Header, name: str = "BITPIX") -> int:
    bits = _whole(header, name, -64, 64)
    if bits not in NUMBERS:
        raise UnusableCutoutError(
            f"damaged image: {name} in its header is {bits}, expected one of "
            f"{', '.join(map(str, NUMBERS))}"
        )
    return bits


def _axes(header: Header, prefix: str = "") -> list[int]:
    n_axes = _whole(header, f"{prefix}NAXIS", 0, 9)
    return [_whole(header, f"{prefix}NAXIS{i + 1}", 0, 10**12) for i in range(n_axes)]


def _data_bytes(header: Header) -> int:
    """How long the data are that follow a header."""
    axes = _axes(header)
    if not axes:
        return 0
    more, groups = _whole(header, "PCOUNT", 0, 10**12, 0), _whole(header, "GCOUNT", 0, 10**12, 1)
    return abs(_bits(header)) // 8 * groups * (more + math.prod(axes))


def _image(header: Header, number: int, start: int) -> _Image | None:
    """The image that a header is of; None for a table, and where there are no pixels."""
    is_compressed = header.get("ZIMAGE") is True
    if not is_compressed and str(header.get("XTENSION", "IMAGE")).strip() != "IMAGE":
        return None
    axes = _axes(header, "Z" if is_compressed else "")
    if len(axes) < 2:
        return None
    width, height, n_bands, *others = [*axes, 1][: max(len(axes), 3)]
    if others and math.prod(others) != 1:
        raise UnusableCutoutError(
            f"no image: an array of the shape {tuple(axes[::-1])}, expected [bands, height, width]"
        )
    if not 1 <= n_bands <= MAXIMUM_BANDS:
        raise UnusableCutoutError(f"it holds {n_bands:,} bands, at most {MAXIMUM_BANDS} allowed")
    return _Image(number, header, (n_bands, height, width), start, is_compressed)


def _planes(image: _Image) -> Iterator[_Plane]:
    """The bands of an image with the names that its header tells, empty where it tells none."""
    n_bands, header = image.shape[0], image.header

    def text(key: str) -> str:
        return str(header.get(key, "")).strip()

    listed = re.split(r"[\s,;]+", text("BANDS"))
    listed = listed if len(listed) > 1 else list(text("BANDS"))
    if n_bands == 1:
        names = [text("BAND"), text("EXTNAME").replace(UNNAMED, ""), text("BANDS"), text("BAND0")]
        listed = [next(filter(None, names), "")]
    elif len(listed) != n_bands:
        listed = [text(f"BAND{i}") for i in range(n_bands)]
    for index, name in enumerate(listed):
        yield _Plane(name, image, index)


def _chosen(
    bands: list[_Plane], wanted: Sequence[str | int] | None, parameter: str
) -> Sequence[int]:
    """The places of the bands that are wanted."""
    names = [band.name or str(place) for place, band in enumerate(bands)]
    found = f"it holds {len(bands)} bands ({', '.join(names)})"
    if wanted is None and len(bands) > 3:
        raise UnusableCutoutError(
            f"{found}: say in cutouts.fits.bands which of them are red, green and blue"
        )
    if wanted is None:
        return range(len(bands))[::-1]
    places = []
    for one in wanted:
        same = [place for place, name in enumerate(names) if one in (place, name)]
        same = same or [place for place, name in enumerate(names) if _equal(one, name)]
        if len(same) != 1:
            which = f"{len(same)} of them are called {one}" if same else f"{one} is none of them"
            raise UnusableCutoutError(f"{found}: {which} ({parameter})")
        places += same
    return places


def _equal(one: str | int, name: str) -> bool:
    """Whether names are the same but for capitals, as names of HDUs are."""
    return isinstance(one, str) and one.upper() == name.upper()


def _stored(encoded: bytes, plane: _Plane) -> NDArray[Any]:
    """The values of a band that lies there uncompressed."""
    header, (_, height, width) = plane.image.header, plane.image.shape
    kind = np.dtype(NUMBERS[_bits(header)])
    offset = plane.image.start + plane.place * height * width * kind.itemsize
    stored = np.frombuffer(encoded, kind, height * width, offset).reshape(height, width)
    factor, zero = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0))
    values = stored if (factor, zero) == (1, 0) else stored * factor + zero
    if kind.kind != "f" and type(blank := header.get("BLANK")) is int:
        values = values.astype(np.float32)
        values[stored == blank] = np.nan
    return values


def _unpacked(encoded: bytes, image: _Image) -> NDArray[np.float32]:
    """The values of a compressed image, [bands, height, width]."""
    from astropy.io import fits

    limit = _tile_bytes(image)
    for tile in _gzipped_tiles(encoded, image):
        gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
        if len(gzip.decompress(tile, limit + 1)) > limit or gzip.unused_data.strip(b"\0"):
            raise UnusableCutoutError("damaged image: it expands to more than its pixels")
    with fits.open(BytesIO(encoded)) as hdus:
        return np.asarray(hdus[image.number].data, np.float32).reshape(image.shape)


def _tile_bytes(image: _Image) -> int:
    """How many bytes may come of a part of a compressed image."""
    header, axes = image.header, _axes(image.header, "Z")
    kind = header.get("ZCMPTYPE")
    if kind not in COMPRESSIONS:
        raise UnusableCutoutError(
            f"it is compressed by {kind}: expected one of {', '.join(COMPRESSIONS)}"
        )
    _bits(header, "ZBITPIX")
    for name in [name for name in header if name.startswith("ZNAME")]:
        setting, value = str(header[name]).upper(), header.get(name.replace("NAME", "VAL"))
        if value not in RICE.get(setting, (value,)):
            raise UnusableCutoutError(
                f"damaged image: {setting} in its header is {value!r}, expected one of "
                f"{RICE[setting]}"
            )
    tile = [
        _whole(header, f"ZTILE{i}", 1, axis, axis if i == 1 else 1)
        for i, axis in enumerate(axes, start=1)
    ]
    n_tiles = math.prod(-(-axis // side) for axis, side in zip(axes, tile, strict=True))
    if n_tiles > MAXIMUM_TILES or n_tiles != header.get("NAXIS2"):
        raise UnusableCutoutError(
            f"damaged image: it is compressed in {header.get('NAXIS2')} parts, expected {n_tiles:,}"
            f" and at most {MAXIMUM_TILES:,}"
        )
    return 8 * math.prod(tile)


def _gzipped_tiles(encoded: bytes, image: _Image) -> Iterator[bytes]:
    """What astropy would hand to gzip, which expands whatever it is given."""
    from astropy.io import fits

    header = image.header
    n_rows, row_bytes = header["NAXIS2"], header["NAXIS1"]
    with fits.open(BytesIO(encoded), disable_image_compression=True) as hdus:
        columns = hdus[image.number].columns
    rows = np.frombuffer(encoded, columns.dtype.newbyteorder(">"), n_rows, image.start)
    heap = image.start + header.get("THEAP", n_rows * row_bytes)
    for name in columns.names:
        is_gzip = name == "COMPRESSED_DATA" and header["ZCMPTYPE"].startswith("GZIP")
        if is_gzip or name == "GZIP_COMPRESSED_DATA":
            if columns[name].format.lstrip("01")[:2] not in ("PB", "QB"):
                raise UnusableCutoutError("damaged image: what is compressed are no bytes")
            for n_bytes, offset in rows[name].tolist():
                if n_bytes:
                    yield encoded[heap + offset : heap + offset + n_bytes]


def _pixel_matrix(header: Header) -> NDArray[np.float64] | None:
    """How far east and north in degrees, in the rows, a pixel is in x and y, in the columns.

    None where the header does not tell. See Calabretta & Greisen (2002, A&A 395, 1077).
    """
    kinds = [str(header.get(f"CTYPE{axis}", ""))[:4].rstrip("-") for axis in (1, 2)]
    units = {str(header.get(f"CUNIT{axis}", "deg")).strip() for axis in (1, 2)}
    if sorted(kinds) not in (["DEC", "RA"], ["GLAT", "GLON"], ["ELAT", "ELON"]) or units != {"deg"}:
        return None

    def entries(name: str, default: tuple[float, ...]) -> NDArray[np.float64]:
        keys = (f"{name}{i}_{j}" for i in (1, 2) for j in (1, 2))
        values = [float(header.get(key, one)) for key, one in zip(keys, default, strict=True)]
        return np.reshape(values, (2, 2))

    if any(f"CD{i}_{j}" in header for i in (1, 2) for j in (1, 2)):
        matrix = entries("CD", (0, 0, 0, 0))
    else:
        steps = np.array([float(header.get(f"CDELT{axis}", 1)) for axis in (1, 2)])
        turn = math.radians(float(header.get("CROTA2", 0)))
        ratio = steps[1] / steps[0]
        turned = (math.cos(turn), -math.sin(turn) * ratio, math.sin(turn) / ratio, math.cos(turn))
        matrix = steps[:, None] * entries("PC", turned if turn else (1, 0, 0, 1))
    if kinds[0] in ("DEC", "GLAT", "ELAT"):
        matrix = matrix[::-1]
    determinant = np.linalg.det(matrix)
    return matrix if np.isfinite(determinant) and determinant else None


def _upright(
    values: NDArray[np.float32], matrix: NDArray[np.float64] | None
) -> NDArray[np.float32]:
    """Planes as they are seen on the sky, the first row at the top."""
    if matrix is None:
        return values[:, ::-1]
    determinant = float(np.linalg.det(matrix))
    up = matrix[0, 0] / determinant  # how far in y, for one degree to the north
    if determinant > 0:  # the sky as in a mirror, were the first row at the bottom
        seen, up = values, -up
    else:
        seen = values[:, ::-1]
    return seen if up >= 0 else seen[:, ::-1, ::-1]
