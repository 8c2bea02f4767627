"""Bands to colours: against astropy, by hand, and the same for every galaxy."""

from typing import Any

import numpy as np
import pytest
from astropy.visualization import make_lupton_rgb
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from galaxy_morphology.imaging import FitsColours, UnusableCutoutError
from galaxy_morphology.imaging.colours import to_colours

SKY = np.random.default_rng(0).normal(0, 0.01, (3, 40, 40)).astype(np.float32)


def galaxy(peak: float = 3.0) -> NDArray[np.float32]:
    """A galaxy in z, r and g in nanomaggies, with noise."""
    y, x = np.mgrid[:40, :40] - 19.5
    light = peak * np.exp(-np.hypot(x, y / 0.6) / 4)
    return np.asarray(SKY + light * np.array([3.6, 2.0, 1.0])[:, None, None], np.float32)


def colours(values: NDArray[Any], **how: Any) -> NDArray[np.uint8]:
    return to_colours(np.asarray(values, np.float32), FitsColours(**how))[0]


@given(
    scale=st.floats(0.01, 10),
    softening=st.floats(0.1, 50),
    peak=st.floats(0.01, 100),
    black=st.floats(-0.1, 0.1),
)
@settings(max_examples=40)
def test_lupton_is_that_of_astropy(
    scale: float, softening: float, peak: float, black: float
) -> None:
    values = galaxy(peak)
    ours = colours(values, scale=scale, softening=softening, black_level=black)
    theirs = make_lupton_rgb(*values, minimum=black, stretch=scale, Q=softening)
    # It cuts fractions off, we round.
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_each_band_has_its_scale_and_black() -> None:
    values = galaxy()
    ours = colours(
        values, bands=("z", "r", "g"), scale=(0.45, 0.3, 0.17), black_level=(0.0, -0.01, 0.02)
    )
    relative = [
        (band - black) / scale
        for band, scale, black in zip(values, (0.45, 0.3, 0.17), (0, -0.01, 0.02), strict=True)
    ]
    theirs = make_lupton_rgb(*relative, minimum=0, stretch=1, Q=8)
    assert np.abs(ours.astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("softening", [0.5, 8.0, 30.0])
def test_a_tenth_of_the_scale_is_a_tenth_of_white_however_soft(softening: float) -> None:
    values = np.full((1, 20, 20), 0.2)
    values[0, 0, 0] = -1
    for stretch in ("lupton", "asinh", "linear"):
        picture = colours(values, stretch=stretch, scale=2.0, softening=softening)
        assert (picture[1:] == 26).all()
        assert (picture[0, 0] == 0).all()


def test_asinh_and_linear_by_hand() -> None:
    values = np.broadcast_to(np.array([[-0.5, 0.0, 0.3, 1.0, 9.0]], np.float32), (3, 5, 5))
    linear = colours(values, stretch="linear", scale=1.0)
    assert linear[0, :, 0].tolist() == [0, 0, 76, 255, 255]
    soft = colours(values, stretch="asinh", scale=1.0, softening=8.0)
    expected = 255 * 0.1 * np.arcsinh(8 * np.array([0, 0, 0.3, 1, 9])) / np.arcsinh(0.8)
    np.testing.assert_allclose(soft[0, :, 2], expected, atol=0.51)


def test_one_and_two_bands() -> None:
    z, _, g = values = galaxy()
    grey = colours(values[:1], stretch="linear", scale=5.0)
    assert (grey == grey[..., :1]).all()
    two = colours(np.stack([z, g]), stretch="linear", scale=5.0)
    three = colours(np.stack([z, (z + g) / 2, g]), stretch="linear", scale=5.0)
    np.testing.assert_array_equal(two, three)
    np.testing.assert_array_equal(two[..., 0], grey[..., 0])


def test_the_same_flux_is_the_same_colour_whatever_else_is_in_the_frame() -> None:
    plain, star = galaxy(), galaxy()
    star[:, 3:6, 3:6] += 1000
    pictures = [colours(values) for values in (plain, star)]
    np.testing.assert_array_equal(pictures[0][10:], pictures[1][10:])
    own = [colours(values, scale=None, black_level=None) for values in (plain, star)]
    assert (own[0][10:] != own[1][10:]).any()


def test_each_image_by_itself_where_asked() -> None:
    values = galaxy()
    own = colours(values, stretch="linear", scale=None, black_level=None)
    other = colours(1000 * values + 77, stretch="linear", scale=None, black_level=None)
    assert np.abs(own.astype(int) - other).max() <= 1
    black = np.array([np.percentile(frame_of(band), 5) for band in values])
    light = values - black[:, None, None]
    expected = (255 * light / np.percentile(light.mean(axis=0), 99.5)).clip(0, 255)
    np.testing.assert_allclose(own, expected.transpose(1, 2, 0), atol=0.51)
    assert not colours(np.zeros((1, 20, 20)), scale=None, black_level=None).any()


def test_masked_pixels_show_the_sky_of_their_band() -> None:
    values = galaxy() + np.array([0.5, 0.2, 0.1], np.float32)[:, None, None]
    holed = values.copy()
    holed[0, 18:22, 18:22] = np.nan
    holed[2, :4] = np.nan
    picture, share = to_colours(
        holed, FitsColours(stretch="linear", scale=1.0, maximum_masked_share=0.2)
    )
    assert share == pytest.approx((16 + 160) / 1600)
    whole = colours(values, stretch="linear", scale=1.0)
    masked = np.isnan(holed).transpose(1, 2, 0)
    np.testing.assert_array_equal(picture[~masked], whole[~masked])
    assert (picture[18:22, 18:22, 0] == round(255 * float(np.median(frame_of(values[0]))))).all()
    assert np.abs(picture[:4, :, 2].astype(int) - 255 * 0.1).max() < 3
    with pytest.raises(UnusableCutoutError, match=r"11\.0% of its pixels .* at most 10\.0%"):
        to_colours(holed, FitsColours())
    with pytest.raises(UnusableCutoutError, match="100.0% of its pixels have no value"):
        to_colours(np.full((1, 20, 20), np.nan, np.float32), FitsColours())


def frame_of(band: NDArray[Any]) -> NDArray[Any]:
    inner = np.zeros(band.shape, bool)
    inner[4:-4, 4:-4] = True
    corners = np.concatenate([band[:4, :4], band[:4, -4:], band[-4:, :4], band[-4:, -4:]]).ravel()
    return np.concatenate([band[~inner], corners])  # corners count twice


def test_no_number_is_too_large() -> None:
    values = np.zeros((3, 20, 20), np.float32)
    values[0, 0] = np.finfo(np.float32).max
    values[1, 1] = np.finfo(np.float32).min
    for stretch in ("lupton", "asinh", "linear"):
        picture = colours(values, stretch=stretch, scale=1e-6, black_level=-1e-9)
        assert (picture[0, :, 0] == 255).all()
        assert (picture[1, :, 1] == 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"bands": ()}, {"bands": ("u", "g", "r", "i")}, {"bands": (-1,)}, {"bands": (True,)},
        {"stretch": "sqrt"}, {"scale": 0.0}, {"softening": 0.0}, {"black_level": float("nan")},
        {"maximum_masked_share": 1.0}, {"scale": (1.0, 2.0, 3.0)}, {"colour": 1},
        {"bands": ("z", "r", "g"), "scale": (1.0, 2.0)},
        {"bands": ("z", "r", "g"), "black_level": (1.0,)},
    ],
)  # fmt: skip
def test_ways_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FitsColours(**wrong)
