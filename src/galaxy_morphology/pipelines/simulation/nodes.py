"""Nodes of simulation."""

import numpy as np
import pandas as pd

from galaxy_morphology import figures, imaging
from galaxy_morphology import simulation as library
from galaxy_morphology.options import Classes, CutoutOptions
from galaxy_morphology.pipelines.simulation.options import (
    ObservationOptions,
    Populations,
    PopulationSheetOptions,
    SimulationOptions,
)
from galaxy_morphology.typing import ArrayRows, CutoutArchive, Figure, SimulatedArchive


def draw_truth(
    populations: Populations,
    observation: ObservationOptions,
    simulation: SimulationOptions,
    classes: Classes,
) -> pd.DataFrame:
    """Draw the parameters of every galaxy of the survey.

    Args:
        populations: What kinds of galaxies there are.
        observation: How their cut-outs are taken.
        simulation: How many galaxies, how many wrong labels, and the seed.
        classes: The classes that labels can name.

    Returns:
        A row per galaxy: population, true and given label, every parameter drawn.

    Raises:
        ValueError: A population belongs to no class.
    """
    for name, population in populations.root.items():
        if population.target not in classes.root:
            raise ValueError(
                f"populations.{name}.target is {population.target}, which is none of the classes "
                f"{classes.root}. Set it to one of these values."
            )
    return library.draw_truth(
        populations.model_dump(), observation.model_dump(), **simulation.model_dump()
    )


def draw_survey(
    simulated_truth: pd.DataFrame,
    observation: ObservationOptions,
    simulation: SimulationOptions,
    cutouts: CutoutOptions,
) -> tuple[SimulatedArchive, pd.DataFrame, ArrayRows]:
    """Draw the cut-out of every galaxy.

    Args:
        simulated_truth: A row per galaxy.
        observation: How cut-outs are taken.
        simulation: For its seed.
        cutouts: For the size of the images that the cut-outs become.

    Returns:
        The archive, its label list, and uint8 [N, side, side, 3]: the share of a galaxy's light
        that comes from arms, bar and knots, and masks of the galaxy and of its neighbours.
    """
    for name in ("crop_arcsec", "crop_radii"):
        if (crop := getattr(cutouts, name)) is not None:
            raise ValueError(
                f"cutouts.{name} is {crop:g}, but what is known of simulated galaxies is known of "
                "whole cut-outs. Leave it null here."
            )
    archive, structure = library.draw_survey(
        simulated_truth, observation.model_dump(), seed=simulation.seed, side=cutouts.side
    )
    return archive, archive.labels, structure


def draw_populations(
    galaxy_archive: CutoutArchive,
    simulated_truth: pd.DataFrame,
    cutouts: CutoutOptions,
    options: PopulationSheetOptions,
) -> Figure:
    """Draw galaxies of every population with their CATAIDs.

    Args:
        galaxy_archive: Encoded cut-out by CATAID.
        simulated_truth: A row per galaxy.
        cutouts: Sizes wanted and allowed.
        options: How many galaxies.
    """
    shown = simulated_truth.groupby("population").head(options.galaxies_per_population)
    images, galaxies, _ = imaging.read_cutouts(
        galaxy_archive, shown.sort_values("population"), **dict(cutouts)
    )
    return figures.population_sheet(np.stack(list(images)), galaxies)
