"""How good a classifier is, and how sure one can be of that."""

from galaxy_morphology.evaluation.baselines import (
    baseline_logits,
    feature_columns,
    tune_baseline,
)
from galaxy_morphology.evaluation.calibration import (
    adjust_prior,
    calibration_scores,
    fit_temperature,
    reliability,
)
from galaxy_morphology.evaluation.card import model_card
from galaxy_morphology.evaluation.comparison import (
    compare_classifiers,
    conclude_comparison,
    summarise_seeds,
)
from galaxy_morphology.evaluation.errors import error_rates
from galaxy_morphology.evaluation.explanations import summarise_quality
from galaxy_morphology.evaluation.intervals import mean_interval, wilson_interval
from galaxy_morphology.evaluation.mix import mix_weights
from galaxy_morphology.evaluation.neighbours import nearest_training_galaxies
from galaxy_morphology.evaluation.predictions import (
    class_codes,
    fractions_of,
    has_soft_labels,
    logit_table,
    logits_of,
    prediction_table,
    probabilities_of,
    soft_columns,
    truth_of,
    weights_of,
)
from galaxy_morphology.evaluation.prevalence import class_shares
from galaxy_morphology.evaluation.report import format_metrics
from galaxy_morphology.evaluation.scores import score_predictions
from galaxy_morphology.evaluation.selective import (
    choose_threshold,
    selection_scores,
    selective_accuracy,
)
from galaxy_morphology.evaluation.shifts import distribution_shifts
from galaxy_morphology.evaluation.suspects import (
    cross_validated_probabilities,
    rank_suspects,
    suspect_scores,
)
from galaxy_morphology.evaluation.votes import score_votes

__all__ = [
    "adjust_prior",
    "baseline_logits",
    "calibration_scores",
    "choose_threshold",
    "class_codes",
    "class_shares",
    "compare_classifiers",
    "conclude_comparison",
    "cross_validated_probabilities",
    "distribution_shifts",
    "error_rates",
    "feature_columns",
    "fit_temperature",
    "format_metrics",
    "fractions_of",
    "has_soft_labels",
    "logit_table",
    "logits_of",
    "mean_interval",
    "mix_weights",
    "model_card",
    "nearest_training_galaxies",
    "prediction_table",
    "probabilities_of",
    "rank_suspects",
    "reliability",
    "score_predictions",
    "score_votes",
    "selection_scores",
    "selective_accuracy",
    "soft_columns",
    "summarise_quality",
    "summarise_seeds",
    "suspect_scores",
    "truth_of",
    "tune_baseline",
    "weights_of",
    "wilson_interval",
]
