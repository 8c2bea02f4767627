"""Figures of the explanations: attribution maps laid over the galaxies they explain."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.figures.style import is_simulated, new_figure
from galaxy_morphology.typing import Figure, FloatArray, Images

# Even in lightness on both sides and safe for colour-blind readers (Moreland 2009).
COLOUR_MAP = "coolwarm"
PANEL = 1.75  # inches
GALAXY, NEIGHBOUR = 1, 2
"""Values of a segmentation."""
SMOOTHING = 1.5  # pixels
MEANING = (
    "Colour: what spoke for (red) and against (blue) the predicted class; full colour is the "
    "largest 0.3 % of each map.\nGrad-CAM shows only what spoke for it; Integrated Gradients "
    f"is smoothed here by {SMOOTHING} px. Grey: the cut-out as a negative; lines: the galaxy and, "
    "dotted, its neighbours."
)


def explanation_page(
    images: Images,
    explained: pd.DataFrame,
    maps: dict[str, FloatArray],
    notes: pd.DataFrame,
    parts: NDArray[np.uint8] | None = None,
) -> Figure:
    """Each galaxy in a row: its cut-out, and the map of each method laid over it.

    Args:
        images: uint8 [n, height, width, 3], RGB.
        explained: A row per image: ``cataid``, ``class_name``, ``predicted_class``,
            ``probability_<class>``, ``chosen_as`` and ``simulated``.
        maps: By method, [n, height, width], signed where the method is.
        notes: A row per image and a column per method: a few words under each map.
        parts: uint8 [n, height, width]: 0 sky, 1 the galaxy, 2 its neighbours; outlined
            where they are given.
    """
    return _overlays(images, explained, maps, notes, parts, galaxies_per_row=1)


def attribution_sheet(
    images: Images,
    explained: pd.DataFrame,
    method: str,
    maps: FloatArray,
    notes: pd.DataFrame,
    parts: NDArray[np.uint8] | None = None,
) -> Figure:
    """Every explained galaxy beside the map of one method, two galaxies in a row.

    Args:
        images: uint8 [n, height, width, 3], RGB.
        explained: See :func:`explanation_page`.
        method: Name of the method.
        maps: [n, height, width].
        notes: See :func:`explanation_page`.
        parts: See :func:`explanation_page`.
    """
    return _overlays(images, explained, {method: maps}, notes, parts, galaxies_per_row=2)


def reliability_notes(quality: pd.DataFrame) -> list[str]:
    """What to say under each map of how far to trust it.

    Args:
        quality: A row per map, with the measures of its method; those of others are missing.
    """
    return [_note(row) for row in quality.to_dict("records")]


def _note(measures: dict[Any, Any]) -> str:
    """A few words on the measures of one map."""
    words = [_own_words(measures)]
    if pd.notna(measures.get("faithfulness")):
        words.append(f"faithfulness {measures['faithfulness']:.2f}")
    if pd.notna(measures.get("target_share")):
        words.append(f"{measures['target_share']:.0%} of it on the galaxy")
    return "\n".join(word for word in words if word)


def _own_words(measures: dict[Any, Any]) -> str:
    """What a method says of itself."""
    if pd.notna(measures.get("completeness_residual")):
        return (
            f"logit {measures['logit']:.1f}, of the baseline {measures['baseline_logit']:.1f}\n"
            f"completeness residual {measures['completeness_residual']:.1%}"
        )
    if pd.notna(measures.get("r_squared")):
        return f"fit R² {measures['r_squared']:.2f}"
    if pd.notna(measures.get("positive_share")):
        return f"{measures['positive_share']:.0%} of the evidence is for"
    return ""


def _overlays(
    images: Images,
    explained: pd.DataFrame,
    maps: dict[str, FloatArray],
    notes: pd.DataFrame,
    parts: NDArray[np.uint8] | None,
    galaxies_per_row: int,
) -> Figure:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    across = 1 + len(maps)
    rows = -(-len(images) // galaxies_per_row)
    figure = new_figure(
        galaxies_per_row * (across * PANEL + 1.35) + 0.9,
        rows * (PANEL + 0.55) + 0.8,
        simulated=is_simulated(explained),
    )
    axes = figure.subplots(rows, galaxies_per_row * across, squeeze=False)
    for ax in axes.ravel():
        ax.set_axis_off()
    for i, galaxy in enumerate(explained.to_dict("records")):
        row, place = divmod(i, galaxies_per_row)
        cutout_ax, *map_axes = axes[row, place * across : (place + 1) * across]
        cutout_ax.imshow(images[i], interpolation="nearest")
        cutout_ax.text(
            -0.06, 0.5, _caption(galaxy), transform=cutout_ax.transAxes, ha="right", va="center",
            fontsize=8,
        )  # fmt: skip
        if row == 0:
            cutout_ax.set_title("cut-out", fontsize=9)
        for ax, (method, values) in zip(map_axes, maps.items(), strict=True):
            ax.imshow(_negative(images[i]), cmap="gray", vmin=0, vmax=1)
            relative = _relative(_shown(method, values[i]))
            ax.imshow(relative, cmap=COLOUR_MAP, vmin=-1, vmax=1, alpha=np.abs(relative) ** 0.7)
            if parts is not None:
                _outline(ax, parts[i])
            ax.text(
                0.5, -0.02, notes[method].iloc[i], transform=ax.transAxes, ha="center", va="top",
                fontsize=7,
            )  # fmt: skip
            if row == 0:
                ax.set_title(method, fontsize=9)
    figure.suptitle(MEANING, fontsize=8)
    bar = figure.colorbar(
        ScalarMappable(Normalize(-1, 1), COLOUR_MAP), ax=axes, shrink=min(1.0, 3 / rows), pad=0.01,
        aspect=25,
    )  # fmt: skip
    bar.set_ticks([-1, 0, 1], labels=["against", "nothing", "for"])
    bar.ax.tick_params(labelsize=8)
    bar.set_label("attribution to the predicted class", fontsize=8)
    return figure


def _outline(ax: Any, parts: NDArray[np.uint8]) -> None:
    """Lines around the galaxy and, dotted, around its neighbours."""
    for part, style in ((GALAXY, "solid"), (NEIGHBOUR, "dotted")):
        if (parts == part).any() and not (parts == part).all():
            ax.contour(parts == part, levels=[0.5], colors="black", linestyles=style,
                       linewidths=0.6)  # fmt: skip


def _caption(galaxy: dict[Any, Any]) -> str:
    probability = galaxy[f"probability_{galaxy['predicted_class']}"]
    return (
        f"CATAID {galaxy['cataid']}\ntrue: {galaxy['class_name']}\n"
        f"predicted:\n{galaxy['predicted_class']} {probability:.1%}\n({galaxy['chosen_as']})"
    )


def _negative(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A cut-out as a pale grey negative, on which colours stand out: sky 1, core 0.6."""
    brightness = image.mean(axis=-1)
    low, high = np.percentile(brightness, [2, 99.8])
    stretched = np.clip((brightness - low) / max(high - low, 1.0), 0, 1)
    return np.asarray(1 - 0.4 * np.sqrt(stretched), np.float64)


def _shown(method: str, values: FloatArray) -> FloatArray:
    """A map as it is drawn: by the pixel, Integrated Gradients are grains of both colours."""
    if method != "Integrated Gradients":
        return values
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(values, SMOOTHING))


def _relative(values: FloatArray) -> FloatArray:
    """A map as a share of its largest value; single extreme pixels do not set the scale."""
    largest = np.percentile(np.abs(values), 99.7)
    if largest == 0:
        largest = np.abs(values).max()
    return np.zeros_like(values) if largest == 0 else np.clip(values / largest, -1, 1)
