"""What a run found, in sentences: how good, how far to trust it, where it errs, what to do next."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from galaxy_morphology.report.rendering import render

CONTROLS = ("random", "centre", "brightness", "another")
"""What a map must be more faithful than: maps that know nothing of the network or the galaxy."""
MOST_NAMED = 3


def answer(
    metrics: dict[str, Any],
    error_rates: pd.DataFrame,
    suspect_labels: pd.DataFrame,
    explanation_summary: pd.DataFrame,
    titles: Mapping[str, str],
) -> str:
    """Say what the scores, errors, suspects and explanations of a run come to.

    Args:
        metrics: Scores by split, the last being the one to go by.
        error_rates: A row per bin of each quantity, of that split: ``quantity``, ``bin``, ``n``,
            ``error_rate``, ``low`` and ``high``.
        suspect_labels: A row per galaxy, ``suspected`` or not, with its ``split``.
        explanation_summary: A row per measure, method and group: ``value``, ``low``, ``high``.
        titles: What each method of explanation is called.

    Returns:
        A section of HTML, whose numbers lead to the sections and galaxies they come from.
    """
    split, scores = list(metrics.items())[-1]
    suspected = suspect_labels[suspect_labels["suspected"].astype(bool)]
    return render(
        "answer.html.j2",
        split=split,
        scores=scores,
        most_frequent=max(scores["class_shares"].items(), key=lambda share: share[1]),
        confusions=_confusions(scores),
        worse=_worse(error_rates, scores),
        n_groups=len(error_rates),
        by_chance=(1 - scores["confidence"]) / 2 * len(error_rates),
        n_suspected=len(suspected),
        n_suspected_scored=int((suspected["split"] == split).sum()),
        methods=_methods(explanation_summary, titles),
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


def _methods(summary: pd.DataFrame, titles: Mapping[str, str]) -> dict[bool, list[str]]:
    """Methods of explanation by whether their maps are surely more faithful than all controls."""
    of_all = summary[summary["group"] == "all"]
    gains = of_all[of_all["measure"].isin([f"faithfulness_over_{name}" for name in CONTROLS])]
    found: dict[bool, list[str]] = {True: [], False: []}
    for name, title in titles.items():
        of_method = gains[gains["method"] == name]
        found[len(of_method) > 0 and bool((of_method["low"] > 0).all())].append(title)
    return found
