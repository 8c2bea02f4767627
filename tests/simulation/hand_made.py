"""Galaxies made by hand, and a ruler to measure their images with."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.simulation import expose
from galaxy_morphology.simulation.galaxies import Component, galaxy_components

Array = NDArray[np.float64]

TOTAL = {"magnitude": 16.0, "g_minus_i": 1.0, "i_minus_h": 0.8, "position_angle": 30.0}
ELLIPTICAL: dict[str, Any] = {
    **TOTAL,
    "bulge_fraction": 1.0,
    "bulge_sersic_index": 2.0,
    "bulge_half_light_radius": 3.0,
    "bulge_axis_ratio": 0.7,
}
DISC: dict[str, Any] = {
    **TOTAL,
    "disc_half_light_radius": 5.0,
    "disc_inclination": 40.0,
    "disc_thickness": 0.1,
}
BAR: dict[str, Any] = {
    "bar_fraction": 0.1,
    "bar_length": 1.0,
    "bar_axis_ratio": 0.3,
    "bar_angle": 20.0,
    "bar_redder_g_i": 0.1,
    "bar_redder_i_h": 0.05,
}
ARMS: dict[str, Any] = {
    "arms_fraction": 0.4,
    "arms_number": 2.0,
    "arms_pitch_angle": 20.0,
    "arms_sharpness": 3.0,
    "arms_winding": 1.0,
    "arms_phase": 50.0,
    "arms_redder_g_i": -0.2,
    "arms_redder_i_h": -0.1,
}
KNOTS: dict[str, Any] = {
    "knots_fraction": 0.1,
    "knots_number": 10.0,
    "knots_scatter": 0.3,
    "knots_redder_g_i": -0.5,
    "knots_redder_i_h": -0.4,
}
SPIRAL: dict[str, Any] = {
    **DISC,
    **BAR,
    **ARMS,
    **KNOTS,
    "bulge_fraction": 0.2,
    "bulge_sersic_index": 2.0,
    "bulge_half_light_radius": 1.0,
    "bulge_axis_ratio": 0.8,
    "bulge_redder_g_i": 0.25,
    "bulge_redder_i_h": 0.15,
}
FRAME: dict[str, Any] = {
    "cataid": 1,
    "side": 80,
    "offset_x": 0.0,
    "offset_y": 0.0,
    **{f"psf_fwhm_{band}": 0.85 for band in "hig"},
    "sky_noise_h": 25.4,
    "sky_noise_i": 26.3,
    "sky_noise_g": 27.2,
    "dead_band": "",
    "n_neighbours": 0,
    "n_stars": 0,
    "stretch": 9.0,
    "softening": 7.0,
}
"""How a cut-out of one of them is taken."""


def components_of(galaxy: Mapping[str, Any]) -> list[Component]:
    return galaxy_components(galaxy, np.random.default_rng(0))


def picture(
    parts: Iterable[Component], *, side: int, pixel_scale: float = 0.1, seeing: float = 0.2
) -> dict[str, Array]:
    """Parts of a galaxy by band, on fine pixels and without noise."""
    return expose(
        [(part.light, (0.0, 0.0)) for part in parts],
        {"side": side, **{f"psf_fwhm_{band}": seeing for band in "hig"}},
        {"pixel_scale": pixel_scale, "moffat_beta": 3.0},
    )


def moments(image: Array) -> tuple[Array, Array]:
    """Centroid from the centre of the frame and covariance of the light; x first, in pixels."""
    y, x = np.indices(image.shape) - (len(image) - 1) / 2
    weights = image.ravel() / image.sum()
    places = np.stack([x.ravel(), y.ravel()])
    centroid = places @ weights
    away = places - centroid[:, None]
    return centroid, (away * weights) @ away.T


def seen_in_the_plane(galaxy: Mapping[str, Any]) -> Array:
    """The matrix that takes a place in the plane of a face-on disc to where it is seen."""
    return rotation(galaxy["position_angle"]) @ np.diag(
        [1, np.cos(np.radians(galaxy["disc_inclination"]))]
    )


def rotation(degrees: float) -> Array:
    """From the x axis towards the y axis."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])
