"""Figures of the data: how many galaxies there are, and what they look like."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from galaxy_morphology.figures.style import (
    caption,
    colour_of,
    hide_frame,
    is_simulated,
    legend_label,
    new_figure,
    panels,
    show_cutouts,
)
from galaxy_morphology.identifiers import Identifier
from galaxy_morphology.typing import Figure, Images, IntArray


def class_counts(galaxies: pd.DataFrame, class_names: list[str]) -> Figure:
    """Galaxies per class in each split, as bars with their numbers.

    Args:
        galaxies: Columns ``class_name``, ``split`` and ``simulated``.
        class_names: The classes in the order to draw them.
    """
    splits = [
        name for name in ("training", "validation", "test") if (galaxies["split"] == name).any()
    ]
    counts = pd.crosstab(galaxies["split"], galaxies["class_name"])
    counts = counts.reindex(index=splits, columns=class_names, fill_value=0)
    figure = new_figure(6.4, 3.6, simulated=is_simulated(galaxies))
    ax = figure.subplots()
    width = 0.8 / len(class_names)
    for i, name in enumerate(class_names):
        places = np.arange(len(splits)) + (i - (len(class_names) - 1) / 2) * width
        bars = ax.bar(
            places, counts[name], width * 0.94, label=legend_label(name), color=colour_of(i)
        )
        ax.bar_label(bars, fmt="{:,.0f}", fontsize=8, padding=1)
    ax.set_xticks(range(len(splits)), splits)
    ax.set_ylabel("galaxies")
    ax.set_title(f"{len(galaxies):,} galaxies by split and class")
    ax.legend(frameon=False)
    hide_frame(ax)
    return figure


def cutout_sheet(
    images: Images, galaxies: pd.DataFrame, class_names: list[str], *, n_galaxies: int, seed: int
) -> Figure:
    """Random cut-outs of every class with their CATAIDs.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        galaxies: A row per image: ``cataid``, ``class_name`` and ``simulated``.
        class_names: The classes in the order to show them.
        n_galaxies: Most cut-outs to show of each class.
        seed: Seeds the choice.
    """
    rng = np.random.default_rng(seed)
    sheets = {}
    for name in class_names:
        of_class = np.flatnonzero(galaxies["class_name"] == name)
        rows = rng.choice(of_class, min(n_galaxies, len(of_class)), replace=False)
        sheets[f"{name}: {len(rows)} of {len(of_class):,}"] = rows
    return _sheets(images, galaxies, sheets, simulated=is_simulated(galaxies))


def population_sheet(images: Images, truth: pd.DataFrame) -> Figure:
    """Simulated galaxies of every population with their CATAIDs.

    Args:
        images: uint8 [n, height, width, 3], RGB.
        truth: A row per image: ``cataid`` and ``population``.
    """
    sheets = {
        str(name).replace("_", " "): np.flatnonzero(truth["population"] == name)
        for name in truth["population"].unique()
    }
    return _sheets(images, truth, sheets, simulated=True)


def _sheets(
    images: Images, galaxies: pd.DataFrame, sheets: Mapping[str, IntArray], *, simulated: bool
) -> Figure:
    """Cut-outs with their CATAIDs in sheets, one below the other; the rows of each by its title."""
    columns = 8
    heights = [0.45 + 1.5 * -(-len(rows) // columns) for rows in sheets.values()]
    figure = new_figure(columns * 1.3, sum(heights), simulated=simulated)
    subfigures = figure.subfigures(len(sheets), height_ratios=heights, squeeze=False)[:, 0]
    for sheet, (title, rows) in zip(subfigures, sheets.items(), strict=True):
        sheet.suptitle(title, fontsize=11)
        axes = panels(sheet, len(rows), columns)
        show_cutouts(axes, images[rows], [caption(c) for c in galaxies["cataid"].iloc[rows]])
    return figure


def augmentation_sheet(
    original: Images,
    augmented: Images,
    cataid: Identifier,
    *,
    simulated: bool,
    parts_hidden: bool = True,
) -> Figure:
    """A galaxy and, in rows of eight, its augmented versions.

    Args:
        original: uint8 [height, width, 3], RGB.
        augmented: uint8 [n, height, width, 3], RGB, any number of them.
        cataid: Whose cut-out it is.
        simulated: Whether it is simulated.
        parts_hidden: Whether parts of some versions are hidden.
    """
    columns = 8
    rows = max(1, -(-len(augmented) // columns))
    side = min(2, rows)  # the original, in sides of the others
    figure = new_figure(1.35 * (side + columns), 0.45 + 1.4 * rows, simulated=simulated)
    title = f"CATAID {cataid} as the network sees it in training"
    if parts_hidden:
        title += ": of some, random parts are hidden and show empty sky"
    figure.suptitle(title, fontsize=11)
    grid = figure.add_gridspec(rows, side + columns)
    cells = [grid[i // columns, side + i % columns] for i in range(len(augmented))]
    axes = [figure.add_subplot(cell) for cell in (grid[:side, :side], *cells)]
    for ax in axes:
        ax.set_axis_off()
    show_cutouts(
        axes,
        np.concatenate([original[None], augmented]),
        ["cut-out", *[""] * len(augmented)],
    )
    return figure
