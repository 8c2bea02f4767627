"""Figures of a survey: what its catalogue says, beside what is known of the test galaxies."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.figures.style import (
    GREY,
    caption,
    colour_of,
    hide_frame,
    legend_below,
    legend_label,
    new_figure,
    panels,
    show_cutouts,
)
from galaxy_morphology.typing import Figure, IntArray

METHODS = {
    "counted": "counted: what they were predicted to be",
    "Rogan-Gladen": "corrected by the confusion matrix (Rogan & Gladen)",
    "Saerens": "corrected by likelihood (Saerens et al.)",
}
COLUMNS = 8
SHIFT_COLUMNS = 3
SHIFT_BINS = 30
OUTERMOST = 0.5
"""Percent of the values at each end that a panel leaves out: single ones would squeeze the rest."""


def class_shares(
    shares: pd.DataFrame, labelled: Mapping[str, float], *, n_galaxies: int, simulated: bool
) -> Figure:
    """Share of each class in a survey, as counted and as corrected, with intervals.

    Args:
        shares: ``method``, ``class_name``, ``share``, ``low`` and ``high``.
        labelled: Share of each class among the labelled galaxies, by name, in order.
        n_galaxies: Of the survey.
        simulated: Whether its galaxies are.
    """
    names, methods = list(labelled), list(shares["method"].unique())
    figure = new_figure(6.8, 1.9 + 0.62 * len(names), simulated=simulated)
    ax = figure.subplots()
    for i, method in enumerate(methods):
        some = shares[shares["method"] == method].set_index("class_name").loc[names]
        places = np.arange(len(names)) + (i - (len(methods) - 1) / 2) * 0.22
        known = some["share"].notna().to_numpy()
        some, places = some[known], places[known]
        ax.errorbar(
            some["share"], places,
            xerr=[some["share"] - some["low"], some["high"] - some["share"]],
            marker="o", ms=5, ls="", capsize=3, color=colour_of(i),
            label=METHODS.get(method, method),
        )  # fmt: skip
    rows = np.arange(len(names))
    ax.vlines(
        list(labelled.values()), rows - 0.4, rows + 0.4, color=GREY, ls="--", lw=1,
        label="among the labelled galaxies",
    )  # fmt: skip
    ax.set_yticks(rows, [legend_label(name) for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.set_xlabel("share of the galaxies")
    ax.set_title(f"{n_galaxies:,} galaxies of the survey by class", fontsize=11)
    hide_frame(ax)
    legend_below(figure, [ax], columns=1)
    return figure


def probability_distributions(
    survey: Mapping[str, Sequence[int]],
    tested: Mapping[str, Sequence[int]],
    *,
    split: str,
    simulated: bool,
) -> Figure:
    """How probabilities are distributed in a survey and among labelled galaxies.

    Args:
        survey: Numbers of galaxies in equal bins from 0 to 1, by class; of two classes, the
            second is shown alone, since the other is its mirror image.
        tested: The same of galaxies with labels.
        split: What these are called.
        simulated: Whether any galaxies are.
    """
    names = list(survey) if len(survey) > 2 else list(survey)[1:]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(max(5.6, 3.4 * columns), 0.9 + 2.5 * rows, simulated=simulated)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    for ax, name in zip(axes, names, strict=False):
        for i, (label, by_class) in enumerate(((f"{split} galaxies", tested), ("survey", survey))):
            counts = np.array(by_class[name])
            ax.stairs(
                counts / max(counts.sum(), 1), np.linspace(0, 1, len(counts) + 1),
                color=colour_of(1 - i), fill=i == 0, alpha=0.35 if i == 0 else 1.0, lw=1.5,
                label=f"{label} ({counts.sum():,})",
            )  # fmt: skip
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_xlim(0, 1)
        ax.set_xlabel(f"probability of {name}")
        hide_frame(ax)
    for ax in axes[::columns]:
        ax.set_ylabel("share of the galaxies")
    legend_below(figure, axes[: len(names)], columns=2)
    return figure


def distribution_shifts(
    training: pd.DataFrame, survey: pd.DataFrame, shifts: pd.DataFrame, *, simulated: bool
) -> Figure:
    """Sky, noise and sizes of a survey beside those of the training galaxies.

    Args:
        training: A row per galaxy, with quantities as columns.
        survey: The same of the survey.
        shifts: A row per quantity: ``quantity``, ``ks_distance`` and ``differs``.
        simulated: Whether any galaxies are.
    """
    rows = max(1, -(-len(shifts) // SHIFT_COLUMNS))
    figure = new_figure(3.4 * SHIFT_COLUMNS, 0.7 + 2.4 * rows, simulated=simulated)
    axes = figure.subplots(rows, SHIFT_COLUMNS, squeeze=False).ravel()
    for ax in axes[len(shifts) :]:
        ax.set_axis_off()
    for ax, shift in zip(axes, shifts.to_dict("records"), strict=False):
        tables = [table[shift["quantity"]].dropna().to_numpy(float) for table in (training, survey)]
        ends = [np.percentile(values, [OUTERMOST, 100 - OUTERMOST]) for values in tables]
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        edges = (
            np.linspace(low, high, SHIFT_BINS + 1) if high > low else np.array([low - 1, low + 1])
        )
        for i, (label, values) in enumerate(
            zip(("training galaxies", "survey"), tables, strict=True)
        ):
            counts, _ = np.histogram(values, edges)
            ax.stairs(
                counts / len(values), edges, color=colour_of(1 - i), fill=i == 0,
                alpha=0.35 if i == 0 else 1.0, lw=1.5, label=label,
            )  # fmt: skip
        verdict = "differs" if shift["differs"] else "alike"
        ax.set_title(f"{verdict}: distance {shift['ks_distance']:.2f}", fontsize=10)
        ax.set_xlabel(shift["quantity"].replace("_", " "))
        ax.locator_params(axis="x", nbins=5)
        hide_frame(ax)
    for ax in axes[: len(shifts) : SHIFT_COLUMNS]:
        ax.set_ylabel("share of the galaxies")
    legend_below(figure, axes[: len(shifts)], columns=2)
    return figure


def notable_galaxies(
    images: Sequence[NDArray[Any]],
    notable: pd.DataFrame,
    class_names: Sequence[str],
    *,
    simulated: bool,
) -> Figure:
    """The most certain, least certain and most unlike galaxies of each class.

    Args:
        images: uint8 [height, width, 3], RGB, one for each row.
        notable: ``kind``, ``predicted_class``, ``cataid``, ``certainty``, ``distance`` and
            ``unlike_training``.
        class_names: The classes in order.
        simulated: Whether the galaxies are.
    """
    sheets: dict[str, IntArray] = {}
    for name in class_names:
        for kind in notable["kind"].unique():
            is_shown = (notable["kind"] == kind) & (notable["predicted_class"] == name)
            if is_shown.any():
                sheets[f"{name}: {kind}"] = np.flatnonzero(is_shown)
    captions = [
        f"{caption(galaxy['cataid'])}\n"
        + (
            f"distance {galaxy['distance']:.3g}"
            if "unlike" in galaxy["kind"]
            else f"{galaxy['certainty']:.1%}"
        )
        + (", unlike" if galaxy["unlike_training"] else "")
        for galaxy in notable.to_dict("records")
    ]
    return _sheets(images, captions, sheets, simulated=simulated)


def galaxies_to_label(
    images: Sequence[NDArray[Any]], cataids: Sequence[Any], n_chosen: int, *, simulated: bool
) -> Figure:
    """Galaxies that a person should label, without what the classifier thinks of them.

    Args:
        images: uint8 [height, width, 3], RGB.
        cataids: Of the images.
        n_chosen: How many there are to label.
        simulated: Whether they are.
    """
    title = f"Galaxies worth a label: {len(images)} of {n_chosen:,}"
    sheets = {title: np.arange(len(images))}
    return _sheets(images, [caption(c) for c in cataids], sheets, simulated=simulated)


def _sheets(
    images: Sequence[NDArray[Any]],
    captions: Sequence[str],
    sheets: Mapping[str, IntArray],
    *,
    simulated: bool,
) -> Figure:
    """Cut-outs with their captions in sheets, one below the other; the rows of each by title."""
    sheets = sheets or {"No galaxy was classified": np.arange(0)}
    heights = [0.45 + 1.7 * max(1, -(-len(rows) // COLUMNS)) for rows in sheets.values()]
    figure = new_figure(COLUMNS * 1.45, sum(heights), simulated=simulated)
    subfigures = figure.subfigures(len(sheets), height_ratios=heights, squeeze=False)[:, 0]
    for sheet, (title, rows) in zip(subfigures, sheets.items(), strict=True):
        sheet.suptitle(fill(title, 100), fontsize=11)
        show_cutouts(
            panels(sheet, len(rows), COLUMNS), [images[row] for row in rows],
            [captions[row] for row in rows],
        )  # fmt: skip
    return figure
