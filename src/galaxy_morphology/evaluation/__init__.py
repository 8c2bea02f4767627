"""How good a classifier is, and how sure one can be of that."""

from galaxy_morphology.evaluation.calibration import (
    adjust_prior,
    calibration_scores,
    fit_temperature,
    reliability,
)
from galaxy_morphology.evaluation.errors import error_rates
from galaxy_morphology.evaluation.predictions import (
    logit_table,
    logits_of,
    prediction_table,
    probabilities_of,
)
from galaxy_morphology.evaluation.report import format_metrics
from galaxy_morphology.evaluation.scores import class_codes, score_predictions
from galaxy_morphology.evaluation.selective import (
    choose_threshold,
    selection_scores,
    selective_accuracy,
)

__all__ = [
    "adjust_prior",
    "calibration_scores",
    "choose_threshold",
    "class_codes",
    "error_rates",
    "fit_temperature",
    "format_metrics",
    "logit_table",
    "logits_of",
    "prediction_table",
    "probabilities_of",
    "reliability",
    "score_predictions",
    "selection_scores",
    "selective_accuracy",
]
