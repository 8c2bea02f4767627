"""Which galaxies a classifier errs on: its error rate against what they look like."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from galaxy_morphology.evaluation.intervals import wilson_interval
from galaxy_morphology.evaluation.predictions import weights_of


def error_rates(
    predictions: pd.DataFrame,
    features: pd.DataFrame,
    quantities: Sequence[str],
    *,
    n_bins: int,
    confidence: float,
) -> pd.DataFrame:
    """Error rate in bins of quantities and for flagged galaxies.

    Args:
        predictions: A row per galaxy: ``cataid`` and ``correct``, and ``weight`` where another
            mix of classes is meant, see :func:`mix_weights`.
        features: By ``cataid``: the quantities. Numbers are binned; what is true or false, or a
            text, is counted by value.
        quantities: Columns of ``features``.
        n_bins: Bins of equally many galaxies for each number.
        confidence: Level of the intervals (Wilson).

    Returns:
        A row per bin: ``quantity``, ``bin`` in words, ``centre`` (median of the quantity,
        missing for what is no number), number of galaxies ``n`` and ``n_effective``, the sum of
        their weights, ``error_rate``, ``low`` and ``high``. Galaxies for which a number is missing
        are a bin of their own.
    """
    known = predictions[["cataid", "correct"]].assign(weight=weights_of(predictions))
    table = known.merge(features, on="cataid", validate="1:1")
    rows = []
    for quantity in quantities:
        for words, some in _bins(table, quantity, n_bins):
            wrong = some["weight"][~some["correct"].astype(bool)].sum()
            rate = wilson_interval(wrong, some["weight"].sum(), confidence)
            is_number = _is_number(some[quantity])
            rows.append(
                {
                    "quantity": quantity,
                    "bin": words,
                    "centre": some[quantity].median() if is_number else np.nan,
                    "n": len(some),
                    "n_effective": some["weight"].sum(),
                    "error_rate": rate["value"],
                    "low": rate["low"],
                    "high": rate["high"],
                }
            )
    return pd.DataFrame(rows)


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _bins(table: pd.DataFrame, quantity: str, n_bins: int) -> list[tuple[str, pd.DataFrame]]:
    """Galaxies by the bin they are in, none of them empty."""
    values = table[quantity]
    if not _is_number(values):
        groups = table.groupby(values.astype(str).replace("", "none"))
        return [(str(value), some) for value, some in groups]
    order = table[values.notna()].sort_values(quantity, kind="stable")
    bins = []
    for rows in np.array_split(np.arange(len(order)), n_bins):
        some = order.iloc[rows]
        if len(some):
            bins.append((f"{some[quantity].min():.3g} to {some[quantity].max():.3g}", some))
    if values.isna().any():
        bins.append(("not measured", table[values.isna()]))
    return bins
