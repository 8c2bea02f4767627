"""Figures of the explanations: attribution maps laid over the galaxies they explain."""

import re
from collections.abc import Mapping
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.figures.style import GREY, is_simulated, new_figure
from galaxy_morphology.typing import Figure, FloatArray, Images, IntArray

# The ends of ColorBrewer's RdBu, which colour-blind readers tell apart (Harrower & Brewer 2003).
AGAINST, NOTHING, FOR = "#2166AC", "#FFFFFF", "#B2182B"
GALAXY, NEIGHBOUR = 1, 2
"""Values of a segmentation."""
NAMED = "named"
"""How galaxies were chosen that were asked for by their CATAID."""
SMOOTHING, OUTLINE_SMOOTHING = 1.5, 1.0  # pixels
ROBUST_MAXIMUM = 99.7  # percent
MEANING = (
    "Red spoke for the predicted class, blue against it. Each map is smoothed by "
    f"{SMOOTHING} px and has full colour where it is strongest, in {100 - ROBUST_MAXIMUM:.1g} % of "
    "its pixels. Grey: the cut-out as a negative; line: the galaxy; dots: its neighbours. "
    "Faithfulness: area under the curve of the probability when what ranks first is shown first, "
    "minus that when it is hidden first. On galaxy: share of the absolute attribution."
)

GALAXIES_PER_PAGE = 5
PAIRS_ACROSS, PAIRS_DOWN = 4, 4
# Inches. Panels are placed by hand: a layout engine would measure all texts around all of them.
LARGEST_PAGE = (13.8, 8.2)
LARGEST_PANEL = 1.75
MARGIN, GAP = 0.15, 0.14
CAPTION_WIDTH, NOTE_HEIGHT, NOTE_WIDTH = 1.5, 0.34, 1.62
BAR_WIDTH, BAR_HEIGHT = 0.75, 2.2
HEADING_HEIGHT, TITLE_HEIGHT, LINE_HEIGHT = 0.4, 0.24, 0.14
LETTERS_PER_INCH = 18.5  # of 8 points


def explanation_pages(
    images: Images,
    explained: pd.DataFrame,
    maps: Mapping[str, FloatArray],
    titles: Mapping[str, str],
    notes: pd.DataFrame,
    parts: NDArray[np.uint8] | None = None,
) -> dict[str, Figure]:
    """A page for each group of galaxies: a galaxy in a row, with the map of each method.

    Groups are the galaxies asked for by name, and those of each true class that were classified
    correctly or wrongly, in the order of the table; large ones fill several pages.

    Args:
        images: uint8 [n, height, width, 3], RGB.
        explained: A row per image: ``cataid``, ``class_name``, ``predicted_class``,
            ``probability_<class>``, ``correct``, ``chosen_as`` and ``simulated``.
        maps: By method, signed, [n, height, width].
        titles: What each method to show is called, in order.
        notes: A row per image and a column per method: up to two short lines under each map.
        parts: uint8 [n, height, width]: 0 sky, 1 the galaxy, 2 its neighbours; outlined
            where they are given.

    Returns:
        Pages by a name that can be that of a file, such as "elliptical_correct".
    """
    pages: dict[str, Figure] = {}
    for name, (heading, rows) in _groups(explained).items():
        chunks = np.array_split(rows, -(-len(rows) // GALAXIES_PER_PAGE))
        for number, chunk in enumerate(chunks, start=1):
            where = f" ({number} of {len(chunks)})" if len(chunks) > 1 else ""
            pages[_unused(name, pages)] = _page(
                heading + where, chunk, images, explained, maps, titles, notes, parts
            )
    return pages


def explanation_overview(
    images: Images,
    explained: pd.DataFrame,
    maps: Mapping[str, FloatArray],
    titles: Mapping[str, str],
    notes: pd.DataFrame,
    parts: NDArray[np.uint8] | None = None,
) -> Figure:
    """The first galaxy of each group on one page, of as many groups as fit.

    Args:
        images: See :func:`explanation_pages`.
        explained: See :func:`explanation_pages`.
        maps: See :func:`explanation_pages`.
        titles: See :func:`explanation_pages`.
        notes: See :func:`explanation_pages`.
        parts: See :func:`explanation_pages`.
    """
    firsts = np.array([rows[0] for _, rows in _groups(explained).values()], int)
    heading = "What spoke for each class: a galaxy of each group"
    if len(firsts) > GALAXIES_PER_PAGE:
        heading = f"{heading}, the first {GALAXIES_PER_PAGE} of {len(firsts)} groups"
    rows = firsts[:GALAXIES_PER_PAGE]
    return _page(heading, rows, images, explained, maps, titles, notes, parts)


def attribution_sheets(
    images: Images,
    explained: pd.DataFrame,
    maps: Mapping[str, FloatArray],
    titles: Mapping[str, str],
    notes: pd.DataFrame,
    parts: NDArray[np.uint8] | None = None,
) -> dict[str, Figure]:
    """All galaxies beside their maps by one method, on as many sheets as they fill.

    Args:
        images: See :func:`explanation_pages`.
        explained: See :func:`explanation_pages`.
        maps: See :func:`explanation_pages`.
        titles: See :func:`explanation_pages`.
        notes: See :func:`explanation_pages`.
        parts: See :func:`explanation_pages`.

    Returns:
        Sheets by method; a second one of a method is called "<method>_2".
    """
    sheets: dict[str, Figure] = {}
    n_sheets = -(-len(images) // (PAIRS_ACROSS * PAIRS_DOWN))
    for method, title in titles.items():
        chunks = np.array_split(np.arange(len(images)), n_sheets)
        for number, chunk in enumerate(chunks, start=1):
            heading = f"{title}, sheet {number} of {n_sheets}" if n_sheets > 1 else title
            sheets[_unused(_file_name(method), sheets)] = _sheet(
                heading, chunk, images, explained, maps[method], notes[method], parts
            )
    return sheets


def reliability_notes(quality: pd.DataFrame) -> list[str]:
    """What to say under each map of how far to trust it, in at most two lines.

    Args:
        quality: A row per map with any of ``note``, what the method says itself,
            ``faithfulness`` and ``target_share``; missing where not known.
    """
    return [_note(row) for row in quality.to_dict("records")]


def overlay(values: FloatArray) -> NDArray[np.uint8]:
    """A map to lay over a cut-out, in the colours of the pages: clear where nothing speaks.

    Args:
        values: Signed, [height, width].

    Returns:
        uint8 [height, width, 4], RGBA.
    """
    from matplotlib.colors import to_rgb

    relative = _relative(_smoothed(values, SMOOTHING))
    colours = np.where(relative[..., None] > 0, to_rgb(FOR), to_rgb(AGAINST))
    pixels = np.concatenate([colours, np.abs(relative)[..., None]], axis=-1)
    return np.asarray(np.rint(255 * pixels), np.uint8)


def _note(measures: dict[Any, Any]) -> str:
    """What the method says, and below it what was measured."""
    measured = []
    if pd.notna(measures.get("faithfulness")):
        # Plus zero: else a small loss would be written as -0.00.
        measured.append(f"faithfulness {round(measures['faithfulness'], 2) + 0:.2f}")
    if pd.notna(measures.get("target_share")):
        measured.append(f"on galaxy {measures['target_share']:.0%}")
    own = measures.get("note")
    lines = [own if isinstance(own, str) else "", ", ".join(measured)]
    return "\n".join(line for line in lines if line)


def _groups(explained: pd.DataFrame) -> dict[str, tuple[str, IntArray]]:
    """Heading and rows of each group of galaxies, by names that can be those of files."""
    is_named = explained["chosen_as"] == NAMED
    outcome = explained["correct"].map({True: "correct", False: "wrong"})
    group_of = (explained["class_name"].astype(str) + " " + outcome).mask(is_named, NAMED)
    groups: dict[str, tuple[str, IntArray]] = {}
    for group in group_of.unique():
        rows = np.flatnonzero(group_of == group)
        first = explained.iloc[rows[0]]
        heading = (
            f"{first['class_name']}, classified {'correct' if first['correct'] else 'wrong'}ly"
        )
        if group == NAMED:
            heading = "Galaxies asked for by CATAID"
        groups[_unused(_file_name(group), groups)] = (heading, rows)
    return groups


def _file_name(words: str) -> str:
    """Lower-case letters, digits and underscores: what every file system takes."""
    return re.sub(r"[\W_]+", "_", words.lower()).strip("_")


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    """The name, with the next free number if it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _page(
    heading: str,
    rows: IntArray,
    images: Images,
    explained: pd.DataFrame,
    maps: Mapping[str, FloatArray],
    titles: Mapping[str, str],
    notes: pd.DataFrame,
    parts: NDArray[np.uint8] | None,
) -> Figure:
    """A galaxy in each row: who it is, its cut-out, and the map of each method."""
    across = 1 + len(titles)
    room = LARGEST_PAGE[0] - MARGIN - CAPTION_WIDTH - BAR_WIDTH
    cell = min(LARGEST_PANEL + GAP, room / across)
    width = MARGIN + CAPTION_WIDTH + across * max(cell, NOTE_WIDTH) + BAR_WIDTH
    foot = _foot_height(width)
    row_room = (LARGEST_PAGE[1] - HEADING_HEIGHT - TITLE_HEIGHT - foot) / len(rows)
    panel = min(LARGEST_PANEL, cell - GAP, row_room - NOTE_HEIGHT)
    figure = _empty_page(
        heading,
        width,
        HEADING_HEIGHT + TITLE_HEIGHT + len(rows) * (panel + NOTE_HEIGHT) + foot,
        explained,
    )
    step = max(cell, NOTE_WIDTH)
    for place, row in enumerate(rows):
        top = HEADING_HEIGHT + TITLE_HEIGHT + place * (panel + NOTE_HEIGHT)
        lefts = [
            MARGIN + CAPTION_WIDTH + column * step + (step - panel) / 2 for column in range(across)
        ]
        axes = [_axes_at(figure, left, top, panel) for left in lefts]
        axes[0].imshow(images[row])
        axes[0].text(
            -0.06, 0.5, _caption(explained.iloc[row]), transform=axes[0].transAxes, ha="right",
            va="center", fontsize=8, parse_math=False,
        )  # fmt: skip
        for ax, method in zip(axes[1:], titles, strict=True):
            _show_map(ax, images[row], maps[method][row], None if parts is None else parts[row])
            _write_below(ax, notes[method].iloc[row])
        if place == 0:
            for ax, title in zip(axes, ["cut-out", *titles.values()], strict=True):
                ax.set_title(title, fontsize=9, y=1, pad=4)
    _add_scale(figure, HEADING_HEIGHT + TITLE_HEIGHT)
    return figure


def _sheet(
    heading: str,
    rows: IntArray,
    images: Images,
    explained: pd.DataFrame,
    maps: FloatArray,
    notes: pd.Series,
    parts: NDArray[np.uint8] | None,
) -> Figure:
    """A grid of galaxies, each beside its map."""
    across = min(PAIRS_ACROSS, len(rows))
    down = -(-len(rows) // across)
    pair = (LARGEST_PAGE[0] - MARGIN - BAR_WIDTH) / PAIRS_ACROSS
    width = MARGIN + across * pair + BAR_WIDTH
    foot = _foot_height(width)
    room = (LARGEST_PAGE[1] - HEADING_HEIGHT - _foot_height(LARGEST_PAGE[0])) / PAIRS_DOWN
    panel = min((pair - 3 * GAP) / 2, room - NOTE_HEIGHT)
    figure = _empty_page(
        heading, width, HEADING_HEIGHT + down * (panel + NOTE_HEIGHT) + foot, explained
    )
    for place, row in enumerate(rows):
        i, j = divmod(place, across)
        left = MARGIN + j * pair + (pair - 2 * panel - GAP) / 2
        top = HEADING_HEIGHT + i * (panel + NOTE_HEIGHT)
        image_ax = _axes_at(figure, left, top, panel)
        image_ax.imshow(images[row])
        _write_below(image_ax, _short_caption(explained.iloc[row]))
        map_ax = _axes_at(figure, left + panel + GAP, top, panel)
        _show_map(map_ax, images[row], maps[row], None if parts is None else parts[row])
        _write_below(map_ax, notes.iloc[row])
    _add_scale(figure, HEADING_HEIGHT)
    return figure


def _empty_page(heading: str, width: float, height: float, explained: pd.DataFrame) -> Figure:
    """A page with its heading above, and below it what colours and numbers mean."""
    simulated = is_simulated(explained)
    figure = new_figure(width, height, simulated=simulated)
    figure.set_layout_engine("none")
    figure.suptitle(
        heading, fontsize=11, y=1 - 0.1 / figure.get_figheight(), va="top", parse_math=False
    )
    above = figure.get_figheight() - height  # the line on simulated galaxies
    figure.text(
        MARGIN / width, (above + 0.06) / figure.get_figheight(), _meaning(width), fontsize=8,
        va="bottom", color=GREY,
    )  # fmt: skip
    return figure


def _meaning(width: float) -> str:
    return fill(MEANING, int((width - 2 * MARGIN) * LETTERS_PER_INCH))


def _foot_height(width: float) -> float:
    return 0.12 + LINE_HEIGHT * len(_meaning(width).splitlines())


def _axes_at(figure: Figure, left: float, top: float, panel: float) -> Any:
    """A square panel without numbers, in inches from the upper left corner of the figure."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes((left / width, 1 - (top + panel) / height, panel / width, panel / height))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set(color="#CCCCCC", linewidth=0.6)
    return ax


def _show_map(
    ax: Any, image: NDArray[np.uint8], values: FloatArray, parts: NDArray[np.uint8] | None
) -> None:
    """A map in colour on the cut-out as a negative: where nothing speaks, it stays as it is."""
    colours = _colour_map()((1 + _relative(_smoothed(values, SMOOTHING))) / 2)[..., :3]
    ax.imshow(colours * _negative(image)[..., None])
    if parts is None:
        return
    for part, style in ((GALAXY, "solid"), (NEIGHBOUR, "dotted")):
        inside = _smoothed((parts == part).astype(float), OUTLINE_SMOOTHING)
        if inside.min() < 0.5 < inside.max():
            ax.contour(inside, levels=[0.5], colors="black", linestyles=style, linewidths=0.7)


def _write_below(ax: Any, words: str) -> None:
    ax.text(
        0.5, -0.03, words, transform=ax.transAxes, ha="center", va="top", fontsize=6.5,
        linespacing=1.15, parse_math=False,
    )  # fmt: skip


def _add_scale(figure: Figure, top: float) -> None:
    """One colour scale for all maps, at the upper right."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width, height = figure.get_size_inches()
    bar_height = min(BAR_HEIGHT, 0.8 * (height - top - _foot_height(width)))
    bar_ax = figure.add_axes(
        (1 - (BAR_WIDTH - GAP) / width, 1 - (top + bar_height) / height, 0.11 / width,
         bar_height / height)
    )  # fmt: skip
    bar = figure.colorbar(ScalarMappable(Normalize(-1, 1), _colour_map()), cax=bar_ax)
    bar.set_ticks([-1, 0, 1], labels=["against", "nothing", "for"])
    bar.ax.tick_params(labelsize=7, length=2, pad=2)


def _colour_map() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("for and against", [AGAINST, NOTHING, FOR])


def _caption(galaxy: "pd.Series[Any]") -> str:
    lines = [
        f"CATAID {galaxy['cataid']}",
        f"true: {galaxy['class_name']}",
        f"predicted: {galaxy['predicted_class']}",
        f"with {_certainty(galaxy):.1%}",
        f"({galaxy['chosen_as']})",
    ]
    return "\n".join(fill(line, 24) for line in lines)


def _short_caption(galaxy: "pd.Series[Any]") -> str:
    """Who a galaxy is in two lines that fit under its cut-out, or more for a long CATAID."""
    true, predicted = (_cut(str(galaxy[name]), 12) for name in ("class_name", "predicted_class"))
    who = fill(f"CATAID {galaxy['cataid']}, {true}", 32)
    return f"{who}\npredicted {predicted} {_certainty(galaxy):.1%}"


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"


def _certainty(galaxy: "pd.Series[Any]") -> float:
    """The probability of the predicted class."""
    return float(galaxy[f"probability_{galaxy['predicted_class']}"])


def _negative(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A cut-out as a pale grey negative, on which colours stand out: sky 1, core 0.55."""
    brightness = _smoothed(image.mean(axis=-1), OUTLINE_SMOOTHING)
    sky, high = np.percentile(brightness, [25, 99.8])
    noise = sky - np.percentile(brightness, 5)
    low = sky + 4 * noise
    stretched = np.clip((brightness - low) / max(high - low, 1.0), 0, 1)
    return np.asarray(1 - 0.45 * np.sqrt(stretched), np.float64)


def _smoothed(values: FloatArray, width: float) -> FloatArray:
    """Gradients by the pixel are grains of both colours, outlines by the pixel have teeth."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(values, width))


def _relative(values: FloatArray) -> FloatArray:
    """A map as a share of its largest value; single extreme pixels do not set the scale."""
    strength = np.abs(values)
    largest = np.percentile(strength, ROBUST_MAXIMUM) or strength.max()
    return np.zeros_like(values) if largest == 0 else np.clip(values / largest, -1, 1)
