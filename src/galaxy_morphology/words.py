"""Scores in words, the same in tables, figures and the model card."""

from collections.abc import Mapping
from typing import Any


def format_score(score: Mapping[Any, Any], name: str = "value") -> str:
    """A score and its interval in words.

    Args:
        score: ``low`` and ``high``, None where no interval is known, and the score, None where it
            is undefined.
        name: By which name it has the score.
    """
    if score[name] is None:
        return "undefined"
    known = score["low"] is not None
    ends = f"{score['low']:.3f}-{score['high']:.3f}" if known else "no interval"
    return f"{score[name]:.3f} ({ends})"


def format_difference(difference: Mapping[Any, Any]) -> str:
    """A difference and its interval in words, each with its sign.

    Args:
        difference: ``value``, ``low`` and ``high``; None as in :func:`format_score`.
    """
    if difference["value"] is None:
        return "undefined"
    known = difference["low"] is not None
    low, high = (f"{difference[end]:+z.3f}" if known else "" for end in ("low", "high"))
    return f"{difference['value']:+z.3f} ({f'{low} to {high}' if known else 'no interval'})"


def format_mix(shares: dict[str, float]) -> str:
    """A mix of classes in words.

    Args:
        shares: Of each class, by name.
    """
    return ", ".join(f"{100 * share:.3g}% {name}" for name, share in shares.items())
