"""One function, one matplotlib Figure: what people look at."""

from galaxy_morphology.figures.comparison import compared_scores
from galaxy_morphology.figures.explanation_quality import (
    agreement,
    faithfulness,
    place,
    reliability,
    sanity,
    stability,
    structure,
)
from galaxy_morphology.figures.explanations import (
    attribution_sheets,
    explanation_overview,
    explanation_pages,
    reliability_notes,
)
from galaxy_morphology.figures.galaxies import (
    augmentation_sheet,
    class_counts,
    cutout_sheet,
    population_sheet,
)
from galaxy_morphology.figures.scores import (
    confident_mistakes,
    confusion_matrices,
    error_rates,
    reliability_diagrams,
    roc_curves,
    selective_accuracy,
    suspect_labels,
    suspects_found,
    training_curves,
)

__all__ = [
    "agreement",
    "attribution_sheets",
    "augmentation_sheet",
    "class_counts",
    "compared_scores",
    "confident_mistakes",
    "confusion_matrices",
    "cutout_sheet",
    "error_rates",
    "explanation_overview",
    "explanation_pages",
    "faithfulness",
    "place",
    "population_sheet",
    "reliability",
    "reliability_diagrams",
    "reliability_notes",
    "roc_curves",
    "sanity",
    "selective_accuracy",
    "stability",
    "structure",
    "suspect_labels",
    "suspects_found",
    "training_curves",
]
