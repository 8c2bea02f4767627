"""Figures of the classifier: how it learned, how often it is right, where it errs."""

from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.figures.style import (
    GREY,
    colour_of,
    hide_frame,
    is_simulated,
    new_figure,
    panels,
    show_cutouts,
)
from galaxy_morphology.typing import Figure, Images


def training_curves(history: pd.DataFrame, chosen_epoch: int) -> Figure:
    """Accuracy and loss per epoch, with the epoch whose weights were kept.

    Args:
        history: A row per epoch: ``epoch``, ``loss``, ``accuracy``, ``validation_loss``,
            ``validation_accuracy`` and ``simulated``.
        chosen_epoch: The epoch to mark, counted from 1.
    """
    figure = new_figure(9.0, 3.6, simulated=is_simulated(history))
    for ax, quantity in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        for i, (column, label) in enumerate(
            [
                (quantity, "training (augmented galaxies)"),
                (f"validation_{quantity}", "validation (the weights that are kept)"),
            ]
        ):
            ax.plot(
                history["epoch"], history[column], marker="o", ms=3, label=label, color=colour_of(i)
            )
        ax.axvline(chosen_epoch, color=GREY, ls="--", lw=1, label=f"chosen: epoch {chosen_epoch}")
        ax.set_xlabel("epoch")
        ax.set_ylabel({"loss": "cross-entropy loss"}.get(quantity, quantity))
        ax.xaxis.get_major_locator().set_params(integer=True)
        hide_frame(ax)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=8, loc="outside upper center", ncols=3)
    return figure


def confusion_matrices(metrics: dict[str, Any]) -> Figure:
    """Confusion matrix of each split: counts, and shares of the true class as shades.

    Args:
        metrics: By split, what ``score_predictions`` returns.
    """
    simulated = any(scores["simulated"] for scores in metrics.values())
    figure = new_figure(4.4 * len(metrics), 4.1, simulated=simulated)
    for ax, (split, scores) in zip(
        figure.subplots(1, len(metrics), squeeze=False)[0], metrics.items(), strict=True
    ):
        names = list(scores["classes"])
        counts = np.array(scores["confusion_matrix"])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        shades = ax.imshow(shares, cmap="cividis", vmin=0, vmax=1)
        for (i, j), count in np.ndenumerate(counts):
            colour = "black" if shares[i, j] > 0.5 else "white"
            ax.text(j, i, f"{count:,}\n{shares[i, j]:.0%}", ha="center", va="center", color=colour)
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks(range(len(names)), names, rotation=90, va="center")
        ax.set_xlabel("predicted class")
        ax.set_ylabel("true class")
        ax.set_title(f"{split}: {scores['n']:,} galaxies", fontsize=11)
    figure.colorbar(shades, ax=figure.axes, label="share of the true class", shrink=0.8)
    return figure


def roc_curves(
    predictions: pd.DataFrame, metrics: dict[str, Any], class_names: list[str]
) -> Figure:
    """ROC curve of each split; with more than two classes, of each class against the rest.

    Args:
        predictions: Columns ``split``, ``class_name``, ``probability_<class>`` and ``simulated``.
        metrics: By split, what ``score_predictions`` returns.
        class_names: The classes, the second of two being the positive one.
    """
    from sklearn.metrics import roc_curve

    many = len(class_names) > 2
    width = 4.8 * len(metrics) if many else 5.2
    figure = new_figure(width, 4.6, simulated=is_simulated(predictions))
    axes = figure.subplots(1, len(metrics) if many else 1, squeeze=False)[0]
    positives = class_names if many else class_names[1:]
    for i, (split, scores) in enumerate(metrics.items()):
        some = predictions[predictions["split"] == split]
        ax = axes[i if many else 0]
        auc = scores["roc_auc"]
        area = "AUC undefined" if auc["value"] is None else (
            f"AUC {auc['value']:.3f} ({auc['low']:.3f}-{auc['high']:.3f})"
        )  # fmt: skip
        for j, name in enumerate(positives):
            is_class = some["class_name"] == name
            if is_class.nunique() < 2:
                continue
            false_rate, true_rate, _ = roc_curve(is_class, some[f"probability_{name}"])
            ax.plot(false_rate, true_rate, color=colour_of(j if many else i),
                    label=name if many else f"{split}: {area}")  # fmt: skip
        if many:
            ax.set_title(f"{split}: mean {area}")
    for ax in axes:
        ax.plot([0, 1], [0, 1], color=GREY, ls=":", lw=1, label="chance")
        positive = "" if many else f" (positive: {class_names[1]})"
        ax.set_xlabel(f"false positive rate{positive}")
        ax.set_ylabel(f"true positive rate{positive}")
        ax.set_aspect("equal")
        ax.legend(frameon=False, fontsize=8, loc="lower right")
        hide_frame(ax)
    return figure


def confident_mistakes(
    images: Images, predictions: pd.DataFrame, *, split: str, n_galaxies: int
) -> Figure:
    """The wrong classifications that the network was surest of.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        predictions: A row per image: ``cataid``, ``split``, ``class_name``,
            ``predicted_class``, ``correct``, ``probability_<class>`` and ``simulated``.
        split: The galaxies to choose from.
        n_galaxies: Most cut-outs to show.
    """
    certainty = predictions.filter(like="probability_").max(axis=1).to_numpy()
    wrong = np.flatnonzero((predictions["split"] == split) & ~predictions["correct"])
    surest = wrong[np.argsort(-certainty[wrong], kind="stable")][:n_galaxies]
    columns = 6
    height = 0.5 + 2.1 * max(1, -(-len(surest) // columns))
    figure = new_figure(columns * 1.7, height, simulated=is_simulated(predictions))
    figure.suptitle(f"Most confident mistakes, {split}: {len(surest)} of {len(wrong)}")
    captions = [
        f"CATAID {galaxy['cataid']}\ntrue {galaxy['class_name']}\n"
        f"{galaxy['predicted_class']} {sure:.1%}"
        for galaxy, sure in zip(
            predictions.iloc[surest].to_dict("records"), certainty[surest], strict=True
        )
    ]
    show_cutouts(panels(figure, len(surest), columns), images[surest], captions)
    return figure
