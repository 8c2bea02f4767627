"""Measures of galaxies against closed forms, definitions and what must not change them."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import brentq

from galaxy_morphology.imaging import read_cutouts
from galaxy_morphology.morphology import NEIGHBOUR, SKY, TARGET, measure_galaxies
from galaxy_morphology.morphology.features import (
    MEASURES,
    asymmetry,
    ellipticity,
    gini,
    growth_curve,
    m20,
    measure,
)

Array = NDArray[np.float64]
SIDE = 129
MIDDLE = SIDE // 2
CENTRE = float(MIDDLE), float(MIDDLE)
FINE = 5
"""Subpixels a side, for a pixel holds the mean of the light that falls on it."""


def radial(profile: Callable[[Array], Array], *, axis_ratio: float = 1, angle: float = 0) -> Array:
    """A galaxy in the middle of the frame, of a brightness that depends on the radius."""
    places = (np.arange(SIDE * FINE) - (SIDE * FINE - 1) / 2) / FINE
    y, x = np.meshgrid(places, places, indexing="ij")
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    light = profile(np.hypot(along, across / axis_ratio))
    return np.asarray(light.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3)))


def gaussian(sigma: float, **shape: float) -> Array:
    return radial(lambda r: 200 * np.exp(-(r**2) / (2 * sigma**2)), **shape)


def picture(light: Array, shares: tuple[float, float, float] = (1, 1, 1)) -> NDArray[np.uint8]:
    """A noiseless cut-out with this share of the light in each channel, on an even sky."""
    return np.asarray(np.rint(10 + light[..., None] * shares), np.uint8)


def as_they_came(cataids: Any, side: int = 65, arcsec_per_pixel: float = math.nan) -> pd.DataFrame:
    """Galaxies whose cut-outs had this side in pixels, by default that of most images here."""
    return pd.DataFrame({"cataid": cataids, "width": side, "height": side}).assign(
        arcsec_per_pixel=arcsec_per_pixel
    )


def a_galaxy(seed: int) -> NDArray[np.uint8]:
    """With a neighbour, knots and noise, so that nothing in it is symmetric."""
    rng = np.random.default_rng(seed)
    light = gaussian(9, axis_ratio=0.6, angle=0.4)[32:97, 32:97]
    y, x = np.indices(light.shape)
    for row, column, peak in ((32, 38, 40), (27, 33, 30), (10, 52, 150)):
        light += peak * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 8)
    colours = light[..., None] * (0.9, 0.7, 0.5) + rng.normal(20, 3, (*light.shape, 3))
    return np.asarray(np.clip(np.rint(colours), 0, 255), np.uint8)


@given(npst.arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 255)))
def test_gini_is_the_mean_difference_of_pixels(light: Array) -> None:
    n, differences = len(light), np.abs(light[:, None] - light).sum()
    if light.sum() > 0:
        assert gini(light) == pytest.approx(differences / (2 * light.mean() * n * (n - 1)))
    else:
        assert math.isnan(gini(light))


def test_gini_of_even_light_and_of_a_single_pixel() -> None:
    assert gini(np.full(50, 7.0)) == pytest.approx(0)
    assert gini(np.r_[np.zeros(49), 7.0]) == pytest.approx(1)


def test_m20_by_hand() -> None:
    # 4, 2, 4 about the middle: both ends are equally bright, and the fifth, 2 of 10, is a
    # quarter of their light. So the moments are 8 in all and 2 in the fifth.
    assert m20(np.array([[4.0, 2, 4]])) == pytest.approx(math.log10(2 / 8))
    # 1, 8, 1: the whole fifth lies at the centroid.
    assert math.isnan(m20(np.array([[1.0, 8, 1]])))


def test_m20_tells_a_knot_off_the_centre_from_a_bright_centre() -> None:
    disc, knot = gaussian(12), np.roll(gaussian(4), 25, axis=1)
    assert m20(disc) < -1.3
    assert m20(disc / 4 + knot) > m20(disc) + 0.3


@pytest.mark.parametrize("exponent", [1.0, 0.25])
def test_growth_curve_is_the_integral_of_the_profile(exponent: float) -> None:
    def profile(r: Any) -> Any:  # exponential; de Vaucouleurs, less the cusp no pixel resolves
        return np.exp(-(((r + 1) / 0.002) ** 0.25 if exponent < 1 else r / 7))

    outermost = 60
    light = radial(profile)
    y, x = np.indices(light.shape) - MIDDLE
    radii, shares = growth_curve(np.where(np.hypot(y, x) <= outermost, light, 0), CENTRE)

    def light_within(radius: float) -> float:
        return float(quad(lambda r: r * profile(r), 0, radius)[0])

    for share in (0.2, 0.5, 0.8):
        wanted = share * light_within(outermost)
        expected = brentq(lambda r: light_within(r) - wanted, 1e-6, outermost)  # noqa: B023
        assert np.interp(share, shares, radii) == pytest.approx(expected, rel=0.02)


def test_concentration_of_an_exponential_disc() -> None:
    def scale_lengths(share: float) -> float:
        return float(brentq(lambda x: 1 - (1 + x) * math.exp(-x) - share, 0, 20))

    expected = 5 * math.log10(scale_lengths(0.8) / scale_lengths(0.2))
    assert expected == pytest.approx(2.80, abs=0.01)
    # Lacking is the light fainter than the rounding to eight bits: a few percent.
    disc = picture(radial(lambda r: 240 * np.exp(-r / 8)))
    assert measure(disc)["concentration"] == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("sigma", [5, 9, 13])
def test_half_light_radius_and_brightness_of_a_gaussian(sigma: float) -> None:
    measures = measure(picture(gaussian(sigma)))
    total, half = 200 * 2 * math.pi * sigma**2, 1.1774 * sigma
    assert measures["half_light_radius_px"] == pytest.approx(half, rel=0.02)
    assert measures["magnitude"] == pytest.approx(-2.5 * math.log10(total), abs=0.02)
    surface = -2.5 * math.log10(total / 2 / (math.pi * half**2))
    assert measures["surface_brightness"] == pytest.approx(surface, abs=0.04)


@settings(max_examples=15)
@given(st.floats(0.3, 1), st.floats(0, math.pi))
def test_ellipticity_of_an_inclined_gaussian(axis_ratio: float, angle: float) -> None:
    light = gaussian(10, axis_ratio=axis_ratio, angle=angle)
    assert ellipticity(light) == pytest.approx(1 - axis_ratio, abs=0.01)
    assert measure(picture(light))["ellipticity"] == pytest.approx(1 - axis_ratio, abs=0.03)


def test_a_symmetric_galaxy_has_no_asymmetry_and_a_half_brightened_one_has() -> None:
    light = gaussian(8, axis_ratio=0.6, angle=1)
    parts = np.where(light > 1, TARGET, SKY).astype(np.uint8)
    value, centre = asymmetry(light, parts)
    assert value == pytest.approx(0, abs=1e-3)  # what the rim of the sky has
    assert centre == CENTRE
    light[:, MIDDLE + 1 :] *= 1.3
    assert asymmetry(light, parts)[0] > 0.05
    assert float(measure(picture(light))["asymmetry"]) > 0.05


def test_asymmetry_by_hand() -> None:
    # A square of 4 but for 6 opposite 2: |6 - 2| counts twice, about the middle, of 36 in all.
    light = np.zeros((11, 11))
    light[4:7, 4:7] = 4
    light[5, 4], light[5, 6] = 6, 2
    parts = np.where(light > 0, TARGET, SKY).astype(np.uint8)
    assert asymmetry(light, parts)[0] == pytest.approx(8 / 36)


def test_noise_adds_nothing_to_asymmetry_on_average() -> None:
    light = gaussian(8)
    parts = np.where(light > 20, TARGET, SKY).astype(np.uint8)
    noisy = [light + np.random.default_rng(i).normal(0, 5, light.shape) for i in range(10)]
    uncorrected = np.abs(noisy[0] - noisy[0][::-1, ::-1])[parts == TARGET].sum() / light.sum()
    assert uncorrected > 0.05
    assert np.mean([asymmetry(image, parts)[0] for image in noisy]) == pytest.approx(0, abs=0.015)


def test_asymmetry_is_missing_where_there_is_nothing_to_compare() -> None:
    light = np.ones((9, 9))
    assert math.isnan(asymmetry(light, np.full((9, 9), TARGET, np.uint8))[0])
    corner = np.full((9, 9), NEIGHBOUR, np.uint8)
    corner[0, 0] = TARGET
    assert math.isnan(asymmetry(light, corner)[0])


def test_neighbours_are_no_asymmetry() -> None:
    light = gaussian(8)
    parts = np.where(light > 1, TARGET, SKY).astype(np.uint8)
    parts[MIDDLE - 3 : MIDDLE + 4, MIDDLE + 9 : MIDDLE + 16] = NEIGHBOUR
    light[parts == NEIGHBOUR] += 200
    assert asymmetry(light, parts)[0] == pytest.approx(0, abs=0.01)


@settings(max_examples=15)
@given(*[st.floats(0.3, 1)] * 3)
def test_colours_are_ratios_of_channels(red: float, green: float, blue: float) -> None:
    measures = measure(picture(gaussian(10), (red, green, blue)))
    red_green, green_blue = -2.5 * math.log10(red / green), -2.5 * math.log10(green / blue)
    assert measures["colour_red_green"] == pytest.approx(red_green, abs=0.02)
    assert measures["colour_green_blue"] == pytest.approx(green_blue, abs=0.02)
    assert measures["colour_gradient_red_blue"] == pytest.approx(0, abs=0.05)


def test_a_red_middle_has_a_negative_colour_gradient() -> None:
    image = picture(gaussian(9))
    image[..., 2] = picture(gaussian(14) / 2)[..., 2]
    assert float(measure(image)["colour_gradient_red_blue"]) < -0.3


def test_neighbour_share() -> None:
    light = gaussian(5)
    shared = measure(picture(light + np.roll(light / 3, 40, axis=0)))
    assert shared["neighbour_share"] == pytest.approx(0.25, abs=0.01)
    assert measure(picture(light))["neighbour_share"] == 0
    alone = measure(picture(np.roll(light, 40, axis=0)))
    assert alone["neighbour_share"] == 1
    assert alone["measurement_flag"] == "no source in the middle"


def test_touching_the_edge() -> None:
    assert not measure(picture(gaussian(8)))["touches_edge"]
    assert measure(picture(gaussian(60, axis_ratio=0.1)))["touches_edge"]


@pytest.mark.parametrize("seed", range(3))
def test_turning_and_flipping_changes_nothing(seed: int) -> None:
    image = a_galaxy(seed)
    expected = measure(image)
    for turned in (np.rot90(image), np.rot90(image, 2), image[::-1], image[:, ::-1]):
        found = measure(np.ascontiguousarray(turned))
        assert found["measurement_flag"] == expected["measurement_flag"] == ""
        assert [found[name] for name in MEASURES] == pytest.approx(
            [expected[name] for name in MEASURES], rel=1e-3, abs=2e-3
        )


def test_exchanging_channels_exchanges_colours_alone() -> None:
    image = a_galaxy(0)
    measured, exchanged = measure(image), measure(np.ascontiguousarray(image[..., ::-1]))
    for name in MEASURES:
        if not name.startswith("colour"):
            assert exchanged[name] == pytest.approx(measured[name], abs=1e-6)
    assert exchanged["colour_red_green"] == pytest.approx(-float(measured["colour_green_blue"]))


def assert_measured_or_flagged(measures: dict[str, Any]) -> None:
    values = np.array([measures[name] for name in MEASURES])
    assert not np.isinf(values).any()
    assert measures["measurement_flag"] or np.isfinite(values).all()


@settings(max_examples=40)
@given(
    npst.arrays(
        np.uint8,
        st.tuples(st.integers(12, 40), st.integers(12, 40), st.just(3)),
        elements=st.integers(0, 255),
    )
)
def test_any_image_is_measured_or_flagged(image: NDArray[np.uint8]) -> None:
    assert_measured_or_flagged(measure(image))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    sky=st.floats(0, 150),
    noise=st.sampled_from([0, 0.5, 3, 30]),
    peak=st.sampled_from([3, 30, 100, 400]),
    sigma=st.floats(0.1, 60),
    shares=st.lists(st.sampled_from([0.0, 0.02, 1.0]), min_size=3, max_size=3),
)
def test_any_galaxy_is_measured_or_flagged(
    seed: int, sky: float, noise: float, peak: float, sigma: float, shares: list[float]
) -> None:
    y, x = np.indices((48, 48)) - 23.5
    light = peak * np.exp(-(x**2 + y**2) / (2 * sigma**2))
    seen = sky + light[..., None] * shares
    seen += np.random.default_rng(seed).normal(0, noise, seen.shape)
    assert_measured_or_flagged(measure(np.asarray(np.clip(seen, 0, 255), np.uint8)))


def test_what_cannot_be_measured_says_why() -> None:
    empty = np.zeros((64, 64, 3), np.uint8)
    assert measure(empty)["measurement_flag"] == "no source in the middle"
    dot = empty.copy()
    dot[32, 32] = 255
    hot = measure(dot)
    assert "a fifth of the light in one pixel" in str(hot["measurement_flag"])
    assert math.isnan(float(hot["m20"]))
    no_blue = measure(picture(gaussian(8), (1, 1, 0)))
    assert no_blue["measurement_flag"] == "no light in the blue channel"
    assert no_blue["colour_red_green"] == pytest.approx(0)
    assert math.isnan(float(no_blue["colour_green_blue"]))


def test_a_row_per_galaxy_in_order_whatever_the_number_of_processes(tmp_path: Path) -> None:
    images = np.stack([a_galaxy(0), np.zeros((65, 65, 3), np.uint8), *map(a_galaxy, range(1, 39))])
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    cataids = np.arange(len(images))[::-1] + 1000
    one, two = (measure_galaxies(mapped, as_they_came(cataids), n_processes=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert one["cataid"].tolist() == cataids.tolist()
    columns = ["cataid", *MEASURES, "touches_edge", "measurement_flag"]
    assert one.drop(columns="half_light_radius_arcsec").columns.tolist() == columns
    assert one["measurement_flag"].iloc[1] == "no source in the middle"
    assert one["touches_edge"].dtype == bool
    last = measure(images[-1])
    assert one.iloc[-1][MEASURES].tolist() == pytest.approx([last[name] for name in MEASURES])


@pytest.mark.parametrize("noise", [0.0, 3.0])
@pytest.mark.parametrize("sigma", [6, 10])
def test_framed_wider_or_not_square_a_galaxy_has_the_same_size_and_magnitude(
    sigma: float, noise: float
) -> None:
    frames = [(96, 96), (128, 128), (192, 192), (256, 256), (128, 256), (200, 110)]
    archive = {}
    for cataid, (height, width) in enumerate(frames):
        y, x = np.mgrid[:height, :width].astype(float)
        y, x = y - (height - 1) / 2, x - (width - 1) / 2
        light = 200 * np.exp(-(x**2 + (y / 0.8) ** 2) / (2 * sigma**2))[..., None] * (1, 0.8, 0.6)
        seen = 20 + light + np.random.default_rng(cataid).normal(0, noise, light.shape)
        stored = cv2.imencode(".png", seen.clip(0, 255).round().astype(np.uint8)[..., ::-1])[1]
        archive[cataid] = stored.tobytes()
    labelled = pd.DataFrame({"cataid": list(archive)})
    images, galaxies, _ = read_cutouts(
        archive, labelled, side=128, minimum_side=16, maximum_side=4096, arcsec_per_pixel=0.4
    )
    table = measure_galaxies(np.stack(list(images)), galaxies, n_processes=1)
    # In the frame itself: half of the light of a Gaussian lies within 1.18 sigma.
    expected = measure(np.stack(list(images))[1])
    assert expected["half_light_radius_px"] == pytest.approx(1.18 * sigma * 0.9, rel=0.08)
    radii, magnitudes = table["half_light_radius_px"], table["magnitude"]
    np.testing.assert_allclose(radii, float(expected["half_light_radius_px"]), rtol=0.06)
    np.testing.assert_allclose(magnitudes, float(expected["magnitude"]), atol=0.05)
    np.testing.assert_allclose(table["half_light_radius_arcsec"], 0.4 * radii)


def test_without_a_scale_there_are_no_arcseconds() -> None:
    image = a_galaxy(0)
    table = measure_galaxies(image[None], as_they_came([1], side=130), n_processes=1)
    measured = measure(image)
    assert table["half_light_radius_arcsec"].isna().all()
    assert table["half_light_radius_px"][0] == pytest.approx(2 * measured["half_light_radius_px"])
    # Four pixels of the cut-out for one of the image.
    assert table["magnitude"][0] == pytest.approx(
        float(measured["magnitude"]) - 2.5 * math.log10(4)
    )


def test_no_galaxies_make_an_empty_table() -> None:
    table = measure_galaxies(
        np.empty((0, 32, 32, 3), np.uint8), as_they_came(np.empty(0, int)), n_processes=1
    )
    assert table.empty
    assert table["concentration"].dtype == np.float64


def test_images_without_cataids_are_refused() -> None:
    with pytest.raises(ValueError, match="2 images, but 1 galaxies"):
        measure_galaxies(np.zeros((2, 32, 32, 3), np.uint8), as_they_came(np.array([1])))


def test_real_galaxies_look_like_their_class(real_galaxies: Path) -> None:
    labels = pd.read_csv(real_galaxies / "labels.csv")
    labels["class"] = labels["MORPHOLOGY"].str.removesuffix("_cw").str.removesuffix("_acw")
    some = labels[labels["class"] != "merger"].groupby("class").sample(50, random_state=0)
    images = []
    for cataid in some["CATAID"]:
        image = cv2.imread(str(real_galaxies / f"cutouts/{cataid}.jpg"), cv2.IMREAD_COLOR_RGB)
        assert image is not None
        images.append(cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA))
    measured = measure_galaxies(
        np.stack(images).astype(np.uint8), as_they_came(some["CATAID"].to_numpy()), n_processes=1
    )
    assert np.mean(measured["measurement_flag"] == "") > 0.95
    median = measured[MEASURES].groupby(some["class"].to_numpy()).median()
    elliptical, spiral, edge_on = (median.loc[name] for name in ("elliptical", "spiral", "edge_on"))
    assert elliptical["asymmetry"] < spiral["asymmetry"]
    assert elliptical["concentration"] > spiral["concentration"]
    assert elliptical["colour_green_blue"] < spiral["colour_green_blue"]  # redder
    assert edge_on["ellipticity"] > 1.5 * spiral["ellipticity"]
