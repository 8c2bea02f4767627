"""Scores against soft labels: how near probabilities come to the fractions of votes."""

from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.evaluation.intervals import wilson_interval
from galaxy_morphology.evaluation.predictions import (
    class_codes,
    fractions_of,
    probabilities_of,
)
from galaxy_morphology.evaluation.scores import (
    agreement,
    log_losses,
    mean_loss,
    roc_auc,
    squared_errors,
)

OF_VOTES = {
    "brier": "Brier score against votes",
    "cross_entropy": "cross-entropy with votes",
    "accuracy": "accuracy of the clear ones",
    "roc_auc": "ROC AUC of the clear ones",
}
"""Scores against votes, and what they are called."""


def score_votes(
    predictions: pd.DataFrame, class_names: list[str], *, confidence: float
) -> dict[str, Any]:
    """Score predictions for one set of galaxies against their soft labels.

    Args:
        predictions: As for ``score_predictions``, with ``fraction_<class>`` and ``clear``.
        class_names: The classes in order.
        confidence: Level of the intervals.

    Returns:
        ``brier`` (summed over classes, halved for two of them) and ``cross_entropy``, means over
        galaxies, see :func:`mean_loss`; ``entropy``, of the votes themselves, the least
        cross-entropy that there can be; ``n_clear``, the number of galaxies of a clear class, and
        their ``accuracy`` and ``roc_auc``. Scores have ``value``, ``low`` and ``high``, None where
        they are undefined.
    """
    fractions = fractions_of(predictions, class_names)
    probability = probabilities_of(predictions, class_names)
    clear = predictions["clear"].to_numpy(bool)
    truth = class_codes(predictions["class_name"], class_names)[clear]
    disputed, weights = agreement(probability, fractions) < 1, np.ones(len(predictions))
    most = 1.0 if len(class_names) == 2 else 2.0
    losses = {
        "brier": (squared_errors(probability, fractions), (0.0, most)),
        "cross_entropy": (log_losses(probability, fractions), (0.0, np.inf)),
    }
    n_right = int((probability[clear].argmax(axis=1) == truth).sum())
    return {
        name: mean_loss(values, disputed, weights, confidence, within)
        for name, (values, within) in losses.items()
    } | {
        "entropy": float(log_losses(fractions, fractions).mean()),
        "n_clear": int(clear.sum()),
        "accuracy": wilson_interval(n_right, int(clear.sum()), confidence),
        "roc_auc": roc_auc(probability[clear], truth, weights[clear], confidence)[0],
    }
