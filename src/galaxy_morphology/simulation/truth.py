"""What is known of every simulated galaxy: all that was drawn for it, before a pixel is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.simulation.distributions import draw

FIRST_CATAID = 90_000_001
"""Beyond the CATAIDs of GAMA, which have up to seven digits."""
BANDS = ("h", "i", "g")
"""In the order of red, green and blue."""
SERSIC_STEP = 0.2
"""Indices are multiples of it: GalSim makes a table for each, far slower than drawing with it."""
COMPONENTS = ("bulge", "disc", "arms", "bar", "knots", "dust")


def random_stream(seed: int, cataid: int, purpose: str) -> np.random.Generator:
    """A galaxy's own random numbers, the same whoever draws it and in whatever order."""
    return np.random.default_rng([seed, cataid, *purpose.encode()])


def draw_truth(
    populations: Mapping[str, Mapping[str, Any]],
    observation: Mapping[str, Any],
    *,
    n_galaxies: int,
    label_error_rate: float,
    seed: int,
) -> pd.DataFrame:
    """Draw the parameters of every galaxy of a survey.

    Args:
        populations: By name: ``target``, ``share`` (relative), the distributions of
            ``magnitude`` (total, i band), ``g_minus_i`` and ``i_minus_h``, and for each of its
            components (bulge, disc, arms, bar, knots, dust) the distributions of the
            component's own parameters with the ``probability`` of having it.
        observation: How cut-outs are taken; what differs between them is drawn here.
        n_galaxies: How many galaxies.
        label_error_rate: Share of galaxies whose given label is not the true one.
        seed: Seeds everything; a galaxy is the same in a smaller and in a larger survey.

    Returns:
        A row per galaxy: ``cataid``, ``population``, ``true_target``, ``given_target``, and
        every parameter drawn, with the name of its component in front; missing where the
        galaxy has no such component. Angles in degrees, magnitudes AB, sizes in arcsec unless
        the parameters say otherwise.
    """
    names = list(populations)
    shares = np.array([populations[name]["share"] for name in names], float)
    targets = sorted({int(population["target"]) for population in populations.values()})
    rows = []
    for cataid in range(FIRST_CATAID, FIRST_CATAID + n_galaxies):
        rng = random_stream(seed, cataid, "truth")
        name = names[rng.choice(len(names), p=shares / shares.sum())]
        target = int(populations[name]["target"])
        others = [other for other in targets if other != target]
        mislabelled = rng.random() < label_error_rate and others
        labels = {
            "population": name,
            "true_target": target,
            "given_target": int(rng.choice(others)) if mislabelled else target,
        }
        galaxy = _draw_galaxy(populations[name], rng)
        frame = _draw_frame(galaxy, observation, rng)
        rows.append({"cataid": cataid, **labels, **galaxy, **frame})
    # The same columns whichever galaxies happen to be drawn.
    return pd.DataFrame(rows, columns=_columns(rows[0], populations))


def _columns(galaxy: Mapping[str, Any], populations: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is known of every galaxy, then what is known of each component."""
    drawn_besides = {"arms": ("winding", "phase"), "bar": ("angle",)}
    components = {
        f"{component}_{name}": None
        for component in COMPONENTS
        for population in populations.values()
        if population.get(component)
        for name in (*population[component], *drawn_besides.get(component, ()))
        if name != "probability"
    }
    return [*(name for name in galaxy if name not in components), *components]


def half_light_radius(galaxy: Mapping[str, Any]) -> float:
    """How large a galaxy is: half-light radius of its disc, or of its bulge alone; arcsec."""
    component = "disc" if "disc_half_light_radius" in galaxy else "bulge"
    return float(galaxy[f"{component}_half_light_radius"])


def _draw_galaxy(population: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """What a galaxy is made of."""
    galaxy = {name: draw(population[name], rng) for name in ("magnitude", "g_minus_i", "i_minus_h")}
    galaxy["position_angle"] = rng.uniform(0, 180)
    for component in COMPONENTS:
        distributions = dict(population.get(component) or {})
        if distributions and rng.random() < distributions.pop("probability", 1.0):
            for name, distribution in distributions.items():
                galaxy[f"{component}_{name}"] = draw(distribution, rng)
    if "bulge_sersic_index" in galaxy:
        steps = round(galaxy["bulge_sersic_index"] / SERSIC_STEP)
        galaxy["bulge_sersic_index"] = round(max(steps, 2) * SERSIC_STEP, 1)
    if "arms_fraction" in galaxy:
        galaxy["arms_winding"] = float(rng.choice([-1, 1]))
        galaxy["arms_phase"] = rng.uniform(0, 360)
    if "bar_fraction" in galaxy:
        galaxy["bar_angle"] = rng.uniform(0, 180)
    return galaxy


def _draw_frame(
    galaxy: Mapping[str, float], observation: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """How its cut-out was taken."""
    width = draw(observation["frame"], rng) * half_light_radius(galaxy) / observation["pixel_scale"]
    limits = observation["minimum_side"], observation["maximum_side"]
    side = int(np.clip(round(width), *limits))
    area = (side * observation["pixel_scale"] / 60) ** 2  # square arcmin
    x, y = rng.normal(0, observation["off_centre"], 2)
    dead = rng.random() < observation["dead_band_rate"]
    return {
        "side": side,  # px
        "offset_x": x,
        "offset_y": y,
        **{f"psf_fwhm_{band}": draw(observation["psf_fwhm"][band], rng) for band in BANDS},
        **{f"sky_noise_{band}": draw(observation["sky_noise"][band], rng) for band in BANDS},
        "dead_band": str(rng.choice(BANDS)) if dead else "",
        "n_neighbours": int(rng.poisson(observation["neighbours"]["density"] * area)),
        "n_stars": int(rng.poisson(observation["stars"]["density"] * area)),
        "stretch": draw(observation["stretch"], rng),
        "softening": draw(observation["softening"], rng),
    }
