"""The split keeps the class mix, keeps duplicates together, and is the original's when asked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology.imaging import split_galaxies

NAMES = ["Elliptical", "Other"]


def galaxies_of(counts: dict[str, int]) -> pd.DataFrame:
    names = [name for name, count in counts.items() for _ in range(count)]
    table = pd.DataFrame({"cataid": np.arange(len(names)) + 10, "class_name": names})
    return table.assign(duplicate_of=pd.array([pd.NA] * len(names), dtype="Int64"))


def split(table: pd.DataFrame, validation: float = 0.15, test: float = 0.15) -> pd.DataFrame:
    return split_galaxies(table, NAMES, validation_fraction=validation, test_fraction=test, seed=42)


@given(
    n_elliptical=st.integers(20, 300),
    n_other=st.integers(20, 300),
    validation=st.floats(0.1, 0.4),
    test=st.floats(0.1, 0.4),
)
def test_shares_hold_in_every_class(
    n_elliptical: int, n_other: int, validation: float, test: float
) -> None:
    counts = {"Elliptical": n_elliptical, "Other": n_other}
    result = split(galaxies_of(counts), validation, test)
    for name, count in counts.items():
        held = result.loc[result["class_name"] == name, "split"].value_counts()
        assert held["validation"] == pytest.approx(validation * count, abs=2.5)
        assert held["test"] == pytest.approx(test * count, abs=2.5)
        assert held.sum() == count


def test_fractions_are_of_the_whole_both_times() -> None:
    result = split(galaxies_of({"Elliptical": 50, "Other": 50}))
    assert result["split"].value_counts().to_dict() == {
        "training": 70, "validation": 15, "test": 15,
    }  # fmt: skip


def test_duplicates_stay_together() -> None:
    table = galaxies_of({"Elliptical": 100, "Other": 100})
    table.loc[50:149, "duplicate_of"] = table["cataid"].iloc[:25].repeat(4).to_numpy()
    result = split(table).set_index("cataid")
    copies = result.dropna(subset="duplicate_of")
    originals = result.loc[copies["duplicate_of"].to_numpy(), "split"].to_numpy()
    assert (copies["split"].to_numpy() == originals).all()
    assert set(result["split"]) == {"training", "validation", "test"}


def test_a_class_too_small_for_the_splits_is_named_with_its_count() -> None:
    for count in (0, 1, 2):
        with pytest.raises(ValueError, match=f"too few galaxies.*50 Elliptical, {count} Other"):
            split(galaxies_of({"Elliptical": 50, "Other": count}))


def test_the_original_split_of_the_real_list(gama_labels: Path) -> None:
    from sklearn.model_selection import train_test_split

    labels = pd.read_csv(gama_labels)
    table = pd.DataFrame(
        {"cataid": labels["CATAID"], "class_name": labels["TARGET"].map(dict(enumerate(NAMES)))}
    ).assign(duplicate_of=pd.array([pd.NA] * len(labels), dtype="Int64"))
    result = split(table, validation=0.2, test=0.0)
    validation = result[result["split"] == "validation"]
    assert validation["class_name"].value_counts().to_dict() == {"Other": 601, "Elliptical": 579}
    _, original = train_test_split(
        labels["CATAID"], test_size=0.2, stratify=labels["TARGET"], random_state=42
    )
    assert set(validation["cataid"]) == set(original)
    assert set(result["split"]) == {"training", "validation"}
