"""The bands that networks see: read beside the picture, with its geometry, or refused."""

from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from survey import encode

from galaxy_morphology.imaging import (
    FitsColours,
    UnusableCutoutError,
    prepare_cutout,
    read_cutouts,
)
from galaxy_morphology.options import CutoutOptions

LIMITS: dict[str, Any] = {"minimum_side": 16, "maximum_side": 4096}
RNG = np.random.default_rng(0)


def fits_of(cube: NDArray[Any], bands: str, **keywords: Any) -> bytes:
    """A file with a plane for each band; the first row is in the south."""
    file = BytesIO()
    fits.PrimaryHDU(cube, fits.Header({"BANDS": bands, **keywords})).writeto(file)
    return file.getvalue()


def read(encoded: bytes, channels: list[str | int], **how: Any) -> NDArray[Any]:
    colours = FitsColours(bands=tuple(channels[:3]), scale=None, black_level=None)
    how = {"side": 32, "fits": colours, **LIMITS, **how}
    bands = prepare_cutout(encoded, channels=channels, **how).bands
    assert bands is not None
    return bands


@pytest.mark.parametrize("wanted", [["g"], ["z", "u"], ["g", "r", "z"], ["z", "r", 0, "g", "i"]])
def test_bands_come_in_the_order_in_which_they_are_named(wanted: list[str | int]) -> None:
    cube = RNG.normal(0, 3, (5, 32, 32)).astype(np.float32)
    bands = read(fits_of(cube, "ugriz"), wanted)
    assert bands.dtype == np.float16
    places = ["ugriz".index(one) if isinstance(one, str) else one for one in wanted]
    expected = cube[places][:, ::-1].transpose(1, 2, 0)
    np.testing.assert_allclose(bands, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 64), (40, 50), (90, 30)])
@pytest.mark.parametrize("crop", [None, 20.0])
def test_bands_lie_where_the_picture_has_them(shape: tuple[int, int], crop: float | None) -> None:
    # Whole numbers from 0 to 255, so that a linear picture has the same values to rounding.
    cube = RNG.integers(0, 256, (3, *shape)).astype(np.float32)
    how = {"side": 48, "crop_arcsec": crop, "arcsec_per_pixel": 1.0, **LIMITS}
    colours = FitsColours(bands=("r", "g", "b"), stretch="linear", scale=255.0)
    cutout = prepare_cutout(fits_of(cube, "bgr"), channels=["r", "g", "b"], fits=colours, **how)
    assert cutout.bands is not None
    seen = np.clip(cutout.bands.astype(np.float32), 0, 255)
    assert np.abs(seen - cutout.pixels).max() <= 1.1


@given(unit=st.sampled_from([1e-12, 1e-3, 1.0, 1e6]), n_bands=st.integers(1, 5))
@settings(max_examples=12, deadline=None)
def test_the_unit_of_the_files_is_taken_off(unit: float, n_bands: int) -> None:
    cube = RNG.normal(0, 1, (n_bands, 40, 40)).astype(np.float32)
    wanted: list[str | int] = list(range(n_bands))
    names = "ugriz"[:n_bands]
    plain = read(fits_of(cube, names), wanted)
    np.testing.assert_allclose(
        read(fits_of(cube * np.float32(unit), names), wanted, channel_unit=unit),
        plain, rtol=2e-3, atol=1e-3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "factor", "words"),
    [
        (0.0, 1e6, r"too bright: band g reaches .*65,504.*raise cutouts.channel_unit"),
        (5000.0, 1.0, "too fine: of band g three digits .* noise is .*: subtract the sky"),
        (0.0, 1e-9, "too fine: of band g .* or lower cutouts.channel_unit"),
    ],
)
def test_what_does_not_fit_into_half_precision(offset: float, factor: float, words: str) -> None:
    cube = RNG.normal(0, 1, (2, 40, 40)).astype(np.float32) * np.array(
        [[[1]], [[factor]]], np.float32
    )
    cube[1] += offset
    with pytest.raises(UnusableCutoutError, match=words):
        read(fits_of(cube, "rg"), ["r", "g"])


def test_masked_pixels_have_the_sky_of_their_band() -> None:
    cube = RNG.normal(0, 0.03, (2, 32, 32)).astype(np.float32) + np.array(
        [[[1]], [[5]]], np.float32
    )
    cube[1, 10, 12] = np.nan
    bands = read(fits_of(cube, "rg"), ["r", "g"])
    assert bands[21, 12, 1] == pytest.approx(5, abs=0.015)
    cube[0, :20] = np.nan
    with pytest.raises(UnusableCutoutError, match="masked: 62.5%"):
        read(fits_of(cube, "rg"), ["r"])


def test_a_band_that_some_galaxies_lack_leaves_these_out() -> None:
    cubes = [RNG.normal(0, 1, (3, 32, 32)).astype(np.float32) for _ in range(4)]
    archive = {
        1: fits_of(cubes[0], "grz"),
        2: fits_of(cubes[1][:2], "gr"),
        3: encode(np.zeros((32, 32, 3), np.uint8) + np.arange(32, dtype=np.uint8)[:, None]),
        4: fits_of(cubes[3], "grz"),
    }
    images, galaxies, rejected = read_cutouts(
        archive, pd.DataFrame({"cataid": [4, 3, 2, 1]}), side=32, channels=["z", "g"],
        fits=FitsColours(bands=("r",), scale=3.0, black_level=-2.0), **LIMITS,
    )  # fmt: skip
    assert galaxies["cataid"].tolist() == [4, 1]
    assert dict(zip(rejected["cataid"], rejected["reason"], strict=True)) == {
        2: "it holds 2 bands (g, r): z is none of them (cutouts.channels)",
        3: "no FITS file, so that it has no bands z, g (cutouts.channels): set it to null, and "
        "networks see pictures",
    }
    assert images.bands is not None
    assert images.bands.shape == (2, 32, 32, 2)
    for row, cube in zip(images.bands, [cubes[3], cubes[0]], strict=True):
        np.testing.assert_allclose(row, cube[[2, 0]][:, ::-1].transpose(1, 2, 0), rtol=1e-3)


def test_galaxies_that_differ_only_in_their_bands_are_no_duplicates() -> None:
    cube = RNG.normal(0, 1, (2, 32, 32)).astype(np.float32)
    archive = {
        1: fits_of(cube, "gr"),
        2: fits_of(cube * np.array([[[1]], [[2]]], np.float32), "gr"),
    }
    arguments = {"side": 32, **LIMITS, "fits": FitsColours(bands=("g",), scale=3.0)}
    table = pd.DataFrame({"cataid": [1, 2]})
    _, seen_as_pictures, _ = read_cutouts(archive, table, **arguments)
    assert seen_as_pictures["duplicate_of"].notna().sum() == 1
    _, seen_in_bands, _ = read_cutouts(archive, table, channels=["g", "r"], **arguments)
    assert seen_in_bands["duplicate_of"].isna().all()


def test_a_band_without_signal_is_flagged() -> None:
    cube = RNG.normal(0, 1, (2, 32, 32)).astype(np.float32)
    dead = cube * np.array([[[1]], [[0]]], np.float32)
    archive = {1: fits_of(cube, "gr"), 2: fits_of(dead, "gr")}
    _, galaxies, _ = read_cutouts(
        archive, pd.DataFrame({"cataid": [1, 2]}), side=32, channels=["g", "r"],
        fits=FitsColours(bands=("g",), scale=3.0), **LIMITS,
    )  # fmt: skip
    assert galaxies["channel_without_signal"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ([], "at least 1"),
        (list("ugrizy"), "at most 5"),
        (["g", "g"], "each band once, found ['g', 'g']"),
        ([1.5], "channels"),
    ],
)
def test_channels_that_cannot_be(channels: Any, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        CutoutOptions(side=32, white_level=None, arcsec_per_pixel=None, channels=channels, **LIMITS)
    assert words in str(raised.value)
