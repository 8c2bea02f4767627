"""The galaxies that are explained."""

import pandas as pd
import pytest

from galaxy_morphology.attribution import select_galaxies


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


def test_unknown_galaxies_and_empty_splits_are_errors() -> None:
    with pytest.raises(ValueError, match=r"CATAID 98, 99: not among the 7 classified"):
        select_galaxies(predictions(), split="test", galaxies_per_group=1, cataids=[99, 98, 5])
    with pytest.raises(ValueError, match=r"no galaxy in split 'validation'.*'test', 'training'"):
        select_galaxies(predictions(), split="validation", galaxies_per_group=1)
