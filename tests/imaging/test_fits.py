"""FITS files as surveys and astropy write them, and files that would do harm."""

import gzip
import tracemalloc
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galaxy_morphology.imaging import UnusableCutoutError
from galaxy_morphology.imaging.fits import Bands, read_bands

GRZ = np.random.default_rng(0).normal(0, 1, (3, 30, 40)).astype(np.float32)
"""Bands g, r and z, the first row in the south."""
ARCSEC = 1 / 3600


def tan(**keywords: Any) -> fits.Header:
    """Coordinates as the viewer of the Legacy Surveys gives them."""
    header = fits.Header()
    header.update(
        CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=180.0, CRVAL2=2.0, CRPIX1=20.5, CRPIX2=15.5,
        CD1_1=-0.262 * ARCSEC, CD1_2=0.0, CD2_1=0.0, CD2_2=0.262 * ARCSEC,
    )  # fmt: skip
    header.update(keywords)
    return header


def file_of(*hdus: Any) -> bytes:
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits.HDUList(list(hdus)).writeto(buffer)
    return buffer.getvalue()


def legacy(values: NDArray[Any] = GRZ, **keywords: Any) -> bytes:
    return file_of(fits.PrimaryHDU(values, tan(BANDS="grz", **keywords)))


def read(encoded: bytes, *wanted: str | int) -> Bands:
    return read_bands(encoded, wanted or None, lambda width, height: None)


def assert_upright(bands: Bands, expected: NDArray[Any] = GRZ[::-1]) -> None:
    assert bands.values.dtype == np.float32
    np.testing.assert_array_equal(bands.values, expected[:, ::-1])


def test_a_cutout_of_the_legacy_surveys() -> None:
    bands = read(legacy())
    assert_upright(bands)  # z, r and g
    assert bands.arcsec_per_pixel == pytest.approx(0.262)
    assert_upright(read(legacy(), "z", "g"), GRZ[[2, 0]])
    assert_upright(read(legacy(), 1, "Z"), GRZ[[1, 2]])


def test_one_band() -> None:
    for header in (tan(BANDS="r", BAND0="r"), tan(BAND="r"), tan(EXTNAME="R")):
        for hdus in (
            [fits.PrimaryHDU(GRZ[0], header)],
            [fits.PrimaryHDU(), fits.ImageHDU(GRZ[:1], header)],
        ):
            for wanted in ([], ["r"], [0]):
                assert_upright(read(file_of(*hdus), *wanted), GRZ[:1])


def test_an_image_for_each_band() -> None:
    images = [fits.ImageHDU(GRZ[i], tan(), name=name) for i, name in enumerate("grz")]
    psf = fits.ImageHDU(np.ones((5, 5), np.float32), name="PSF")
    table = fits.BinTableHDU.from_columns([fits.Column("x", "E", array=[1.0])])
    file = file_of(fits.PrimaryHDU(), table, *images, psf)
    assert_upright(read(file))
    assert_upright(read(file, "z", "R", 0))
    assert read(file).arcsec_per_pixel == pytest.approx(0.262)


@pytest.mark.parametrize("listed", ["DES-G,DES-R,DES-Z", "DES-G DES-R DES-Z"])
def test_bands_with_longer_names(listed: str) -> None:
    keywords = {f"BAND{i}": f"des_{band}" for i, band in enumerate("grz")}
    assert_upright(read(legacy(), "z", "r", "g"))
    file = file_of(fits.PrimaryHDU(GRZ, tan(**keywords)))
    assert_upright(read(file, "des_z", "des_r", "des_g"))
    assert_upright(read(file_of(fits.PrimaryHDU(GRZ, tan(BANDS=listed))), "DES-Z"), GRZ[[2]])


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "NOCOMPRESS"])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float32])
def test_compressed_images(kind: str, dtype: Any) -> None:
    values = (GRZ * 100 + 500).astype(dtype)
    options: dict[str, Any] = {"compression_type": kind}
    if dtype == np.float32:
        options |= {"quantize_level": 0.0} if kind != "RICE_1" else {"quantize_level": 64.0}
    for hdus in (
        [fits.CompImageHDU(values, tan(BANDS="grz"), tile_shape=(1, 7, 9), **options)],
        [fits.CompImageHDU(values[i], tan(BAND=b), **options) for i, b in enumerate("grz")],
    ):
        bands = read(file_of(fits.PrimaryHDU(), *hdus))
        tolerance = 2 if (kind, dtype) == ("RICE_1", np.float32) else 0
        np.testing.assert_allclose(bands.values, values[::-1, ::-1], atol=tolerance)
        assert bands.arcsec_per_pixel == pytest.approx(0.262)


INTEGERS: dict[int, Any] = {8: np.uint8, 16: np.int16, 32: np.int32, 64: np.int64}


@given(
    bits=st.sampled_from([8, 16, 32, 64, -32, -64]),
    zero=st.sampled_from([0.0, 1.0, 32768.0, 2147483648.0, -12.5]),
    factor=st.sampled_from([1.0, 2.0, -0.125, 1e-3]),
    blank=st.sampled_from([None, 7, 200]),  # astropy takes no 0 for blank
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60)
def test_numbers_are_what_astropy_reads(
    bits: int, zero: float, factor: float, blank: int | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    if bits > 0:
        limits = np.iinfo(INTEGERS[bits])
        stored: NDArray[Any] = rng.integers(
            limits.min, limits.max, (2, 5, 6), INTEGERS[bits], endpoint=True
        )
        stored[0, 0, :2] = 0, 7
    else:
        stored = rng.normal(0, 1e3, (2, 5, 6)).astype(np.float32 if bits == -32 else np.float64)
        stored[0, 0, :3] = np.nan, np.inf, -np.inf
    hdu = fits.PrimaryHDU(stored)
    hdu.header.update(BSCALE=factor, BZERO=zero)
    if blank is not None and bits > 0:
        hdu.header["BLANK"] = blank
    header = hdu.header.tostring().encode()
    data = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
    encoded = header + data + bytes(-len(data) % 2880)
    with fits.open(BytesIO(encoded), uint=False) as hdus, np.errstate(all="ignore"):
        expected = hdus[0].data.astype(np.float32)
    expected[~np.isfinite(expected)] = np.nan
    rounding = 1e-6 * (abs(zero) + np.nanmax(np.abs(expected)))  # it computes in 32 bits
    np.testing.assert_allclose(read(encoded, 0, 1).values, expected[:, ::-1], atol=rounding)


@pytest.mark.parametrize(
    "number",
    ["1.5", "+1.5E+1 / words", "1.5D1", ".5", "3.", "0070", "-2 / it's", "1E2", "  -1.E-3"],
)
def test_numbers_in_every_form_that_headers_know(number: str) -> None:
    stored = np.arange(30, dtype=">i2").reshape(1, 5, 6)
    header = image_of(6, 5, 1, bits=16, more=(f"BZERO   = {number}",))
    encoded = header + stored.tobytes() + bytes(2880 - stored.nbytes)
    with fits.open(BytesIO(encoded)) as hdus:
        expected = hdus[0].data.astype(np.float32)
    np.testing.assert_allclose(read(encoded).values, expected[:, ::-1])


NAMES = {"'r'": "r", "'r  ' / red": "r", "'r''' / it's": "r'", "'r/i'": "r/i"}


@pytest.mark.parametrize("text", NAMES)
def test_names_in_every_form_that_headers_know(text: str) -> None:
    encoded = image_of(6, 5, bits=8, more=(f"BAND    = {text}",)) + bytes(2880)
    assert_upright(read(encoded, NAMES[text]), np.zeros((1, 5, 6)))


def test_zero_may_be_blank() -> None:
    stored = np.arange(12, dtype=np.int16).reshape(3, 4)
    file = file_of(fits.PrimaryHDU(stored))
    values = read(
        file.replace(b"EXTEND  =                    T", b"BLANK   =                    0")
    )
    assert np.isnan(values.values[0, 2, 0])
    assert np.isnan(values.values).sum() == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_arrays_of_any_byte_order(order: str) -> None:
    assert_upright(read(legacy(GRZ.astype(f"{order}f4"))))
    values = (GRZ * 1000).astype(f"{order}i4")
    assert_upright(read(legacy(values)), values.astype(np.float32)[::-1])


def invvar(values: NDArray[np.float32], **keywords: Any) -> fits.ImageHDU:
    return fits.ImageHDU(values, tan(**keywords))


def test_pixels_without_inverse_variance_are_masked() -> None:
    weights = np.ones_like(GRZ)
    weights[0, 2, 3] = 0
    expected = GRZ.copy()
    expected[0, 2, 3] = np.nan
    image = fits.PrimaryHDU(GRZ, tan(BANDS="grz"))
    for noise in (
        invvar(weights, EXTNAME="INVVAR"), invvar(weights, IMAGETYP="invvar", BANDS="grz"),
        fits.CompImageHDU(weights, name="INVVAR", quantize_level=0.0, compression_type="GZIP_1"),
    ):  # fmt: skip
        assert_upright(read(file_of(image, noise)), expected[::-1])
        assert_upright(read(file_of(image, noise), "g", "z"), expected[[0, 2]])
    pairs = [
        fits.ImageHDU(plane, tan(BAND=band, IMAGETYP=kind))
        for band, value, weight in zip("grz", GRZ, weights, strict=True)
        for plane, kind in ((value, "image"), (weight, "invvar"))
    ]
    assert_upright(read(file_of(fits.PrimaryHDU(), *pairs), "g", "r"), expected[:2])
    for_all = invvar(weights[0], EXTNAME="INVVAR")
    expected[:, 2, 3] = np.nan
    assert_upright(read(file_of(image, for_all)), expected[::-1])
    with pytest.raises(UnusableCutoutError, match="3 bands, but inverse variances of 2"):
        read(file_of(image, invvar(weights[:2], EXTNAME="INVVAR")))


# ------------------------------------------------------------------ coordinates


def on_sky(header: fits.Header, size: int = 41) -> tuple[WCS, NDArray[np.float32]]:
    """A bright pixel in the middle, a fainter one in the north and a third in the east of it."""
    wcs = WCS(header)
    image = np.zeros((size, size), np.float32)
    middle = (size - 1) // 2
    ra, dec = wcs.all_pix2world(middle, middle, 0)
    steps = {3.0: (0.0, 0.0), 2.0: (0.0, 3 * ARCSEC), 1.0: (3 * ARCSEC, 0.0)}
    for value, (east, north) in steps.items():
        place = wcs.all_world2pix(ra + east / np.cos(np.radians(dec)), dec + north, 0)
        x, y = np.rint(np.asarray(place, np.float64)).astype(int)
        image[y, x] = value
    return wcs, image


def place_of(value: float, image: NDArray[np.float32]) -> Any:
    return np.argwhere(image == value)[0]


@pytest.mark.parametrize("flip", ["as usual", "first row north", "east right", "both"])
@pytest.mark.parametrize("how", ["CD", "CDELT", "PC", "swapped"])
def test_north_is_up_and_east_on_the_left(flip: str, how: str) -> None:
    x = 0.3 * ARCSEC * (1 if flip in ("east right", "both") else -1)
    y = 0.3 * ARCSEC * (-1 if flip in ("first row north", "both") else 1)
    header = tan(CRPIX1=21, CRPIX2=21)
    if how == "CD":
        header.update(CD1_1=x, CD2_2=y)
    else:
        del header["CD*"]
        header.update(CDELT1=x, CDELT2=y)
    if how == "PC":
        header.update(CDELT1=1.0, CDELT2=1.0, PC1_1=x, PC1_2=0.0, PC2_1=0.0, PC2_2=y)
    if how == "swapped":
        header.update(CTYPE1="DEC--TAN", CTYPE2="RA---TAN", CRVAL1=2.0, CRVAL2=180.0,
                      CDELT1=1.0, CDELT2=1.0, PC1_1=0.0, PC1_2=y, PC2_1=x, PC2_2=0.0)  # fmt: skip
    _, image = on_sky_of(header) if how == "swapped" else on_sky(header)
    bands = read(file_of(fits.PrimaryHDU(image, header)))
    (middle, north, east) = (place_of(value, bands.values[0]) for value in (3, 2, 1))
    assert (north - middle).tolist() == [-10, 0]
    assert (east - middle).tolist() == [0, -10]
    assert bands.arcsec_per_pixel == pytest.approx(0.3)


def on_sky_of(header: fits.Header) -> tuple[WCS, NDArray[np.float32]]:
    """As :func:`on_sky`, for coordinates with the declination first."""
    wcs = WCS(header)
    image = np.zeros((41, 41), np.float32)
    dec, ra = wcs.all_pix2world(20, 20, 0)
    for value, (east, north) in {3.0: (0, 0), 2.0: (0, 3), 1.0: (3, 0)}.items():
        east = east / np.cos(np.radians(dec))
        place = wcs.all_world2pix(dec + north * ARCSEC, ra + east * ARCSEC, 0)
        x, y = np.rint(np.asarray(place, np.float64)).astype(int)
        image[y, x] = value
    return wcs, image


@given(
    turn=st.floats(-180, 180), mirrored=st.booleans(), scale=st.floats(0.05, 2),
    how=st.sampled_from(["CD", "PC", "CROTA2"]),
)  # fmt: skip
@settings(max_examples=60)
def test_scale_and_handedness_are_those_of_astropy(
    turn: float, mirrored: bool, scale: float, how: str
) -> None:
    sine, cosine = np.sin(np.radians(turn)), np.cos(np.radians(turn))
    steps = np.array([scale if mirrored else -scale, scale]) * ARCSEC
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    header = tan(CRPIX1=21, CRPIX2=21)
    del header["CD*"]
    if how == "CD":
        matrix = steps[:, None] * rotation
        header.update({f"CD{i + 1}_{j + 1}": matrix[i, j] for i in (0, 1) for j in (0, 1)})
    else:
        header.update(CDELT1=steps[0], CDELT2=steps[1])
    if how == "PC":
        header.update({f"PC{i + 1}_{j + 1}": rotation[i, j] for i in (0, 1) for j in (0, 1)})
    if how == "CROTA2":
        header.update(CROTA2=turn)
    y, x = np.mgrid[:41, :41].astype(np.float32)
    bands = read(file_of(fits.PrimaryHDU(np.stack([x, y]), header)), 0, 1)
    wcs = WCS(header)
    assert bands.arcsec_per_pixel == pytest.approx(
        float(np.mean(proj_plane_pixel_scales(wcs)) * 3600), rel=1e-6
    )
    # Where the pixels come from tells how the image was turned.
    dx, dy = (bands.values[:, 20, 21] - bands.values[:, 20, 20]).astype(float)  # to the right
    ux, uy = (bands.values[:, 19, 20] - bands.values[:, 20, 20]).astype(float)  # upwards
    east, north = wcs.pixel_scale_matrix @ np.array([[dx, ux], [dy, uy]])
    assert north[1] > -1e-9  # the north is up
    assert east[0] * north[1] - east[1] * north[0] < 0  # and the sky is as seen from within


@pytest.mark.parametrize(
    "keywords",
    [{"CTYPE1": "LINEAR"}, {"CD1_1": 0.0, "CD2_2": 0.0}, {"CUNIT1": "arcsec"}],
)
def test_without_a_scale(keywords: dict[str, Any]) -> None:
    bands = read(legacy(**keywords))
    assert bands.arcsec_per_pixel is None
    assert_upright(bands)
    assert_upright(read(file_of(fits.PrimaryHDU(GRZ))))


# ------------------------------------------------------------------ what is not as it should be


def cards(*lines: str) -> bytes:
    """A header of these lines."""
    text = "".join(line.ljust(80) for line in [*lines, "END"])
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


def image_of(*axes: int, bits: int | str = -32, more: tuple[str, ...] = ()) -> bytes:
    """A header of an image of this size."""
    sizes = [f"NAXIS{i:<3}= {axis:>20}" for i, axis in enumerate(axes, start=1)]
    lines = ["SIMPLE  =                    T", f"BITPIX  = {bits:>20}",
             f"NAXIS   = {len(axes):>20}", *sizes, *more]  # fmt: skip
    return cards(*lines)


def compressed(values: NDArray[Any] = GRZ, **options: Any) -> bytes:
    options = {"compression_type": "GZIP_1", "quantize_level": 0.0} | options
    return file_of(fits.PrimaryHDU(), fits.CompImageHDU(values, **options))


def changed(encoded: bytes, keyword: str, value: object) -> bytes:
    """A file with another value of a keyword, wherever it stands."""
    at = encoded.index(f"{keyword:8}= ".encode())
    return encoded[: at + 10] + f"{value!s:>20}".encode() + encoded[at + 30 :]


def inserted(encoded: bytes, line: str) -> bytes:
    """A file with one line more in the header of its first extension."""
    start = encoded.index(b"XTENSION")
    at, end = start + 8 * 80, start + encoded[start:].index(b"END" + b" " * 77)
    room = -(-(end - start + 80) // 2880) * 2880 + start
    assert encoded[room - 80 : room].isspace()
    return encoded[:at] + line.ljust(80).encode() + encoded[at : room - 80] + encoded[room:]


def bomb() -> bytes:
    """Gzip in a tile that expands to 200 MB."""
    encoded = bytearray(compressed(np.zeros((1000, 1000), np.float32), tile_shape=(1000, 1000)))
    at = encoded.index(b"\x1f\x8b")
    with fits.open(BytesIO(bytes(encoded)), disable_image_compression=True) as hdus:
        place = hdus[1]._data_offset
    packed = gzip.compress(bytes(200_000_000), mtime=0)
    encoded[place : place + 4] = len(packed).to_bytes(4, "big")
    file = bytes(encoded[:at]) + packed
    padded = file + bytes(-len(file) % 2880)
    return changed(changed(padded, "PCOUNT", len(packed)), "ZNAXIS1", 1000)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a side of 10^9": (image_of(10**9, 10**9), "too large"),
    "a compressed side of 10^9": (changed(compressed(), "ZNAXIS1", 10**9), "too large"),
    "10^9 bands": (image_of(40, 30, 10**9), "it holds 1,000,000,000 bands, at most 64"),
    "10^9 compressed bands": (changed(compressed(), "ZNAXIS3", 10**9), "at most 64 allowed"),
    "a side of -1": (image_of(-1, 40), "NAXIS1 in its header is -1, expected a whole number"),
    "a side in words": (image_of(40, 40).replace(b"40", b" T", 1), "NAXIS1 .* is True"),
    "a side that is missing": (image_of(40, 40).replace(b"NAXIS2", b"NAXES2"), "NAXIS2 .* None"),
    "999 axes": (image_of(*[1] * 12), "NAXIS in its header is 12"),
    "four axes": (image_of(4, 4, 4, 4), r"an array of the shape \(4, 4, 4, 4\)"),
    "wrong BITPIX": (image_of(40, 30, bits=17), "BITPIX in its header is 17, expected one of 8"),
    "BITPIX in words": (image_of(40, 30, bits="'float'"), "BITPIX in its header is 'float'"),
    "wrong ZBITPIX": (changed(compressed(), "ZBITPIX", 5), "ZBITPIX in its header is 5"),
    "cut off": (legacy()[:-2880], r"cut off, at 14,400 of 17,280 bytes"),
    "cut off in the header": (legacy()[:1000], "cut off within a header"),
    "a header without an end": (image_of(40, 30, more=("X",) * 9000), "header of more than"),
    "an open header": (legacy()[:2880].replace(b"END", b"MID") * 300, "header of more than"),
    "hundreds of HDUs": (
        legacy() + cards("XTENSION= 'IMAGE   '", f"BITPIX  = {8:>20}", f"NAXIS   = {0:>20}") * 200,
        "more than 100 images and tables",
    ),
    "a bomb": (bomb(), "expands to more than its pixels"),
    "tiles wider than the image": (
        changed(compressed(), "ZTILE1", 10**9), "ZTILE1 in its header is 1000000000",
    ),
    "tiles without number": (changed(compressed(), "ZTILE2", 30), "in 90 parts, expected 3"),
    "a decoder that never ends": (
        changed(compressed(compression_type="RICE_1", quantize_level=16), "ZVAL1", 0),
        r"BLOCKSIZE in its header is 0, expected one of \(16, 32\)",
    ),
    "a size in an uncommon form": (
        inserted(compressed(), "HIERARCH ZNAXIS1 = 1000000000"), "ZNAXIS1 stands twice",
    ),
    "two sizes": (
        inserted(compressed(), "ZNAXIS1 =                   41"), "ZNAXIS1 stands twice",
    ),
    "a decoder that never ends, in an uncommon form": (
        inserted(compressed(compression_type="RICE_1", quantize_level=16), "HIERARCH ZVAL1 = 0"),
        "ZVAL1 stands twice",
    ),
    "HCOMPRESS": (
        compressed(GRZ[0], compression_type="HCOMPRESS_1", tile_shape=(15, 40), quantize_level=16),
        "it is compressed by HCOMPRESS_1: expected one of RICE_1",
    ),
    "a table": (
        file_of(fits.PrimaryHDU(), fits.BinTableHDU.from_columns(
            [fits.Column("x", "E", array=[1.0])])),
        "no image: the FITS file holds none",
    ),
    "four bands": (file_of(fits.PrimaryHDU(np.ones((4, 30, 40)), tan(BANDS="griz"))),
                   r"it holds 4 bands \(g, r, i, z\): say in cutouts.fits.bands which"),
}  # fmt: skip


def check_size(width: int, height: int) -> None:
    if max(width, height) > 4096:
        raise UnusableCutoutError("too large")


@pytest.mark.parametrize("what", HOSTILE)
def test_what_cannot_be_used_is_refused_in_a_sentence(what: str) -> None:
    encoded, reason = HOSTILE[what]
    tracemalloc.start()
    try:
        with pytest.raises(UnusableCutoutError, match=reason):
            read_bands(encoded, None, check_size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


def test_bands_that_are_not_there() -> None:
    for wanted, why in (
        (("z", "i"), "i is none of them"),
        ((3,), "3 is none of them"),
    ):
        with pytest.raises(UnusableCutoutError, match=rf"3 bands \(g, r, z\): {why}"):
            read(legacy(), *wanted)
    twice = file_of(*[fits.PrimaryHDU(GRZ[0], tan(BAND="g")), fits.ImageHDU(GRZ[1], tan(BAND="g"))])
    with pytest.raises(UnusableCutoutError, match="2 of them are called g"):
        read(twice, "g")


def test_damaged_files_are_refused_or_read(capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    files = [legacy(), compressed(), compressed(compression_type="RICE_1", quantize_level=16.0)]
    outcomes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            for _ in range(100):
                damaged = bytearray(file)
                place = rng.integers(min(len(file), 8000))
                damaged[place] = rng.integers(32, 127)
                try:
                    read_bands(bytes(damaged), None, check_size)
                    outcomes.add("read")
                except UnusableCutoutError as error:
                    outcomes.add(f"refused in {len(str(error).splitlines())} line")
    assert outcomes == {"read", "refused in 1 line"}
    assert capfd.readouterr() == ("", "")
