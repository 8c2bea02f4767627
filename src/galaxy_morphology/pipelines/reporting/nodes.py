"""Nodes of reporting."""

from typing import Any

from galaxy_morphology import report


def write_report(
    metrics: dict[str, Any],
    summary_section: str,
    data_section: str,
    modelling_section: str,
    explainability_section: str,
) -> str:
    """Write the page that a person opens after a run.

    Args:
        metrics: Scores by split, the last being the one to go by.
        summary_section: HTML.
        data_section: HTML.
        modelling_section: HTML.
        explainability_section: HTML.

    Returns:
        A page of HTML.
    """
    scores = list(metrics.values())[-1]
    return report.page(
        f"{', '.join(scores['classes'])}: a classifier of galaxies",
        [summary_section, data_section, modelling_section, explainability_section],
        simulated=scores["simulated"],
    )
