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

METHOD_NAMES = {
    "grad_cam": "Grad-CAM",
    "integrated_gradients": "Integrated Gradients",
    "lime": "LIME",
    "occlusion": "Occlusion",
    "random": "random map",
    "centre": "central Gaussian",
}
CONTROLS = {"random": "--", "centre": ":"}
"""Maps that know nothing of the classifier, and how their lines are drawn."""
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
TARGET_RESIDUAL = 0.02
MOST_ALIKE = 0.5
"""Mean rank correlation with maps of a network that knows nothing above which a method fails."""
RESIDUALS_SHOWN = (1e-5, 10.0)
LEAST_SHARE_WITH_NUMBER = 0.12
ROOM_FOR_NUMBERS = 1.3
CHANCE = "share of the pixels"
INTERVAL = "95 % bootstrap interval"
N_RESAMPLES = 2000
LETTER_HEIGHT = 0.05  # inches that a letter of a slanted label takes


def faithfulness(curves: Mapping[str, FloatArray], summary: pd.DataFrame) -> Figure:
    """Whether the classification hangs on the pixels that a map ranks first.

    Args:
        curves: ``shares`` [steps + 1]; ``<method>_deletion`` and ``<method>_insertion``
            [n, steps + 1], the probability of the explained class, of methods and controls.
        summary: A row per ``measure``, ``method`` and ``group``: ``value``, ``low``, ``high`` and
            ``simulated``. Of the group "all", ``faithfulness_over_random`` and
            ``faithfulness_over_centre`` are shown.
    """
    figure = new_figure(12.0, 4.5, simulated=is_simulated(summary))
    drawn = _in_order(key.removesuffix("_deletion") for key in curves if key.endswith("_deletion"))
    n = max((len(curves[f"{method}_deletion"]) for method in drawn), default=0)
    figure.suptitle(
        f"Does the classification hang on what the map ranks first? {_counted(n)}", fontsize=11
    )
    hide_ax, show_ax, gain_ax = figure.subplots(1, 3, width_ratios=[1, 1, 1.1])
    _draw_curves(hide_ax, curves, drawn, "deletion")
    hide_ax.set_title("Hiding the pixels ranked highest first\n(falling sooner is better)")
    hide_ax.set_xlabel("share of the pixels hidden")
    hide_ax.set_ylabel("probability of the explained class,\nmean of the galaxies")
    _draw_curves(show_ax, curves, drawn, "insertion")
    show_ax.set_title("Showing the pixels ranked highest first\n(rising sooner is better)")
    show_ax.set_xlabel("share of the pixels shown")
    _draw_gains(gain_ax, summary, _in_order({*drawn, *summary["method"]} - set(CONTROLS)))
    gain_ax.set_title("Better than a map that knows nothing?\n(right of zero is better)")
    gain_ax.set_xlabel(
        f"gain in faithfulness: insertion area minus\ndeletion area, mean and {INTERVAL}"
    )
    _finish([hide_ax, show_ax, gain_ax])
    legend_below(figure, [hide_ax, gain_ax], columns=4)
    return figure


def place(summary: pd.DataFrame, quality: pd.DataFrame) -> Figure:
    """Where the attribution lies: on the galaxy, on its neighbours or on the sky.

    Args:
        summary: See :func:`faithfulness`. Of the group "all", ``target_share`` and
            ``target_area`` are shown, and the same of ``neighbour`` and ``sky``.
        quality: A row per galaxy and method: ``cataid`` and ``pointing`` ("target", "neighbour",
            "sky" or "none").
    """
    drawn = _in_order({*summary["method"], *quality["method"]})
    height = 2.4 + 0.32 * len(drawn)
    figure = new_figure(12.0, height, simulated=is_simulated(summary))
    figure.suptitle(
        f"Where does the attribution lie? {_counted(quality['cataid'].nunique())}", fontsize=11
    )
    *share_axes, pointing_ax = axes = figure.subplots(1, 4, sharey=True)
    for ax, (part, title) in zip(share_axes, PARTS.items(), strict=True):
        _draw_shares(ax, summary, drawn, part)
        ax.set_title(title)
        ax.set_xlabel("share of the absolute attribution")
    share_axes[1].set_xlabel("share of the absolute attribution\n(an axis of its own)")
    pointing_ax.axvline(
        _summarised(summary, "target_area", drawn)["value"].mean(), color="black", lw=2, zorder=0
    )
    _draw_pointing(pointing_ax, quality, drawn)
    pointing_ax.set_title("Pointing game: where is\nthe largest value?")
    pointing_ax.set_xlabel("share of the galaxies\n(more on the galaxy is better)")
    _name_rows(share_axes[0], drawn)
    _finish(axes)
    legend_below(figure, axes[[0, 3]], columns=3)
    return figure


def stability(quality: pd.DataFrame, *, seed: int = 0) -> Figure:
    """Whether a map stays the same where the galaxy does.

    Args:
        quality: A row per galaxy and method: ``cataid``, ``correct``, ``turned`` and ``noise``
            (rank correlations with the original map) and ``simulated``. Controls are left out.
        seed: Seeds the bootstrap.
    """
    drawn = _in_order(set(quality["method"]) - set(CONTROLS))
    figure = new_figure(9.6, 2.2 + 0.5 * len(drawn), simulated=is_simulated(quality))
    figure.suptitle(
        f"Does the map stay when the galaxy stays? {_counted_with_outcomes(quality)}", fontsize=11
    )
    axes = figure.subplots(1, 2, sharey=True)
    questions = {
        "turned": "The cut-out turned and mirrored,\nthe map turned back",
        "noise": "The cut-out with added noise,\nas strong as that of its sky",
    }
    least = quality[list(questions)].min().min()
    for ax, (measure, title) in zip(axes, questions.items(), strict=True):
        _draw_galaxies_and_means(ax, quality, measure, drawn, seed)
        ax.axvline(0, color=GREY, ls=":", lw=1, label="0: no relation", zorder=0)
        ax.set_title(title)
        ax.set_xlabel(
            "rank correlation with the original map\n(1 is the same order: more is better)"
        )
        ax.set_xlim(min(-0.05, 0 if np.isnan(least) else least - 0.05), 1.03)
    _name_rows(axes[0], drawn)
    _finish(axes)
    legend_below(figure, axes[:1], columns=4)
    return figure


def sanity(table: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """Whether a map changes when the network forgets what it learned.

    Args:
        table: A row per ``method``, ``depth`` (random layers, from 1, the top one) and galaxy
            (``cataid``): ``layer``, the lowest that is random; ``rank_correlation`` with the
            map of the trained network, and that of absolute values as
            ``rank_correlation_absolute`` where it was measured; ``simulated``.
        methods: Those to show, a panel each.
    """
    layers = table.drop_duplicates("depth").sort_values("depth")
    columns = min(2, max(1, len(methods)))
    rows = -(-len(methods) // columns)
    width = max(4.6, 1.2 + 0.42 * len(layers))
    row_height = 1.95 + LETTER_HEIGHT * max(map(len, layers["layer"]), default=0)
    figure = new_figure(columns * width, 2.0 + rows * row_height, simulated=is_simulated(table))
    figure.suptitle(
        "Does the map change when the network forgets, layer by layer from the top?\n"
        f"{_counted(table['cataid'].nunique())}; nearer to 0 is better; a method fails that ends "
        f"above {MOST_ALIKE}",
        fontsize=11,
    )
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for ax in axes[len(methods) :]:
        ax.set_axis_off()
    for ax, method in zip(axes, methods, strict=False):
        _draw_forgetting(ax, table[table["method"] == method])
        some = table[table["method"] == method]
        ax.set_title(_name(method) + _verdict(some) + _say_left_out(some))
        ax.set_xticks(
            [0, *layers["depth"]], ["none", *layers["layer"]],
            rotation=45, ha="right", rotation_mode="anchor",
        )  # fmt: skip
        ax.tick_params(axis="x", labelbottom=True)
    for ax in axes[: len(methods)][-columns:]:
        ax.set_xlabel("lowest layer made random; those to its left are too")
    for ax in axes[::columns]:
        ax.set_ylabel("rank correlation with the map\nof the trained network")
    _finish(axes)
    legend_below(figure, axes[: len(methods)], columns=2)
    return figure


def agreement(table: pd.DataFrame) -> Figure:
    """How far the methods agree with each other, for right and for wrong classifications.

    Args:
        table: A row per galaxy (``cataid``) and pair of methods (``one`` and ``other``):
            ``rank_correlation``, ``correct`` and ``simulated``.
    """
    figure = new_figure(9.6, 4.6, simulated=is_simulated(table))
    figure.suptitle("Do the methods point at the same places?", fontsize=11)
    drawn = _in_order({*table["one"], *table["other"]})
    axes = figure.subplots(1, 2)
    for ax, (correct, (words, _)) in zip(axes, OUTCOMES.items(), strict=True):
        some = table[table["correct"] == correct]
        ax.set_title(f"{words}: {_counted(some['cataid'].nunique())}", fontsize=10)
        shades = _draw_matrix(ax, some, drawn)
    bar = figure.colorbar(shades, ax=axes, shrink=0.8, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.set_label(
        "rank correlation, mean of the galaxies\n(1: the same order of pixels, 0: no relation)",
        fontsize=9,
    )
    bar.ax.tick_params(labelsize=8)
    return figure


def reliability(quality: pd.DataFrame) -> Figure:
    """What Integrated Gradients and LIME say of their own maps.

    Args:
        quality: A row per galaxy and method: ``cataid``, ``correct``, ``simulated``;
            ``completeness_residual`` of Integrated Gradients, ``r_squared`` and ``top_overlap``
            of LIME, as shares, missing elsewhere. Residuals beyond the axis are drawn at its ends.
    """
    figure = new_figure(12.0, 3.4, simulated=is_simulated(quality))
    figure.suptitle(
        f"Did Integrated Gradients and LIME work as they should? {_counted_with_outcomes(quality)}",
        fontsize=11,
    )
    residual_ax, fit_ax, overlap_ax = axes = figure.subplots(1, 3, sharey=True)
    residuals = quality["completeness_residual"]
    least, most = map(_percent, RESIDUALS_SHOWN)
    _draw_outcomes(
        residual_ax, quality.assign(residual=residuals.clip(*RESIDUALS_SHOWN)), "residual"
    )
    residual_ax.axvline(
        TARGET_RESIDUAL, color=GREY, ls="--", lw=1, label=f"target: below {TARGET_RESIDUAL:.0%}"
    )
    residual_ax.set_xscale("log")
    low, high = residual_ax.get_xlim()
    residual_ax.set_xlim(min(low, 1e-3), max(high, 1e-1))  # decades to label, however few values
    residual_ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    residual_ax.xaxis.set_minor_formatter("")
    residual_ax.set_title("Integrated Gradients: does the map\nadd up to what it explains?")
    residual_ax.set_xlabel(
        "completeness residual: what the sum of the map misses\n"
        f"(log axis, cut at {least} and {most}; less is better)"
    )
    _draw_outcomes(fit_ax, quality, "r_squared")
    fit_ax.set_title("LIME: does its linear model\nfit the network?")
    fit_ax.set_xlabel("R² of the fit\n(1 is perfect: more is better)")
    _draw_outcomes(overlap_ax, quality, "top_overlap")
    overlap_ax.set_title("LIME: are the top superpixels the same\nwith other random seeds?")
    overlap_ax.set_xlabel("overlap of the top superpixels\n(1 is always the same: more is better)")
    for ax in (fit_ax, overlap_ax):
        ax.set_xlim(min(-0.03, ax.get_xlim()[0]), 1.03)
    residual_ax.plot([], [], ls="", marker="|", ms=12, mew=2, color="black", label="median")
    residual_ax.set_yticks(
        range(len(OUTCOMES)), [fill(words, 12) for words, _ in OUTCOMES.values()]
    )
    residual_ax.set_ylim(1.6, -0.6)
    _finish(axes)
    legend_below(figure, [residual_ax], columns=4)
    return figure


def structure(table: pd.DataFrame, *, seed: int = 0) -> Figure:
    """Whether a map finds the arms, bar and knots of simulated spirals, where they are known.

    Args:
        table: A row per spiral and method: ``cataid``, ``share_on_structure``,
            ``structure_area``, ``ranking`` (area under the ROC curve) and ``simulated``.
        seed: Seeds the bootstrap.
    """
    drawn = _in_order(table["method"])
    figure = new_figure(9.6, 2.2 + 0.5 * len(drawn), simulated=is_simulated(table))
    figure.suptitle(
        "Does the map find the arms, bar and knots of a spiral? "
        f"{table.dropna(subset='ranking')['cataid'].nunique():,} spirals",
        fontsize=11,
    )
    share_ax, ranking_ax = axes = figure.subplots(1, 2, sharey=True)
    _draw_galaxies_and_means(share_ax, table, "share_on_structure", drawn, seed)
    _mark_chance(share_ax, table.groupby("method")["structure_area"].mean().reindex(drawn))
    share_ax.set_title("Attribution on arms, bar and knots")
    share_ax.set_xlabel(
        "share of the absolute attribution within the galaxy\n(more than chance is better)"
    )
    _draw_galaxies_and_means(ranking_ax, table, "ranking", drawn, seed)
    ranking_ax.axvline(0.5, color="black", ls=":", lw=1, label="chance: 0.5")
    ranking_ax.set_title("Arms, bar and knots ranked above the rest")
    ranking_ax.set_xlabel(
        "how often a pixel of them has more attribution than\n"
        "another of the galaxy (AUC; more is better)"
    )
    for ax in axes:
        ax.set_xlim(-0.02, 1.02)
    _name_rows(share_ax, drawn)
    _finish(axes)
    legend_below(figure, axes, columns=4)
    return figure


def _draw_curves(ax: Any, curves: Mapping[str, FloatArray], methods: list[str], kind: str) -> None:
    """The mean curve of each method."""
    for method in methods:
        ax.plot(
            curves["shares"], np.nanmean(curves[f"{method}_{kind}"], axis=0),
            color=_colour(method), ls=CONTROLS.get(method, "-"), label=_name(method),
        )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)


def _draw_gains(ax: Any, summary: pd.DataFrame, methods: list[str]) -> None:
    """How much more faithful methods are than the controls."""
    for control, marker, shift in (("random", "o", -0.16), ("centre", "D", 0.16)):
        some = _summarised(summary, f"faithfulness_over_{control}", methods)
        ax.plot(
            [], [], ls="", marker=marker, color="black", label=f"gain over the {_name(control)}"
        )
        for row, method in enumerate(methods):
            if some["value"].isna()[method]:
                _say_missing(ax, row + shift)
            _draw_mean(ax, some.loc[method], row + shift, color=_colour(method), marker=marker)
    ax.axvline(0, color="black", ls=":", lw=1)
    _name_rows(ax, methods)


def _draw_shares(ax: Any, summary: pd.DataFrame, methods: list[str], part: str) -> None:
    """Bars of the attribution on a part of the cut-outs, and its share of the pixels."""
    some = _summarised(summary, f"{part}_share", methods)
    chance = _summarised(summary, f"{part}_area", methods)["value"]
    for row, method in enumerate(methods):
        mean = some.loc[method]
        if np.isnan(mean["value"]):
            _say_missing(ax, row)
            continue
        colour = GREY if method in CONTROLS else PART_COLOURS[part]
        ax.barh(row, mean["value"], height=0.62, color=_pale(colour, 0.75))
        _draw_mean(ax, mean, row, color="black", marker="")
        ax.text(
            0.99, row, _percent(some["value"].loc[method]), transform=ax.get_yaxis_transform(),
            ha="right", va="center", fontsize=9,
        )  # fmt: skip
    _mark_chance(ax, chance)
    ax.errorbar([], [], xerr=[], color="black", lw=1.2, label=f"mean, {INTERVAL}")
    # Neighbours are few: on the axis of the other parts they could not be seen.
    end = np.nanmax([0.01, *some["high"], *chance]) if part == "neighbour" else 1.0
    _make_percent_axis(ax, ROOM_FOR_NUMBERS * end)


def _draw_pointing(ax: Any, quality: pd.DataFrame, methods: list[str]) -> None:
    """Bars of what the largest values lie on, one after the other."""
    shares = pd.crosstab(quality["method"], quality["pointing"], normalize="index")
    shares = shares.reindex(index=methods, columns=list(POINTED_AT), fill_value=0.0)
    for row, total in enumerate(shares.sum(axis=1)):
        if total == 0:
            _say_missing(ax, row)
    starts = shares.cumsum(axis=1) - shares
    for part, words in POINTED_AT.items():
        colour = PART_COLOURS[part]
        ax.barh(
            range(len(methods)), shares[part], left=starts[part], height=0.62, ec="white",
            color=[_pale(colour, 0.5) if method in CONTROLS else colour for method in methods],
            label=words,
        )  # fmt: skip
        for row, (share, start) in enumerate(zip(shares[part], starts[part], strict=True)):
            if share >= LEAST_SHARE_WITH_NUMBER:
                is_dark = part == "target" and methods[row] not in CONTROLS
                ax.text(
                    start + share / 2, row, _percent(share), ha="center", va="center", fontsize=9,
                    color="white" if is_dark else "black",
                )  # fmt: skip
    _make_percent_axis(ax, 1.01)


def _make_percent_axis(ax: Any, end: float) -> None:
    from matplotlib.ticker import PercentFormatter

    if end >= 1:
        ax.set_xticks([0, 0.5, 1])
    ax.set_xlim(0, end)
    ax.xaxis.set_major_formatter(PercentFormatter(1))


def _draw_galaxies_and_means(
    ax: Any, table: pd.DataFrame, measure: str, methods: list[str], seed: int
) -> None:
    """A dot for every galaxy, in a row for each method, and below them their mean."""
    for row, method in enumerate(methods):
        some = table[table["method"] == method].dropna(subset=measure)
        if some.empty:
            _say_missing(ax, row)
            continue
        beside = row - 0.08 + 0.42 * _spread(some["cataid"])
        if "correct" in some:
            for correct in OUTCOMES:
                is_such = (some["correct"] == correct).to_numpy()
                _draw_dots(ax, some[measure][is_such], beside[is_such], **_look(correct))
        else:
            colour = GREY if method in CONTROLS else colour_of(0)
            _draw_dots(ax, some[measure], beside, words="a spiral", marker="o", color=colour)
        mean = _bootstrapped_mean(some[measure].to_numpy(float), seed)
        _draw_mean(ax, mean, row + 0.27, color="black", marker="D")
    ax.errorbar(
        [], [], xerr=[], color="black", marker="D", ms=4, lw=1.2, capsize=3,
        label=f"mean, {INTERVAL}",
    )  # fmt: skip


def _draw_outcomes(ax: Any, quality: pd.DataFrame, measure: str) -> None:
    """A dot for every galaxy, in a row for right and one for wrong, and their medians."""
    for row, correct in enumerate(OUTCOMES):
        of_outcome = quality[quality["correct"] == correct]
        some = of_outcome.dropna(subset=measure)
        if some.empty:
            _say_missing(ax, row, "no galaxy" if of_outcome.empty else "not measured")
            continue
        _draw_dots(ax, some[measure], row + 0.6 * _spread(some["cataid"]), **_look(correct))
        ax.vlines(some[measure].median(), row - 0.36, row + 0.36, color="black", lw=2)


def _draw_dots(
    ax: Any, values: pd.Series, places: FloatArray, *, words: str, marker: str, color: str
) -> None:
    """A small dot for every galaxy."""
    if values.empty:  # and nothing in the legend
        return
    ax.plot(values, places, ls="", marker=marker, ms=4.5, mfc="none", color=color, label=words)


def _look(correct: bool) -> dict[str, str]:
    """How galaxies that were classified correctly, or wrongly, are drawn."""
    words, marker = OUTCOMES[correct]
    return {"words": words, "marker": marker, "color": colour_of(0 if correct else 1)}


def _draw_mean(ax: Any, mean: Any, place: float, *, color: str, marker: str) -> None:
    """A mean with its interval."""
    value, low, high = (float(mean[name]) for name in ("value", "low", "high"))
    reach = np.maximum([[value - low], [high - value]], 0)  # round-off can make it negative
    ax.errorbar(value, place, xerr=reach, color=color, marker=marker, ms=4, lw=1.2, capsize=3)


def _draw_forgetting(ax: Any, table: pd.DataFrame) -> None:
    """Correlations of one method by how many layers are random, from 1 with none of them."""
    ax.axhline(
        0, color="black", ls=":", lw=1,
        label="0: what a method that depends on the network falls to",
    )  # fmt: skip
    if table["rank_correlation"].isna().all():
        ax.text(0.5, 0.5, "not measured", transform=ax.transAxes, ha="center", color=GREY)
        return
    by_depth = table.groupby("depth")["rank_correlation"]
    means, low, high = by_depth.mean(), by_depth.quantile(0.1), by_depth.quantile(0.9)
    depths = [0, *means.index]
    ax.plot(depths, [1, *means], color=colour_of(0), marker="o", ms=4, label="mean of the galaxies")
    ax.fill_between(
        depths, [1, *low], [1, *high], color=colour_of(0), alpha=0.18, lw=0,
        label="middle 80 % of the galaxies",
    )  # fmt: skip
    if "rank_correlation_absolute" in table:
        absolute = table.groupby("depth")["rank_correlation_absolute"].mean()
        ax.plot(
            depths, [1, *absolute], color=colour_of(1), ls="--", marker="s", ms=3,
            label="mean when signs are ignored",
        )  # fmt: skip


def _verdict(table: pd.DataFrame) -> str:
    """Whether maps of a network that knows nothing are others than those of the trained one."""
    at_the_end = table.loc[table["depth"] == table["depth"].max(), "rank_correlation"].mean()
    if np.isnan(at_the_end):
        return ""
    return ": fails" if at_the_end > MOST_ALIKE else ": passes"


def _say_left_out(table: pd.DataFrame) -> str:
    """How many correlations could not be taken."""
    missing = table["rank_correlation"].isna().sum()
    return f" ({missing} of {len(table)} maps are flat: left out)" if missing else ""


def _draw_matrix(ax: Any, table: pd.DataFrame, methods: list[str]) -> Any:
    """Mean rank correlation of every two methods, as shades and numbers."""
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
    names = [fill(_name(method), 12) for method in methods]
    ax.set_xticks(
        range(len(names)), names, fontsize=9, rotation=40, ha="right", rotation_mode="anchor"
    )
    ax.set_yticks(range(len(names)), names, fontsize=9)
    return shades


def _mark_chance(ax: Any, shares: pd.Series) -> None:
    """The shares of the pixels, row by row: what a map that favours none would have."""
    rows = np.arange(len(shares))
    ax.vlines(shares, rows - 0.4, rows + 0.4, color="black", lw=2, zorder=1.5)
    ax.plot([], [], ls="", marker="|", ms=12, mew=2, color="black", label=f"chance: {CHANCE}")


def _name_rows(ax: Any, methods: list[str]) -> None:
    """Methods from the top down, controls in grey."""
    names = [
        f"{_name(method)}\n(control)" if method in CONTROLS else _name(method) for method in methods
    ]
    ax.set_yticks(range(len(methods)), names)
    ax.set_ylim(len(methods) - 0.4, -0.6)
    for label, method in zip(ax.get_yticklabels(), methods, strict=True):
        label.set_color(GREY if method in CONTROLS else "black")


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
    of_all = summary[(summary["measure"] == measure) & (summary["group"] == "all")]
    rows = of_all.set_index("method")[["value", "low", "high"]]
    return rows.astype(float).reindex(methods)


def _bootstrapped_mean(values: NDArray[np.float64], seed: int) -> dict[str, float]:
    """The mean and the percentile interval of its bootstrap (Efron 1979)."""
    rng = np.random.default_rng(seed)
    means = rng.choice(values, (N_RESAMPLES, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return {"value": float(values.mean()), "low": float(low), "high": float(high)}


def _spread(cataids: pd.Series) -> NDArray[np.float64]:
    """A place from -0.5 to 0.5 for every galaxy, so that dots do not hide each other."""
    ranks = cataids.rank(method="first").to_numpy(float)
    return np.asarray((ranks - 0.5) / len(cataids) - 0.5, np.float64)


def _in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of METHOD_NAMES, then any that have no name there."""
    found = set(methods)
    return [*(name for name in METHOD_NAMES if name in found), *sorted(found - set(METHOD_NAMES))]


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


def _name(method: str) -> str:
    return METHOD_NAMES.get(method, method.replace("_", " "))


def _colour(method: str) -> str:
    """Grey for the controls, else the method's own in all these figures."""
    if method in CONTROLS:
        return GREY
    return colour_of(list(METHOD_NAMES).index(method)) if method in METHOD_NAMES else "black"
