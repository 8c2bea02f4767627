"""The scores as a table that people read."""

from typing import Any

from galaxy_morphology.evaluation.votes import OF_VOTES
from galaxy_morphology.words import format_mix, format_score


def format_metrics(metrics: dict[str, Any]) -> str:
    """Lay out the scores of every split as text, each with its interval.

    Args:
        metrics: By split, what ``score_predictions`` returns.

    Returns:
        Several lines, to be printed in a fixed-width font.
    """
    return "\n\n".join(_format_split(name, scores) for name, scores in metrics.items())


def format_calibration(scores: dict[str, Any], measure: str) -> str:
    """A measure of calibration in words; its error beside that of perfect probabilities.

    Args:
        scores: By measure, of one of the stages that ``calibration_scores`` returns.
        measure: Its name.
    """
    if measure != "calibration_error":
        return format_score(scores[measure])
    error, perfect = scores[measure], scores.get("calibration_error_if_perfect")
    if perfect is None:
        return f"{error['value']:.3f}"
    return f"{error['value']:.3f} ({perfect['low']:.3f}-{perfect['high']:.3f} if perfect)"


MEASURES = {
    "log_loss": "log loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
}
"""Measures of calibration, and what they are called."""


def _format_split(name: str, scores: dict[str, Any]) -> str:
    heads = ("precision", "recall", "f1")
    # What would break a line, or hide part of it, becomes a space.
    classes = {_printable(label): row for label, row in scores["classes"].items()}
    width = max(len("weighted average"), *(len(label) for label in classes))
    kind = "SIMULATED galaxies" if scores["simulated"] else "galaxies"
    lines = [
        f"{name.capitalize()}: {scores['n']:,} {kind} "
        f"(value and {scores['confidence']:.0%} interval)",
        " " * width + "".join(f"{head:>21}" for head in heads) + f"{'support':>10}",
    ]
    if scores.get("class_prior") is not None:
        lines.insert(1, f"for a mix of {_printable(format_mix(scores['class_shares']))}")
    for label, row in classes.items():
        cells = "".join(_cell(row[head]) for head in heads)
        lines.append(f"{label:<{width}}{cells}{row['support']:>10,}")
    for average in ("macro", "weighted"):
        cells = "".join(_cell(scores[f"{average}_{head}"]) for head in heads)
        lines.append(f"{average + ' average':<{width}}{cells}{scores['n']:>10,}")
    lines.append(f"{'accuracy':<{width}}{_cell(scores['accuracy'])}")
    lines.append(f"{'ROC AUC':<{width}}{_cell(scores['roc_auc'])}")
    if "votes" in scores:
        lines += ["", *_format_votes(scores["votes"], width)]
    if "calibration" in scores:
        lines += ["", *_format_calibration(scores["calibration"], width)]
    if "selection" in scores:
        lines += ["", _format_selection(scores["selection"])]
    return "\n".join(lines)


def _format_votes(votes: dict[str, Any], width: int) -> list[str]:
    width = max(width, *map(len, OF_VOTES.values()))
    return [
        f"{votes['n_clear']:,} are of a clear class; votes have an entropy of "
        f"{votes['entropy']:.3f}",
        *(f"{words:<{width}}{_cell(votes[name])}" for name, words in OF_VOTES.items()),
    ]


def _format_calibration(calibration: dict[str, Any], width: int) -> list[str]:
    stages = ("before", "after", "difference")
    width = max(width, len("calibration error"))
    head = f"temperature {calibration['temperature']:.2f}"
    lines = [f"{head:<{width}}" + "".join(f"{stage:>32}" for stage in stages)]
    for measure, words in MEASURES.items():
        cells = "".join(
            f"{format_calibration(calibration[stage], measure):>32}" for stage in stages
        )
        lines.append(f"{words:<{width}}{cells}")
    return lines


def _format_selection(selection: dict[str, Any]) -> str:
    wanted = (
        f"an accuracy of {selection['accuracy_wanted']:.0%} with a confidence of "
        f"{selection['accuracy_confidence']:.0%}"
    )
    if selection["threshold"] is None:
        return f"No certainty is enough for {wanted}."
    return (
        f"From a probability of {selection['threshold']:.3f} on (chosen in validation for "
        f"{wanted}):\n"
        f"keeps {format_score(selection['kept'])}, accuracy {format_score(selection['accuracy'])}"
    )


def _cell(score: dict[str, float | None]) -> str:
    return f"{format_score(score):>21}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
