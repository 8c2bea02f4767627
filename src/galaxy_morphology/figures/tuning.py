"""Figures of the search for parameters."""

from typing import Any

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

DEFAULT = "default"
MARKERS = {"finished": "o", "pruned": "x"}
LOWEST_SHOWN = 0.1  # of the trials, the worst, may lie below the panel


def search_history(trials: pd.DataFrame, finalists: pd.DataFrame) -> Figure:
    """Validation ROC AUC of the trials in their order, and of the finalists with every seed.

    Args:
        trials: A row per trial: ``trial``, ``state``, ``is_default``, ``validation_roc_auc`` and
            ``simulated``.
        finalists: A row per ``candidate`` and ``seed``: ``validation_roc_auc`` and ``epochs``.
    """
    figure = new_figure(10.0, 4.2, simulated=is_simulated(trials))
    left, right = figure.subplots(1, 2, width_ratios=[2, 1])
    known = trials[trials["validation_roc_auc"].notna()]
    for i, (state, marker) in enumerate(MARKERS.items()):
        some = known[(known["state"] == state) & ~known["is_default"]]
        left.plot(
            some["trial"], some["validation_roc_auc"], marker=marker, ls="", ms=5,
            color=colour_of(0) if i == 0 else GREY, label=f"{state} ({len(some)})",
        )  # fmt: skip
    default = known[known["is_default"]]
    left.plot(
        default["trial"], default["validation_roc_auc"], marker="D", ls="", color="black",
        label="default parameters",
    )  # fmt: skip
    finished = known[known["state"] == "finished"]
    left.step(
        finished["trial"], finished["validation_roc_auc"].cummax(), where="post", lw=1,
        color=colour_of(1), label="best so far",
    )  # fmt: skip
    _leave_out_the_lowest(left, known["validation_roc_auc"], default["validation_roc_auc"])
    left.set_xlabel("trial")
    left.set_ylabel("validation ROC AUC")
    left.xaxis.get_major_locator().set_params(integer=True)
    _draw_finalists(right, finalists)
    for ax in (left, right):
        hide_frame(ax)
    legend_below(figure, [left], columns=4)
    return figure


def parameter_importance(importance: pd.DataFrame) -> Figure:
    """Which parameters the score of the finished trials hangs on.

    Args:
        importance: A row per ``parameter`` with its ``importance``, the largest first, and
            ``simulated``.
    """
    height = 1.4 + 0.3 * max(1, len(importance))
    figure = new_figure(7.0, height, simulated=is_simulated(importance))
    ax = figure.subplots()
    if importance.empty:
        ax.set_axis_off()
        ax.text(0.5, 0.5, "too few finished trials", ha="center", va="center", color=GREY)
        return figure
    ax.barh(importance["parameter"], importance["importance"], color=colour_of(0))
    ax.invert_yaxis()
    ax.set_xlabel("share of the importance of all (PED-ANOVA)")
    hide_frame(ax)
    return figure


def _leave_out_the_lowest(ax: Any, scores: pd.Series, shown: pd.Series) -> None:
    """Cut the axis where only few trials lie below, and say how many; but show these for sure."""
    top, bottom = scores.max(), min(scores.quantile(LOWEST_SHOWN), *shown, scores.max())
    margin = 0.1 * (top - bottom) + 0.002
    ax.set_ylim(bottom - margin, top + margin)
    n_below = (scores < bottom - margin).sum()
    if n_below:
        ax.set_title(f"lower and not shown: {n_below}", fontsize=9)


def _draw_finalists(ax: Any, finalists: pd.DataFrame) -> None:
    """A column of points for each candidate, and its mean."""
    candidates = list(finalists["candidate"].unique())
    for i, candidate in enumerate(candidates):
        scores = finalists.loc[finalists["candidate"] == candidate, "validation_roc_auc"]
        colour = "black" if candidate == DEFAULT else colour_of(0)
        ax.plot([i] * len(scores), scores, marker="o", ls="", ms=5, mfc="none", color=colour)
        ax.plot([i - 0.25, i + 0.25], [scores.mean(skipna=False)] * 2, color=colour)
    ax.set_xticks(range(len(candidates)), candidates)
    ax.set_xlim(-0.6, len(candidates) - 0.4)
    n_seeds, epochs = finalists["seed"].nunique(), finalists["epochs"].iloc[0]
    ax.set_title(f"{n_seeds} seeds, {epochs} epochs each; lines are means", fontsize=9)
