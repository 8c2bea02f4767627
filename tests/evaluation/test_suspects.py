"""Doubted labels: nothing is judged by who has seen it, and planted errors come first."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import precision_score, recall_score
from sklearn.model_selection import KFold

from galaxy_morphology.evaluation import (
    cross_validated_probabilities,
    rank_suspects,
    suspect_scores,
)
from galaxy_morphology.evaluation.intervals import wilson_interval
from galaxy_morphology.typing import FloatArray, IntArray

NAMES = ["Elliptical", "Spiral", "Edge-on"]
ONE_OF_A_KIND = "ignore:The least populated class"  # scikit-learn on a class of a single galaxy


@pytest.fixture(autouse=True, scope="module")
def _in_one_process() -> Iterator[None]:
    # Starting others takes longer than these small forests do.
    with parallel_config(backend="sequential"):
        yield


def judge(
    measures: FloatArray,
    truth: IntArray,
    groups: IntArray | None = None,
    *,
    n_classes: int = 2,
    seed: int = 0,
) -> NDArray[np.float64]:
    table = pd.DataFrame(measures).add_prefix("measure_")
    # Any index will do: what belongs together stands in the same row.
    table.index = pd.Index(range(1000, 1000 + len(table)))
    return cross_validated_probabilities(
        table,
        np.asarray(truth, int),
        pd.Series(np.arange(len(table)) if groups is None else groups),
        n_classes,
        n_trees=25,
        n_folds=5,
        seed=seed,
    )


def share_right(probability: FloatArray, truth: IntArray) -> float:
    return float((probability.argmax(axis=1) == truth).mean())


@settings(max_examples=12)
@given(
    n=st.integers(10, 60),
    n_classes=st.integers(2, 4),
    share_missing=st.floats(0, 0.9),
    n_copies=st.integers(1, 2),
    seed=st.integers(0, 99),
)
@pytest.mark.filterwarnings(ONE_OF_A_KIND)
def test_every_galaxy_gets_probabilities(
    n: int, n_classes: int, share_missing: float, n_copies: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    measures = rng.normal(size=(n, 3))
    measures[rng.random((n, 3)) < share_missing] = np.nan
    truth = rng.integers(0, n_classes, n)
    probability = judge(measures, truth, np.arange(n) // n_copies, n_classes=n_classes)
    assert probability.shape == (n, n_classes)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert probability.min() >= 0


def test_what_can_be_learned_is_learned() -> None:
    # Else all that follows would hold for one who says the same of everything.
    truth = np.arange(120) % 3
    measures = np.random.default_rng(0).normal(truth[:, None] * 10, 1, (120, 3))
    assert share_right(judge(measures, truth, n_classes=3), truth) == 1


def test_random_labels_are_judged_by_chance() -> None:
    rng = np.random.default_rng(1)
    measures, truth = rng.normal(size=(400, 5)), rng.integers(0, 2, 400)
    by_heart = RandomForestClassifier(25, min_samples_leaf=3, random_state=0).fit(measures, truth)
    assert by_heart.score(measures, truth) > 0.9
    # The standard deviation of a share of 400 is 0.025.
    assert share_right(judge(measures, truth), truth) == pytest.approx(0.5, abs=0.08)


def test_copies_are_not_judged_by_their_originals() -> None:
    rng = np.random.default_rng(2)
    kind = np.repeat(np.arange(80), 5)
    measures, truth = rng.normal(size=(80, 4))[kind], rng.integers(0, 2, 80)[kind]
    assert share_right(judge(measures, truth), truth) > 0.9  # taken for galaxies of their own
    # The standard deviation of a share of 80 is 0.056.
    assert share_right(judge(measures, truth, kind), truth) == pytest.approx(0.5, abs=0.17)


class FoldsWhateverTheLabels:
    """Stands in for folds that are stratified, which move with the labels."""

    def __init__(self, n_splits: int, **_: Any) -> None:
        self.folds = KFold(n_splits)

    def split(self, values: FloatArray, *_: Any) -> Iterator[tuple[IntArray, IntArray]]:
        yield from self.folds.split(values)


def test_its_own_label_changes_nothing_about_a_galaxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sklearn.model_selection.StratifiedGroupKFold", FoldsWhateverTheLabels)
    measures, truth = np.random.default_rng(3).normal(size=(50, 3)), np.arange(50) % 2
    before = judge(measures, truth)
    for galaxy in (0, 23, 49):
        flipped = truth.copy()
        flipped[galaxy] = 1 - truth[galaxy]
        after = judge(measures, flipped)
        changed = (after != before).any(axis=1)
        fold = np.arange(50) // 10 == galaxy // 10
        assert not changed[fold].any()
        assert changed[~fold].any()  # the others learned from it


def test_missing_measures_are_no_obstacle() -> None:
    rng = np.random.default_rng(4)
    truth = np.arange(90) % 2
    measures = np.full((90, 4), np.nan)
    measures[:, 0] = truth + rng.normal(0, 0.1, 90)
    measures[::9, 0] = np.nan
    measures[7, 2] = 1.0  # in all folds but one, missing throughout; columns 1 and 3 in all of them
    probability = judge(measures, truth)
    assert np.isfinite(probability).all()
    known = np.isfinite(measures[:, 0])
    assert share_right(probability[known], truth[known]) > 0.95


@pytest.mark.filterwarnings(ONE_OF_A_KIND)
def test_a_class_of_a_single_galaxy_has_its_column() -> None:
    truth = np.array([0] * 20 + [1] + [2] * 20)
    measures = np.random.default_rng(5).normal(size=(41, 2))
    probability = judge(measures, truth, n_classes=4)
    assert probability.shape == (41, 4)
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    # Whoever judges the galaxy has not seen its class; those it taught may see it elsewhere.
    assert probability[20, 1] == 0
    assert probability[:, 1].max() > 0
    assert (probability[:, 3] == 0).all()  # there is no such galaxy


def test_the_same_seed_gives_the_same_probabilities() -> None:
    rng = np.random.default_rng(6)
    measures, truth = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    np.testing.assert_array_equal(judge(measures, truth), judge(measures, truth))
    assert (judge(measures, truth) != judge(measures, truth, seed=1)).any()


def labelled(given: IntArray) -> pd.DataFrame:
    """Galaxies with these labels, in a table whose index means nothing."""
    table = pd.DataFrame({"cataid": np.arange(len(given)) + 500, "simulated": False})
    table["split"] = "training"
    table["class_name"] = np.array(NAMES)[given]
    table["target"] = given
    return table.set_index(pd.Index(np.arange(len(given)) * 3))


def of_honest_galaxies(truth: IntArray, certainty: float = 0.9) -> NDArray[np.float64]:
    """Probabilities of galaxies that look like what they are."""
    probability = np.full((len(truth), len(NAMES)), (1 - certainty) / 2)
    probability[np.arange(len(truth)), truth] = certainty
    return probability


def test_planted_errors_come_first_the_least_credible_ahead() -> None:
    given = np.arange(90) % 3
    probability = of_honest_galaxies(given)
    # One of each class looks like the next class; this much is left for the label it has.
    for galaxy, left in ((30, 0.02), (61, 0.005), (32, 0.01)):
        probability[galaxy] = 0.03
        probability[galaxy, (given[galaxy] + 1) % 3] = 0.97 - left
        probability[galaxy, given[galaxy]] = left
    suspects = rank_suspects(labelled(given), probability, NAMES)
    assert suspects.columns.tolist() == [
        "rank", "cataid", "simulated", "split", "class_name", "suggested_class", "label_quality",
        "suspected",
    ]  # fmt: skip
    first = suspects[suspects["suspected"]]
    assert first["rank"].tolist() == [1, 2, 3]
    assert first["cataid"].tolist() == [561, 532, 530]
    assert first["class_name"].tolist() == ["Spiral", "Edge-on", "Elliptical"]
    assert first["suggested_class"].tolist() == ["Edge-on", "Elliptical", "Spiral"]
    assert first["label_quality"].tolist() == pytest.approx([0.005, 0.01, 0.02])
    others = suspects[3:]
    assert (others["suggested_class"] == others["class_name"]).all()
    assert others["cataid"].is_monotonic_increasing  # of equal quality, so in the order they came


@pytest.mark.filterwarnings("ignore::UserWarning:cleanlab")  # there are no edge-on galaxies
def test_a_galaxy_less_typical_than_others_of_that_class_is_no_suspect() -> None:
    # Spirals usually have 0.9; what has 0.5 for a spiral is not as likely one as they are.
    given = np.arange(60) % 2
    probability = of_honest_galaxies(given)
    probability[0] = [0.45, 0.5, 0.05]
    probability[2] = [0.03, 0.95, 0.02]
    suspects = rank_suspects(labelled(given), probability, NAMES)
    by_cataid = suspects.set_index("cataid")
    assert by_cataid.loc[[500, 502], "suggested_class"].tolist() == ["Spiral", "Spiral"]
    assert suspects.loc[suspects["suspected"], "cataid"].tolist() == [502]
    assert suspects["cataid"].iloc[1] == 500


@given(n=st.integers(6, 60), concentration=st.floats(0.1, 3), seed=st.integers(0, 999))
@example(n=6, concentration=1.0, seed=217)  # all labels are of one class
@pytest.mark.filterwarnings("ignore::UserWarning:cleanlab")
def test_the_ranking_holds_every_galaxy_once_and_in_order(
    n: int, concentration: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    given, probability = rng.integers(0, 3, n), rng.dirichlet([concentration] * 3, n)
    suspects = rank_suspects(labelled(given), probability, NAMES)
    assert suspects["rank"].tolist() == list(range(1, n + 1))
    rows = suspects["cataid"].to_numpy() - 500
    assert sorted(rows) == list(range(n))
    assert suspects["class_name"].tolist() == [NAMES[i] for i in given[rows]]
    assert suspects["suggested_class"].tolist() == [NAMES[i] for i in probability.argmax(1)[rows]]
    np.testing.assert_allclose(suspects["label_quality"], probability[rows, given[rows]])
    assert suspects["suspected"].is_monotonic_decreasing
    for _, some in suspects.groupby("suspected"):
        assert some["label_quality"].is_monotonic_increasing
    doubted = suspects[suspects["suspected"]]
    assert (doubted["suggested_class"] != doubted["class_name"]).all()
    assert doubted.empty or len(set(given)) > 1


@settings(max_examples=25)
@given(seed=st.integers(0, 999))
@pytest.mark.filterwarnings("ignore::UserWarning:cleanlab")
def test_the_order_of_the_galaxies_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given, probability = rng.integers(0, 3, 40), rng.dirichlet([0.5] * 3, 40)
    order = rng.permutation(40)
    pd.testing.assert_frame_equal(
        rank_suspects(labelled(given), probability, NAMES),
        rank_suspects(labelled(given).iloc[order], probability[order], NAMES),
    )


def test_scores_of_a_ranking_by_hand() -> None:
    # Four of ten labels are wrong. The list of three holds two of them, the first half three.
    is_wrong = np.array([1, 0, 1, 1, 0, 0, 0, 0, 1, 0], bool)
    suspected = np.arange(10) < 3
    scores = suspect_scores(is_wrong, suspected, share=0.5, confidence=0.9)
    assert scores == {
        "suspected": {
            "precision": wilson_interval(2, 3, 0.9), "recall": wilson_interval(2, 4, 0.9), "n": 3,
        },
        "top": {
            "precision": wilson_interval(3, 5, 0.9), "recall": wilson_interval(3, 4, 0.9), "n": 5,
        },
    }  # fmt: skip
    assert scores["suspected"]["precision"]["value"] == pytest.approx(2 / 3)
    assert scores["top"]["recall"]["value"] == 0.75


def test_recall_is_undefined_without_wrong_labels_and_precision_without_suspects() -> None:
    none = np.zeros(10, bool)
    undefined = {"value": None, "low": None, "high": None}
    right = suspect_scores(none, ~none, share=0.2, confidence=0.95)
    assert right["suspected"]["recall"] == right["top"]["recall"] == undefined
    assert right["suspected"]["precision"]["value"] == 0
    trusting = suspect_scores(~none, none, share=0.2, confidence=0.95)
    assert trusting["suspected"]["precision"] == undefined
    assert trusting["suspected"]["recall"]["value"] == 0
    assert trusting["suspected"]["n"] == 0
    assert trusting["top"]["precision"]["value"] == 1


@given(
    labels=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50),
    share=st.floats(0.01, 1),
)
def test_precision_and_recall_are_scikit_learns(
    labels: list[tuple[bool, bool]], share: float
) -> None:
    is_wrong, suspected = np.array(labels).T
    scores = suspect_scores(is_wrong, suspected, share=share, confidence=0.95)
    assert scores["top"]["n"] == pytest.approx(share * len(labels), abs=0.5)
    on_top = np.arange(len(labels)) < scores["top"]["n"]
    for name, listed in (("suspected", suspected), ("top", on_top)):
        for measure, expected in (("precision", precision_score), ("recall", recall_score)):
            value = scores[name][measure]["value"]
            value = np.nan if value is None else value
            theirs = expected(is_wrong, listed, zero_division=np.nan)
            assert value == pytest.approx(theirs, nan_ok=True)
