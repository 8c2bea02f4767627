"""The model card says everything that was measured, loudly what is simulated, and no more."""

from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxy_morphology.evaluation import (
    calibration_scores,
    error_rates,
    model_card,
    score_predictions,
    selection_scores,
)

NAMES = ["Elliptical", "Spiral", "Edge-on"]
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PARAMETERS: dict[str, Any] = {
    "classes": {0: "Elliptical", 1: "Spiral"},
    "classification": {"class_prior": None, "accuracy_wanted": 0.95},
    "training": {"seed": 4711, "rate": 1e-05, "keep": "best"},
    "network": {"filters": [32, 64]},
}
UNDEFINED: dict[str, float | None] = {"value": None, "low": None, "high": None}


def metrics_of(n_classes: int = 2, splits: tuple[str, ...] = ("validation", "test")) -> Any:
    """Scores of random classifications, to be changed at will."""
    return deepcopy(_metrics_of(n_classes, splits))


@cache
def _metrics_of(n_classes: int, splits: tuple[str, ...]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    intervals: dict[str, Any] = {"confidence": 0.9, "n_resamples": 20, "seed": 0}
    names, metrics = np.array(NAMES[:n_classes]), {}
    for split in splits:
        n = {"validation": 60, "test": 1500}[split]
        truth = np.arange(n) % n_classes
        before, after = (rng.dirichlet(np.ones(n_classes), n) for _ in range(2))
        table = pd.DataFrame(after, columns=[f"probability_{name}" for name in names]).assign(
            class_name=names[truth], predicted_class=names[after.argmax(axis=1)], simulated=False
        )
        correct = after.argmax(axis=1) == truth
        metrics[split] = score_predictions(table, list(names), confidence=0.9) | {
            "class_prior": None,
            "calibration": {
                "temperature": 1.375,
                **calibration_scores(before, after, truth, **intervals),
            },
            "selection": {
                "accuracy_wanted": 0.97,
                "accuracy_confidence": 0.9,
                "threshold": 0.8125,
                **selection_scores(after.max(axis=1), correct, 0.8125, confidence=0.9),
            },
        }
    return metrics


@cache
def galaxies_of(n_classes: int = 2, *, simulated: bool = False) -> pd.DataFrame:
    """1200 training, 40 validation and 16 test galaxies of the first class, and so on."""
    rows = [
        {"class_name": name, "split": split, "duplicate_of": pd.NA, "simulated": simulated}
        for i, name in enumerate(NAMES[:n_classes])
        for split, n in (("training", 1200), ("validation", 40), ("test", 16))
        for _ in range(n + i)
    ]
    galaxies = pd.DataFrame(rows).astype({"duplicate_of": "Int64"})
    galaxies.loc[[3, 8, 20], "duplicate_of"] = 500
    return galaxies


def rates_of(low: list[float]) -> pd.DataFrame:
    """Error rates of bins of one quantity, with the low ends of their intervals."""
    rates = pd.DataFrame({"quantity": "half_light_radius", "low": low})
    rates["bin"] = [f"{i} to {i + 1}" for i in range(len(low))]
    return rates.assign(centre=1.0, n=77, error_rate=rates["low"] + 0.125, high=rates["low"] + 0.25)


def card(**changes: Any) -> str:
    simulated = changes.pop("simulated", False)
    n_classes = changes.pop("n_classes", 2)
    what: dict[str, Any] = {
        "galaxies": galaxies_of(n_classes, simulated=simulated),
        "archive": {"file": "MINE.zip", "bytes": 1234567, "sha256": SHA, "simulated": simulated,
                    "rejected": 7},
        "history": pd.DataFrame({"epoch": [1, 2, 3], "seconds": [30.0, 40.0, 50.0]}),
        "chosen_epoch": 2,
        "metrics": metrics_of(n_classes),
        "error_rates": rates_of([0.0, 0.0]),
        "suspect_labels": pd.DataFrame({"suspected": [True] * 21 + [False] * 90}),
        "parameters": PARAMETERS,
        "software": {
            "date": "2025-11-22 10:00 UTC", "commit": COMMIT, "python": "3.11.9",
            "platform": "Linux x86_64", "packages": {"numpy": "2.1.3", "tensorflow": "2.21.0"},
        },
    }  # fmt: skip
    return model_card(**(what | changes))


def section(text: str, title: str) -> str:
    """What stands below a heading."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def table_in(text: str, title: str) -> list[list[str]]:
    """Cells of the one table below a heading, without the line below its head."""
    lines = [line for line in section(text, title).split("\n") if line.startswith("|")]
    head, rule, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    assert set(rule) == {"---"}
    return [head, *rows]


def numbers(cell: str) -> list[float]:
    """Value, low and high."""
    value, interval = cell.removesuffix(")").split(" (")
    return [float(value), *map(float, interval.split("-"))]


def rounded(score: dict[str, float]) -> list[Any]:
    return [pytest.approx(score[end], abs=0.0005 + 1e-9) for end in ("value", "low", "high")]


def test_it_says_that_an_ensemble_was_not_trained() -> None:
    ensemble = card(history=pd.DataFrame(columns=["epoch", "seconds", "simulated"]), chosen_epoch=0)
    assert "the mean of their logits. Nothing was trained" in ensemble
    assert "no member has learned from the galaxies scored" in ensemble


def test_it_says_what_the_classifier_learned_from() -> None:
    data = section(card(), "Data")
    for words in (
        f"MINE.zip, 1,234,567 bytes, SHA-256 `{SHA}`", "2,515 galaxies were used", "7 left out",
        "3 are copies of another", "21 labels are suspected",
    ):  # fmt: skip
        assert words in data


def test_the_table_of_splits_holds_their_sizes() -> None:
    assert table_in(card(n_classes=3), "Data") == [
        ["split", "Edge-on", "Elliptical", "Spiral"],
        ["training", "1,202", "1,200", "1,201"],
        ["validation", "42", "40", "41"],
        ["test", "18", "16", "17"],
    ]
    without_test = galaxies_of().query("split != 'test'")
    text = card(galaxies=without_test, metrics=metrics_of(splits=("validation",)))
    assert [row[0] for row in table_in(text, "Data")] == ["split", "training", "validation"]


def test_it_says_how_the_classifier_was_trained() -> None:
    text = card(chosen_epoch=2)
    assert text.startswith("# Model card: a classifier of Elliptical and Spiral\n")
    assert "trained for 3 epochs (2.0 min); the weights of epoch 2 were kept" in text
    assert "Intervals are at 90%." in text
    assert "a classifier of Elliptical, Spiral and Edge-on\n" in card(n_classes=3)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("splits", [("validation",), ("validation", "test")])
def test_scores_stand_under_their_split_with_their_intervals(
    n_classes: int, splits: tuple[str, ...]
) -> None:
    metrics = metrics_of(n_classes, splits)
    head, sizes, *rows = table_in(card(n_classes=n_classes, metrics=metrics), "Scores")
    assert head == ["score", *splits]
    assert sizes == ["galaxies", "60", "1,500"][: 1 + len(splits)]
    cells = {name: row for name, *row in rows}
    names = {"accuracy": "accuracy", "macro F1": "macro_f1", "ROC AUC": "roc_auc"}
    assert list(cells) == [
        *names,
        *(f"{name}: {score}" for name in NAMES[:n_classes] for score in ("precision", "recall")),
    ]
    for i, scores in enumerate(metrics.values()):
        for words, name in names.items():
            assert numbers(cells[words][i]) == rounded(scores[name])
        for name, of_class in scores["classes"].items():
            for score in ("precision", "recall"):
                assert numbers(cells[f"{name}: {score}"][i]) == rounded(of_class[score])


def test_calibration_is_that_of_the_split_to_go_by() -> None:
    metrics = metrics_of()
    text = card(metrics=metrics)
    head, *rows = table_in(text, "Calibration")
    assert head == ["", "before", "after", "difference"]
    assert [row[0] for row in rows] == ["log loss", "Brier score", "calibration error"]
    for measure, *cells in rows:
        for stage, cell in zip(head[1:], cells, strict=True):
            # The minus of a number is the dash of an interval too.
            scores = metrics["test"]["calibration"][stage]
            score = scores[measure.lower().removesuffix(" score").replace(" ", "_")]
            if measure == "calibration error":
                perfect = scores.get("calibration_error_if_perfect")
                ends = perfect and f" ({perfect['low']:.3f}-{perfect['high']:.3f} if perfect)"
                assert cell == f"{score['value']:.3f}{ends or ''}"
                continue
            assert cell == f"{score['value']:.3f} ({score['low']:.3f}-{score['high']:.3f})"
    words = section(text, "Calibration")
    assert "Of test galaxies" in words
    assert "a temperature of 1.38" in words
    selection = metrics["test"]["selection"]
    kept, accuracy = words.split("At a probability of 0.812 or more, ")[1].split(
        " of the galaxies are kept, with an accuracy of "
    )
    assert numbers(kept) == rounded(selection["kept"])
    accuracy, promise = accuracy.split(". ")
    assert numbers(accuracy) == rounded(selection["accuracy"])
    assert "for an accuracy of 97% with a confidence of 90%" in promise


def test_without_a_threshold_it_says_that_there_is_none() -> None:
    metrics = metrics_of()
    metrics["test"]["selection"] = {
        "accuracy_wanted": 0.97,
        "accuracy_confidence": 0.9,
        "threshold": None,
        "kept": {"value": 0.0, "low": 0.0, "high": 0.1},
        "accuracy": UNDEFINED,
    }
    words = section(card(metrics=metrics), "Calibration")
    assert "No probability is enough for an accuracy of 97% with a confidence of 90%" in words
    assert "None" not in words
    assert "At a probability" not in words


def test_what_is_undefined_is_said_to_be() -> None:
    metrics = metrics_of()
    metrics["test"]["roc_auc"] = UNDEFINED
    metrics["test"]["classes"]["Spiral"]["recall"] = UNDEFINED
    metrics["test"]["selection"]["accuracy"] = UNDEFINED
    text = card(metrics=metrics)
    cells = {name: row for name, *row in table_in(text, "Scores")}
    for name in ("ROC AUC", "Spiral: recall"):
        assert cells[name][1] == "undefined"
        assert cells[name][0] != "undefined"
    assert "with an accuracy of undefined" in section(text, "Calibration")
    assert "None" not in section(text, "Scores")


def test_an_interval_that_nobody_knows_is_said_to_be_missing() -> None:
    metrics = metrics_of()
    metrics["test"]["calibration"]["after"]["brier"] |= {"value": 0.01, "low": None, "high": None}
    rows = {name: row for name, *row in table_in(card(metrics=metrics), "Calibration")}
    assert rows["Brier score"][1] == "0.010 (no interval)"


@pytest.mark.parametrize("error", [0.02, 0.2])
def test_it_says_whether_probabilities_are_off(error: float) -> None:
    metrics = metrics_of()
    for stage in ("before", "after"):
        metrics["test"]["calibration"][stage] |= {
            "calibration_error": {"value": error, "low": None, "high": None},
            "calibration_error_if_perfect": {"value": 0.03, "low": 0.01, "high": 0.05},
        }
    words = section(card(metrics=metrics), "Calibration")
    assert "in 90% of cases one within the range beside it" in words
    assert ("nothing shows that probabilities are off" in words) == (error < 0.05)
    assert ("so that probabilities are off" in words) == (error > 0.05)


def test_it_says_which_mix_of_classes_scores_are_for() -> None:
    metrics = metrics_of()
    words = section(card(metrics=metrics), "Scores")
    assert "that these galaxies have (50% Elliptical, 50% Spiral)" in words
    assert "probabilities for equal shares" in words
    metrics["test"] |= {
        "class_prior": {"Elliptical": 3, "Spiral": 7}, "n_effective": 1071.4,
        "class_shares": {"Elliptical": 0.3, "Spiral": 0.7},
    }  # fmt: skip
    words = section(card(metrics=metrics), "Scores")
    assert "for a mix of 30% Elliptical, 70% Spiral, set as `classification.class_prior`" in words
    assert "at least as much as 1,071 galaxies of that mix" in words


def test_scores_against_votes_stand_below_the_usual_ones() -> None:
    metrics = metrics_of()
    for i, scores in enumerate(metrics.values()):
        names = ("brier", "cross_entropy", "accuracy", "roc_auc")
        scores["votes"] = {"n_clear": 1000 + i, "entropy": 0.25} | {
            name: {"value": 0.5 + i / 10 + j / 100, "low": 0.4, "high": 0.9}
            for j, name in enumerate(names)
        }
    metrics["test"]["votes"]["roc_auc"] = UNDEFINED
    text = card(metrics=metrics)
    rows = table_in(text, "Scores")
    usual = len(table_in(card(), "Scores"))
    assert rows[usual:] == [
        ["galaxies of a clear class", "1,000", "1,001"],
        ["Brier score against votes", "0.500 (0.400-0.900)", "0.600 (0.400-0.900)"],
        ["cross-entropy with votes", "0.510 (0.400-0.900)", "0.610 (0.400-0.900)"],
        ["accuracy of the clear ones", "0.520 (0.400-0.900)", "0.620 (0.400-0.900)"],
        ["ROC AUC of the clear ones", "0.530 (0.400-0.900)", "undefined"],
        ["entropy of the votes", "0.250", "0.250"],
    ]
    assert "Labels are fractions of votes, and so are probabilities" in section(text, "Scores")
    assert "Of test galaxies, against their votes; logits" in section(text, "Calibration")
    for said, words in ((text, True), (card(), False)):
        assert (
            "classification.class_prior" not in section(said, "Intended use and limits")
        ) == words
        assert ("vote" in said) == words


ODD = ["S|b *", "_E_ $x$ <b>`", "a\nb & \\c #1 [x](y)"]


def test_any_class_name_looks_like_itself() -> None:
    from markdown_it import MarkdownIt

    metrics, galaxies = metrics_of(3), galaxies_of(3)
    for scores in metrics.values():
        scores["classes"] = dict(zip(ODD, scores["classes"].values(), strict=True))
        scores["class_shares"] = dict.fromkeys(ODD, 1 / 3)
    galaxies = galaxies.assign(
        class_name=galaxies["class_name"].replace(dict(zip(NAMES, ODD, strict=True)))
    )
    text = card(metrics=metrics, galaxies=galaxies, parameters={"classes": ODD, "odd": "```\nx"})
    parsed = MarkdownIt("commonmark").enable("table").parse(text)
    # The text of each cell and paragraph; anything but text in it would be markup.
    shown = [token.children or [] for token in parsed if token.type == "inline"]
    names = [" ".join(name.split()) for name in ODD]
    cells = ["".join(child.content for child in children) for children in shown]
    for name in names:
        assert name in cells[0]  # the heading
        assert name in cells
        assert f"{name}: recall" in cells
        for children, cell in zip(shown, cells, strict=True):
            if name in cell and "set as" not in cell:
                assert {child.type for child in children} <= {"text", "text_special", "softbreak"}
    assert r"\$x\$" in text  # which GitHub takes for mathematics
    (block,) = (token for token in parsed if token.type == "fence")
    assert yaml.safe_load(block.content) == {"classes": ODD, "odd": "```\nx"}


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_galaxies_are_called_so_first_of_all_and_no_others(simulated: bool) -> None:
    text = card(simulated=simulated)
    assert ("simulated" in text.lower()) == simulated
    if simulated:
        first, warning, *_ = (line for line in text.split("\n") if line)
        assert first.startswith("# ")
        assert warning.startswith("**These galaxies are SIMULATED.")
        assert warning.endswith("**")


def test_only_what_is_surely_worse_is_a_known_failure() -> None:
    metrics = metrics_of()
    metrics["test"]["accuracy"]["value"] = 0.75
    metrics["validation"]["accuracy"]["value"] = 0.5  # not the split to go by
    # The third is as bad as all by its low end; the error rates of all of them lie above.
    rates = rates_of([0.3, 0.2, 0.25, 0.5, 0.249])
    words = section(card(metrics=metrics, error_rates=rates), "Known failures")
    assert "The error rate of all galaxies is 0.250. Of 5 groups" in words
    assert "about 0)" in words  # a twentieth of five
    assert [line for line in words.split("\n") if line.startswith("- ")] == [
        "- half light radius 3 to 4: 0.625 (0.500-0.750), 77 galaxies",
        "- half light radius 0 to 1: 0.425 (0.300-0.550), 77 galaxies",
    ]


@given(low=st.lists(st.floats(0, 0.7), min_size=1, max_size=30), accuracy=st.floats(0.3, 1))
@settings(max_examples=30)
def test_every_failure_is_listed_and_nothing_else(low: list[float], accuracy: float) -> None:
    metrics = metrics_of()
    metrics["test"]["accuracy"]["value"] = accuracy
    rates = rates_of(low)
    words = section(card(metrics=metrics, error_rates=rates), "Known failures")
    listed = [line.split(":")[0] for line in words.split("\n") if line.startswith("- ")]
    worse = [i for i, end in enumerate(low) if end > 1 - accuracy]
    assert set(listed) == {f"- half light radius {i} to {i + 1}" for i in worse}
    assert len(listed) == len(worse)
    assert ("none has an error rate" in words) == (not worse)
    assert ("by chance alone" in words) == bool(worse)
    assert f"Of {len(low)} groups" in words


def test_a_failure_that_was_planted_is_found() -> None:
    # Right about all galaxies but one in ten, and about none that touches the edge.
    touches = np.arange(200) < 20
    predictions = pd.DataFrame({"cataid": range(200), "correct": ~touches})
    features = pd.DataFrame({"cataid": range(200), "touches_edge": touches, "flag": ""})
    quantities = ["touches_edge", "flag"]
    rates = error_rates(predictions, features, quantities, n_bins=5, confidence=0.95)
    metrics = metrics_of()
    metrics["test"]["accuracy"]["value"] = 0.9
    words = section(card(metrics=metrics, error_rates=rates), "Known failures")
    assert "- touches edge True: 1.000 (0.839-1.000), 20 galaxies" in words
    assert words.count("\n- ") == 1


def configured(text: str) -> Any:
    """The block of YAML below the heading "Configuration"."""
    return yaml.safe_load(section(text, "Configuration").split("```yaml\n")[1].split("\n```")[0])


def test_the_configuration_is_all_there() -> None:
    text = card()
    assert configured(text) == PARAMETERS
    assert "seed: 4711" in text


# Without control characters and exotic spaces, some of which PyYAML itself does not read back.
WORDS = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \n"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(parameters=st.dictionaries(WORDS, VALUES, min_size=1, max_size=4))
@settings(max_examples=60)
def test_any_configuration_can_be_read_back(parameters: dict[str, Any]) -> None:
    text = card(parameters=parameters)
    assert configured(text) == parameters


def test_it_says_with_what_it_was_made() -> None:
    text = card()
    words = section(text, "Software")
    assert f"Written 2025-11-22 10:00 UTC by commit `{COMMIT}` on Linux x86_64" in words
    assert "Python 3.11.9." in words
    assert table_in(text, "Software") == [
        ["package", "version"], ["numpy", "2.1.3"], ["tensorflow", "2.21.0"],
    ]  # fmt: skip


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("simulated", [True, False])
def test_tables_and_headings_are_those_of_markdown(n_classes: int, simulated: bool) -> None:
    text = card(n_classes=n_classes, simulated=simulated)
    lines = text.split("\n")
    tables: list[list[str]] = []
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|"):
            if not before.startswith("|"):
                assert before == ""  # else Markdown takes the table for words of the paragraph
                tables.append([])
            tables[-1].append(line)
        elif line.startswith("#"):
            assert before == ""
    assert len(tables) == 4
    for table in tables:
        assert len({line.count("|") for line in table}) == 1
        assert set(table[1]) == set("| -")
    assert "\n\n\n\n" not in text
    assert text.endswith("|\n")
    assert "{" not in text.replace("{}", "")  # every placeholder is filled


def test_what_the_network_sees_is_named() -> None:
    assert "in the same three bands and colours, of the same" in card()
    seen = {"cutouts": {"channels": ["g", "r_1", 2]}}
    assert r"in the same bands (g, r\_1, 2), of the same brightness" in card(parameters=seen)
