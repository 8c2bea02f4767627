"""The summary: what it says follows from the numbers it is given."""

from typing import Any

import pandas as pd
import pytest
from markup import Elements

from galaxy_morphology.report import summary


def score(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


def scores(**changes: Any) -> dict[str, Any]:
    calibration = {
        "calibration_error": score(0.02),
        "calibration_error_if_perfect": score(0.02, 0.01, 0.03),
    }
    found: dict[str, Any] = {
        "n": 1234, "confidence": 0.95, "class_prior": None, "simulated": False,
        "classes": {"Elliptical": {}, "Other": {}},
        "class_shares": {"Elliptical": 0.4, "Other": 0.6},
        "accuracy": score(0.875, 0.85, 0.9), "roc_auc": score(0.95, 0.93, 0.96),
        "macro_f1": score(0.87, 0.84, 0.89), "confusion_matrix": [[90, 10], [30, 170]],
        "calibration": {"after": calibration},
        "selection": {
            "accuracy_wanted": 0.95, "threshold": 0.8125, "kept": score(0.7, 0.68, 0.72),
            "accuracy": score(0.97, 0.95, 0.98),
        },
    }  # fmt: skip
    return {"validation": {}, "test": found | changes}


RATES = pd.DataFrame(
    {
        "quantity": ["half_light_radius_px", "half_light_radius_px", "gini"],
        "bin": ["1 to 2", "2 to 3", "0 to 1"], "n": 50,
        "error_rate": [0.3, 0.1, 0.2], "low": [0.2, 0.05, 0.1], "high": [0.4, 0.2, 0.3],
    }
)  # fmt: skip
SUSPECTS = pd.DataFrame({"split": ["test", "training", "test"], "suspected": [True, True, False]})


def said(
    metrics: dict[str, Any] | None = None,
    comparison: dict[str, Any] | None = None,
    **given: pd.DataFrame,
) -> tuple[str, Elements]:
    tables = {"rates": RATES, "suspects": SUSPECTS} | given
    found = Elements(summary(metrics or scores(), tables["rates"], tables["suspects"], comparison))
    return " ".join(found.text.replace("\N{NO-BREAK SPACE}", " ").split()), found


def test_it_says_how_good_the_last_split_was_classified() -> None:
    words, _ = said()
    assert "Of 1,234 test galaxies it classifies 0.875 (0.850-0.900) correctly" in words
    assert "To call all of them Other would be right for 60 %" in words
    assert "ROC AUC is 0.950 (0.930-0.960)" in words


def test_it_says_how_far_to_trust_probabilities() -> None:
    words, _ = said()
    assert "Nothing shows that its probabilities are off: their calibration error is 0.020" in words
    assert "With a probability of 0.812 or more come 70 % (68–72 %) of the galaxies" in words
    assert "of these 97 % (95–98 %) are right" in words
    off = scores()["test"]["calibration"]["after"] | {"calibration_error": score(0.05)}
    words, _ = said(scores(calibration={"after": off}))
    assert "Its probabilities are off: their calibration error is 0.050" in words
    assert "more validation galaxies" in words


def test_it_says_when_no_probability_is_enough() -> None:
    selection = {"accuracy_wanted": 0.95, "threshold": None, "kept": score(0, 0, 0.1)}
    words, _ = said(scores(selection=selection | {"accuracy": score(0)}))
    assert "No probability is high enough to promise an accuracy of 95 %" in words


def test_it_names_what_is_taken_for_what_and_kinds_of_galaxies_that_are_worse() -> None:
    words, found = said()
    assert "It takes 30 of 200 Other (15 %) for Elliptical and 10 of 100 Elliptical" in words
    assert "on galaxies with half light radius px 1 to 2 (30 % of 50) than on all" in words
    assert "gini" not in words  # its interval holds the error rate of all
    links = [link["href"] for link in found.all("a")]
    assert "#label=1&predicted=0" in links
    assert "#split=all&marked=suspected&sort=doubt" in links
    words, _ = said(rates=RATES.assign(low=0.0))
    assert "Of 3 groups of galaxies that look alike, none is classified worse" in words


def test_it_counts_labels_to_doubt() -> None:
    words, _ = said()
    assert "Look at the 2 labels to doubt, 1 of them of test galaxies" in words
    words, _ = said(suspects=SUSPECTS.assign(suspected=False))
    assert "No label stands out" in words


@pytest.mark.parametrize("matrix", [[[100, 0], [0, 200]], [[0, 0], [0, 300]]])
def test_it_says_so_where_nothing_was_wrong(matrix: list[list[int]]) -> None:
    words, _ = said(scores(confusion_matrix=matrix, roc_auc=score(None)))  # type: ignore[arg-type]
    assert "It makes no mistake among the test galaxies" in words
    assert "undefined" in words


def test_it_says_the_scores_against_votes_where_there_are_such() -> None:
    assert "votes" not in said()[0]
    against = {"accuracy": score(0.75, 0.2, 0.3), "brier": score(0.25, 0.2, 0.3)}
    votes = {"n_clear": 567, "cross_entropy": score(0.5, 0.2, 0.3)} | against
    words, _ = said(scores(votes=votes))
    assert "Of the 567 whose votes are clear it classifies 0.750 (0.200-0.300) correctly" in words
    assert "Brier score against the votes of all is 0.250" in words
    assert "its cross-entropy with them 0.500" in words


def test_class_names_are_text() -> None:
    evil = "<script>alert(1)</script>"
    words, found = said(scores(classes={evil: {}, "Other": {}}, class_shares={evil: 1.0}))
    assert evil in words
    assert found.all("script") == []


def test_kinds_of_a_few_galaxies_are_not_spoken_of() -> None:
    lone = RATES.iloc[:1].assign(quantity="measurement_flag", n=1, error_rate=1.0, low=0.2)
    words, _ = said(rates=pd.concat([lone, RATES]))
    assert words == said()[0]
    assert "measurement flag" not in words


def test_it_says_what_baselines_reach_where_they_were_compared() -> None:
    from .conclusions import conclusion_of

    words, found = said(comparison=conclusion_of())
    assert (
        "The best of 9 classical baselines, random forest both, has a ROC AUC of "
        "0.900 (0.880-0.920). The difference from compact on the same galaxies is "
        "-0.050 (-0.070 to -0.030), more than chance. See all that was compared."
    ) in words
    assert "comparison.html" in [link["href"] for link in found.all("a")]
    assert "kedro run" not in words
    words, found = said(comparison=conclusion_of(baseline=None))
    assert "baseline" not in words
    assert "comparison.html" in [link["href"] for link in found.all("a")]


def test_it_names_the_command_that_compares_where_nothing_was_compared() -> None:
    words, found = said()
    assert (
        "baselines reach on the same galaxies: kedro run --pipelines comparison,reporting" in words
    )
    assert "comparison.html" not in [link["href"] for link in found.all("a")]


def test_names_of_what_was_compared_are_text() -> None:
    from .conclusions import conclusion_of, standing

    evil = "<script>alert(1)</script>"
    words, found = said(comparison=conclusion_of(baseline=standing(evil, 0.9, -0.05)))
    assert evil in words
    assert found.all("script") == []
