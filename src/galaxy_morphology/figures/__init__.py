"""One function, one matplotlib Figure: what people look at."""

from collections.abc import Callable
from functools import wraps
from typing import Any

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
    overlay,
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
from galaxy_morphology.figures.survey import (
    class_shares,
    distribution_shifts,
    galaxies_to_label,
    notable_galaxies,
    probability_distributions,
)
from galaxy_morphology.figures.tuning import parameter_importance, search_history

__all__ = [
    "agreement",
    "attribution_sheets",
    "augmentation_sheet",
    "class_counts",
    "class_shares",
    "compared_scores",
    "confident_mistakes",
    "confusion_matrices",
    "cutout_sheet",
    "distribution_shifts",
    "error_rates",
    "explanation_overview",
    "explanation_pages",
    "faithfulness",
    "galaxies_to_label",
    "notable_galaxies",
    "overlay",
    "parameter_importance",
    "place",
    "population_sheet",
    "probability_distributions",
    "reliability",
    "reliability_diagrams",
    "reliability_notes",
    "roc_curves",
    "sanity",
    "search_history",
    "selective_accuracy",
    "stability",
    "structure",
    "suspect_labels",
    "suspects_found",
    "training_curves",
]


def _in_style(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function draw in the style of the project; matplotlib is loaded when it is called."""

    @wraps(draw)
    def draw_in_style(*args: Any, **kwargs: Any) -> Any:
        from galaxy_morphology.figures.styled import style

        with style():
            return draw(*args, **kwargs)

    return draw_in_style


# Here and not at each of them: one that were forgotten would look like its user's own figures.
globals().update({name: _in_style(globals()[name]) for name in __all__})
