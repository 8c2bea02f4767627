"""What all figures share: colours that colour-blind readers tell apart, and panels of galaxies."""

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.typing import Figure

# Okabe & Ito (2008), https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#666666"
SIMULATED = "simulated galaxies"
LEGEND_SIZE = 9  # points
POINTS_PER_INCH = 72


def new_figure(width: float, height: float, *, simulated: bool = False) -> Figure:
    """An empty figure, drawn without pyplot and its global state, see :mod:`.styled`.

    Args:
        width: In inches.
        height: In inches, without the line that says that galaxies are simulated.
        simulated: Whether what it shows comes from simulated galaxies.
    """
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from galaxy_morphology.figures.styled import StyledFigure

    line = 0.25 if simulated else 0.0
    foot = line / (height + line)
    layout = ConstrainedLayoutEngine(
        h_pad=0.08,
        w_pad=0.08,
        rect=(0, foot, 1, 1 - foot),  # inches around every panel
    )
    figure = StyledFigure(figsize=(width, height + line), dpi=120, layout=layout)
    if simulated:
        figure.text(0.5, foot / 2, SIMULATED, ha="center", va="center", fontsize=8, color=GREY)
    return figure


def is_simulated(table: pd.DataFrame) -> bool:
    """Whether galaxies of a table are simulated."""
    return bool(table["simulated"].any())


def colour_of(index: int) -> str:
    """The colour of the class or curve with this index."""
    return COLOURS[index % len(COLOURS)]


def legend_label(name: str) -> str:
    """A name for a legend: matplotlib leaves out what begins with an underscore."""
    return f"\N{ZERO WIDTH SPACE}{name}" if name.startswith("_") else name


def panels(figure: Figure, n_panels: int, columns: int) -> Any:
    """A grid of panels without axes on a figure, in reading order."""
    axes = figure.subplots(max(1, -(-n_panels // columns)), columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    return axes[:n_panels]


def show_cutouts(
    axes: Sequence[Any], images: Iterable[NDArray[Any]], titles: Sequence[str]
) -> None:
    """Fill panels with RGB cut-outs and a small title each."""
    for ax, image, title in zip(axes, images, titles, strict=True):
        ax.imshow(image, interpolation="nearest")
        # With a place of its own, or matplotlib measures all that is around each of 48 panels.
        ax.set_title(title, fontsize=7, pad=2, y=1)


def caption(cataid: object) -> str:
    """Whose cut-out it is, in as many lines as a small panel needs for all of it."""
    return fill(f"CATAID {cataid}", 22)


def hide_frame(ax: Any) -> None:
    """Leave only the axes that carry numbers."""
    ax.spines[["top", "right"]].set_visible(False)


def legend_below(figure: Figure, axes: Iterable[Any], *, columns: int) -> None:
    """One legend below all panels, each thing once, above the word on simulated galaxies."""
    handles: dict[str, Any] = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    # The layout leaves room for a legend, but puts it at the very edge, where simulated galaxies
    # are said to be so: lift it above that line.
    layout: Any = figure.get_layout_engine()
    foot = layout.get()["rect"][1] * figure.get_figheight() * POINTS_PER_INCH
    figure.legend(
        list(handles.values()), list(handles), frameon=False, fontsize=LEGEND_SIZE,
        ncols=columns, loc="outside lower center", borderaxespad=0.5 + foot / LEGEND_SIZE,
    )  # fmt: skip
