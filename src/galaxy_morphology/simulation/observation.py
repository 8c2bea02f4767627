"""A cut-out of a galaxy as a survey takes it: atmosphere, neighbours, noise, colours."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.simulation.distributions import draw
from galaxy_morphology.simulation.galaxies import ZERO_POINT, fluxes, galaxy_components
from galaxy_morphology.simulation.truth import BANDS, half_light_radius, random_stream

FWHM_OF_A_GAUSSIAN = 2.3548  # standard deviations
Light = dict[str, NDArray[np.float64]]
"""Flux per pixel by band, [side, side]; the second axis is x."""
Placed = tuple[Mapping[str, Any], tuple[float, float]]
"""A GalSim profile by band, and where it lies: x and y in arcsec from the centre of the frame."""


class Observation(NamedTuple):
    """A galaxy as it was taken, and what no real survey knows of it.

    Attributes:
        cutout: uint8 [side, side, 3], RGB from the bands H, i and g.
        target: Light of the galaxy alone, without noise.
        structure: The part of it that comes from arms, bar and knots.
        neighbours: Light of everything else in the frame, without noise.
        sky_noise: Standard deviation of the noise of the sky by band, flux per pixel.
    """

    cutout: NDArray[np.uint8]
    target: Light
    structure: Light
    neighbours: Light
    sky_noise: dict[str, float]


def observe(galaxy: Mapping[str, Any], observation: Mapping[str, Any], seed: int) -> Observation:
    """Take a cut-out of a galaxy.

    Args:
        galaxy: The parameters of a galaxy by name, see ``draw_truth``, without those of
            components that it has not.
        observation: What is common to all cut-outs.
        seed: Of the survey.
    """
    light_rng, field_rng, noise_rng = (
        random_stream(seed, galaxy["cataid"], purpose) for purpose in ("light", "field", "noise")
    )
    components = galaxy_components(galaxy, light_rng)
    centre = galaxy["offset_x"], galaxy["offset_y"]
    uneven = [(part.light, centre) for part in components if part.is_structure]
    even = [(part.light, centre) for part in components if not part.is_structure]
    structure, smooth = (expose(parts, galaxy, observation) for parts in (uneven, even))
    target = {band: structure[band] + smooth[band] for band in BANDS}
    neighbours = expose(_field(galaxy, observation, field_rng), galaxy, observation)
    sky_noise = {band: _flux(galaxy[f"sky_noise_{band}"]) for band in BANDS}
    seen = {}
    for band in BANDS:
        light = target[band] + neighbours[band]
        shot_noise_squared = np.maximum(light, 0) * _flux(observation["electron_magnitude"][band])
        noise = correlated_noise(light.shape, observation["noise_correlation"], noise_rng)
        seen[band] = light + noise * np.sqrt(sky_noise[band] ** 2 + shot_noise_squared)
    if galaxy["dead_band"]:
        seen[galaxy["dead_band"]][:] = 0
    cutout = colour_image(
        seen,
        observation["white"],
        stretch=galaxy["stretch"] * sky_noise["i"],
        softening=galaxy["softening"],
    )
    return Observation(cutout, target, structure, neighbours, sky_noise)


def expose(
    sources: Iterable[Placed], galaxy: Mapping[str, Any], observation: Mapping[str, Any]
) -> Light:
    """Draw what lies in the frame through the atmosphere, without noise.

    Args:
        sources: What to draw, and where.
        galaxy: For the ``side`` of the frame in pixels and the seeing, ``psf_fwhm_<band>``.
        observation: For the ``pixel_scale`` and the ``moffat_beta`` of the seeing.
    """
    import galsim

    # Faster than GalSim's own 5e-3 and 1e-3; what it changes stays far below the noise.
    accuracy = galsim.GSParams(folding_threshold=2e-2, maxk_threshold=5e-3)
    scale, side = observation["pixel_scale"], galaxy["side"]
    seeing = {
        band: galsim.Moffat(beta=observation["moffat_beta"], fwhm=galaxy[f"psf_fwhm_{band}"])
        for band in BANDS
    }
    frames = {band: galsim.ImageD(side, side, scale=scale) for band in BANDS}
    for light, (x, y) in sources:
        middle = (side + 1) / 2  # GalSim counts pixels from 1
        place = galsim.PositionD(middle + x / scale, middle + y / scale)
        for band, frame in frames.items():
            seen = galsim.Convolve(light[band], seeing[band], gsparams=accuracy)
            seen.drawImage(frame, add_to_image=True, center=place)
    return {band: frame.array for band, frame in frames.items()}


def correlated_noise(
    shape: tuple[int, ...], fwhm: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Gaussian noise of standard deviation 1, correlated as the resampling of images leaves it.

    Args:
        shape: Of the array wanted.
        fwhm: Of the Gaussian kernel that correlates neighbouring pixels; px.
        rng: Where the randomness comes from.
    """
    from scipy.ndimage import gaussian_filter1d

    noise = rng.normal(size=shape)
    width = fwhm / FWHM_OF_A_GAUSSIAN
    impulse = np.zeros(1 + 2 * int(4 * width + 1))
    impulse[len(impulse) // 2] = 1
    remaining = np.sqrt(np.sum(gaussian_filter1d(impulse, width) ** 2))
    for axis in range(noise.ndim):
        noise = gaussian_filter1d(noise, width, axis=axis, mode="wrap") / remaining
    return noise


def colour_image(
    light: Light, white: Mapping[str, float], *, stretch: float, softening: float
) -> NDArray[np.uint8]:
    """A colour image that keeps colours in bright places (Lupton et al. 2004, PASP 116, 133).

    Args:
        light: H becomes red, i green and g blue.
        white: Magnitudes by band of something that shall look white.
        stretch: Flux per pixel up to which brightness grows linearly; i band.
        softening: Q: how strongly brightness beyond is compressed.

    Returns:
        uint8 [side, side, 3], RGB.
    """
    from astropy.visualization import make_lupton_rgb

    scaled = [light[band] * 10 ** (0.4 * (white[band] - white["i"])) for band in BANDS]
    return np.asarray(make_lupton_rgb(*scaled, minimum=0, stretch=stretch, Q=softening))


def _field(
    galaxy: Mapping[str, Any], observation: Mapping[str, Any], rng: np.random.Generator
) -> list[Placed]:
    """The galaxies and stars that happen to lie in the frame, anywhere but on the target."""
    import galsim

    half_width = galaxy["side"] * observation["pixel_scale"] / 2
    kept_free = half_light_radius(galaxy)

    def somewhere() -> tuple[float, float]:
        while True:
            x, y = rng.uniform(-half_width, half_width, 2)
            if np.hypot(x, y) > min(kept_free, half_width):
                return float(x), float(y)

    def coloured(profile: Any, kind: Mapping[str, Any]) -> dict[str, Any]:
        flux = fluxes(*(draw(kind[name], rng) for name in ("magnitude", "g_minus_i", "i_minus_h")))
        return {band: profile.withFlux(flux[band]) for band in BANDS}

    sources: list[Placed] = []
    for _ in range(galaxy["n_neighbours"]):
        kind = observation["neighbours"]
        radius = draw(kind["half_light_radius"], rng)
        profile = (galsim.Exponential if rng.random() < 0.7 else galsim.DeVaucouleurs)(
            half_light_radius=radius
        ).shear(q=rng.uniform(0.3, 1.0), beta=rng.uniform(0, 180) * galsim.degrees)
        sources.append((coloured(profile, kind), somewhere()))
    for _ in range(galaxy["n_stars"]):
        # Without a size of its own, a star takes that of the seeing.
        point = galsim.DeltaFunction()
        sources.append((coloured(point, observation["stars"]), somewhere()))
    return sources


def _flux(magnitude: float) -> float:
    return float(10 ** (-0.4 * (magnitude - ZERO_POINT)))
