"""What a run found, in sentences: how good, how far to trust it, where it errs, what to do next."""

from typing import Any

import pandas as pd

from galaxy_morphology.report.rendering import render

MOST_NAMED = 3
FEWEST = 10
"""Galaxies of a kind that is looked at: fewer say little."""


def summary(
    metrics: dict[str, Any],
    error_rates: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    comparison: dict[str, Any] | None = None,
) -> str:
    """Say what the scores, errors and suspects of a run come to.

    Args:
        metrics: Scores by split, the last being the one to go by.
        error_rates: A row per bin of each quantity, of that split: ``quantity``, ``bin``, ``n``,
            ``error_rate``, ``low`` and ``high``.
        suspect_labels: A row per galaxy, ``suspected`` or not, with its ``split``.
        comparison: What a comparison on the same galaxies came to, as
            :func:`conclude_comparison` returns it, whose page lies beside this one.

    Returns:
        A section of HTML, whose numbers lead to the sections and galaxies they come from.
    """
    split, scores = list(metrics.items())[-1]
    error_rates = error_rates[error_rates["n"] >= FEWEST]
    suspected = suspect_labels[suspect_labels["suspected"].astype(bool)]
    return render(
        "summary.html.j2",
        split=split,
        scores=scores,
        most_frequent=max(scores["class_shares"].items(), key=lambda share: share[1]),
        confusions=_confusions(scores),
        worse=_worse(error_rates, scores),
        n_groups=len(error_rates),
        by_chance=(1 - scores["confidence"]) / 2 * len(error_rates),
        comparison=comparison,
        n_suspected=len(suspected),
        n_suspected_scored=int((suspected["split"] == split).sum()),
    )


def _confusions(scores: dict[str, Any]) -> list[dict[str, Any]]:
    """What is taken for what, the largest share of a class first."""
    names = list(scores["classes"])
    found = [
        {
            "true": names[i], "said": names[j], "i": i, "j": j, "n": count, "of": sum(row),
            "share": count / sum(row),
        }
        for i, row in enumerate(scores["confusion_matrix"])
        for j, count in enumerate(row)
        if i != j and count
    ]  # fmt: skip
    return sorted(found, key=lambda one: -float(one["share"]))[:MOST_NAMED]


def _worse(error_rates: pd.DataFrame, scores: dict[str, Any]) -> list[dict[Any, Any]]:
    """Kinds of galaxies whose error rate surely lies above that of all, the worst first."""
    of_all = 1 - scores["accuracy"]["value"]
    worse = error_rates[error_rates["low"] > of_all].sort_values("error_rate", ascending=False)
    return [
        {**row, "kind": f"{row['quantity']} {row['bin']}".replace("_", " ")}
        for row in worse.head(MOST_NAMED).to_dict("records")
    ]
