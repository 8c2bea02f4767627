"""Nodes of reporting."""

from typing import Any

from galaxy_morphology import report


def write_report(
    metrics: dict[str, Any],
    data_section: str,
    modelling_section: str,
    explainability_section: str,
) -> str:
    """Write the page that a person opens after a run.

    Args:
        metrics: Scores by split.
        data_section: HTML.
        modelling_section: HTML.
        explainability_section: HTML.

    Returns:
        A page of HTML.
    """
    return report.page(metrics, [data_section, modelling_section, explainability_section])
