"""Whether galaxies look like those that a classifier learned from, as far as measures tell."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from galaxy_morphology.typing import FloatArray

CERTAIN = 0.001
"""Chance has to be so unlikely before a difference counts, however large it is."""
NORMAL_QUARTILES = 1.349
"""Standard deviations between the quartiles of a normal distribution."""


def distribution_shifts(
    training: pd.DataFrame,
    others: pd.DataFrame,
    quantities: Sequence[str],
    *,
    least_distance: float,
) -> pd.DataFrame:
    """How far the distributions of measures lie apart.

    What counts is how large a difference is, not how surely there is one: of a million galaxies,
    any difference is sure.

    Args:
        training: A row per galaxy, with the quantities as columns; NaN where not measured.
        others: The same of others.
        quantities: Which to compare.
        least_distance: The distance of Kolmogorov and Smirnov from which on distributions
            ``differ``, 0 to 1. Normal distributions half a standard deviation apart, which Cohen
            (1988) calls a medium difference, have one of 0.2.

    Returns:
        A row per quantity that was measured of two galaxies or more of both:

        - ``quantity``, ``training_median`` and ``survey_median``;
        - ``ks_distance``: largest difference of the shares of galaxies below any value;
        - ``p_value``: of the test of Kolmogorov and Smirnov;
        - ``cliffs_delta``: how much more often a galaxy of the others has the larger value of two
          than the smaller, -1 to 1 (Cliff 1993, Psychol. Bull. 114, 494);
        - ``wasserstein``: mean distance that values must be moved, in standard deviations of the
          training galaxies as their quartiles tell them; NaN where these are equal;
        - ``n_training`` and ``n_survey``: galaxies measured;
        - ``differs``.
    """
    from scipy.stats import ks_2samp, mannwhitneyu, wasserstein_distance

    rows = []
    for quantity in quantities:
        ours, theirs = (
            table[quantity].to_numpy(np.float64)[np.isfinite(table[quantity].to_numpy(np.float64))]
            for table in (training, others)
        )
        if min(len(ours), len(theirs)) < 2:
            continue
        test = ks_2samp(theirs, ours)
        larger = mannwhitneyu(theirs, ours, method="asymptotic").statistic
        moved, spread = wasserstein_distance(theirs, ours), _spread(ours)
        rows.append(
            {
                "quantity": quantity,
                "training_median": np.median(ours),
                "survey_median": np.median(theirs),
                "ks_distance": test.statistic,
                "p_value": test.pvalue,
                "cliffs_delta": 2 * larger / (len(ours) * len(theirs)) - 1,
                "wasserstein": moved / spread if spread > 0 else np.nan,
                "n_training": len(ours),
                "n_survey": len(theirs),
                "differs": bool(test.statistic >= least_distance and test.pvalue < CERTAIN),
            }
        )
    columns = [
        "quantity", "training_median", "survey_median", "ks_distance", "p_value", "cliffs_delta",
        "wasserstein", "n_training", "n_survey", "differs",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"differs": bool})


def _spread(values: FloatArray) -> float:
    """Standard deviation of normal values with these quartiles."""
    low, high = np.percentile(values, [25, 75])
    return float(high - low) / NORMAL_QUARTILES
