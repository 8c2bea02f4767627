"""One page to open after a run: its figures, tables and what they say, in one file."""

from galaxy_morphology.report import charts
from galaxy_morphology.report.comparison import conclusion
from galaxy_morphology.report.gallery import (
    MOST_GALAXIES,
    Explanation,
    explanations,
    gallery,
    survey_gallery,
)
from galaxy_morphology.report.page import Picture, Table, page, section
from galaxy_morphology.report.summary import summary
from galaxy_morphology.report.survey_summary import survey_summary

__all__ = [
    "MOST_GALAXIES",
    "Explanation",
    "Picture",
    "Table",
    "charts",
    "conclusion",
    "explanations",
    "gallery",
    "page",
    "section",
    "summary",
    "survey_gallery",
    "survey_summary",
]
