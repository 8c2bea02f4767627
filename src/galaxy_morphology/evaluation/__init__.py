"""How good a classifier is, and how sure one can be of that."""

from galaxy_morphology.evaluation.predictions import prediction_table
from galaxy_morphology.evaluation.report import format_metrics
from galaxy_morphology.evaluation.scores import score_predictions

__all__ = ["format_metrics", "prediction_table", "score_predictions"]
