"""The summary of a survey: what it says follows from the numbers it is given."""

from typing import Any

import pandas as pd
from markup import Elements

from galaxy_morphology.report import survey_summary

from .test_summary import score

COUNTS = {
    "galaxies": 12_345, "classified": 12_300, "rejected": 45, "duplicates": 7, "keep": 9_840,
    "unlike_training": 246, "channel_without_signal": 0,
}  # fmt: skip
SHARES = pd.DataFrame(
    [
        ("counted", "Elliptical", 0.4, 0.39, 0.41), ("counted", "Other", 0.6, 0.59, 0.61),
        ("Rogan-Gladen", "Elliptical", 0.31, 0.2, 0.4), ("Rogan-Gladen", "Other", 0.69, 0.6, 0.8),
        ("Saerens", "Elliptical", 0.3, 0.28, 0.325), ("Saerens", "Other", 0.7, 0.675, 0.72),
    ],
    columns=["method", "class_name", "share", "low", "high"],
)  # fmt: skip
SHIFTS = pd.DataFrame(
    {
        "quantity": ["sky_red", "magnitude"], "training_median": [4.0, -12.0],
        "survey_median": [9.0, -12.1], "ks_distance": [0.61, 0.1], "cliffs_delta": [0.7, -0.05],
        "differs": [True, False],
    }
)  # fmt: skip
ALIKE = SHIFTS.assign(differs=False)


def given(**changes: Any) -> dict[str, Any]:
    return {
        "reasons": {"it is empty": 30, "it cannot be decoded": 10, "a": 3, "b": 1, "c": 1},
        "n_nameless": 2, "n_to_label": 100, "flagged": score(0.02, 0.018, 0.023),
        "expected": score(0.01, 0.005, 0.015), "flagged_share": 0.01, "threshold": 0.8125,
        "accuracy_wanted": 0.95, "confidence": 0.9, "least_distance": 0.2,
    } | changes  # fmt: skip


def said(
    counts: dict[str, int] | None = None,
    shares: pd.DataFrame = SHARES,
    shifts: pd.DataFrame = SHIFTS,
    **changes: Any,
) -> tuple[str, Elements]:
    html = survey_summary(COUNTS | (counts or {}), shares, shifts, **given(**changes))
    found = Elements(html)
    return " ".join(found.text.replace("\N{NO-BREAK SPACE}", " ").split()), found


def test_it_says_what_was_read_classified_and_rejected_and_why() -> None:
    words, _ = said()
    assert "Of 12,345 galaxies, 12,300 were classified and 45 rejected" in words
    assert "30 for “it is empty”, 10 for “it cannot be decoded”, 3 for “a”, 2 for other" in words
    assert "2 images have no identifier" in words
    assert "246 as unlike the training galaxies, 7 as having the pixels of another" in words
    assert "9,840 (80 %) reach the probability of 0.812" in words
    assert "2,460 are for a human" in words


def test_it_says_the_shares_and_which_to_quote() -> None:
    words, _ = said(shifts=ALIKE, flagged=score(0.01, 0.008, 0.012))
    assert "Elliptical: 30 % (28–32 %) corrected; 40 % (39–41 %) as counted" in words
    assert "Quote the corrected shares and the method, Saerens" in words
    assert "with a doubt" not in words
    assert "Intervals are at 90 %" in words
    undefined = SHARES.assign(share=SHARES["share"].where(SHARES["method"] != "Saerens"))
    assert "Other: 69 % (60–80 %) corrected" in said(shares=undefined)[0]
    counted = SHARES.assign(share=SHARES["share"].where(SHARES["method"] == "counted"))
    assert "quote what was counted" in said(shares=counted)[0]


def test_a_survey_that_looks_different_is_doubted() -> None:
    words, _ = said()
    assert "That is 2.0 times as many as expected: with as few" in words
    assert (
        "Different from the training galaxies is sky red (median 9 against 4, distance 0.61, "
        "Cliff’s delta +0.70)."
    ) in words
    assert "with a doubt" in words
    assert "to be doubted until some galaxies of this survey have labels" in words
    assert "Label some random galaxies too" in words
    # One of both is enough.
    assert "to be doubted until" in said(shifts=ALIKE)[0]
    assert "to be doubted until" in said(flagged=score(0.01, 0.008, 0.012))[0]


def test_a_survey_that_looks_alike_is_not() -> None:
    words, _ = said(shifts=ALIKE, flagged=score(0.012, 0.01, 0.014))
    assert "no more than expected" in words
    assert "None of 2 quantities" in words
    assert "the largest distance is 0.61, where 0.20 would" in words
    assert "Nothing that was looked at speaks against" in words
    assert "random galaxies" not in words


def test_without_a_threshold_nobody_is_used_without_a_human() -> None:
    words, found = said({"keep": 0}, threshold=None)
    assert "no probability promises an accuracy of 95 %" in words
    assert "#group=certain_enough" not in {link["href"] for link in found.all("a")}


def test_where_none_was_classified_it_says_so_and_no_more() -> None:
    words, _ = said(
        {"classified": 0, "keep": 0, "unlike_training": 0, "rejected": 12_345},
        SHARES.assign(share=None, low=None, high=None).astype({"share": float}),
        SHIFTS.head(0), flagged=score(None, None, None),  # type: ignore[arg-type]
    )  # fmt: skip
    assert "0 were classified and 12,345 rejected" in words
    assert "Quote" not in words


def test_numbers_lead_to_sections_and_views() -> None:
    _, found = said()
    targets = {link["href"] for link in found.all("a")}
    assert targets == {
        "#galaxies", "#what-was-read", "#how-frequent-the-classes-are",
        "#the-survey-beside-the-training-galaxies", "#predicted=0", "#predicted=1",
        "#marked=not_classified", "#marked=same_pixels_as_another",
        "#marked=unlike_the_training_galaxies&sort=unlike",
        "#group=worth_a_label", "#group=random", "#group=certain_enough", "#group=for_a_human",
    }  # fmt: skip
