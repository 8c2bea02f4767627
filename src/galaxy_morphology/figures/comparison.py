"""Figures of classifiers side by side."""

import pandas as pd

from galaxy_morphology.figures.style import (
    GREY,
    colour_of,
    hide_frame,
    is_simulated,
    legend_below,
    new_figure,
)
from galaxy_morphology.typing import Figure

SCORES = {"accuracy": "accuracy", "roc_auc": "ROC AUC", "brier": "Brier score (less is better)"}


def compared_scores(table: pd.DataFrame, reference: str, *, ensemble: str) -> Figure:
    """Scores of every classifier, the one with the highest ROC AUC first.

    Args:
        table: A row per ``entry`` and ``seed``: of each score the value, ``_low`` and ``_high``;
            ``split``, ``n`` and ``simulated``.
        reference: The entry that the others are compared with; a line goes through its scores.
        ensemble: What stands for a seed in the rows of averaged probabilities.
    """
    averaged = table["seed"] == ensemble
    seeds = table[~averaged]
    best = (table[averaged] if averaged.any() else seeds).sort_values("roc_auc")
    entries = best["entry"].tolist()
    figure = new_figure(4.2 * len(SCORES), 1.5 + 0.3 * len(entries), simulated=is_simulated(table))
    figure.suptitle(f"{table['n'].iloc[0]:,} {table['split'].iloc[0]} galaxies", fontsize=11)
    axes = figure.subplots(1, len(SCORES), sharey=True)
    of_reference = best[best["entry"] == reference].iloc[0]
    for ax, (score, words) in zip(axes, SCORES.items(), strict=True):
        ax.axvline(of_reference[score], color=GREY, ls=":", lw=1)
        if averaged.any():
            places = seeds["entry"].map(entries.index)
            ax.plot(seeds[score], places, "o", ms=4, color=GREY, alpha=0.4, label="one seed")
        ax.errorbar(
            best[score], range(len(entries)),
            xerr=[best[score] - best[f"{score}_low"], best[f"{score}_high"] - best[score]],
            ls="", marker="D", ms=5, lw=1.5, color=colour_of(0),
            label="mean of the probabilities of all seeds" if averaged.any() else "one seed",
        )  # fmt: skip
        ax.set_xlabel(words)
        hide_frame(ax)
    axes[0].set_yticks(range(len(entries)), [entry.replace("_", " ") for entry in entries])
    legend_below(figure, axes[:1], columns=2)
    return figure
