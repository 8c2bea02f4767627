"""The galaxies that are explained."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology.attribution.selection import random_galaxies, select_galaxies


def predictions() -> pd.DataFrame:
    rows = [
        # cataid, split, class, probability of Other
        (1, "test", "Other", 0.99),
        (2, "test", "Other", 0.80),
        (3, "test", "Other", 0.51),
        (4, "test", "Other", 0.10),
        (5, "test", "Elliptical", 0.02),
        (6, "test", "Elliptical", 0.45),
        (7, "training", "Other", 0.999),
    ]
    table = pd.DataFrame(rows, columns=["cataid", "split", "class_name", "probability_Other"])
    table["probability_Elliptical"] = 1 - table["probability_Other"]
    predicted = table["probability_Other"].gt(0.5).map({True: "Other", False: "Elliptical"})
    return table.assign(predicted_class=predicted, correct=predicted == table["class_name"])


def test_each_class_right_and_wrong_confident_and_borderline() -> None:
    chosen = select_galaxies(predictions(), split="test", galaxies_per_group=1)
    assert dict(zip(chosen["cataid"], chosen["chosen_as"], strict=True)) == {
        5: "correct, confident",
        6: "correct, borderline",
        4: "wrong",  # the only one
        1: "correct, confident",
        3: "correct, borderline",
    }


def test_named_galaxies_come_first_from_whatever_split() -> None:
    chosen = select_galaxies(predictions(), split="test", galaxies_per_group=1, cataids=[7, 5])
    assert chosen["cataid"].tolist()[:2] == [7, 5]
    assert chosen["chosen_as"].tolist()[:2] == ["named", "named"]
    assert chosen["cataid"].is_unique


def test_numbers_are_found_as_texts_and_texts_as_numbers() -> None:
    table = predictions()
    asked_for = {"split": "test", "galaxies_per_group": 1}
    by_number = select_galaxies(table, cataids=[7, 5], **asked_for)  # type: ignore[arg-type]
    by_text = select_galaxies(table, cataids=["7", "5"], **asked_for)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(by_text, by_number)
    texts = table.assign(cataid=["007", "1e5", "NA", "4", "J10-00", "6", "7"])
    chosen = select_galaxies(texts, cataids=["007", "NA", 7, "J10-00"], **asked_for)  # type: ignore[arg-type]
    assert chosen["cataid"].tolist()[:4] == ["007", "NA", "7", "J10-00"]


def test_unknown_galaxies_and_empty_splits_are_errors() -> None:
    with pytest.raises(ValueError, match=r"CATAID 98, 99: not among the 7 classified"):
        select_galaxies(predictions(), split="test", galaxies_per_group=1, cataids=[99, 98, 5])
    with pytest.raises(ValueError, match=r"no galaxy in split 'validation'.*'test', 'training'"):
        select_galaxies(predictions(), split="validation", galaxies_per_group=1)
    with pytest.raises(ValueError, match=r"no galaxy in split 'validation'.*'test', 'training'"):
        random_galaxies(predictions(), split="validation", n=3, seed=0)


def classified(sizes: list[int]) -> pd.DataFrame:
    """So many test galaxies of each class, mixed, and one of the training."""
    names = np.repeat([f"class {i}" for i in range(len(sizes))], sizes)
    names = np.random.default_rng(1).permutation(names)
    table = pd.DataFrame({"split": "test", "class_name": [*names, "class 0"]})
    table.loc[len(names), "split"] = "training"
    return table.assign(cataid=np.arange(len(table)) + 7)


@pytest.mark.parametrize(
    ("sizes", "n", "counts"),
    [
        ([300, 100], 100, [75, 25]),
        ([5, 5], 3, [2, 1]),  # equal remainders: the first class
        # 4.5, 3.3, 2.2 of ten: nine without remainders, the one left to the first.
        ([45, 33, 22], 10, [5, 3, 2]),
        # 1.28, 1.6, 1.12: the one left to the second.
        ([8, 10, 7], 4, [1, 2, 1]),
        ([2, 1], 100, [2, 1]),
    ],
)
def test_classes_are_drawn_in_proportion(sizes: list[int], n: int, counts: list[int]) -> None:
    drawn = random_galaxies(classified(sizes), split="test", n=n, seed=0)
    found = drawn["class_name"].value_counts()
    assert [found[f"class {i}"] for i in range(len(sizes))] == counts


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(1, 80), st.integers(0, 99))
def test_a_lot_is_some_of_the_split_and_no_class_is_off_by_one(
    sizes: list[int], n: int, seed: int
) -> None:
    table = classified(sizes)
    drawn = random_galaxies(table, split="test", n=n, seed=seed)
    assert len(drawn) == min(n, sum(sizes))
    assert drawn["cataid"].is_monotonic_increasing
    assert drawn["cataid"].is_unique
    assert (drawn["split"] == "test").all()
    counts = drawn["class_name"].value_counts()
    for i, size in enumerate(sizes):
        assert abs(counts.get(f"class {i}", 0) - size * len(drawn) / sum(sizes)) < 1
    again = random_galaxies(table, split="test", n=n, seed=seed)
    pd.testing.assert_frame_equal(drawn, again)


def test_every_galaxy_is_as_likely() -> None:
    table = classified([12, 6])
    lots = [random_galaxies(table, split="test", n=6, seed=seed) for seed in range(300)]
    counts = pd.concat(lots)["cataid"].value_counts()
    # A third of 300 for each of them, with a standard deviation of 8.
    assert len(counts) == 18
    assert counts.between(65, 135).all()
