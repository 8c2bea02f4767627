"""Nodes of reporting."""

from typing import Any

import pandas as pd

from galaxy_morphology import report


def write_report(
    metrics: dict[str, Any],
    error_rates: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    comparison_conclusion: dict[str, Any] | None,
    data_section: str,
    modelling_section: str,
    explainability_section: str,
    card_section: str,
) -> str:
    """Write the page that a person opens after a run, and at its beginning what the run found.

    Args:
        metrics: Scores by split, the last being the one to go by.
        error_rates: A row per bin of each quantity.
        suspect_labels: A row per galaxy.
        comparison_conclusion: What a comparison on these galaxies came to, where there is one.
        data_section: HTML.
        modelling_section: HTML.
        explainability_section: HTML.
        card_section: HTML.

    Returns:
        A page of HTML.
    """
    scores = list(metrics.values())[-1]
    return report.page(
        f"{', '.join(scores['classes'])}: a classifier of galaxies",
        [
            report.summary(metrics, error_rates, suspect_labels, comparison_conclusion),
            data_section,
            modelling_section,
            explainability_section,
            card_section,
        ],
        simulated=scores["simulated"],
    )
