"""Nodes of reporting."""

from typing import Any

import pandas as pd
from pydantic import BaseModel

from galaxy_morphology import evaluation, networks, report
from galaxy_morphology.options import TrainingOptions

OF_SIMULATIONS = {"simulation", "populations", "observation", "population_sheet", "truth"}
"""Parameters that shape simulated surveys alone."""
OF_THE_MACHINE = {"data_root"}
"""Parameters that change where results lie, and not the results."""


def write_model_card(
    galaxies: pd.DataFrame,
    archive_summary: dict[str, Any],
    training_history: pd.DataFrame,
    metrics: dict[str, Any],
    error_rates: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    training: TrainingOptions,
    parameters: dict[str, Any],
    software: dict[str, Any],
) -> str:
    """Write down what the classifier is, how good it is, and what it is not for.

    Args:
        galaxies: A row per galaxy.
        archive_summary: Which archive they came from, and how many were left out.
        training_history: A row per epoch.
        metrics: Scores by split.
        error_rates: A row per bin of each quantity.
        suspect_labels: A row per galaxy.
        training: Which epoch was kept.
        parameters: All that was configured.
        software: The versions of everything.

    Returns:
        The model card, Markdown.
    """
    return evaluation.model_card(
        galaxies=galaxies,
        archive=archive_summary,
        history=training_history,
        chosen_epoch=networks.chosen_epoch(training_history, training.keep),
        metrics=metrics,
        error_rates=error_rates,
        suspect_labels=suspect_labels,
        parameters=_plain(parameters, simulated=bool(galaxies["simulated"].any())),
        software=software,
    )


def _plain(parameters: dict[str, Any], *, simulated: bool) -> dict[str, Any]:
    """Parameters that shaped the results, as YAML knows them."""
    left_out = OF_THE_MACHINE if simulated else OF_THE_MACHINE | OF_SIMULATIONS
    return {
        name: value.model_dump() if isinstance(value, BaseModel) else value
        for name, value in parameters.items()
        if name not in left_out
    }


def write_modelling_section(
    gallery_section: str, training_section: str, evaluation_section: str
) -> str:
    """Put together what the report says of the classifier.

    Args:
        gallery_section: HTML.
        training_section: HTML.
        evaluation_section: HTML.

    Returns:
        Sections of HTML.
    """
    return "\n".join([gallery_section, training_section, evaluation_section])


def write_card_section(model_card: str) -> str:
    """Lay out the model card, for the end of the report.

    Args:
        model_card: Markdown.

    Returns:
        A section of HTML.
    """
    return report.section("Model card", markdown=model_card)
