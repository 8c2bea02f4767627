"""Cut-outs against the optics, the noise and the colours that they were asked for."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from galaxy_morphology.simulation import BANDS, Observation, colour_image, observe
from galaxy_morphology.simulation.observation import correlated_noise
from simulation.hand_made import DISC, ELLIPTICAL, FRAME, SPIRAL, Array, moments

WHITE = {"h": 0.0, "i": 0.7, "g": 1.5}
SIGMA = 2.3548
"""A full width at half maximum in standard deviations of a Gaussian."""
NOTHING = ELLIPTICAL | FRAME | {"magnitude": 60.0, "side": 200}


def flux(magnitude: float) -> float:
    return float(10 ** (-0.4 * (magnitude - 25)))


def taken(galaxy: dict[str, Any], observation: dict[str, Any], seed: int = 1) -> Observation:
    return observe(FRAME | galaxy, observation, seed)


def seen_in_one_band(
    galaxy: dict[str, Any], observation: dict[str, Any], band: str, *, full_scale: float
) -> Array:
    """Flux per pixel, read back from the colours of a cut-out; what is negative becomes 0.

    With next to no softening, brightness grows linearly up to the stretch, and next to this
    much brightening, the other bands stay black.
    """
    brightened = 20.0  # mag
    white = dict.fromkeys(BANDS, 0.0) | {band: brightened}
    sky_noise = flux((FRAME | galaxy)["sky_noise_i"])
    stretch = full_scale * 10 ** (0.4 * (brightened - white["i"])) / sky_noise
    cutout = taken(
        galaxy | {"stretch": stretch, "softening": 1e-3}, observation | {"white": white}
    ).cutout
    channel = cutout[..., BANDS.index(band)]
    assert cutout.sum() == channel.sum()
    assert channel.max() < 255
    # Brightness was rounded down.
    return np.asarray((channel + 0.5 * (channel > 0)) / 255 * full_scale)


@pytest.mark.parametrize("offset", [(0.0, 0.0), (1.0, 0.0), (-0.7, 1.55)])
@pytest.mark.parametrize("galaxy", [ELLIPTICAL, DISC])
def test_a_galaxy_lies_where_its_offset_says(
    galaxy: dict[str, Any], offset: tuple[float, float], observation: dict[str, Any]
) -> None:
    galaxy = galaxy | {"offset_x": offset[0], "offset_y": offset[1], "side": 161}
    light = taken(galaxy, observation).target["i"]
    centroid, _ = moments(light)
    np.testing.assert_allclose(centroid * observation["pixel_scale"], offset, atol=0.02)


def test_only_what_is_asked_for_lies_in_the_frame(observation: dict[str, Any]) -> None:
    seen = taken(SPIRAL, observation)
    assert all((seen.neighbours[band] == 0).all() for band in BANDS)
    assert seen.target["i"].shape == seen.cutout.shape[:2] == (80, 80)
    assert all((seen.structure[band] <= seen.target[band] + 1e-6).all() for band in BANDS)
    crowded = taken(SPIRAL | {"n_neighbours": 3, "n_stars": 2}, observation)
    np.testing.assert_array_equal(crowded.target["i"], seen.target["i"])
    assert crowded.neighbours["i"].max() > 0


@pytest.mark.parametrize("kind", ["stars", "neighbours"])
def test_the_field_is_as_bright_as_asked_for_and_off_the_galaxy(
    kind: str, observation: dict[str, Any]
) -> None:
    look = {"magnitude": 18.0, "g_minus_i": 0.5, "i_minus_h": 0.2, "half_light_radius": 0.4}
    galaxy = ELLIPTICAL | {f"n_{kind}": 1, "bulge_half_light_radius": 4.0}
    whole = 0
    for cataid in range(30):
        light = taken(galaxy | {"cataid": cataid}, observation | {kind: look}).neighbours
        y, x = np.unravel_index(light["i"].argmax(), (80, 80)) - np.array(39.5)
        # The place of the peak is known to half a pixel.
        assert np.hypot(x, y) * observation["pixel_scale"] > 4.0 - 0.25
        if max(abs(x), abs(y)) < 28:  # else some of its light is outside
            whole += 1
            for band, magnitude in {"h": 17.8, "i": 18.0, "g": 18.5}.items():
                assert light[band].sum() == pytest.approx(flux(magnitude), rel=0.05)
    assert whole > 5


def test_a_star_is_as_wide_as_the_seeing(observation: dict[str, Any]) -> None:
    fine = observation | {"pixel_scale": 0.1}
    for band, seeing in {"h": 0.7, "i": 0.9, "g": 1.2}.items():
        galaxy = ELLIPTICAL | {"n_stars": 1, f"psf_fwhm_{band}": seeing}
        light = taken(galaxy | {"side": 150}, fine).neighbours[band]
        above_half = np.sum(light > light.max() / 2) * 0.1**2
        assert np.sqrt(4 * above_half / np.pi) == pytest.approx(seeing, rel=0.05)


@pytest.mark.parametrize("band", BANDS)
def test_without_noise_a_cutout_is_the_light_of_all_that_is_there(
    band: str, observation: dict[str, Any]
) -> None:
    quiet = SPIRAL | {f"sky_noise_{name}": 50.0 for name in BANDS} | {"n_stars": 2}
    exposure = observation | {"electron_magnitude": dict.fromkeys(BANDS, 60.0)}
    seen = taken(quiet, exposure)
    light = seen.target[band] + seen.neighbours[band]
    full_scale = 1.01 * light.max()
    found = seen_in_one_band(quiet, exposure, band, full_scale=full_scale)
    np.testing.assert_allclose(found, light, atol=full_scale / 255)


@pytest.mark.parametrize("fwhm", [1.0, 2.0, 3.0, 4.0])
def test_noise_is_correlated_as_by_a_gaussian(fwhm: float) -> None:
    noise = correlated_noise((400, 400), fwhm, np.random.default_rng(0))
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.02)
    if fwhm >= 2:  # else the kernel is too coarse for the closed form
        for lag in (1, 2):
            expected = np.exp(-((lag * SIGMA / fwhm) ** 2) / 4)
            for one, other in (
                (noise[lag:], noise[:-lag]),
                (noise[:, lag:], noise[:, :-lag]),
            ):
                assert np.mean(one * other) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("band", BANDS)
def test_the_sky_is_as_noisy_as_asked_for(band: str, observation: dict[str, Any]) -> None:
    expected = flux(FRAME[f"sky_noise_{band}"])
    seen = seen_in_one_band(NOTHING, observation, band, full_scale=6 * expected)
    # Half of the noise is above 0, and has half of the squares.
    assert np.sqrt(2 * np.mean(seen**2)) == pytest.approx(expected, rel=0.05)
    for sigmas in (0.5, 1.0, 2.0):
        assert np.mean(seen > sigmas * expected) == pytest.approx(norm.sf(sigmas), abs=0.015)
    assert taken(NOTHING, observation).sky_noise[band] == pytest.approx(expected)


def test_noise_in_a_cutout_is_correlated_as_asked_for(observation: dict[str, Any]) -> None:
    full_scale = 6 * flux(FRAME["sky_noise_i"])
    for fwhm in (0.1, 2.0, 3.0):
        seen = seen_in_one_band(
            NOTHING, observation | {"noise_correlation": fwhm}, "i", full_scale=full_scale
        )
        bright = seen > 0
        # Sheppard (1899): how often two Gaussian variables are positive together.
        correlation = np.exp(-((SIGMA / fwhm) ** 2) / 4)
        together = 0.25 + np.arcsin(correlation) / (2 * np.pi)
        assert np.mean(bright[:, 1:] & bright[:, :-1]) == pytest.approx(together, abs=0.02)


def test_light_has_the_shot_noise_of_its_electrons(observation: dict[str, Any]) -> None:
    # So bright that the sky's noise does not count.
    galaxy = ELLIPTICAL | {"magnitude": 11.0, "bulge_half_light_radius": 4.0, "side": 40}
    galaxy["bulge_sersic_index"] = 0.6  # without a cusp, many pixels are bright
    light = taken(galaxy, observation).target["i"]
    # An electron for each hundredth of the brightest pixel's light.
    electron = 25 - 2.5 * np.log10(light.max() / 100)
    exposure = observation | {"electron_magnitude": {"h": 30.0, "i": electron, "g": 30.0}}
    seen = np.stack(
        [
            seen_in_one_band(galaxy | {"cataid": cataid}, exposure, "i", full_scale=2 * light.max())
            for cataid in range(40)
        ]
    )
    bright = light > light.max() / 4  # five standard deviations above 0
    electrons = light[bright] / light.max() * 100
    found = seen[:, bright] / light.max() * 100
    assert np.mean(found.mean(axis=0) / electrons) == pytest.approx(1, abs=0.02)
    assert np.mean(found.var(axis=0, ddof=1) / electrons) == pytest.approx(1, abs=0.05)


def test_the_seed_and_the_galaxy_decide_on_the_noise(observation: dict[str, Any]) -> None:
    one, same, other_seed, other_galaxy = (
        taken(SPIRAL | {"cataid": cataid}, observation, seed)
        for cataid, seed in ((1, 1), (1, 1), (1, 2), (2, 1))
    )
    np.testing.assert_array_equal(one.cutout, same.cutout)
    for other in (other_seed, other_galaxy):
        assert np.mean(one.cutout != other.cutout) > 0.5


def coloured(h: float, i: float, g: float, **how: float) -> NDArray[np.uint8]:
    """The colour of one pixel with these fluxes."""
    light = {band: np.full((1, 1), value) for band, value in zip(BANDS, (h, i, g), strict=True)}
    options = {"stretch": 1.0, "softening": 8.0} | how
    return np.asarray(colour_image(light, WHITE, **options)[0, 0])


def white(brightness: float) -> Array:
    """Fluxes of something white, as bright as this in the i band."""
    return np.array([brightness * flux(WHITE[band]) / flux(WHITE["i"]) for band in BANDS])


def test_what_shall_look_white_does() -> None:
    for magnitude in (18, 20, 22, 24):
        fluxes = (flux(WHITE[band] + magnitude) for band in BANDS)
        colour = coloured(*fluxes, stretch=flux(21)).astype(int)
        assert np.ptp(colour) <= 2
        assert colour.min() > 0


def test_h_is_red_and_g_is_blue() -> None:
    for channel in range(3):
        colour = coloured(*np.eye(3)[channel])
        assert colour[channel] > 0
        assert (np.delete(colour, channel) == 0).all()


@pytest.mark.parametrize("softening", [5.0, 9.0])
def test_brightness_grows_as_an_inverse_hyperbolic_sine(softening: float) -> None:
    # By definition a tenth of the stretch has a tenth of the full brightness, 255.
    full = 25.5 / np.arcsinh(0.1 * softening)
    brightness = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    greys = [int(coloured(*white(3 * x), stretch=3.0, softening=softening)[1]) for x in brightness]
    expected = full * np.arcsinh(softening * np.array(brightness))
    np.testing.assert_allclose(greys, expected, atol=1)
    assert (np.diff(greys) > 0).all()


def test_bright_places_keep_their_colour() -> None:
    for brightness in (0.2, 2.0):
        fluxes = white(brightness) * [2.0, 1.0, 0.5]
        red, green, blue = coloured(*fluxes).astype(int)
        assert 0 < red < 255
        assert red == pytest.approx(2 * green, abs=2)
        assert green == pytest.approx(2 * blue, abs=2)


@pytest.mark.parametrize("band", BANDS)
def test_a_dead_band_is_black_everywhere(band: str, observation: dict[str, Any]) -> None:
    galaxy = SPIRAL | {"n_stars": 2}
    alive = taken(galaxy, observation).cutout
    dead = taken(galaxy | {"dead_band": band}, observation).cutout
    for channel, name in enumerate(BANDS):
        assert alive[..., channel].any()
        assert dead[..., channel].any() == (name != band)
