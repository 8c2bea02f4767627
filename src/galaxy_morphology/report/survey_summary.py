"""What a survey found, in sentences: what was classified, the shares, how far to trust it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from galaxy_morphology.report.rendering import render

MOST_NAMED = 3
CORRECTIONS = ("Saerens", "Rogan-Gladen")
"""Of shares, the one with the narrower intervals first."""


def survey_summary(
    counts: Mapping[str, Any],
    class_shares: pd.DataFrame,
    shifts: pd.DataFrame,
    *,
    reasons: Mapping[str, int],
    n_nameless: int,
    n_to_label: int,
    flagged: Mapping[str, Any],
    expected: Mapping[str, Any],
    flagged_share: float,
    threshold: float | None,
    accuracy_wanted: float,
    confidence: float,
    least_distance: float,
) -> str:
    """Say what the catalogue of a survey comes to.

    Args:
        counts: ``galaxies``, ``classified``, ``rejected``, ``duplicates``, ``keep``,
            ``unlike_training`` and ``channel_without_signal``.
        class_shares: A row for each method and class, NaN where a share is not defined.
        shifts: A row per quantity that was compared with the training galaxies.
        reasons: Why galaxies were rejected, and how many, the most frequent first.
        n_nameless: Images without an identifier.
        n_to_label: Galaxies that are worth a label.
        flagged: Share of the classified galaxies that is unlike the training galaxies, with its
            interval.
        expected: What that may be by chance, since few validation galaxies tell what is unlike.
        flagged_share: Share of the validation galaxies that is.
        threshold: Probability from which galaxies may be used without a human; None for none.
        accuracy_wanted: Which that is to promise.
        confidence: Level of the intervals.
        least_distance: See :func:`~galaxy_morphology.evaluation.distribution_shifts`.

    Returns:
        A section of HTML, whose numbers lead to the sections and galaxies they come from.
    """
    named = dict(list(reasons.items())[:MOST_NAMED])
    method = _method(class_shares)
    shares = _shares(class_shares, method)
    too_many = flagged["low"] is not None and flagged["low"] > (expected["high"] or flagged_share)
    differing = shifts[shifts["differs"]].sort_values("ks_distance", ascending=False)
    return render(
        "survey_summary.html.j2",
        counts=counts,
        reasons=list(named.items()),
        n_other_reasons=counts["rejected"] - sum(named.values()),
        n_nameless=n_nameless,
        method=method,
        method_in_words="as counted" if method == "counted" else f"corrected ({method})",
        shares=shares if counts["classified"] else [],
        frequent=max(
            (one["quoted"] or one["counted"] for one in shares if counts["classified"]),
            key=lambda one: float(one["share"]),
            default=None,
        ),
        threshold=threshold,
        accuracy_wanted=accuracy_wanted,
        flagged=flagged,
        flagged_share=flagged_share,
        expected=expected,
        too_many=too_many,
        differing=[
            {**one, "words": one["quantity"].replace("_", " ")}
            for one in differing.head(MOST_NAMED).to_dict("records")
        ],
        n_differing=len(differing),
        n_compared=len(shifts),
        largest=shifts["ks_distance"].max(),
        least_distance=least_distance,
        doubtful=too_many or len(differing) > 0,
        n_to_label=n_to_label,
        confidence=confidence,
    )


def _method(class_shares: pd.DataFrame) -> str:
    """The correction that could be made of all classes; else ``counted``."""
    defined = class_shares.groupby("method")["share"].apply(lambda share: share.notna().all())
    return next((name for name in CORRECTIONS if defined.get(name, False)), "counted")


def _shares(class_shares: pd.DataFrame, method: str) -> list[dict[str, Any]]:
    """Each class with its share as counted, and by a method where that is another."""
    known = class_shares.astype(object).where(class_shares.notna(), None)
    of_method = {
        name: {one["class_name"]: one for one in some.to_dict("records")}
        for name, some in known.groupby("method")
    }
    return [
        {
            "class_name": name,
            "counted": counted,
            "quoted": of_method[method][name] if method != "counted" else None,
        }
        for name, counted in of_method["counted"].items()
    ]
