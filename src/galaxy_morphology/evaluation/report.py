"""The scores as a table that people read."""

from typing import Any


def format_metrics(metrics: dict[str, Any]) -> str:
    """Lay out the scores of every split as text, each with its interval.

    Args:
        metrics: By split, what ``score_predictions`` returns.

    Returns:
        Several lines, to be printed in a fixed-width font.
    """
    return "\n\n".join(_format_split(name, scores) for name, scores in metrics.items())


def _format_split(name: str, scores: dict[str, Any]) -> str:
    heads = ("precision", "recall", "f1")
    width = max(len("weighted average"), *(len(label) for label in scores["classes"]))
    kind = "SIMULATED galaxies" if scores["simulated"] else "galaxies"
    lines = [
        f"{name.capitalize()}: {scores['n']:,} {kind} "
        f"(value and {scores['confidence']:.0%} interval)",
        " " * width + "".join(f"{head:>21}" for head in heads) + f"{'support':>10}",
    ]
    for label, row in scores["classes"].items():
        cells = "".join(_cell(row[head]) for head in heads)
        lines.append(f"{label:<{width}}{cells}{row['support']:>10,}")
    for average in ("macro", "weighted"):
        cells = "".join(_cell(scores[f"{average}_{head}"]) for head in heads)
        lines.append(f"{average + ' average':<{width}}{cells}{scores['n']:>10,}")
    lines.append(f"{'accuracy':<{width}}{_cell(scores['accuracy'])}")
    lines.append(f"{'ROC AUC':<{width}}{_cell(scores['roc_auc'])}")
    if "calibration" in scores:
        lines += ["", *_format_calibration(scores["calibration"], width)]
    if "selection" in scores:
        lines += ["", _format_selection(scores["selection"])]
    return "\n".join(lines)


def _format_calibration(calibration: dict[str, Any], width: int) -> list[str]:
    stages = ("before", "after", "difference")
    width = max(width, len("calibration error"))
    head = f"temperature {calibration['temperature']:.2f}"
    lines = [f"{head:<{width}}" + "".join(f"{stage:>24}" for stage in stages)]
    for measure in calibration["before"]:
        cells = "".join(_cell(calibration[stage][measure], 24) for stage in stages)
        lines.append(f"{measure.replace('_', ' '):<{width}}{cells}")
    return lines


def _format_selection(selection: dict[str, Any]) -> str:
    if selection["threshold"] is None:
        return f"No certainty is enough for an accuracy of {selection['accuracy_wanted']:.0%}."
    return (
        f"Above a probability of {selection['threshold']:.3f} (chosen in validation for an "
        f"accuracy of {selection['accuracy_wanted']:.0%}):\n"
        f"keeps {_cell(selection['kept'], 0)}, accuracy {_cell(selection['accuracy'], 0)}"
    )


def _cell(score: dict[str, float | None], width: int = 21) -> str:
    if score["value"] is None:
        return f"{'undefined':>{width}}"
    return f"{score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})".rjust(width)
