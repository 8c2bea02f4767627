"""The split keeps the class mix, keeps duplicates together, and is the original's when asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxy_morphology.imaging import split_galaxies
from galaxy_morphology.imaging.split import _groups

NAMES = ["Elliptical", "Other"]


def galaxies_of(counts: dict[str, int]) -> pd.DataFrame:
    names = [name for name, count in counts.items() for _ in range(count)]
    table = pd.DataFrame({"cataid": np.arange(len(names)) + 10, "class_name": names})
    return table.assign(duplicate_of=pd.array([pd.NA] * len(names), dtype="Int64"))


def split(table: pd.DataFrame, validation: float = 0.15, test: float = 0.15) -> pd.DataFrame:
    result, left_out = split_galaxies(
        table, NAMES, validation_fraction=validation, test_fraction=test, seed=42
    )
    assert left_out.empty
    return result


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


# ------------------------------------------------------------------ groups


def placed(n_galaxies: int, seed: int, spread: float = 0.02) -> pd.DataFrame:
    """Galaxies of two classes in turn, on a patch of sky around (0, 89.9) in degrees."""
    rng = np.random.default_rng(seed)
    table = galaxies_of({"Elliptical": n_galaxies // 2, "Other": n_galaxies - n_galaxies // 2})
    return table.assign(
        ra=rng.uniform(0, 360, n_galaxies), dec=90 - spread * np.sqrt(rng.uniform(0, 1, n_galaxies))
    )


def linked_by_hand(table: pd.DataFrame, within_arcsec: float) -> list[set[int]]:
    """Friends of friends, by all separations as astropy measures them."""
    places = SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg")
    near = places[:, None].separation(places[None]).arcsec <= within_arcsec
    groups: list[set[int]] = []
    for row, cataid in enumerate(table["cataid"]):
        friends = {cataid, *table["cataid"][near[row]]}
        friends |= set().union(*(group for group in groups if group & friends))
        groups = [group for group in groups if not group & friends] + [friends]
    return groups


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), within=st.floats(0.5, 15.0))
def test_groups_on_the_sky_are_those_of_all_separations(seed: int, within: float) -> None:
    table = placed(60, seed)
    groups = _groups(table, within)
    found = [set(table["cataid"][groups == first]) for first in groups.unique()]
    assert sorted(map(sorted, found)) == sorted(map(sorted, linked_by_hand(table, within)))
    assert all(first == min(group) for first, group in zip(groups.unique(), found, strict=True))


@pytest.mark.parametrize(("ra", "dec"), [((359.9999, 0.0001), (10, 10)), ((20, 200), (-90, -90))])
def test_neighbours_across_the_ends_of_the_coordinates(ra: Any, dec: Any) -> None:
    table = galaxies_of({"Elliptical": 2}).assign(ra=ra, dec=np.array(dec, float))
    assert _groups(table, 1.0).tolist() == [10, 10]


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_no_group_is_divided_and_shares_nearly_hold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = placed(300, seed, spread=0.3).assign(
        group=[f"field {i}" if i < 30 else "" for i in rng.integers(0, 300, 300)]
    )
    table.loc[5, "duplicate_of"] = table["cataid"].iloc[0]
    result, _ = split_galaxies(
        table, NAMES, validation_fraction=0.2, test_fraction=0.2, seed=1, group_within_arcsec=20.0
    )
    assert result.groupby("group")["split"].nunique().max() == 1
    assert (result["group"] != table["group"]).all()
    named = result[table["group"] != ""]
    assert named.groupby(table["group"])["split"].nunique().max() == 1
    assert result["split"].iloc[5] == result["split"].iloc[0]
    near = linked_by_hand(table, 20.0)
    split_of = result.set_index("cataid")["split"]
    assert all(len(set(split_of[list(group)])) == 1 for group in near)
    firsts = result.drop_duplicates("group")["split"].value_counts(normalize=True)
    assert firsts.to_dict() == pytest.approx(
        {"training": 0.6, "validation": 0.2, "test": 0.2}, abs=0.02
    )


def test_without_groups_every_galaxy_is_its_own() -> None:
    table = galaxies_of({"Elliptical": 40, "Other": 40})
    assert split(table)["group"].tolist() == table["cataid"].tolist()
    names = table.assign(cataid=[f"J{c}" for c in table["cataid"]], duplicate_of=None)
    by_name = split(names)
    assert by_name["group"].tolist() == names["cataid"].tolist()
    assert by_name["split"].tolist() == split(table)["split"].tolist()


def test_places_must_be_known_where_they_matter(caplog: pytest.LogCaptureFixture) -> None:
    fractions = {"validation_fraction": 0.2, "test_fraction": 0.2, "seed": 1}
    table = placed(40, 0)
    with pytest.raises(ValueError, match=r"within_arcsec is 5, but .*Set `columns.ra` and"):
        split_galaxies(table.drop(columns="ra"), NAMES, group_within_arcsec=5.0, **fractions)  # type: ignore[arg-type]
    table.loc[:2, "dec"] = np.nan
    with caplog.at_level("WARNING"):
        split_galaxies(table, NAMES, group_within_arcsec=0.01, **fractions)  # type: ignore[arg-type]
    assert "3 galaxies have no position" in caplog.text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("galaxy_morphology.imaging.split.MOST_NEAR_PAIRS", 100)
        with pytest.raises(ValueError, match="Set it to a smaller angle"):
            split_galaxies(table, NAMES, group_within_arcsec=1000.0, **fractions)  # type: ignore[arg-type]


# ------------------------------------------------------------------ splits that are given


def given_splits(names: list[str], counts: list[int]) -> pd.DataFrame:
    table = galaxies_of({"Elliptical": sum(counts), "Other": sum(counts)})
    given = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    return table.assign(split=given * 2)


def test_splits_that_are_given_are_kept() -> None:
    table = given_splits(["training", "validation", "test"], [20, 5, 10])
    assert split(table)["split"].tolist() == table["split"].tolist()


@pytest.mark.parametrize(
    ("names", "counts", "expected"),
    [
        (["training", "test"], [40, 10], {"training": 70, "validation": 10, "test": 20}),
        (["training", "validation"], [40, 10], {"training": 70, "validation": 20, "test": 10}),
        (["training"], [50], {"training": 80, "validation": 10, "test": 10}),
    ],
)
def test_what_is_not_given_is_cut_from_training(
    names: list[str], counts: list[int], expected: dict[str, int]
) -> None:
    table = given_splits(names, counts)
    result = split(table, validation=0.1, test=0.1)
    assert result["split"].value_counts().to_dict() == expected
    kept = table["split"] != "training"
    assert (result["split"] == table["split"])[kept].all()
    assert pd.crosstab(result["split"], result["class_name"]).std(axis=1).max() == 0


def divided(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[int, str]]:
    """What is used of a table with splits that are given, and why the rest is not."""
    used, left_out = split_galaxies(
        table, NAMES, validation_fraction=0.2, test_fraction=0.1, seed=1
    )
    return used, dict(zip(left_out["cataid"], left_out["reason"], strict=True))


def test_no_galaxy_is_judged_whose_copy_or_neighbour_was_learned_from(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = given_splits(["training", "validation", "test"], [40, 10, 10]).assign(group="")
    table.loc[[0, 1, 41, 52], "group"] = "a field"
    table.loc[[3, 43], "group"] = "a pair"
    table.loc[53, "duplicate_of"] = table.loc[[5], "cataid"].iloc[0]
    with caplog.at_level("WARNING"):
        used, left_out = divided(table)
    assert set(left_out) == {10, 11, 51, 13, 15}
    assert left_out[10].startswith("given for training, but CATAID 62 of its group is given for te")
    assert left_out[51].startswith("given for validation, but CATAID 62 of its group is given for ")
    assert left_out[13].startswith("given for training, but CATAID 53 of its group is given for va")
    assert left_out[15].startswith("given for training, but CATAID 63 of its group is given for te")
    assert "5 galaxies are left out" in caplog.text
    given = table.set_index("cataid")["split"]
    assert used["split"].tolist() == given[used["cataid"]].tolist()
    assert used["group"].tolist() == used["cataid"].tolist()  # each the first that is left
    assert used["duplicate_of"].isna().all()


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), kind=st.sampled_from([int, str]))
def test_no_group_is_in_two_splits_and_as_little_as_possible_is_left_out(
    seed: int, kind: type
) -> None:
    rng = np.random.default_rng(seed)
    table = given_splits(["training", "validation", "test"], [60, 20, 20]).assign(checksum="")
    table["group"] = [f"{i}" if i < 40 else "" for i in rng.integers(0, 400, 200)]
    pictures = rng.integers(0, 600, 200)
    cataid = pd.Series([kind(c) for c in table["cataid"]])
    first = cataid.groupby(pictures).transform("first")
    copies = first.mask(first == cataid)
    table["cataid"], table["duplicate_of"] = cataid, copies.astype("Int64" if kind is int else str)
    used, left_out = divided(table)
    everyone = table.set_index("cataid")
    everyone["picture"] = pictures
    assert len(used) + len(left_out) == len(table)
    some = everyone.loc[used["cataid"]].reset_index()
    assert used["split"].tolist() == some["split"].tolist()
    for name in ("group", "picture"):
        of_one = some[some[name] != ""].groupby(name)["split"]
        assert of_one.nunique().max() == 1
    for cataid, original in zip(used["cataid"], used["duplicate_of"], strict=True):
        same = some["cataid"][some["picture"] == everyone.loc[cataid, "picture"]]
        assert (same.iloc[0] == cataid) if pd.isna(original) else (same.iloc[0] == original)
    with_test = everyone.index[everyone["split"] == "test"]
    assert set(with_test) <= set(used["cataid"])


def test_a_split_without_training_galaxies_is_refused() -> None:
    with pytest.raises(ValueError, match="appear in each of training, validation, test"):
        split(given_splits(["validation", "test"], [20, 20]))


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
