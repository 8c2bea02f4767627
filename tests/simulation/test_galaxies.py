"""The light of galaxies against closed forms and astropy, measured on noise-free images."""

from typing import Any

import numpy as np
import pytest
from astropy.modeling.models import Sersic2D
from numpy.typing import NDArray
from scipy.special import gamma, gammaincinv

from galaxy_morphology.simulation.galaxies import (
    EXTINCTION,
    GRID_PIXELS,
    GRID_RADIUS,
    _arms_density,
    _disc_density,
    _knots_density,
)
from simulation.hand_made import (
    ARMS,
    BAR,
    DISC,
    ELLIPTICAL,
    KNOTS,
    SPIRAL,
    TOTAL,
    Array,
    components_of,
    moments,
    picture,
    rotation,
    seen_in_the_plane,
)

PIXEL = 0.1  # arcsec
FLUX = {"h": 10**3.92, "i": 10**3.6, "g": 10**3.2}
"""Of 15.2, 16 and 17 mag, as the hand-made galaxies have, for a zero point of 25."""
SCALE_LENGTH = 1 / 1.678347
"""Of an exponential disc over its half-light radius, the solution of (1 + x) exp(-x) = 1/2."""


def image_of(galaxy: dict[str, Any], side: int = 500) -> Array:
    return picture(components_of(galaxy), side=side)["i"]


@pytest.mark.parametrize(
    ("galaxy", "side"),
    [
        *((ELLIPTICAL | {"bulge_sersic_index": n}, 1000) for n in (1.0, 2.0, 3.0, 4.0)),
        (DISC, 700),
        # Seen edge-on there is as much light as face-on.
        (DISC | {"disc_inclination": 88.0}, 700),
    ],
)
def test_all_light_is_there_in_every_band(galaxy: dict[str, Any], side: int) -> None:
    for band, image in picture(components_of(galaxy), side=side).items():
        assert image.sum() == pytest.approx(FLUX[band], rel=0.05)


def test_components_share_the_light_and_have_their_own_colours() -> None:
    # By hand: 0.2 in the bulge and 0.1 in the bar leave 0.7 to the disc, 0.4 of it in the arms
    # and 0.1 in the knots. Then, what each is redder than the disc in g - i and in i - H.
    smooth = {"bulge": (0.2, 0.25, 0.15), "disc": (0.35, 0, 0)}
    structure = {"bar": (0.1, 0.1, 0.05), "arms": (0.28, -0.2, -0.1), "knots": (0.07, -0.5, -0.4)}
    for is_structure, parts in ((False, smooth), (True, structure)):
        light = picture(
            [part for part in components_of(SPIRAL) if part.is_structure == is_structure],
            side=300,
            pixel_scale=0.25,
        )
        for band, flux in FLUX.items():
            expected = sum(
                share * flux * 10 ** (0.4 * {"h": redder_i_h, "i": 0, "g": -redder_g_i}[band])
                for share, redder_g_i, redder_i_h in parts.values()
            )
            assert light[band].sum() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("galaxy", "radius"),
    [
        *(
            (ELLIPTICAL | {"bulge_axis_ratio": 1.0, "bulge_sersic_index": n}, 3.0)
            for n in (1.0, 2.0, 4.0)
        ),
        (DISC | {"disc_inclination": 0.0}, 5.0),
    ],
)
def test_half_of_the_light_lies_within_the_half_light_radius(
    galaxy: dict[str, Any], radius: float
) -> None:
    image = image_of(galaxy)
    y, x = np.indices(image.shape) - (len(image) - 1) / 2
    distance = np.hypot(x, y).ravel()
    order = np.argsort(distance)
    growth = np.cumsum(image.ravel()[order])
    measured = np.interp(FLUX["i"] / 2, growth, distance[order]) * PIXEL
    assert measured == pytest.approx(radius, rel=0.05)


@pytest.mark.parametrize(
    ("galaxy", "index", "major_radius", "axis_ratio"),
    [
        # The half-light radius of a bulge is that of the circle with the same area.
        *(
            (ELLIPTICAL | {"bulge_sersic_index": n}, n, 3 / np.sqrt(0.7), 0.7)
            for n in (0.6, 1.0, 2.0, 4.0)
        ),
        # A thin disc is a Sérsic profile of index 1, its radius that of the major axis.
        *(
            (
                DISC | {"disc_inclination": i, "disc_thickness": 0.01},
                1.0,
                5.0,
                np.cos(np.radians(i)),
            )
            for i in (0.0, 40.0, 65.0)
        ),
    ],
)
def test_profiles_are_those_of_astropy(
    galaxy: dict[str, Any], index: float, major_radius: float, axis_ratio: float
) -> None:
    image = image_of(galaxy)
    y, x = (np.indices(image.shape) - (len(image) - 1) / 2) * PIXEL
    # Ciotti (1991): half of the light lies within b^n, its total in units of the brightness there.
    b = gammaincinv(2 * index, 0.5)
    light = 2 * np.pi * index * major_radius**2 * axis_ratio
    light *= np.exp(b) * b ** (-2 * index) * gamma(2 * index)
    model = Sersic2D(
        amplitude=FLUX["i"] / light * PIXEL**2,
        r_eff=major_radius,
        n=index,
        ellip=1 - axis_ratio,
        theta=np.radians(TOTAL["position_angle"]),
    )(x, y)
    along, across = np.tensordot(rotation(-TOTAL["position_angle"]), [x, y], axes=1)
    radius = np.hypot(along, across / axis_ratio) / major_radius
    # Away from the centre, which the seeing blurs.
    for at in (0.5, 1.0, 1.5, 2.0, 2.5):
        ring = np.abs(radius - at) < 0.02
        assert image[ring].mean() == pytest.approx(model[ring].mean(), rel=0.05)
        # Also each pixel, not only on average: the shape and its orientation.
        np.testing.assert_allclose(image[ring], model[ring], rtol=0.08)


@pytest.mark.parametrize("angle", [0.0, 30.0, 100.0, 160.0])
@pytest.mark.parametrize(
    ("galaxy", "axis_ratio"),
    [
        (ELLIPTICAL | {"bulge_sersic_index": 1.0, "bulge_axis_ratio": 0.7}, 0.7),
        (ELLIPTICAL | {"bulge_sersic_index": 1.0, "bulge_axis_ratio": 0.5}, 0.5),
        (DISC | {"disc_inclination": 60.0, "disc_thickness": 0.01}, 0.5),
    ],
)
def test_axis_ratio_and_position_angle_are_as_asked_for(
    galaxy: dict[str, Any], axis_ratio: float, angle: float
) -> None:
    _, covariance = moments(image_of(galaxy | {"position_angle": angle}, side=400))
    variances, axes = np.linalg.eigh(covariance)
    assert np.sqrt(variances[0] / variances[1]) == pytest.approx(axis_ratio, rel=0.05)
    major = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    assert (major - angle + 90) % 180 - 90 == pytest.approx(0, abs=2)


def test_dust_dims_bands_as_cardelli_clayton_and_mathis_found() -> None:
    def infrared(wavenumber: float) -> float:  # per micrometre; their eq. 2
        return float((0.574 - 0.527 / 3.1) * wavenumber**1.61)

    def optical(wavenumber: float) -> float:  # their eq. 3
        a = [1, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999]
        b = [0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002]
        y = wavenumber - 1.82
        return float(np.polyval(a[::-1], y) + np.polyval(b[::-1], y) / 3.1)

    against_visual = {"h": infrared(1 / 1.645), "i": optical(1 / 0.75), "g": optical(1 / 0.475)}
    for band, extinction in EXTINCTION.items():
        # The bands are wide: their wavelengths are known to a few per cent.
        assert extinction == pytest.approx(against_visual[band] / against_visual["i"], rel=0.1)


@pytest.mark.parametrize("band", ["h", "i", "g"])
@pytest.mark.parametrize("inclination", [82.0, 90.0])
def test_a_dust_lane_takes_its_share_of_the_disc_and_no_more_than_there_is(
    band: str, inclination: float
) -> None:
    disc = DISC | {"disc_inclination": inclination, "disc_thickness": 0.15}
    dusty = disc | {"dust_optical_depth": 2.0, "dust_thickness": 0.35}
    before, after = (picture(components_of(galaxy), side=700)[band] for galaxy in (disc, dusty))
    expected = 0.35 * (1 - np.exp(-2.0 * EXTINCTION[band]))
    assert 1 - after.sum() / before.sum() == pytest.approx(expected, rel=1e-3)
    # Fourier transforms leave ripples around nothing.
    assert after.min() > -1e-3 * after.max()


def test_a_dust_lane_dims_the_plane_by_its_optical_depth() -> None:
    # Edge-on, with a plane so thick that the seeing is small against the lane.
    disc = DISC | {"disc_half_light_radius": 12.0, "disc_inclination": 90.0, "disc_thickness": 0.5}
    disc["position_angle"] = 0.0
    dusty = disc | {"dust_optical_depth": 1.0, "dust_thickness": 0.4}
    before, after = (picture(components_of(galaxy), side=301) for galaxy in (disc, dusty))
    for band, extinction in EXTINCTION.items():
        remains = (after[band] / before[band])[:, 100:201]
        np.testing.assert_allclose(remains[150], np.exp(-extinction), rtol=0.05)
        # Above and below it becomes less.
        assert (np.diff(remains[150:].mean(axis=1)) > 0).all()


def test_a_bar_is_a_gaussian_in_the_plane_of_the_disc() -> None:
    galaxy = DISC | BAR | {"disc_inclination": 50.0, "bar_length": 1.5}
    # Half of a Gaussian lies within 1.1774 standard deviations, in two dimensions.
    along = 1.5 * 5.0 * SCALE_LENGTH / np.sqrt(2 * np.log(2))
    drawn_out = seen_in_the_plane(galaxy) @ rotation(20.0) @ np.diag([along, 0.3 * along])
    bar = [part for part in components_of(galaxy) if part.is_structure]
    _, covariance = moments(picture(bar, side=500)["i"])
    seeing = 2 * 0.2**2  # more than it adds
    np.testing.assert_allclose(covariance * PIXEL**2, drawn_out @ drawn_out.T, atol=seeing)


@pytest.mark.parametrize("inclination", [0.0, 50.0])
@pytest.mark.parametrize("part", ["arms", "knots"])
def test_arms_and_knots_lie_in_the_plane_of_the_disc(part: str, inclination: float) -> None:
    galaxy = DISC | {"arms": ARMS, "knots": KNOTS}[part] | {"disc_inclination": inclination}
    uneven = [part for part in components_of(galaxy) if part.is_structure]
    image = picture(uneven, side=700)["i"]
    # The same random numbers lay out the same arms and knots.
    rng = np.random.default_rng(0)
    face_on = (
        _arms_density(galaxy, rng)
        if part == "arms"
        else _knots_density(galaxy, _disc_density(), rng)
    )
    grid_pixel = 2 * GRID_RADIUS / GRID_PIXELS * 5.0 * SCALE_LENGTH
    seen = seen_in_the_plane(galaxy) * grid_pixel
    centroid, covariance = moments(face_on)
    found_centroid, found_covariance = moments(image)
    np.testing.assert_allclose(found_centroid * PIXEL, seen @ centroid, atol=0.05)
    expected = seen @ covariance @ seen.T
    # The outermost percent of the light, which weighs most, may lie outside the stamp.
    np.testing.assert_allclose(found_covariance * PIXEL**2, expected, atol=0.05 * expected.max())


def spiral_amplitudes(density: Array, number: int, tangents: Array) -> NDArray[np.complex128]:
    """How much of the light follows r = exp(azimuth × tangent), with so many arms, and where.

    The amplitudes of logarithmic spirals (Considère & Athanassoula 1988, A&AS 76, 365).
    """
    y, x = np.indices(density.shape) - (len(density) - 1) / 2
    radius, azimuth = np.hypot(x, y) * 2 * GRID_RADIUS / GRID_PIXELS, np.arctan2(y, x)
    # Where arms are wide against a pixel of the grid; each radius counts about the same.
    ring = (radius > 1) & (radius < 4)
    light = density[ring] * np.exp(radius[ring])
    phases = number * (azimuth[ring] - np.log(radius[ring]) / tangents[:, None])
    return np.asarray(np.exp(1j * phases) @ light)


@pytest.mark.parametrize("winding", [1.0, -1.0])
@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("pitch", [10.0, 19.0, 35.0])
def test_arms_are_logarithmic_spirals(pitch: float, number: int, winding: float) -> None:
    asked = {"arms_pitch_angle": pitch, "arms_number": float(number), "arms_winding": winding}
    density = _arms_density(ARMS | asked, np.random.default_rng(number))
    angles = np.concatenate([-np.arange(6, 50, 0.5), np.arange(6, 50, 0.5)])
    tangents = np.tan(np.radians(angles))
    power = {n: np.abs(spiral_amplitudes(density, n, tangents)) for n in range(1, 7)}
    assert max(power, key=lambda n: float(power[n].max())) == number
    assert angles[power[number].argmax()] == pytest.approx(winding * pitch, rel=0.1)
    tangent = winding * np.tan(np.radians([pitch]))
    phase = np.degrees(np.angle(spiral_amplitudes(density, number, tangent)[0])) / number
    between_arms = 360 / number
    off = (phase - ARMS["arms_phase"] + between_arms / 2) % between_arms - between_arms / 2
    assert abs(off) < 0.1 * between_arms


def test_knots_lie_where_the_arms_are() -> None:
    # In colours such that H shows the arms and g the knots.
    face_on = DISC | {"disc_inclination": 0.0} | KNOTS | {"knots_number": 300.0}
    face_on["knots_scatter"] = 0.0
    with_arms = face_on | ARMS | {"arms_redder_g_i": 10.0, "arms_redder_i_h": 10.0}
    seen, without_arms = (
        picture([part for part in components_of(galaxy) if part.is_structure], side=300)
        for galaxy in (with_arms, face_on)
    )
    arms_around_knots, arms_anywhere = (
        np.average(seen["h"], weights=knots["g"]) for knots in (seen, without_arms)
    )
    assert arms_around_knots > 1.5 * arms_anywhere


def test_knots_shift_as_a_whole() -> None:
    shifts = []
    for seed in range(100):
        # The same knots, but for the shift.
        still, shifted = (
            moments(
                _knots_density(
                    KNOTS | {"knots_scatter": scatter}, _disc_density(), np.random.default_rng(seed)
                )
            )[0]
            for scatter in (0.0, 0.3)
        )
        shifts.append((shifted - still) * 2 * GRID_RADIUS / GRID_PIXELS)
    # In scale lengths, and in each direction.
    np.testing.assert_allclose(np.std(shifts, axis=0), 0.3, rtol=4 / np.sqrt(200))
