"""Figures to look closer at: values under the pointer, and curves to choose by the legend.

Each is a specification for Vega-Lite, which a page draws in the place of the picture of the same
figure, see :class:`Picture`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

MOST_POINTS = 400
HEIGHT = 300
FAINT = 0.12
LONGEST_LABEL, LABEL_ROOM = 130, 90
LONGEST_NAME, NAME_ROOM = 180, 130
"""Pixels of words beside an axis, and how many more of them a panel leaves than for numbers; the
same for names of classifiers."""

MEASURES = {
    "roc_auc": "ROC AUC", "accuracy": "accuracy", "macro_f1": "macro F1",
    "brier": "Brier score",
}  # fmt: skip
"""By which classifiers are compared, the first one first."""
LESS_IS_BETTER = {"brier"}


def training_curves(history: pd.DataFrame, chosen_epoch: int) -> dict[str, Any] | None:
    """Accuracy and loss per epoch.

    Args:
        history: A row per epoch: ``epoch``, ``loss``, ``accuracy``, ``validation_loss`` and
            ``validation_accuracy``.
        chosen_epoch: The epoch whose weights were kept, counted from 1.

    Returns:
        A specification; None where nothing was trained.
    """
    import altair as alt

    if history.empty:
        return None
    table = pd.concat(
        pd.DataFrame(
            {
                "panel": quantity,
                "curve": curve,
                "epoch": history["epoch"],
                "value": history[prefix + quantity],
                "chosen": chosen_epoch,
            }
        )
        for quantity in ("accuracy", "loss")
        for curve, prefix in (("training", ""), ("validation", "validation_"))
    )
    chosen = (
        alt.Chart()
        .mark_rule(strokeDash=[4, 4])
        .encode(
            x=alt.X("chosen:Q", title="epoch"),
            tooltip=[alt.Tooltip("chosen:Q", title="chosen epoch")],
        )
    )
    lines = _curves(
        alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1)),
        alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        [alt.Tooltip("epoch:Q"), alt.Tooltip("value:Q", format=".4f")],
    )
    return _panels(table, chosen, *lines, independent=["y"])


def roc(
    predictions: pd.DataFrame, metrics: Mapping[str, Any], class_names: list[str]
) -> dict[str, Any] | None:
    """ROC curve of each split; with more than two classes, of each class against the rest.

    Args:
        predictions: Columns ``split``, ``class_name``, ``probability_<class>``, and ``weight``
            where another mix of classes is meant.
        metrics: Scores by split.
        class_names: The classes, the second of two being the positive one.

    Returns:
        A specification; None where no split has galaxies of several classes.
    """
    import altair as alt
    from sklearn.metrics import roc_curve

    many = len(class_names) > 2
    tables = []
    for split in metrics:
        some = predictions[predictions["split"] == split]
        for name in class_names if many else class_names[1:]:
            is_class = some["class_name"] == name
            if is_class.nunique() < 2:
                continue
            false_rate, true_rate, threshold = roc_curve(
                is_class, some[f"probability_{name}"], sample_weight=some.get("weight")
            )
            table = pd.DataFrame({"x": false_rate, "y": true_rate, "threshold": threshold})
            panel, curve = (split, name) if many else ("", split)
            tables.append(_thinned(table).assign(panel=panel, curve=curve))
    if not tables:
        return None
    lines = _curves(
        alt.X("x:Q", title="false positive rate", scale=alt.Scale(domain=[0, 1])),
        alt.Y("y:Q", title="true positive rate", scale=alt.Scale(domain=[0, 1])),
        [
            alt.Tooltip("threshold:Q", title="probability from", format=".3f"),
            alt.Tooltip("x:Q", title="false positive rate", format=".3f"),
            alt.Tooltip("y:Q", title="true positive rate", format=".3f"),
        ],
    )
    return _panels(pd.concat(tables), _diagonal(0.0), *lines)


def reliability(curves: Mapping[str, Mapping[str, pd.DataFrame]]) -> dict[str, Any]:
    """How often the classifier is right where it is how sure, before and after calibration.

    Args:
        curves: By split and stage: ``certainty``, ``accuracy``, ``low``, ``high`` and ``n``, a row
            per bin.
    """
    import altair as alt

    table = pd.concat(
        curve.assign(panel=split, curve=f"{stage} calibration")
        for split, stages in curves.items()
        for stage, curve in stages.items()
    )
    least = float(table[["certainty", "low"]].min().min())
    scale = alt.Scale(domain=[least, 1])
    x = alt.X("certainty:Q", title="probability of the predicted class", scale=scale)
    y = alt.Y("accuracy:Q", title="accuracy", scale=scale)
    shown = [
        alt.Tooltip("certainty:Q", title="probability", format=".3f"),
        alt.Tooltip("accuracy:Q", format=".3f"),
        *_interval(),
        alt.Tooltip("n:Q", title="galaxies", format=","),
    ]
    chosen = _by_legend()
    bars = (
        alt.Chart()
        .mark_rule(strokeWidth=1.5)
        .encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    )
    bars = bars.encode(color=_of_curve(), opacity=_where(chosen), tooltip=shown)
    bars = bars.add_params(chosen)
    line, points = _curves(x, y, shown, chosen=chosen, always=True)
    return _panels(table, _diagonal(least), bars, line, points)


def selective_accuracy(curves: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """The accuracy of those that are kept, when the least certain are left to a human.

    Args:
        curves: By split: ``kept``, ``threshold``, ``accuracy``, ``low`` and ``high``.
    """
    import altair as alt

    table = pd.concat(
        _thinned(curve).assign(panel="", curve=split) for split, curve in curves.items()
    )
    x = alt.X("kept:Q", title="share of galaxies kept", axis=alt.Axis(format="%"))
    scale = alt.Scale(domain=[float(table["low"].quantile(0.02)), 1], clamp=True)
    y = alt.Y("accuracy:Q", title="accuracy", scale=scale)
    shown = [
        alt.Tooltip("threshold:Q", title="probability from", format=".3f"),
        alt.Tooltip("kept:Q", title="kept", format=".1%"),
        alt.Tooltip("accuracy:Q", format=".3f"),
        *_interval(),
    ]
    chosen = _by_legend()
    band = alt.Chart().mark_area().encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q")
    legend = alt.Legend(symbolOpacity=1)  # and not as faint as the band
    colour = alt.Color("curve:N", sort=None, legend=legend)
    band = band.encode(color=colour, opacity=_where(chosen, FAINT, 0.02))
    band = band.add_params(chosen)
    return _panels(table, band, *_curves(x, y, shown, chosen=chosen))


def error_rates(rates: pd.DataFrame, of_all: float) -> dict[str, Any]:
    """Error rate against what galaxies look like, a panel for each quantity.

    Args:
        rates: A row per bin: ``quantity``, ``bin``, ``n``, ``error_rate``, ``low`` and ``high``.
        of_all: Error rate of all galaxies.
    """
    import altair as alt

    table = rates.assign(
        panel=rates["quantity"].str.replace("_", " "),
        bin=rates["bin"].str.replace("_", " "),
        order=np.arange(len(rates)),
        all=of_all,
    )[["panel", "bin", "order", "n", "error_rate", "low", "high", "all"]]
    x = alt.X("error_rate:Q", title="error rate", scale=alt.Scale(zero=True),
              axis=alt.Axis(format="%"))  # fmt: skip
    labels = alt.Axis(labelLimit=LONGEST_LABEL)
    y = alt.Y("bin:N", title=None, sort=alt.EncodingSortField("order"), axis=labels)
    shown = [
        alt.Tooltip("panel:N", title="measure"),
        alt.Tooltip("bin:N", title="from, to"),
        alt.Tooltip("error_rate:Q", title="error rate", format=".1%"),
        *_interval(".1%"),
        alt.Tooltip("n:Q", title="galaxies", format=","),
    ]
    line = alt.Chart().mark_rule(strokeDash=[2, 3]).encode(x="all:Q")
    bars = alt.Chart().mark_bar(height=2, opacity=0.5).encode(x="low:Q", x2="high:Q", y=y)
    points = alt.Chart().mark_circle(size=70, opacity=1).encode(x=x, y=y, tooltip=shown)
    return _panels(table, line, bars.encode(tooltip=shown), points, independent=["y"],
                   height=None, label_room=LABEL_ROOM)  # fmt: skip


def compared_scores(table: pd.DataFrame, reference: str, *, ensemble: str) -> dict[str, Any]:
    """Scores of every classifier and seed, of a measure that a reader chooses; the best first.

    Args:
        table: A row per ``entry`` and ``seed``: of each measure the value, ``_low`` and ``_high``,
            and the same of ``_difference``, that from the reference.
        reference: The entry that the others are compared with; a line goes through its scores.
        ensemble: What stands for a seed in the rows of averaged probabilities.
    """
    import altair as alt

    rows = _by_measure(table, reference, ensemble)
    measures = [*MEASURES.values()]
    chooser = alt.binding_select(options=measures, name="Measure ")
    measure = alt.param("measure", value=measures[0], bind=chooser)
    seeds = sorted(rows["curve"].unique(), key=lambda name: name != ensemble)  # the others as given
    chosen = _by_legend()
    scale = alt.Scale(zero=False)
    x = alt.X("value:Q", title=None, scale=scale)
    base = alt.Chart().encode(
        y=alt.Y("entry:N", title=None, sort=alt.EncodingSortField("order", op="min"),
                axis=alt.Axis(labelLimit=LONGEST_NAME, grid=True)),
        yOffset=alt.YOffset("curve:N", sort=seeds),
        color=alt.Color("curve:N", sort=seeds),
        opacity=_where(chosen),
        tooltip=[
            alt.Tooltip("entry:N", title="classifier"),
            alt.Tooltip("curve:N", title="trained with"),
            alt.Tooltip("value:Q", title="score", format=".3f"),
            *_interval(),
            alt.Tooltip("difference:Q", title="difference from the reference", format="+.3f"),
            alt.Tooltip("difference_low:Q", title="difference, low", format="+.3f"),
            alt.Tooltip("difference_high:Q", title="difference, high", format="+.3f"),
        ],
    )  # fmt: skip
    line = alt.Chart().mark_rule(strokeDash=[2, 3]).encode(x="mean(reference):Q")
    bars = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    bars = bars.add_params(chosen)
    points = base.mark_circle(size=60).encode(x=x)
    chart = alt.layer(line, bars, points).transform_filter("datum.measure == measure")
    found: dict[str, Any] = (
        chart.add_params(measure)
        .properties(
            data=_data(_rows(rows)),
            height={"step": max(9, 22 // len(seeds)), "for": "offset"},
            usermeta={"labels": NAME_ROOM},
        )
        .to_dict()
    )
    return found


def _by_measure(table: pd.DataFrame, reference: str, ensemble: str) -> pd.DataFrame:
    """A row per measure, entry and seed, with the order of the entries by that measure."""
    averaged = table["seed"] == ensemble
    shown = table[averaged] if averaged.any() else table.drop_duplicates("entry")
    parts = []
    for name, words in MEASURES.items():
        of_shown = shown.set_index("entry")[name]
        order = of_shown.rank(method="first", ascending=name in LESS_IS_BETTER)
        scores = {
            f"{kind}{end}".strip("_") or "value": table[f"{name}{kind}{end}"]
            for kind in ("", "_difference")
            for end in ("", "_low", "_high")
        }
        parts.append(
            pd.DataFrame(
                {
                    "measure": words,
                    "entry": table["entry"].str.replace("_", " "),
                    "curve": table["seed"].where(averaged, "seed " + table["seed"].astype(str)),
                    "order": table["entry"].map(order),
                    "reference": of_shown[reference],
                    **scores,
                }
            )
        )
    return pd.concat(parts)


def _curves(
    x: Any, y: Any, shown: list[Any], *, chosen: Any = None, always: bool = False
) -> tuple[Any, Any]:
    """Lines, and points on them that show under the pointer, or always.

    A legend can be clicked where the first layer with colours has the choice: where it is another
    one, that is ``chosen``.
    """
    import altair as alt

    by_legend = _by_legend() if chosen is None else chosen
    base = alt.Chart().encode(x=x, y=y, color=_of_curve())
    lines = base.mark_line(strokeWidth=2).encode(opacity=_where(by_legend))
    if chosen is None:
        lines = lines.add_params(by_legend)
    if always:
        points = base.mark_circle(size=60).encode(opacity=_where(by_legend))
    else:
        near = alt.selection_point(nearest=True, on="pointermove", empty=False, clear="pointerout")
        points = base.mark_circle(size=70).encode(opacity=_where(near, 1, 0)).add_params(near)
    return lines, points.encode(tooltip=[alt.Tooltip("curve:N", title=" "), *shown])


def _of_curve() -> Any:
    import altair as alt

    return alt.Color("curve:N", sort=None)


def _by_legend() -> Any:
    import altair as alt

    return alt.selection_point(fields=["curve"], bind="legend")


def _where(chosen: Any, there: float = 1.0, elsewhere: float = FAINT) -> Any:
    import altair as alt

    return alt.condition(chosen, alt.value(there), alt.value(elsewhere))


def _diagonal(least: float) -> Any:
    import altair as alt

    ends = _data([{"end": least}, {"end": 1.0}])
    line = alt.Chart(ends).mark_line(strokeDash=[2, 3], strokeWidth=1, color="#888888")
    scale = alt.Scale(domain=[least, 1])
    return line.encode(x=alt.X("end:Q", scale=scale), y=alt.Y("end:Q", scale=scale))


def _interval(digits: str = ".3f") -> list[Any]:
    import altair as alt

    return [alt.Tooltip(f"{end}:Q", format=digits) for end in ("low", "high")]


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """At most so many rows, evenly spread, the first and the last among them."""
    rows = np.unique(np.linspace(0, len(table) - 1, MOST_POINTS).astype(int))
    return table.iloc[rows]


def _panels(
    table: pd.DataFrame,
    *layers: Any,
    independent: list[str] | None = None,
    height: int | None = HEIGHT,
    label_room: int = 0,
) -> dict[str, Any]:
    """Layers, in a panel for each value of ``panel`` where there are several."""
    import altair as alt

    values = _rows(table)
    chart: Any = alt.layer(*layers)
    chart = chart.properties(height={"step": 22} if height is None else height)
    if len(names := list(table["panel"].unique())) > 1:
        scales = dict.fromkeys(independent or [], "independent")
        panels = alt.Facet("panel:N", sort=names)
        chart = chart.facet(panels, data=_data(values)).resolve_scale(**scales)
    else:
        chart = chart.properties(data=_data(values))
    found: dict[str, Any] = chart.properties(usermeta={"labels": label_room}).to_dict()
    return found


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return [
        {name: _plain(value) for name, value in row.items()} for row in table.to_dict("records")
    ]


def _data(values: list[Any]) -> Any:
    import altair as alt

    return alt.Data(values=values)


def _plain(value: Any) -> Any:
    """A number of few digits, None where it is missing or infinite; anything else as it is."""
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value
