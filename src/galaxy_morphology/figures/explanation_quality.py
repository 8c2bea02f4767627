"""Figures of how far the explanations can be trusted, a question each."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.figures.style import (
    GREY,
    colour_of,
    hide_frame,
    is_simulated,
    legend_below,
    new_figure,
)
from galaxy_morphology.typing import Figure, FloatArray

CONTROLS = {
    "random": "random map",
    "centre": "central Gaussian",
    "brightness": "brightness of the galaxy",
}
"""Maps that know nothing of the classifier."""
OF_ANOTHER = "map of another galaxy"
CONTROL_LINES = {"random": "--", "centre": ":", "brightness": "-."}
CONTROL_MARKERS = {"random": "o", "centre": "D", "brightness": "s", "another": "^"}
PARTS = {
    "target": "On the galaxy itself\n(more is better)",
    "neighbour": "On its neighbours\n(less is better)",
    "sky": "On the empty sky\n(less is better)",
}
POINTED_AT = {
    "target": "on the galaxy",
    "neighbour": "on a neighbour",
    "sky": "on the sky",
    "none": "nowhere: no value is positive",
}
PART_COLOURS = {
    "target": colour_of(0),
    "neighbour": colour_of(1),
    "sky": colour_of(5),
    "none": "#DDDDDD",
}
# Blue rings and orange crosses are told apart without their colours.
OUTCOMES = {True: ("classified correctly", "o"), False: ("classified wrongly", "x")}
RESIDUALS_SHOWN = (1e-4, 100.0)  # logits
LEAST_SHARE_WITH_NUMBER = 0.14
ROOM_FOR_NUMBERS = 1.3
CHANCE = "share of the pixels"
INTERVAL = "95 % interval"
LETTER_HEIGHT = 0.05  # inches that a letter of a slanted label takes
LARGEST_WIDTH = 13.5  # inches
MOST_LETTERS, MOST_LAYERS_NAMED = 20, 14


def faithfulness(
    curves: Mapping[str, FloatArray], summary: pd.DataFrame, titles: Mapping[str, str]
) -> Figure:
    """Whether the classification hangs on what a map ranks first.

    Args:
        curves: ``shares`` [steps + 1]; ``<method>_deletion`` and ``<method>_insertion``
            [n, steps + 1], the probability of the explained class, of methods and controls, of
            the galaxies that the summary is of.
        summary: A row per ``measure``, ``method`` and ``group``: ``value``, ``low``, ``high`` and
            ``simulated``. Of the group "all", ``faithfulness_over_<control>`` are shown, of the
            controls ``random``, ``centre``, ``brightness`` and ``another``.
        titles: What each method to show is called, in order.
    """
    figure = new_figure(13.0, 3.9 + 0.25 * len(titles), simulated=is_simulated(summary))
    names = [name for name in [*titles, *CONTROLS] if f"{name}_deletion" in curves]
    n = max((len(curves[f"{name}_deletion"]) for name in names), default=0)
    figure.suptitle(
        f"Does the classification hang on what the map ranks first? {_counted(n)}", fontsize=11
    )
    hide_ax, show_ax, gain_ax = figure.subplots(1, 3, width_ratios=[1, 1, 1.25])
    _draw_curves(hide_ax, curves, names, titles, "deletion")
    hide_ax.set_title("Hiding first what ranks highest\n(falling sooner is better)")
    hide_ax.set_xlabel("share of the image hidden")
    hide_ax.set_ylabel("probability of the explained class,\nmean of the galaxies")
    _draw_curves(show_ax, curves, names, titles, "insertion")
    show_ax.set_title("Showing first what ranks highest\n(rising sooner is better)")
    show_ax.set_xlabel("share of the image shown")
    _draw_gains(gain_ax, summary, titles)
    gain_ax.set_title("Better than a map that knows nothing?\n(right of zero is better)")
    gain_ax.set_xlabel(
        f"gain in faithfulness: insertion area minus\ndeletion area, mean and {INTERVAL}"
    )
    _finish([hide_ax, show_ax, gain_ax])
    legend_below(figure, [hide_ax, gain_ax], columns=5)
    return figure


def place(quality: pd.DataFrame, summary: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Where the attribution lies: on the galaxy, on its neighbours or on the sky.

    Args:
        quality: A row per galaxy and method: ``cataid`` and ``pointing`` ("target", "neighbour",
            "sky" or "none"), of the galaxies that the summary is of.
        summary: See :func:`faithfulness`. Of the group "all", ``target_share`` and
            ``target_area`` are shown, and the same of ``neighbour`` and ``sky``.
        titles: See :func:`faithfulness`.
    """
    names = _with_controls(titles, summary["method"])
    figure = new_figure(12.0, 2.4 + 0.34 * len(names), simulated=is_simulated(summary))
    figure.suptitle(
        f"Where does the attribution lie? {_counted(quality['cataid'].nunique())}", fontsize=11
    )
    *share_axes, pointing_ax = axes = figure.subplots(1, 4, sharey=True)
    for ax, (part, title) in zip(share_axes, PARTS.items(), strict=True):
        _draw_shares(ax, summary, names, part)
        ax.set_title(title)
        ax.set_xlabel("share of the absolute attribution")
    share_axes[1].set_xlabel("share of the absolute attribution\n(an axis of its own)")
    pointing_ax.axvline(
        _summarised(summary, "target_area", names)["value"].mean(), color="black", lw=2, zorder=0
    )
    _draw_pointing(pointing_ax, quality, names)
    pointing_ax.set_title("Pointing game: where is\nthe largest value?")
    pointing_ax.set_xlabel("share of the galaxies\n(more on the galaxy is better)")
    _name_rows(share_axes[0], names, titles)
    _finish(axes)
    legend_below(figure, axes[[0, 3]], columns=3)
    return figure


def stability(quality: pd.DataFrame, summary: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Whether a map stays the same where the galaxy does.

    Args:
        quality: A row per galaxy and method: ``cataid``, ``correct``, ``turned`` and ``noise``
            (rank correlations with the original map) and ``simulated``; missing where not
            measured.
        summary: See :func:`faithfulness`; the means of both measures.
        titles: See :func:`faithfulness`.
    """
    questions = {
        "turned": "The cut-out turned and mirrored,\nthe map turned back",
        "noise": "The cut-out with added noise,\nas strong as that of its sky",
    }
    some = quality[quality["method"].isin(list(titles))].dropna(subset=[*questions], how="all")
    figure = new_figure(10.5, 2.2 + 0.62 * len(titles), simulated=is_simulated(quality))
    figure.suptitle(
        f"Does the map stay when the galaxy stays? {_counted_with_outcomes(some)}", fontsize=11
    )
    axes = figure.subplots(1, 2, sharey=True)
    least = some[[*questions]].min().min()
    for ax, (measure, title) in zip(axes, questions.items(), strict=True):
        _draw_galaxies(ax, some, measure, list(titles))
        _draw_means(ax, summary, measure, list(titles))
        ax.axvline(0, color=GREY, ls=":", lw=1, label="0: no relation", zorder=0)
        ax.set_title(title)
        ax.set_xlabel(
            "rank correlation with the original map\n(1 is the same order: more is better)"
        )
        ax.set_xlim(min(-0.05, 0 if np.isnan(least) else least - 0.05), 1.03)
    _name_rows(axes[0], list(titles), titles)
    _finish(axes)
    legend_below(figure, axes[:1], columns=4)
    return figure


def sanity(
    table: pd.DataFrame,
    titles: Mapping[str, str],
    passed: Mapping[str, bool | None],
    *,
    most_alike: float,
) -> Figure:
    """Whether a map changes when the network forgets what it learned.

    Args:
        table: A row per ``method``, ``depth`` (random layers, from 1, the top one) and galaxy
            (``cataid``): ``layer``, the lowest that is random; ``rank_correlation`` with the
            map of the trained network, and that of absolute values as
            ``rank_correlation_absolute``; ``simulated``.
        titles: What each method to show is called, a panel each.
        passed: Whether each method passes; nothing is said where that is not known.
        most_alike: The mean correlation above which a method fails.
    """
    layers = table.drop_duplicates("depth").sort_values("depth")
    columns = 3 if len(titles) > 4 else min(2, max(1, len(titles)))
    rows = max(1, -(-len(titles) // columns))
    words = ["none", *(_cut(layer, MOST_LETTERS) for layer in layers["layer"])]
    height = 2.0 + 1.9 * rows + LETTER_HEIGHT * max(map(len, words))
    panel_width = np.clip(1.2 + 0.42 * len(layers), 4.4, LARGEST_WIDTH / columns)
    figure = new_figure(
        max(9.4, float(columns * panel_width)), height, simulated=is_simulated(table)
    )
    figure.suptitle(
        "Does the map change when the network forgets, layer by layer from the top?\n"
        f"{_counted(table['cataid'].nunique())}; nearer to 0 is better; a method passes if both "
        f"means end at {most_alike:g} or below",
        fontsize=11,
    )
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for ax in axes[len(titles) :]:
        ax.set_axis_off()
    every = -(-len(words) // MOST_LAYERS_NAMED)
    for ax, (method, title) in zip(axes, titles.items(), strict=False):
        some = table[table["method"] == method]
        _draw_forgetting(ax, some, most_alike)
        verdict = {True: ": passes", False: ": fails", None: ""}[passed.get(method)]
        ax.set_title(title + verdict + _say_left_out(some))
        ax.set_xticks(
            [0, *layers["depth"]][::every], words[::every],
            rotation=45, ha="right", rotation_mode="anchor",
        )  # fmt: skip
    for ax in axes[: len(titles)][-columns:]:
        ax.tick_params(axis="x", labelbottom=True)
        ax.set_xlabel("lowest layer made random; those to its left are too")
    for ax in axes[::columns]:
        ax.set_ylabel("rank correlation with the\nmap of the trained network")
    _finish(axes)
    legend_below(figure, axes[: len(titles)], columns=3)
    return figure


def agreement(table: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """How far the methods agree with each other, for right and for wrong classifications.

    Args:
        table: A row per galaxy (``cataid``) and pair of methods (``one`` and ``other``):
            ``rank_correlation``, ``correct`` and ``simulated``.
        titles: See :func:`faithfulness`.
    """
    figure = new_figure(10.5, 5.0, simulated=is_simulated(table))
    figure.suptitle("Do the methods point at the same places?", fontsize=11)
    axes = figure.subplots(1, 2)
    for ax, (correct, (words, _)) in zip(axes, OUTCOMES.items(), strict=True):
        some = table[table["correct"] == correct]
        ax.set_title(f"{words}: {_counted(some['cataid'].nunique())}", fontsize=10)
        shades = _draw_matrix(ax, some, titles)
    bar = figure.colorbar(shades, ax=axes, shrink=0.7, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.set_label(
        "rank correlation, mean of the galaxies\n(1: the same order of pixels, 0: no relation)",
        fontsize=9,
    )
    bar.ax.tick_params(labelsize=8)
    return figure


def reliability(
    quality: pd.DataFrame, titles: Mapping[str, str], *, tolerance: float = 0.05
) -> Figure:
    """What the methods say of their own maps: whether they worked as they should.

    Args:
        quality: A row per galaxy and method: ``cataid``, ``correct``, ``simulated``, and any of
            ``completeness_residual`` in logits, ``r_squared`` and ``top_overlap`` as shares,
            missing where a method has none. Residuals beyond the axis are drawn at its ends.
        titles: See :func:`faithfulness`.
        tolerance: Residual up to which a map counts as complete, in logits.
    """
    figure = new_figure(13.0, 2.3 + 0.62 * len(titles), simulated=is_simulated(quality))
    figure.suptitle(f"Did the methods work as they should? {_counted_with_outcomes(quality)}",
                    fontsize=11)  # fmt: skip
    residual_ax, fit_ax, overlap_ax = axes = figure.subplots(1, 3, sharey=True)
    measures = ["completeness_residual", "r_squared", "top_overlap"]
    some = quality.reindex(columns=["cataid", "method", "correct", *measures])
    some["completeness_residual"] = some["completeness_residual"].clip(*RESIDUALS_SHOWN)
    for ax, measure in zip(axes, measures, strict=True):
        _draw_galaxies(ax, some, measure, list(titles), missing="–")
        _draw_medians(ax, some, measure, list(titles))
    residual_ax.axvline(
        tolerance, color=GREY, ls="--", lw=1, label=f"tolerance: {tolerance:g} logits", zorder=0
    )
    residual_ax.set_xscale("log")
    low, high = residual_ax.get_xlim()
    residual_ax.set_xlim(min(low, 1e-3), max(high, 1.0))  # decades to label, however few values
    residual_ax.xaxis.set_major_formatter("{x:g}")
    residual_ax.xaxis.set_minor_formatter("")
    residual_ax.set_title("Does the map add up\nto what it explains?")
    residual_ax.set_xlabel(
        "completeness residual: what the sum misses, in logits\n"
        "(cut at {:g} and {:g}; less is better)".format(*RESIDUALS_SHOWN)
    )
    fit_ax.set_title("Does its linear model\nfit the network?")
    fit_ax.set_xlabel("R² of the fit\n(1 is perfect: more is better)")
    overlap_ax.set_title("Are the strongest cells the same\nwith other random seeds?")
    overlap_ax.set_xlabel("overlap of the strongest cells\n(1 is always the same: more is better)")
    for ax in (fit_ax, overlap_ax):
        ax.set_xlim(min(-0.03, ax.get_xlim()[0]), 1.03)
    _name_rows(residual_ax, list(titles), titles)
    _finish(axes)
    legend_below(figure, axes, columns=5)
    return figure


def structure(table: pd.DataFrame, summary: pd.DataFrame, titles: Mapping[str, str]) -> Figure:
    """Whether a map finds the arms, bar and knots of simulated spirals, where they are known.

    Args:
        table: A row per spiral and method: ``cataid``, ``correct``, ``share_on_structure``,
            ``structure_area``, ``ranking`` (pairs won within elliptical rings) and ``simulated``.
        summary: See :func:`faithfulness`; the means of both measures. Its group may be left out.
        titles: See :func:`faithfulness`.
    """
    names = _with_controls(titles, table["method"])
    figure = new_figure(10.5, 2.2 + 0.55 * len(names), simulated=is_simulated(table))
    figure.suptitle(
        "Does the map find the arms, bar and knots of a spiral? "
        f"{table.dropna(subset='ranking')['cataid'].nunique():,} spirals",
        fontsize=11,
    )
    share_ax, ranking_ax = axes = figure.subplots(1, 2, sharey=True)
    for ax, measure in ((share_ax, "share_on_structure"), (ranking_ax, "ranking")):
        _draw_galaxies(ax, table, measure, names)
        _draw_means(ax, summary, measure, names)
        ax.set_xlim(-0.02, 1.02)
    _mark_chance(share_ax, table.groupby("method")["structure_area"].mean().reindex(names))
    share_ax.set_title("Attribution on arms, bar and knots")
    share_ax.set_xlabel(
        "share of the absolute attribution within the galaxy\n(more than chance is better)"
    )
    ranking_ax.axvline(
        0.5, color="black", ls=":", lw=1, zorder=0, label="chance: 0.5, for radius alone too"
    )
    ranking_ax.set_title("Arms, bar and knots ranked above what is as far out")
    ranking_ax.set_xlabel(
        "how often a pixel of them has more attribution than\n"
        "another of the same elliptical ring (more is better)"
    )
    _name_rows(share_ax, names, titles)
    _finish(axes)
    legend_below(figure, axes, columns=3)
    return figure


def _draw_curves(
    ax: Any,
    curves: Mapping[str, FloatArray],
    names: Sequence[str],
    titles: Mapping[str, str],
    kind: str,
) -> None:
    """The mean curve of each method and control."""
    for name in names:
        ax.plot(
            curves["shares"], np.nanmean(curves[f"{name}_{kind}"], axis=0),
            color=_colour(name, titles), ls=CONTROL_LINES.get(name, "-"),
            label=_title(name, titles),
        )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)


def _draw_gains(ax: Any, summary: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """How much more faithful methods are than the controls."""
    methods = list(titles)
    shifts = np.linspace(-0.3, 0.3, len(CONTROL_MARKERS))
    for (control, marker), shift in zip(CONTROL_MARKERS.items(), shifts, strict=True):
        some = _summarised(summary, f"faithfulness_over_{control}", methods)
        words = CONTROLS.get(control, OF_ANOTHER)
        ax.plot([], [], ls="", marker=marker, ms=5, color="black", label=f"gain over the {words}")
        for row, method in enumerate(methods):
            if some["value"].isna()[method]:
                _say_missing(ax, row + shift)
            _draw_mean(
                ax, some.loc[method], row + shift, color=_colour(method, titles), marker=marker
            )
    for row in range(1, len(methods)):
        ax.axhline(row - 0.5, color="#EEEEEE", lw=1, zorder=0)
    ax.axvline(0, color="black", ls=":", lw=1, zorder=0)
    _name_rows(ax, methods, titles)


def _draw_shares(ax: Any, summary: pd.DataFrame, names: list[str], part: str) -> None:
    """Bars of the attribution on a part of the cut-outs, and its share of the pixels."""
    some = _summarised(summary, f"{part}_share", names)
    chance = _summarised(summary, f"{part}_area", names)["value"]
    for row, name in enumerate(names):
        mean = some.loc[name]
        if np.isnan(mean["value"]):
            _say_missing(ax, row)
            continue
        colour = GREY if name in CONTROLS else PART_COLOURS[part]
        ax.barh(row, mean["value"], height=0.62, color=_pale(colour, 0.75))
        _draw_mean(ax, mean, row, color="black", marker="")
        ax.text(
            0.99, row, _percent(some["value"].loc[name]), transform=ax.get_yaxis_transform(),
            ha="right", va="center", fontsize=9,
        )  # fmt: skip
    _mark_chance(ax, chance)
    ax.errorbar([], [], xerr=[], color="black", lw=1.2, label=f"mean, {INTERVAL}")
    # Neighbours are few: on the axis of the other parts they could not be seen.
    end = np.nanmax([0.01, *some["high"], *chance]) if part == "neighbour" else 1.0
    _make_percent_axis(ax, ROOM_FOR_NUMBERS * end)


def _draw_pointing(ax: Any, quality: pd.DataFrame, names: list[str]) -> None:
    """Bars of what the largest values lie on, one after the other."""
    shares = pd.crosstab(quality["method"], quality["pointing"], normalize="index")
    shares = shares.reindex(index=names, columns=list(POINTED_AT), fill_value=0.0)
    for row, total in enumerate(shares.sum(axis=1)):
        if total == 0:
            _say_missing(ax, row)
    starts = shares.cumsum(axis=1) - shares
    for part, words in POINTED_AT.items():
        colour = PART_COLOURS[part]
        ax.barh(
            range(len(names)), shares[part], left=starts[part], height=0.62, ec="white",
            color=[_pale(colour, 0.5) if name in CONTROLS else colour for name in names],
            label=words,
        )  # fmt: skip
        for row, (share, start) in enumerate(zip(shares[part], starts[part], strict=True)):
            if share >= LEAST_SHARE_WITH_NUMBER:
                is_dark = part == "target" and names[row] not in CONTROLS
                ax.text(
                    start + share / 2, row, _percent(share), ha="center", va="center", fontsize=9,
                    color="white" if is_dark else "black",
                )  # fmt: skip
    _make_percent_axis(ax, 1.01)


def _make_percent_axis(ax: Any, end: float) -> None:
    if end >= 1:
        ax.set_xticks([0, 0.5, 1])
    ax.set_xlim(0, end)
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")


def _draw_galaxies(
    ax: Any, table: pd.DataFrame, measure: str, names: list[str], missing: str = "not measured"
) -> None:
    """A dot for every galaxy, in a row for each method."""
    for row, name in enumerate(names):
        some = table[table["method"] == name].dropna(subset=measure)
        if some.empty:
            _say_missing(ax, row, missing)
            continue
        places = row - 0.1 + 0.5 * _spread(some["cataid"])
        for correct, (words, marker) in OUTCOMES.items():
            is_such = (some["correct"] == correct).to_numpy()
            if is_such.any():  # else the legend would name what is not there
                ax.plot(
                    some[measure][is_such], places[is_such], ls="", marker=marker, ms=4, mew=0.8,
                    mfc="none", alpha=0.75, color=colour_of(0 if correct else 1), label=words,
                )  # fmt: skip


def _draw_means(ax: Any, summary: pd.DataFrame, measure: str, names: list[str]) -> None:
    """The mean of each method with its interval, below its dots."""
    means = _summarised(summary, measure, names)
    for row, name in enumerate(names):
        _draw_mean(ax, means.loc[name], row + 0.29, color="black", marker="D")
    ax.errorbar(
        [], [], xerr=[], color="black", marker="D", ms=4, lw=1.2, capsize=3,
        label=f"mean, {INTERVAL}",
    )  # fmt: skip


def _draw_medians(ax: Any, table: pd.DataFrame, measure: str, names: list[str]) -> None:
    """The median of each method, across its dots: single misses would carry a mean away."""
    medians = table.groupby("method")[measure].median().reindex(names).dropna()
    rows = np.array([names.index(name) for name in medians.index])
    ax.vlines(medians, rows - 0.4, rows + 0.2, color="black", lw=2.5, zorder=3)
    ax.plot([], [], ls="", marker="|", ms=12, mew=2.5, color="black", label="median")


def _draw_mean(ax: Any, mean: Any, place: float, *, color: str, marker: str) -> None:
    """A mean with its interval."""
    value, low, high = (float(mean[name]) for name in ("value", "low", "high"))
    reach = np.maximum([[value - low], [high - value]], 0)  # round-off can make it negative
    ax.errorbar(value, place, xerr=reach, color=color, marker=marker, ms=4, lw=1.2, capsize=3)


def _draw_forgetting(ax: Any, table: pd.DataFrame, most_alike: float) -> None:
    """Correlations of one method by how many layers are random, from 1 with none of them."""
    ax.axhline(
        0, color="black", ls=":", lw=1,
        label="0: what a method that depends on the network falls to",
    )  # fmt: skip
    ax.axhline(most_alike, color=GREY, ls="--", lw=1, label="limit: above it a method fails")
    if table["rank_correlation"].isna().all():
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color=GREY)
        return
    looks = {
        "rank_correlation": ("mean of the galaxies", "o", "-"),
        "rank_correlation_absolute": ("mean when signs are ignored", "s", "-."),
    }
    for index, (measure, (words, marker, line)) in enumerate(looks.items()):
        by_depth = table.groupby("depth")[measure]
        means, low, high = by_depth.mean(), by_depth.quantile(0.1), by_depth.quantile(0.9)
        depths = [0, *means.index]
        colour = colour_of(index)
        ax.plot(depths, [1, *means], color=colour, marker=marker, ms=4, ls=line, label=words)
        ax.fill_between(
            depths, [1, *low], [1, *high], color=colour, alpha=0.15, lw=0,
            label="middle 80 % of the galaxies" if index == 0 else None,
        )  # fmt: skip


def _say_left_out(table: pd.DataFrame) -> str:
    """How many correlations could not be taken."""
    missing = table["rank_correlation"].isna().sum()
    return f" ({missing} of {len(table)} maps are flat: left out)" if missing else ""


def _draw_matrix(ax: Any, table: pd.DataFrame, titles: Mapping[str, str]) -> Any:
    """Mean rank correlation of every two methods, as shades and numbers."""
    methods = list(titles)
    means = table.groupby(["one", "other"])["rank_correlation"].mean()
    matrix = np.full((len(methods), len(methods)), np.nan)
    for pair, mean in means.items():
        i, j = (methods.index(method) for method in cast(tuple[str, str], pair))
        matrix[i, j] = matrix[j, i] = mean
    shades = ax.imshow(matrix, cmap="coolwarm", vmin=-1, vmax=1)
    if table.empty:
        ax.text(0.5, 0.5, "no galaxy", transform=ax.transAxes, ha="center", color=GREY)
    for (i, j), mean in np.ndenumerate(matrix):
        if np.isfinite(mean):
            colour = "white" if abs(mean) > 0.7 else "black"
            ax.text(j, i, f"{mean:.2f}", ha="center", va="center", color=colour)
        elif i != j and not table.empty:
            ax.text(j, i, "–", ha="center", va="center", color=GREY)
    names = [fill(title, 12) for title in titles.values()]
    ax.set_xticks(
        range(len(names)), names, fontsize=9, rotation=40, ha="right", rotation_mode="anchor"
    )
    ax.set_yticks(range(len(names)), names, fontsize=9)
    return shades


def _mark_chance(ax: Any, shares: "pd.Series[float]") -> None:
    """The shares of the pixels, row by row: what a map that favours none would have."""
    rows = np.arange(len(shares))
    ax.vlines(shares, rows - 0.4, rows + 0.4, color="black", lw=2, zorder=1.5)
    ax.plot([], [], ls="", marker="|", ms=12, mew=2, color="black", label=f"chance: {CHANCE}")


def _name_rows(ax: Any, names: list[str], titles: Mapping[str, str]) -> None:
    """Methods from the top down, controls in grey."""
    words = [
        f"{_title(name, titles)}\n(control)" if name in CONTROLS else _title(name, titles)
        for name in names
    ]
    ax.set_yticks(range(len(names)), words)
    ax.set_ylim(len(names) - 0.4, -0.6)
    for label, name in zip(ax.get_yticklabels(), names, strict=True):
        label.set_color(GREY if name in CONTROLS else "black")


def _say_missing(ax: Any, row: float, words: str = "not measured") -> None:
    ax.text(
        0.5, row, words, transform=ax.get_yaxis_transform(), ha="center", va="center", fontsize=8,
        color=GREY,
    )  # fmt: skip


def _finish(axes: Iterable[Any]) -> None:
    """Sizes that all panels share."""
    for ax in axes:
        ax.title.set_fontsize(10)
        ax.xaxis.label.set_fontsize(9)
        ax.yaxis.label.set_fontsize(9)
        ax.tick_params(labelsize=9)
        hide_frame(ax)


def _summarised(summary: pd.DataFrame, measure: str, methods: list[str]) -> pd.DataFrame:
    """Value, low and high of a measure over all galaxies, a row per method; NaN where missing."""
    some = summary[summary["measure"] == measure]
    if "group" in some:
        some = some[some["group"] == "all"]
    return some.set_index("method")[["value", "low", "high"]].astype(float).reindex(methods)


def _spread(cataids: "pd.Series[Any]") -> NDArray[np.float64]:
    """A place from -0.5 to 0.5 for every galaxy, so that dots do not hide each other."""
    ranks = cataids.rank(method="first").to_numpy(float)
    return np.asarray((ranks - 0.5) / len(cataids) - 0.5, np.float64)


def _with_controls(titles: Mapping[str, str], found: "pd.Series[str]") -> list[str]:
    """The methods to show, and after them the controls that were measured."""
    return [*titles, *(name for name in CONTROLS if (found == name).any())]


def _counted(n: int) -> str:
    return f"{n:,} galaxy" if n == 1 else f"{n:,} galaxies"


def _counted_with_outcomes(quality: pd.DataFrame) -> str:
    outcomes = quality.groupby("cataid")["correct"].first()
    return f"{_counted(len(outcomes))}, {int(outcomes.sum()):,} of them classified correctly"


def _percent(share: float) -> str:
    """A share in whole percents; below ten, in two digits."""
    return f"{100 * share:.0f}%" if share >= 0.1 else f"{100 * share:.2g}%"


def _pale(colour: str, strength: float) -> tuple[float, ...]:
    """A colour mixed with white, opaque: what lies behind does not show."""
    from matplotlib.colors import to_rgb

    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _title(name: str, titles: Mapping[str, str]) -> str:
    return CONTROLS[name] if name in CONTROLS else titles[name]


def _colour(name: str, titles: Mapping[str, str]) -> str:
    """Grey for the controls, else the method's own in all these figures."""
    return GREY if name in CONTROLS else colour_of(list(titles).index(name))
