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

SCORES = {
    "accuracy": "accuracy",
    "roc_auc": "ROC AUC",
    "brier": "Brier score (less is better)",
}


def compared_scores(table: pd.DataFrame, reference: str, *, ensemble: str) -> Figure:
    """Scores of every classifier with every seed, and what they differ by from a reference.

    Args:
        table: A row per ``entry`` and ``seed``: of each score the value, ``_low`` and ``_high``,
            and the same of ``<score>_difference``; ``split``, ``n`` and ``simulated``.
        reference: The entry that the others are compared with.
        ensemble: What stands for a seed in the rows of averaged probabilities.
    """
    entries = list(table["entry"].unique())
    seeds = [seed for seed in table["seed"].unique() if seed != ensemble]
    markers = [*seeds, *({ensemble} & set(table["seed"]))]
    height = 1.6 + 0.16 * len(entries) * (len(markers) + 1)
    figure = new_figure(4.0 * len(SCORES), 2 * height, simulated=is_simulated(table))
    figure.suptitle(
        f"{table['n'].iloc[0]:,} {table['split'].iloc[0]} galaxies; below, differences from "
        f"{reference.replace('_', ' ')} on the same galaxies",
        fontsize=11,
    )
    axes = figure.subplots(2, len(SCORES), sharey=True)
    for row, suffix in zip(axes, ("", "_difference"), strict=True):
        for ax, (score, words) in zip(row, SCORES.items(), strict=True):
            _draw_intervals(ax, table, entries, markers, f"{score}{suffix}", ensemble)
            ax.set_xlabel(f"difference in {words}" if suffix else words)
            if suffix:
                ax.axvline(0, color=GREY, ls=":", lw=1)
            hide_frame(ax)
    axes[0, 0].set_yticks(range(len(entries)), [entry.replace("_", " ") for entry in entries])
    axes[0, 0].invert_yaxis()
    legend_below(figure, axes[0, :1], columns=len(markers))
    return figure


def _draw_intervals(
    ax: object,
    table: pd.DataFrame,
    entries: list[str],
    markers: list[str],
    score: str,
    ensemble: str,
) -> None:
    """A score of every entry, its seeds one below the other."""
    step = 0.8 / len(markers)
    for i, seed in enumerate(markers):
        some = table[table["seed"] == seed].set_index("entry").reindex(entries)
        places = [j + (i - (len(markers) - 1) / 2) * step for j in range(len(entries))]
        ax.errorbar(  # type: ignore[attr-defined]
            some[score], places,
            xerr=[some[score] - some[f"{score}_low"], some[f"{score}_high"] - some[score]],
            ls="", marker="D" if seed == ensemble else "o", ms=4, lw=1,
            color="black" if seed == ensemble else colour_of(i),
            label="mean of their probabilities" if seed == ensemble else f"seed {seed}",
        )  # fmt: skip
