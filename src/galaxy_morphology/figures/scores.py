"""Figures of the classifier: how it learned, how often it is right, where it errs."""

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
    is_simulated,
    legend_label,
    new_figure,
    panels,
    show_cutouts,
)
from galaxy_morphology.typing import Figure, Images
from galaxy_morphology.words import format_mix, format_score

LEAST_SHARE_SHOWN = 0.05
LABELS_WIDTH = 56  # characters below a panel
SHORTEST_LABEL = 9
MANY_LABELS = 5
LETTERS_PER_INCH = 13  # of 9 points


def training_curves(history: pd.DataFrame, chosen_epoch: int) -> Figure:
    """Accuracy and loss per epoch, with the epoch whose weights were kept.

    Args:
        history: A row per epoch: ``epoch``, ``loss``, ``accuracy``, ``validation_loss``,
            ``validation_accuracy`` and ``simulated``.
        chosen_epoch: The epoch to mark, counted from 1.

    Returns:
        A figure; with a sentence in place of the curves where there are no epochs.
    """
    figure = new_figure(9.0, 3.6, simulated=is_simulated(history))
    if history.empty:
        sentence = "Nothing was trained: the classifier is built of trained networks."
        figure.text(0.5, 0.5, sentence, ha="center", va="center", color=GREY)
        return figure
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
    _say_mix(figure, metrics)
    figure.colorbar(shades, ax=figure.axes, label="share of the true class", shrink=0.8)
    return figure


def roc_curves(
    predictions: pd.DataFrame, metrics: dict[str, Any], class_names: list[str]
) -> Figure:
    """ROC curve of each split; with more than two classes, of each class against the rest.

    Args:
        predictions: Columns ``split``, ``class_name``, ``probability_<class>`` and ``simulated``;
            and ``weight``, where another mix of classes is meant.
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
        area = f"AUC {format_score(auc)}"
        for j, name in enumerate(positives):
            is_class = some["class_name"] == name
            if is_class.nunique() < 2:
                continue
            false_rate, true_rate, _ = roc_curve(
                is_class, some[f"probability_{name}"], sample_weight=some.get("weight")
            )
            ax.plot(false_rate, true_rate, color=colour_of(j if many else i),
                    label=legend_label(name) if many else f"{split}: {area}")  # fmt: skip
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
    _say_mix(figure, metrics)
    return figure


def confident_mistakes(
    images: Images,
    predictions: pd.DataFrame,
    class_names: list[str],
    *,
    split: str,
    n_galaxies: int,
) -> Figure:
    """The wrong classifications that the network was surest of, a gallery for each true class.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        predictions: A row per image: ``cataid``, ``split``, ``class_name``,
            ``predicted_class``, ``correct``, ``probability_<class>`` and ``simulated``.
        class_names: The classes in the order to show them.
        split: The galaxies to choose from.
        n_galaxies: Most cut-outs to show of each class.
    """
    certainty = predictions.filter(like="probability_").max(axis=1).to_numpy()
    captions = np.array(
        [
            f"{caption(galaxy['cataid'])}\n{galaxy['predicted_class']} {sure:.1%}"
            for galaxy, sure in zip(predictions.to_dict("records"), certainty, strict=True)
        ]
    )
    galleries = {}
    for name in class_names:
        of_class = (predictions["split"] == split) & (predictions["class_name"] == name)
        wrong = np.flatnonzero(of_class & ~predictions["correct"])
        surest = wrong[np.argsort(-certainty[wrong], kind="stable")][:n_galaxies]
        title = f"Most confident mistakes, {split}: {len(surest)} of {len(wrong)} {name}"
        galleries[title] = surest
    return _galleries(images, captions, galleries, simulated=is_simulated(predictions))


def suspect_labels(
    images: Images,
    cataids: pd.Series,
    suspects: pd.DataFrame,
    class_names: list[str],
    *,
    n_galaxies: int,
) -> Figure:
    """The galaxies whose labels are the most suspicious, a gallery for each label given.

    Args:
        images: uint8 [N, height, width, 3], RGB.
        cataids: Of the images, [N].
        suspects: The same galaxies, the most suspicious first: ``cataid``, ``class_name``,
            ``suggested_class``, ``label_quality``, ``suspected`` and ``simulated``.
        class_names: The classes in the order to show them.
        n_galaxies: Most cut-outs to show of each class.
    """
    rows_of = pd.Series(np.arange(len(cataids)), index=cataids.to_numpy())
    captions = np.full(len(cataids), "", dtype=object)
    galleries = {}
    for name in class_names:
        of_class = suspects[(suspects["class_name"] == name) & suspects["suspected"]]
        shown = of_class.head(n_galaxies)
        rows = rows_of[shown["cataid"]].to_numpy()
        captions[rows] = [
            f"{caption(galaxy['cataid'])}\nrather {galaxy['suggested_class']}; "
            f"label {galaxy['label_quality']:.0%}"
            for galaxy in shown.to_dict("records")
        ]
        title = f"Labelled {name}: the {len(shown)} most suspicious of {len(of_class)} suspects"
        galleries[title] = rows
    return _galleries(images, captions, galleries, simulated=is_simulated(suspects))


def suspects_found(is_wrong: NDArray[np.bool_], scores: dict[str, Any]) -> Figure:
    """How many of the wrong labels are found how far down the ranking of suspects.

    Args:
        is_wrong: Whether each label is wrong, the most suspicious first, [N].
        scores: Of ``suspected`` and of the ``top`` of the ranking: ``precision``, ``recall``
            and ``n``; and ``simulated``.
    """
    figure = new_figure(6.4, 4.2, simulated=scores["simulated"])
    ax = figure.subplots()
    looked_at = np.arange(1, len(is_wrong) + 1)
    found = np.cumsum(is_wrong)
    share = looked_at / len(is_wrong)
    curves = {
        f"recall: of the {is_wrong.sum()} wrong labels, found": found / max(is_wrong.sum(), 1),
        "precision: of those looked at, wrong": found / looked_at,
    }
    for i, (label, values) in enumerate(curves.items()):
        ax.plot(share, values, color=colour_of(i), label=label)
    for name, marker in {"suspected": "o", "top": "s"}.items():
        part = scores[name]
        what = "suspects" if name == "suspected" else f"first {part['n'] / len(is_wrong):.0%}"
        for i, measure in enumerate(("recall", "precision")):
            value = part[measure]["value"]
            if value is not None:
                ax.plot(
                    part["n"] / len(is_wrong), value, marker=marker, ls="", color=colour_of(i),
                    label=f"{what}: {measure} {format_score(part[measure])}",
                )  # fmt: skip
    ax.plot([0, 1], [0, 1], color=GREY, ls=":", lw=1, label="recall of a random order")
    ax.set_xlabel("share of galaxies looked at, the most suspicious label first")
    ax.set_ylim(0, 1.02)
    ax.set_xlim(0, 1)
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=2)
    hide_frame(ax)
    return figure


def error_rates(
    rates: pd.DataFrame,
    of_all: float,
    *,
    against: str = "label",
    metrics: dict[str, Any] | None = None,
) -> Figure:
    """Error rate against what galaxies look like, a panel for each quantity.

    Args:
        rates: A row per bin: ``quantity``, ``bin``, ``centre``, ``n``, ``error_rate``, ``low``,
            ``high``, ``split`` and ``simulated``.
        of_all: Error rate of all galaxies.
        against: What counts as right.
        metrics: By split, what ``score_predictions`` returns, for the mix of classes.
    """
    quantities = list(rates["quantity"].unique())
    columns = 3
    rows = -(-len(quantities) // columns)
    figure = new_figure(columns * 3.4, 0.4 + rows * 2.6, simulated=is_simulated(rates))
    title = f"Error rate of {rates['split'].iloc[0]} galaxies, against their {against}"
    figure.suptitle("\n".join(filter(None, [title, _mix(metrics or {})])), fontsize=11)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for ax in axes[len(quantities) :]:
        ax.set_axis_off()
    for ax, quantity in zip(axes, quantities, strict=False):
        some = rates[rates["quantity"] == quantity]
        measured = some[some["centre"].notna()]
        is_number = len(measured) > 0
        shown = measured if is_number else some
        places = shown["centre"] if is_number else np.arange(len(shown))
        ax.errorbar(
            places, shown["error_rate"],
            yerr=[shown["error_rate"] - shown["low"], shown["high"] - shown["error_rate"]],
            marker="o", ms=4, lw=1 if is_number else 0, elinewidth=1, capsize=2,
            color=colour_of(0),
        )  # fmt: skip
        ax.axhline(of_all, color=GREY, ls=":", lw=1)
        if is_number:
            ax.locator_params(axis="x", nbins=5)
        else:
            width = max(SHORTEST_LABEL, LABELS_WIDTH // len(some))
            labels = [
                f"{fill(words.replace('_', ' '), width, break_long_words=False)}\n({n})"
                for words, n in zip(some["bin"], some["n"], strict=True)
            ]
            ax.set_xticks(places, labels, fontsize=7 if len(some) < MANY_LABELS else 6)
            ax.set_xlim(-0.5, len(shown) - 0.5)
        ax.set_xlabel(quantity.replace("_", " "), fontsize=9)
        hide_frame(ax)
    for ax in axes[::columns]:
        ax.set_ylabel("error rate")
    return figure


def reliability_diagrams(
    curves: dict[str, dict[str, pd.DataFrame]], metrics: dict[str, Any]
) -> Figure:
    """How often the classifier is right where it is how sure, before and after calibration.

    Args:
        curves: By split and stage ("before", "after"): ``certainty``, ``accuracy``, ``low`` and
            ``high``, a row per bin.
        metrics: By split, with what ``calibration_scores`` returns as ``calibration``.
    """
    simulated = any(scores["simulated"] for scores in metrics.values())
    figure = new_figure(4.6 * len(metrics), 4.8, simulated=simulated)
    for ax, (split, stages) in zip(
        figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True
    ):
        calibration = metrics[split]["calibration"]
        for i, (stage, curve) in enumerate(stages.items()):
            error = calibration[stage]["calibration_error"]
            perfect = calibration[stage]["calibration_error_if_perfect"]
            ax.errorbar(
                curve["certainty"], curve["accuracy"],
                yerr=[curve["accuracy"] - curve["low"], curve["high"] - curve["accuracy"]],
                marker="o", ms=4, lw=1, capsize=2, color=colour_of(1 - i),
                label=f"{stage}: calibration error {error['value']:.3f} "
                f"({perfect['low']:.3f}-{perfect['high']:.3f} if perfect)",
            )  # fmt: skip
        least = min(curve[["certainty", "low"]].min().min() for curve in stages.values())
        ax.plot([least, 1], [least, 1], color=GREY, ls=":", lw=1, label="as sure as right")
        ax.set_xlabel("probability of the predicted class")
        ax.set_ylabel("fraction of the votes for it" if "votes" in metrics[split] else "accuracy")
        ax.set_title(f"{split}: temperature {calibration['temperature']:.2f}", fontsize=11)
        # Below the panel: bars of few galaxies reach everywhere.
        ax.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.14))
        hide_frame(ax)
    _say_mix(figure, metrics)
    return figure


def selective_accuracy(curves: dict[str, pd.DataFrame], metrics: dict[str, Any]) -> Figure:
    """Accuracy against the share of galaxies kept, when the least certain go to a human.

    Args:
        curves: By split: ``kept``, ``accuracy``, ``low`` and ``high``.
        metrics: By split, with ``accuracy_wanted``, ``threshold``, ``kept`` and ``accuracy``
            as ``selection``.
    """
    simulated = any(scores["simulated"] for scores in metrics.values())
    figure = new_figure(6.4, 4.2, simulated=simulated)
    ax = figure.subplots()
    lowest = 1.0
    for i, (split, curve) in enumerate(curves.items()):
        selection = metrics[split]["selection"]
        # The accuracy of a few galaxies jumps about and says little.
        shown = curve[curve["kept"] >= LEAST_SHARE_SHOWN]
        ax.plot(shown["kept"], shown["accuracy"], color=colour_of(i), label=split)
        ax.fill_between(
            shown["kept"], shown["low"], shown["high"], color=colour_of(i), alpha=0.15, lw=0
        )
        if selection["kept"]["value"]:
            kept, accuracy = selection["kept"], selection["accuracy"]
            ax.plot(
                kept["value"], accuracy["value"], marker="o", color=colour_of(i),
                label=f"{split}, threshold of validation: keeps {format_score(kept)},\n"
                f"accuracy {format_score(accuracy)}",
            )  # fmt: skip
        lowest = min(lowest, shown["low"].min())
    selection = next(iter(metrics.values()))["selection"]
    wanted, confidence = selection["accuracy_wanted"], selection["accuracy_confidence"]
    ax.axhline(
        wanted, color=GREY, ls="--", lw=1,
        label=f"wanted: {wanted:.0%}, with a confidence of {confidence:.0%}",
    )  # fmt: skip
    ax.set_xlim(0, 1.01)
    ax.set_ylim(lowest - 0.02, 1.005)
    ax.set_xlabel("share of galaxies kept, the most certain first")
    ax.set_ylabel("accuracy of what is kept")
    ax.legend(frameon=False, fontsize=8, loc="lower left")
    hide_frame(ax)
    _say_mix(figure, metrics)
    return figure


def _galleries(
    images: Images,
    captions: NDArray[Any],
    galleries: dict[str, NDArray[np.int_]],
    *,
    simulated: bool,
) -> Figure:
    """Cut-outs with their captions, one gallery below the other; the rows of each by its title."""
    columns = 6
    heights = [0.5 + 1.95 * max(1, -(-len(rows) // columns)) for rows in galleries.values()]
    figure = new_figure(columns * 1.7, sum(heights), simulated=simulated)
    subfigures = figure.subfigures(len(galleries), height_ratios=heights, squeeze=False)[:, 0]
    for gallery, (title, rows) in zip(subfigures, galleries.items(), strict=True):
        gallery.suptitle(title, fontsize=11)
        show_cutouts(panels(gallery, len(rows), columns), images[rows], list(captions[rows]))
    return figure


def _mix(metrics: dict[str, Any]) -> str:
    """The mix of classes that scores are for, where one is set."""
    scores: dict[str, Any] = next(iter(metrics.values()), {})
    if scores.get("class_prior") is None:
        return ""
    return f"for a mix of {format_mix(scores['class_shares'])}"


def _say_mix(figure: Figure, metrics: dict[str, Any]) -> None:
    """Say above all panels which mix of classes they are for, where it is set."""
    words = _mix(metrics)
    if words:
        width = round(LETTERS_PER_INCH * figure.get_figwidth())
        figure.suptitle(fill(words, width, break_long_words=False), fontsize=9)
