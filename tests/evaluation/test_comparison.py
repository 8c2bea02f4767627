"""Two classifiers compared, against scikit-learn, closed forms and hand-worked cases."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.stats import binomtest, norm
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, roc_auc_score

from galaxy_morphology.evaluation import (
    compare_classifiers,
    conclude_comparison,
    mix_weights,
    summarise_seeds,
)
from galaxy_morphology.evaluation.intervals import wilson_interval
from galaxy_morphology.evaluation.scores import squared_errors
from galaxy_morphology.typing import FloatArray, IntArray

SCORES = ("accuracy", "macro_f1", "roc_auc", "brier")
Pair = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int_]]


def judged(
    truth: IntArray, n_classes: int, difficulty: FloatArray, skill: float, seed: int
) -> NDArray[np.float64]:
    """Probabilities of a classifier to whom galaxies are as difficult as is said."""
    logits = np.random.default_rng(seed).normal(0, 0.5, (len(truth), n_classes))
    logits[np.arange(len(truth)), truth] += skill - difficulty
    weights = np.exp(logits)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def a_pair(n_classes: int, n: int = 300, seed: int = 0) -> Pair:
    """Two classifiers who find the same galaxies difficult, the first of them better."""
    rng = np.random.default_rng(seed)
    truth, difficulty = rng.integers(0, n_classes, n), rng.normal(0, 2, n)
    truth[:n_classes] = range(n_classes)  # none is missing
    this, reference = (
        judged(truth, n_classes, difficulty, skill, seed + i) for i, skill in ((1, 1.4), (2, 1.0))
    )
    return this, reference, truth


def compare(
    this: FloatArray, reference: FloatArray, truth: IntArray, **changes: Any
) -> dict[str, float]:
    options: dict[str, Any] = {"confidence": 0.95} | changes
    return compare_classifiers(this, reference, truth, **options)


def width(row: dict[str, float], name: str) -> float:
    return row[f"{name}_high"] - row[f"{name}_low"]


def scikit_learns(probability: FloatArray, truth: IntArray) -> dict[str, float]:
    """The scores by another hand, without that of the ROC curve where a class is missing."""
    labels, said = range(probability.shape[1]), probability.argmax(axis=1)
    positive = probability[:, 1] if len(labels) == 2 else probability
    scores = {
        "accuracy": accuracy_score(truth, said),
        "macro_f1": f1_score(truth, said, average="macro", labels=labels, zero_division=0),
        "brier": brier_score_loss(truth, positive, labels=labels),
    }
    if len(set(truth)) == len(labels):
        scores["roc_auc"] = roc_auc_score(truth, positive, multi_class="ovr")
    return scores


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_scores_are_scikit_learns(n_classes: int) -> None:
    this, _, truth = a_pair(n_classes)
    expected = scikit_learns(this, truth)
    assert set(expected) == set(SCORES)
    row = compare(this, this, truth)
    assert {name: row[name] for name in expected} == pytest.approx(expected)


@given(
    # Whole numbers, so that many probabilities are equal.
    weights=arrays.arrays(
        int, st.tuples(st.integers(1, 30), st.integers(2, 4)), elements=st.integers(1, 4)
    ),
    seed=st.integers(0, 99),
)
def test_scores_of_any_galaxies_are_scikit_learns(weights: NDArray[Any], seed: int) -> None:
    probability = weights / weights.sum(axis=1, keepdims=True)
    n, n_classes = probability.shape
    truth = np.random.default_rng(seed).integers(0, n_classes, n)
    scores, expected = compare(probability, probability, truth), scikit_learns(probability, truth)
    assert np.isnan(scores["roc_auc"]) == ("roc_auc" not in expected)
    assert {name: scores[name] for name in expected} == pytest.approx(expected)


def test_brier_scores_by_hand() -> None:
    # Of two classes the error of one, of three the sum of the errors of all.
    errors = squared_errors(np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([1, 1]))
    assert errors == pytest.approx([0.3**2, 0.6**2])
    errors = squared_errors(np.array([[0.5, 0.3, 0.2]]), np.array([1]))
    assert errors == pytest.approx([0.5**2 + 0.7**2 + 0.2**2])
    assert (squared_errors(np.eye(3), np.array([0, 1, 2])) == 0).all()
    assert (squared_errors(np.eye(2), np.array([1, 0])) == 1).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_and_differences_are_scikit_learns(n_classes: int) -> None:
    this, reference, truth = a_pair(n_classes)
    row = compare(this, reference, truth)
    here, there = scikit_learns(this, truth), scikit_learns(reference, truth)
    for name in SCORES:
        assert row[name] == pytest.approx(here[name])
        assert row[f"{name}_difference"] == pytest.approx(here[name] - there[name])
        for column in (name, f"{name}_difference"):
            assert row[f"{column}_low"] < row[column] < row[f"{column}_high"]
    expected = wilson_interval(round(here["accuracy"] * len(truth)), len(truth), 0.95)
    assert [row["accuracy_low"], row["accuracy_high"]] == [expected["low"], expected["high"]]
    # The better one is: higher scores, lower errors.
    assert row["roc_auc_difference_low"] > 0
    assert row["brier_difference_high"] < 0


def test_a_row_holds_every_column_and_nothing_else() -> None:
    ends = ("", "_low", "_high")
    assert set(compare(*a_pair(2))) == {
        *(f"{score}{end}" for score in SCORES for end in ends),
        *(f"{score}_difference{end}" for score in SCORES for end in ends),
        "only_this_right",
        "only_reference_right",
        "mcnemar_p",
    }


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_classifier_is_no_better_than_itself(n_classes: int) -> None:
    this, _, truth = a_pair(n_classes)
    row = compare(this, this.copy(), truth)
    differences = {name: value for name, value in row.items() if "_difference" in name}
    assert len(differences) == 12
    assert set(differences.values()) == {0}
    assert (row["only_this_right"], row["only_reference_right"], row["mcnemar_p"]) == (0, 0, 1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_order_of_the_galaxies_does_not_matter(n_classes: int) -> None:
    this, reference, truth = a_pair(n_classes)
    order = np.random.default_rng(1).permutation(len(truth))
    one = compare(this, reference, truth)
    other = compare(this[order], reference[order], truth[order])
    for name in (
        *SCORES, *(f"{score}_difference" for score in SCORES), "accuracy_low", "accuracy_high",
        "only_this_right", "only_reference_right", "mcnemar_p",
    ):  # fmt: skip
        assert other[name] == pytest.approx(one[name])


@settings(max_examples=20)
@given(seed=st.integers(0, 9), n_classes=st.integers(2, 3))
def test_the_other_way_round_is_the_negative(seed: int, n_classes: int) -> None:
    this, reference, truth = a_pair(n_classes, n=40, seed=seed)
    there = compare(this, reference, truth)
    back = compare(reference, this, truth)
    for name in SCORES:
        for end, opposite in (("", ""), ("_low", "_high"), ("_high", "_low")):
            difference = f"{name}_difference"
            assert back[difference + opposite] == pytest.approx(-there[difference + end])
    assert back["only_this_right"] == there["only_reference_right"]
    assert back["only_reference_right"] == there["only_this_right"]
    assert back["mcnemar_p"] == pytest.approx(there["mcnemar_p"])


def right_or_wrong(this: list[int], reference: list[int]) -> Pair:
    """Two classifiers, by whether they are right about each of as many galaxies."""
    truth = np.arange(len(this)) % 2
    said = (np.where(right, truth, 1 - truth) for right in (this, reference))
    one, other = (np.eye(2)[classes] for classes in said)
    return one, other, truth


def test_mcnemars_test_by_hand() -> None:
    # Both right twelve times, only this one eight times, only the reference twice, none thrice.
    this = [1] * 12 + [1] * 8 + [0] * 2 + [0] * 3
    reference = [1] * 12 + [0] * 8 + [1] * 2 + [0] * 3
    row = compare(*right_or_wrong(this, reference))
    assert (row["only_this_right"], row["only_reference_right"]) == (8, 2)
    # Of ten tosses of a coin, two or fewer heads, or tails: 2 × (1 + 10 + 45) / 2¹⁰.
    assert row["mcnemar_p"] == pytest.approx(112 / 1024)
    assert row["accuracy"] == pytest.approx(20 / 25)
    assert row["accuracy_difference"] == pytest.approx(6 / 25)


@settings(max_examples=40)
@given(right=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_mcnemars_test_is_one_of_a_coin(right: list[tuple[int, int]]) -> None:
    this, reference = (list(column) for column in zip(*right, strict=True))
    row = compare(*right_or_wrong(this, reference))
    n_this, n_reference = right.count((1, 0)), right.count((0, 1))
    assert (row["only_this_right"], row["only_reference_right"]) == (n_this, n_reference)
    coin = binomtest(n_this, n_this + n_reference).pvalue if n_this + n_reference else 1
    assert row["mcnemar_p"] == pytest.approx(coin)
    assert row["accuracy_difference"] == pytest.approx((n_this - n_reference) / len(right))


def test_the_interval_of_a_paired_difference_is_the_normal_one() -> None:
    this, reference, truth = a_pair(2, n=1000)
    row = compare(this, reference, truth)
    right = [(probability.argmax(axis=1) == truth).astype(int) for probability in (this, reference)]
    paired = pd.Series(right[0] - right[1]).groupby(truth)
    error = np.sqrt((paired.size() * paired.var(ddof=0)).sum()) / len(truth)
    for end, quantile in (("low", 0.025), ("high", 0.975)):
        expected = norm.ppf(quantile, right[0].mean() - right[1].mean(), error)
        assert row[f"accuracy_difference_{end}"] == pytest.approx(expected, abs=0.25 * error)


def unpaired_width(one: dict[str, float], other: dict[str, float], name: str) -> float:
    """Width of the interval of a difference between scores that know nothing of each other."""
    return float(np.sqrt(width(one, name) ** 2 + width(other, name) ** 2))


def test_galaxies_difficult_for_both_cancel() -> None:
    this, reference, truth = a_pair(2)
    there = compare(this, reference, truth)
    back = compare(reference, this, truth)
    for name in SCORES:
        assert width(there, f"{name}_difference") < 0.8 * unpaired_width(there, back, name)


def test_where_nothing_cancels_pairs_are_no_surer() -> None:
    rng = np.random.default_rng(3)
    truth = np.arange(300) % 2
    this, reference = (judged(truth, 2, rng.normal(0, 2, 300), 1, i) for i in (0, 1))
    there = compare(this, reference, truth)
    back = compare(reference, this, truth)
    for name in SCORES:
        unpaired = unpaired_width(there, back, name)
        assert width(there, f"{name}_difference") == pytest.approx(unpaired, rel=0.2)


def test_the_level_is_the_one_asked_for() -> None:
    pair = a_pair(3)
    assert compare(*pair) == compare(*pair)
    narrow, wide = (compare(*pair, confidence=level) for level in (0.5, 0.99))
    for name in SCORES:
        for column in (name, f"{name}_difference"):
            assert width(narrow, column) < width(wide, column)


def test_what_is_undefined_is_missing() -> None:
    # No galaxy is of the third class: there is no ROC curve of it.
    rng = np.random.default_rng(4)
    this, reference = (rng.dirichlet([1, 1, 1], 30) for _ in range(2))
    row = compare(this, reference, np.arange(30) % 2)
    missing = {name for name, value in row.items() if np.isnan(value)}
    assert missing == {name for name in row if name.startswith("roc_auc")}
    assert len(missing) == 6


def test_a_score_of_nothing_is_not_missing() -> None:
    # All wrong, and the other all right: every score is 0 or ±1, and may be chance.
    row = compare(*right_or_wrong([0] * 10, [1] * 10))
    assert [row[name] for name in SCORES] == [0, 0, 0, 1]
    assert [row[f"{name}_difference"] for name in SCORES] == [-1, -1, -1, 1]
    for name in ("accuracy", "macro_f1", "roc_auc"):
        assert row[f"{name}_low"] == 0 < row[f"{name}_high"] < 0.5
        assert row[f"{name}_difference_low"] == -1 < row[f"{name}_difference_high"] < 0


@pytest.mark.parametrize("n", [1, 5, 10])
def test_differences_between_few_galaxies_are_not_certain(n: int) -> None:
    rng, held = np.random.default_rng(n), []
    truth = np.repeat([0, 1], n)
    for _ in range(150):
        # Equally good, and mostly about the same galaxies.
        difficulty = rng.normal(0, 2, 2 * n)
        this, reference = (
            judged(truth, 2, difficulty, 1.2, int(rng.integers(2**31))) for _ in range(2)
        )
        row = compare(this, reference, truth)
        ends = [(row[f"{name}_difference_low"], row[f"{name}_difference_high"]) for name in SCORES]
        held.append([np.isnan(low) or low - 1e-9 <= 0 <= high + 1e-9 for low, high in ends])
        for low, high in ends[:3]:
            assert high - low > 0.05
    assert (np.mean(held, axis=0) >= 0.88).all()


def test_scores_for_another_mix_weigh_every_galaxy() -> None:
    this, reference, truth = a_pair(3)
    weights = mix_weights(truth, np.array([0.2, 0.7, 0.1]))
    row = compare_classifiers(this, reference, truth, weights, confidence=0.95)
    for name, measure in (("accuracy", accuracy_score), ("macro_f1", f1_score)):
        options = {"average": "macro"} if name == "macro_f1" else {}
        here, there = (
            measure(truth, some.argmax(axis=1), sample_weight=weights, **options)
            for some in (this, reference)
        )
        assert row[name] == pytest.approx(here)
        assert row[f"{name}_difference"] == pytest.approx(here - there)
    errors = [((some - np.eye(3)[truth]) ** 2).sum(axis=1) for some in (this, reference)]
    assert row["brier"] == pytest.approx(np.average(errors[0], weights=weights))
    expected = np.average(errors[0] - errors[1], weights=weights)
    assert row["brier_difference"] == pytest.approx(expected)


def test_only_the_same_galaxies_are_compared() -> None:
    this, reference, truth = a_pair(2, n=20)
    for wrong in (
        (this[1:], reference, truth),
        (this, reference[1:], truth),
        (this, reference, truth[1:]),
        (this, np.concatenate([reference, reference[:, :1]], axis=1), truth),
    ):
        with pytest.raises(ValueError, match="must be of the same galaxies"):
            compare(*wrong)


def test_seeds_are_summarised_by_hand() -> None:
    rows = [
        {"entry": entry, "seed": seed, "accuracy": accuracy, "brier": 1 - accuracy, "n_weights": n}
        for entry, seed, accuracy, n in (
            ("small", "0", 0.7, 100), ("large", "0", 0.80, 900), ("small", "1", 0.6, 100),
            ("large", "ensemble", 0.9, np.nan), ("large", "1", 0.84, 900),
            ("large", "2", 0.82, 900),
        )
    ]  # fmt: skip
    table = pd.DataFrame(rows).assign(
        macro_f1=0.5, roc_auc=np.nan, training_seconds=[1, 5, 3, np.nan, 7, 9],
        galaxies_per_second=2.0, split="test", simulated=True,
    )  # fmt: skip
    summary = summarise_seeds(table, ensemble="ensemble").set_index("entry")
    assert summary.index.tolist() == ["small", "large"]
    assert summary["n_seeds"].tolist() == [2, 3]
    assert summary["accuracy"].tolist() == pytest.approx([0.65, 0.82])
    # Deviations of 0.05 twice, and of 0.02 twice: the root of their squares by n - 1.
    assert summary["accuracy_spread"].tolist() == pytest.approx([0.05 * 2**0.5, 0.02])
    assert summary["brier"].tolist() == pytest.approx([0.35, 0.18])
    assert summary["accuracy_ensemble"].tolist() == pytest.approx([np.nan, 0.9], nan_ok=True)
    assert summary["macro_f1_spread"].tolist() == [0, 0]
    assert summary["roc_auc"].isna().all()
    assert summary["n_weights"].tolist() == [100, 900]
    assert summary["training_seconds"].tolist() == [2, 7]
    assert (summary["split"] == "test").all()
    assert summary["simulated"].all()
    alone = summarise_seeds(table.head(2), ensemble="ensemble")
    assert alone["accuracy_spread"].isna().all()


def row_of(entry: str, seed: str, roc_auc: float, difference: float, **changes: Any) -> Any:
    """A row of a comparison, its intervals reaching 0.1 and 0.05 to each side."""
    row: dict[str, Any] = {
        "entry": entry, "seed": seed, "split": "test", "simulated": False, "n": 40,
        "roc_auc": roc_auc, "accuracy": roc_auc - 0.125, "roc_auc_difference": difference,
        "accuracy_difference": difference / 2,
    }  # fmt: skip
    for name in ("roc_auc", "accuracy"):
        row |= {f"{name}_low": row[name] - 0.1, f"{name}_high": row[name] + 0.1}
        of_difference = row[f"{name}_difference"]
        row |= {f"{name}_difference_low": of_difference - 0.05,
                f"{name}_difference_high": of_difference + 0.05}  # fmt: skip
    return row | changes


BY_HAND = pd.DataFrame(
    [
        row_of("plain", "1", 0.75, 0.0), row_of("plain", "2", 0.5, 0.0),
        row_of("plain", "ensemble", 0.75, 0.0),
        row_of("wide", "1", 0.75, 0.0), row_of("wide", "2", 0.75, 0.25),
        row_of("wide", "ensemble", 0.875, 0.125),
        row_of("forest", "1", 0.5, -0.25), row_of("forest", "2", 0.625, 0.125),
        row_of("forest", "ensemble", 0.625, -0.125),
        row_of("regression", "1", 0.25, -0.5), row_of("regression", "2", 0.25, -0.25),
        row_of("regression", "ensemble", 0.25, -0.5),
    ]
)  # fmt: skip


def concluded(table: pd.DataFrame, reference: str = "plain", **changes: Any) -> dict[str, Any]:
    baselines = changes.pop("baselines", ["forest", "regression"])
    return conclude_comparison(table, reference, baselines, ensemble="ensemble", confidence=0.9)


def test_the_conclusion_of_a_comparison_worked_by_hand() -> None:
    found = concluded(BY_HAND)
    assert {name: value for name, value in found.items() if not isinstance(value, dict)} == {
        "split": "test", "n": 40, "simulated": False, "confidence": 0.9, "n_entries": 4,
        "n_seeds": 2, "n_baselines": 2, "decided_by": "roc_auc",
    }  # fmt: skip
    assert [found[name]["entry"] for name in ("reference", "rival", "baseline")] == [
        "plain", "wide", "forest",
    ]  # fmt: skip
    rival, baseline = found["rival"], found["baseline"]
    assert rival["roc_auc"] == pytest.approx({"value": 0.875, "low": 0.775, "high": 0.975})
    assert rival["accuracy"]["value"] == 0.75
    assert rival["difference"] == pytest.approx({"value": 0.125, "low": 0.075, "high": 0.175})
    assert (rival["mean"], rival["spread"], rival["n_seeds_higher"]) == (0.75, 0, 1)
    assert baseline["mean"] == 0.5625
    assert baseline["spread"] == pytest.approx(0.125 / np.sqrt(2))  # of 0.5 and 0.625
    assert concluded(BY_HAND, "wide")["rival"]["entry"] == "plain"


def test_one_seed_has_no_spread_and_an_undefined_roc_auc_decides_nothing() -> None:
    single = BY_HAND[BY_HAND["seed"] == "2"].assign(
        accuracy=[0.5, 0.5, 0.25, 0.75], roc_auc=[0.5, np.nan, 0.5, 0.5]
    )
    found = concluded(single)
    assert found["decided_by"] == "accuracy"
    assert found["rival"]["entry"] == found["baseline"]["entry"] == "regression"
    assert found["rival"]["difference"]["value"] == -0.125  # that of accuracies
    assert (found["rival"]["mean"], found["rival"]["spread"]) == (None, None)
    alone = concluded(single.iloc[:1], baselines=[])
    assert (alone["rival"], alone["baseline"], alone["n_entries"]) == (None, None, 1)


@given(
    areas=st.lists(st.floats(0, 1), min_size=2, max_size=6),
    known=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_every_conclusion_names_the_highest_and_is_json(
    areas: list[float], known: list[bool]
) -> None:
    table = pd.DataFrame(
        [
            row_of(f"entry {i}", "1", area, 0.0 if i == 0 else area - areas[0])
            | ({} if here else {"roc_auc_low": np.nan, "roc_auc_difference_low": np.nan})
            for i, (area, here) in enumerate(zip(areas, known, strict=False))
        ]
    )
    found = concluded(table, "entry 0", baselines=["entry 1"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["rival"]["roc_auc"]["value"] == max(areas[1:])
    assert found["baseline"]["entry"] == "entry 1"
