"""Nodes of reporting."""

from typing import Any

import pandas as pd

from galaxy_morphology import attribution, report


def write_report(
    metrics: dict[str, Any],
    error_rates: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    explanation_summary: pd.DataFrame,
    attribution_reliability: pd.DataFrame,
    data_section: str,
    modelling_section: str,
    explainability_section: str,
    model_card: str,
) -> str:
    """Write the page that a person opens after a run.

    Args:
        metrics: Scores by split, the last being the one to go by.
        error_rates: A row per bin of each quantity.
        suspect_labels: A row per galaxy.
        explanation_summary: A row per measure, method and group.
        attribution_reliability: A row per galaxy and method, with its title.
        data_section: HTML.
        modelling_section: HTML.
        explainability_section: HTML.
        model_card: Markdown.

    Returns:
        A page of HTML.
    """
    scores = list(metrics.values())[-1]
    sections = [data_section, modelling_section, explainability_section]
    return report.page(
        f"{', '.join(scores['classes'])}: a classifier of galaxies",
        [*sections, report.section("Model card", markdown=model_card)],
        answer=report.answer(
            metrics,
            error_rates,
            suspect_labels,
            explanation_summary,
            attribution.titles_of(attribution_reliability),
        ),
        simulated=scores["simulated"],
    )
