"""What a comparison came to, for tests."""

from typing import Any

import numpy as np
import pandas as pd

from .test_summary import score


def standing(entry: str, roc_auc: float, difference: float, **changes: Any) -> dict[str, Any]:
    """An entry whose intervals reach 0.02 to each side."""
    return {
        "entry": entry,
        "roc_auc": score(roc_auc, roc_auc - 0.02, roc_auc + 0.02),
        "accuracy": score(roc_auc - 0.1, roc_auc - 0.12, roc_auc - 0.08),
        "difference": score(difference, difference - 0.02, difference + 0.02),
        "mean": roc_auc - 0.01, "spread": 0.004, "n_seeds_higher": 2,
    } | changes  # fmt: skip


def conclusion_of(**changes: Any) -> dict[str, Any]:
    """Of fifteen classifiers: one is a little better than the reference, the baselines are not."""
    return {
        "split": "test", "n": 1234, "simulated": False, "confidence": 0.95, "n_entries": 15,
        "n_seeds": 3, "n_baselines": 9, "decided_by": "roc_auc",
        "reference": standing("compact", 0.95, 0.0, n_seeds_higher=0),
        "rival": standing("wide_grey", 0.96, 0.01),
        "baseline": standing("random_forest_both", 0.9, -0.05, n_seeds_higher=0),
    } | changes  # fmt: skip


def comparison_of(entries: list[str], seeds: list[str]) -> pd.DataFrame:
    """A row per entry and seed: the later an entry, the better by every measure."""
    rows = []
    for i, entry in enumerate(entries):
        for j, seed in enumerate(seeds):
            row: dict[str, Any] = {
                "entry": entry, "seed": seed, "split": "test", "simulated": False, "n": 40,
                "only_this_right": i, "only_reference_right": j, "mcnemar_p": 0.25,
            }  # fmt: skip
            for k, name in enumerate(("roc_auc", "accuracy", "macro_f1", "brier")):
                value = 0.9 - i / 50 if name == "brier" else 0.5 + i / 50 + k / 100
                low = np.nan if name == "macro_f1" else value - 0.05
                difference = (value - 0.9) if name == "brier" else i / 50
                row |= {
                    name: value, f"{name}_low": low, f"{name}_high": value + 0.05,
                    f"{name}_difference": difference, f"{name}_difference_low": difference - 0.01,
                    f"{name}_difference_high": difference + 0.01,
                }  # fmt: skip
            rows.append(row)
    return pd.DataFrame(rows)
