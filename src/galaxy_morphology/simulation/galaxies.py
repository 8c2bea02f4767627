"""The light of a galaxy above the atmosphere, as GalSim profiles.

GalSim: Rowe et al. (2015), Astronomy and Computing 10, 121.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.simulation.truth import BANDS

ZERO_POINT = 25.0
"""AB magnitude of a flux of 1."""
EXTINCTION = {"h": 0.29, "i": 1.0, "g": 1.85}
"""Optical depth of dust against that in the i band (Cardelli, Clayton & Mathis 1989, R_V 3.1)."""
SCALE_LENGTH = 1 / 1.6783
"""Scale length of an exponential disc over its half-light radius."""
GRID_RADIUS = 5.0
"""Half the width, in scale lengths, of the grid on which arms and knots are laid out."""
GRID_PIXELS = 128
THINNEST = 0.05
"""Smallest axis ratio of what lies in the plane of a disc."""


class Component(NamedTuple):
    """Some of the light of a galaxy.

    Attributes:
        light: A GalSim profile by band, in arcsec around the centre of the galaxy.
        is_structure: Whether it belongs to the arms, the bar or the knots.
    """

    light: Mapping[str, Any]
    is_structure: bool


def fluxes(magnitude: float, g_minus_i: float, i_minus_h: float) -> dict[str, float]:
    """Flux by band of what has this i-band magnitude and these colours, all AB."""
    magnitudes = {"h": magnitude - i_minus_h, "i": magnitude, "g": magnitude + g_minus_i}
    return {band: float(10 ** (-0.4 * (magnitudes[band] - ZERO_POINT))) for band in BANDS}


def galaxy_components(galaxy: Mapping[str, Any], rng: np.random.Generator) -> list[Component]:
    """Build a galaxy from its parameters.

    Args:
        galaxy: The parameters of a galaxy by name, see ``draw_truth``, without those of
            components that it has not.
        rng: For what no parameter says: where knots lie, and how arms fray.
    """
    in_bulge = galaxy.get("bulge_fraction", 1.0) if "bulge_sersic_index" in galaxy else 0.0
    components = []
    if in_bulge:
        components.append(Component(_bulge(galaxy, in_bulge), is_structure=False))
    if "disc_inclination" in galaxy:
        in_bar = galaxy.get("bar_fraction", 0.0)
        in_disc = 1 - in_bulge - in_bar
        in_arms = in_disc * galaxy.get("arms_fraction", 0.0)
        in_knots = in_disc * galaxy.get("knots_fraction", 0.0)
        smooth = _disc(galaxy, in_disc - in_arms - in_knots)
        components.append(Component(smooth, is_structure=False))
        if in_bar:
            components.append(Component(_bar(galaxy, in_bar), is_structure=True))
        if in_arms + in_knots:
            uneven = _arms_and_knots(galaxy, in_arms, in_knots, rng)
            components.append(Component(uneven, is_structure=True))
    return components


def _fluxes(galaxy: Mapping[str, Any], component: str, fraction: float) -> dict[str, float]:
    """Flux of a component by band, with its own colours."""
    return fluxes(
        galaxy["magnitude"] - 2.5 * np.log10(fraction),
        galaxy["g_minus_i"] + galaxy.get(f"{component}_redder_g_i", 0.0),
        galaxy["i_minus_h"] + galaxy.get(f"{component}_redder_i_h", 0.0),
    )


def _in_bands(profile: Any, flux: Mapping[str, float]) -> dict[str, Any]:
    return {band: profile.withFlux(flux[band]) for band in BANDS}


def _bulge(galaxy: Mapping[str, Any], fraction: float) -> dict[str, Any]:
    """A Sérsic profile."""
    import galsim

    profile = galsim.Sersic(
        galaxy["bulge_sersic_index"], half_light_radius=galaxy["bulge_half_light_radius"]
    )
    tilted = profile.shear(
        q=galaxy["bulge_axis_ratio"], beta=galaxy["position_angle"] * galsim.degrees
    )
    return _in_bands(tilted, _fluxes(galaxy, "bulge", fraction))


def _disc(galaxy: Mapping[str, Any], fraction: float) -> dict[str, Any]:
    """An exponential disc of some thickness, less what a lane of dust in its plane takes away.

    The lane is a thinner disc of negative light. In the plane it takes away 1 - exp(-depth) of
    the density of light, and less everywhere else, so that nothing becomes negative.
    """
    import galsim

    def profile(relative_thickness: float) -> Any:
        disc = galsim.InclinedExponential(
            galaxy["disc_inclination"] * galsim.degrees,
            half_light_radius=galaxy["disc_half_light_radius"],
            scale_h_over_r=galaxy["disc_thickness"] * relative_thickness,
        )
        return disc.rotate(galaxy["position_angle"] * galsim.degrees)

    flux = _fluxes(galaxy, "disc", fraction)
    stars = _in_bands(profile(1.0), flux)
    if "dust_optical_depth" not in galaxy:
        return stars
    lane = profile(galaxy["dust_thickness"])
    depth = galaxy["dust_optical_depth"]
    return {
        band: stars[band]
        - lane.withFlux(
            flux[band] * galaxy["dust_thickness"] * (1 - np.exp(-depth * EXTINCTION[band]))
        )
        for band in BANDS
    }


def _bar(galaxy: Mapping[str, Any], fraction: float) -> dict[str, Any]:
    """A Gaussian, drawn out in the plane of the disc."""
    import galsim

    half_light = galaxy["bar_length"] * galaxy["disc_half_light_radius"] * SCALE_LENGTH
    # Half of a Gaussian lies within this radius; drawn out, along its major axis.
    face_on = galsim.Gaussian(half_light_radius=half_light).transform(
        1.0, 0.0, 0.0, galaxy["bar_axis_ratio"]
    )
    turned = face_on.rotate(galaxy["bar_angle"] * galsim.degrees)
    return _in_bands(_inclined(turned, galaxy), _fluxes(galaxy, "bar", fraction))


def _arms_and_knots(
    galaxy: Mapping[str, Any], in_arms: float, in_knots: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Arms and knots, laid out face-on on one grid, each with its own colours."""
    import galsim

    layers: list[tuple[NDArray[np.float64], dict[str, float]]] = []
    followed = _disc_density()
    if in_arms:
        followed = _arms_density(galaxy, rng)
        layers.append((followed, _fluxes(galaxy, "arms", in_arms)))
    if in_knots:
        knots = _knots_density(galaxy, followed, rng)
        layers.append((knots, _fluxes(galaxy, "knots", in_knots)))
    pixel = 2 * GRID_RADIUS / GRID_PIXELS * galaxy["disc_half_light_radius"] * SCALE_LENGTH
    light = {}
    for band in BANDS:
        face_on = sum(density * flux[band] for density, flux in layers)
        profile = galsim.InterpolatedImage(
            galsim.Image(np.asarray(face_on), scale=pixel), x_interpolant="linear"
        )
        light[band] = _inclined(profile, galaxy).withFlux(float(np.sum(face_on)))
    return light


def _inclined(face_on: Any, galaxy: Mapping[str, Any]) -> Any:
    """What lies in the plane of the disc, as it is seen."""
    import galsim

    # Seen exactly from the side, a plane has no width and nothing could be drawn.
    axis_ratio = max(np.cos(np.radians(galaxy["disc_inclination"])), THINNEST)
    squeezed = face_on.transform(1.0, 0.0, 0.0, axis_ratio)
    return squeezed.rotate(galaxy["position_angle"] * galsim.degrees)


def _polar_grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radius in scale lengths and azimuth in radians of the pixels of the face-on grid."""
    axis = (np.arange(GRID_PIXELS) - (GRID_PIXELS - 1) / 2) * 2 * GRID_RADIUS / GRID_PIXELS
    x, y = np.meshgrid(axis, axis)
    return np.hypot(x, y), np.arctan2(y, x)


def _disc_density() -> NDArray[np.float64]:
    """The light of a smooth disc on the face-on grid, of sum 1."""
    radius, _ = _polar_grid()
    density = np.exp(-radius) * (radius < GRID_RADIUS)
    return np.asarray(density / density.sum())


def _arms_density(galaxy: Mapping[str, Any], rng: np.random.Generator) -> NDArray[np.float64]:
    """The light of logarithmic arms, r = exp(azimuth × tan(pitch)), that fray and fade inwards."""
    from scipy.ndimage import gaussian_filter

    radius, azimuth = _polar_grid()
    number = galaxy["arms_number"]
    winding = galaxy["arms_winding"] / np.tan(np.radians(galaxy["arms_pitch_angle"]))
    phase = number * (
        azimuth - winding * np.log(np.maximum(radius, 0.05)) - np.radians(galaxy["arms_phase"])
    )
    # Irregular on scales of a tenth of the disc, as spurs and gaps are.
    fraying = gaussian_filter(rng.normal(size=radius.shape), 3.0, mode="wrap")
    phase = phase + 0.5 * fraying / fraying.std()
    ridge = np.exp(galaxy["arms_sharpness"] * (np.cos(phase) - 1))
    patches = gaussian_filter(rng.normal(size=radius.shape), 2.0, mode="wrap")
    brightness = np.exp(0.5 * patches / patches.std())
    fade_in = 1 - np.exp(-((radius / 0.8) ** 4))
    density = np.exp(-radius) * (radius < GRID_RADIUS) * fade_in * ridge * brightness
    return np.asarray(density / density.sum())


def _knots_density(
    galaxy: Mapping[str, Any], followed: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """The light of star-forming knots: a few Gaussians of unequal light where light is already."""
    from scipy.ndimage import gaussian_filter

    per_scale_length = GRID_PIXELS / (2 * GRID_RADIUS)
    n_knots = max(1, round(galaxy["knots_number"]))
    places = rng.choice(followed.size, n_knots, p=followed.ravel())
    rows, columns = np.unravel_index(places, followed.shape)
    shift = rng.normal(0, 1, 2) * galaxy["knots_scatter"] * per_scale_length
    rows = np.clip(rows + round(shift[0]), 0, GRID_PIXELS - 1)
    columns = np.clip(columns + round(shift[1]), 0, GRID_PIXELS - 1)
    points = np.zeros_like(followed)
    np.add.at(points, (rows, columns), rng.lognormal(0, 0.7, n_knots))
    # Two sizes, from compact clusters to associations.
    large = rng.random(followed.shape) < 0.4
    knots = gaussian_filter(points * large, 3.5) + gaussian_filter(points * ~large, 1.2)
    return np.asarray(knots / knots.sum())
