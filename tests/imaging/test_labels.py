"""Label lists as people write them."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology.imaging import clean_labels

CLASSES = {0: "Elliptical", 1: "Other"}


def clean(text: str) -> tuple[dict[int, str], dict[int, str]]:
    """Class by CATAID, and reason by rejected CATAID (-1 where there is none)."""
    table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False, skip_blank_lines=False)
    labelled, rejected = clean_labels(table, CLASSES)
    used = dict(zip(labelled["cataid"], labelled["class_name"], strict=True))
    left_out = dict(zip(rejected["cataid"].fillna(-1), rejected["reason"], strict=True))
    assert len(used) == len(labelled)
    return used, left_out


def test_integers_are_understood_however_they_are_written() -> None:
    used, left_out = clean(
        " CATAID , comment,TARGET \n287931.0,x,0\n 7 ,y, 1.0\n008,z,1\n9007199254740993,,0\n"
    )
    assert used == {287931: "Elliptical", 7: "Other", 8: "Other", 9007199254740993: "Elliptical"}
    assert left_out == {}


def test_order_of_the_list_is_kept() -> None:
    used, _ = clean("CATAID,TARGET\n9,0\n3,1\n5,0\n")
    assert list(used) == [9, 3, 5]


def test_the_same_galaxy_twice() -> None:
    used, left_out = clean("CATAID,TARGET\n1,0\n1.0,0\n2,0\n2,1\n3,1\n3,\n")
    assert used == {1: "Elliptical"}
    assert set(left_out) == {2, 3}
    assert "different values of TARGET" in left_out[2]


@pytest.mark.parametrize(
    "target",
    [
        "",
        "7",
        "-1",
        "0.5",
        "elliptical",
        "nan",
        "inf",
        "1e999999999",
        str(2**64),
        "1;0",
        "1_0",
        "٣",
    ],
)
def test_targets_that_are_no_class(target: str) -> None:
    used, left_out = clean(f"CATAID,TARGET\n1,{target}\n2,1\n")
    assert used == {2: "Other"}
    assert left_out == {1: f"TARGET {target!r} is none of 0 (Elliptical), 1 (Other)"}


def test_whatever_fits_into_64_bits_is_an_identifier() -> None:
    largest = 2**63 - 1
    used, left_out = clean(
        f"CATAID,TARGET\n{largest},0\n{largest - 1}.0,1\n000{largest - 2},0\n"
        f"1237648702966988820,1\n{largest + 1},0\n"
    )
    assert list(used) == [largest, largest - 1, largest - 2, 1237648702966988820]
    assert left_out == {
        -1: f"CATAID '{largest + 1}' (row 6) does not fit into 64 bits; expected at most {largest}"
    }


def test_a_negative_identifier_says_that_it_is_negative() -> None:
    _, left_out = clean("CATAID,TARGET\n-5,0\n2,1\n")
    assert "CATAID '-5' (row 2) is negative; expected a whole number from 0" in left_out[-1]


def test_classes_may_have_negative_values() -> None:
    table = pd.DataFrame({"CATAID": ["1", "2"], "TARGET": ["-1", "-1.0"]})
    labelled, _ = clean_labels(table, {-1: "S0", 3: "Sb"})
    assert labelled["class_name"].tolist() == ["S0", "S0"]


@pytest.mark.parametrize(
    "cataid", ["", "-5", "1.5", "0x10", "M31", "nan", "1e400", str(2**63), "1_000", "9" * 5000]
)
def test_cataids_that_are_none(cataid: str) -> None:
    used, left_out = clean(f"CATAID,TARGET\n{cataid},0\n2,1\n")
    assert used == {2: "Other"}
    assert list(left_out) == [-1]
    assert repr(cataid[:40]) in left_out[-1]
    assert "row 2" in left_out[-1]


@pytest.mark.parametrize("header", ["CATAID,CLASS", "CATAID;TARGET", "TARGET,TARGET ,CATAID"])
def test_columns_must_be_there_once(header: str) -> None:
    with pytest.raises(ValueError, match=r"exactly one column (TARGET|CATAID); its columns are"):
        clean(f"{header}\n1,0\n")


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3", "3.0", " 4", "", "x", "-1"]),
            st.sampled_from(["0", "1", "1.0", "2", "", "y"]),
        )
    )
)
def test_every_galaxy_is_used_or_left_out_once(rows: list[tuple[str, str]]) -> None:
    rows = [*rows, ("77", "0")]
    table = pd.DataFrame(rows, columns=["CATAID", "TARGET"])
    labelled, rejected = clean_labels(table, CLASSES)
    named = {int(float(c)) for c, _ in rows if c.strip() not in ("", "x", "-1")}
    left_out = rejected["cataid"].dropna().tolist()
    assert sorted([*labelled["cataid"], *left_out]) == sorted(named)
    nameless = [row for row in rows if row[0] in ("", "x", "-1") and row != ("", "")]
    assert rejected["cataid"].isna().sum() == len(nameless)
    assert rejected["reason"].str.len().gt(0).all()


def test_blank_lines_are_no_galaxies_and_do_not_shift_rows() -> None:
    used, left_out = clean("CATAID,TARGET\n\n1,0\n,\nx,1\n\n")
    assert used == {1: "Elliptical"}
    assert list(left_out) == [-1]
    assert "(row 5)" in left_out[-1]


def test_a_list_without_a_usable_row_is_an_error_that_says_why() -> None:
    with pytest.raises(ValueError, match=r"2 × TARGET 'Spiral' is none of .*\(e.g. CATAID 1\)"):
        clean("CATAID,TARGET\n1,Spiral\n2,Spiral\n")
    with pytest.raises(ValueError, match="no usable galaxy: it has no rows"):
        clean("CATAID,TARGET\n")


def test_classes_may_be_called_by_their_names() -> None:
    used, left_out = clean("CATAID,TARGET\n1, Elliptical \n2,Other\n3,1\n4,other\n")
    assert used == {1: "Elliptical", 2: "Other", 3: "Other"}
    assert left_out == {4: "TARGET 'other' is none of 0 (Elliptical), 1 (Other)"}
    table = pd.DataFrame({"CATAID": ["1", "2"], "TARGET": ["2", "5"]})
    labelled, _ = clean_labels(table, {2: "5", 7: "Sb"})  # a number first, then a name
    assert labelled["target"].tolist() == [2, 2]


def test_texts_are_identifiers_where_they_are_meant_to_be() -> None:
    names = ["J103438.28-005109.6", "007", "7", "1e5", "NA", "nan", "7.0"]
    table = pd.DataFrame({"CATAID": [*names, "", " ", "a\nb", "x" * 201, "1.2e+17"], "TARGET": "1"})
    labelled, rejected = clean_labels(table, CLASSES, "text")
    assert labelled["cataid"].tolist() == names
    assert rejected["cataid"].isna().all()
    assert [reason.split(") ")[1].split(";")[0] for reason in rejected["reason"]] == [
        "is empty", "is empty", "is no name", "is no name", "is a rounded number",
    ]  # fmt: skip


def test_radii_and_scales_are_numbers_above_0() -> None:
    cells = ["2.5", "1e1", "0", "-3", "inf", "nan", "", "12 px"]
    rows = [(str(row), "0", cell, cell) for row, cell in enumerate(cells)]
    table = pd.DataFrame(rows, columns=["CATAID", "TARGET", "radius", "scale"])
    labelled, _ = clean_labels(table, CLASSES)
    for name in ("radius", "scale"):
        np.testing.assert_array_equal(labelled[name], [2.5, 10.0, *[np.nan] * 6])


def test_splits_groups_and_positions_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    table = pd.DataFrame(
        [
            ("1", "0", "training", "a", "10.5", "-90"),
            ("2", "1", "test", "", "-170.0", "89.5"),
            ("3", "0", "Test?", "a", "1", "1"),
            ("4", "1", "training", "b", "10:34:38", "91"),
            ("5", "1", "training", "b", "1", "1"),
            ("5", "1", "test", "b", "1", "1"),
            ("6", "0", "", "b", "", ""),
        ],
        columns=["CATAID", "TARGET", "split", "group", "ra", "dec"],
    )
    with caplog.at_level("WARNING"):
        labelled, rejected = clean_labels(table, CLASSES)
    assert labelled.drop(columns=["ra", "dec"]).to_numpy().tolist() == [
        [1, 0, "Elliptical", "training", "a"],
        [2, 1, "Other", "test", ""],
        [4, 1, "Other", "training", "b"],
    ]
    np.testing.assert_array_equal(labelled["ra"], [10.5, -170, np.nan])
    np.testing.assert_array_equal(labelled["dec"], [-90, 89.5, np.nan])
    assert dict(zip(rejected["cataid"], rejected["reason"], strict=True)) == {
        3: "split 'Test?' is none of training, validation, test",
        5: "named more than once, with different splits",
        6: "split '' is none of training, validation, test",
    }
    assert "1 positions are not known: ra is '10:34:38'" in caplog.text


def test_the_real_label_list(gama_labels: object) -> None:
    labels = pd.read_csv(str(gama_labels), dtype=str)
    labelled, rejected = clean_labels(labels, CLASSES)
    assert labelled["class_name"].value_counts().to_dict() == {"Other": 3006, "Elliptical": 2894}
    assert rejected.empty


def test_messages_call_columns_by_the_names_of_the_user() -> None:
    table = pd.DataFrame(
        [("x", "0"), ("2", "spiral"), ("3", "0"), ("3", "1"), ("4", "1")],
        columns=["CATAID", "TARGET"],
    )
    theirs = {"identifier_column": "objid", "label_column": "gz2_class"}
    _, rejected = clean_labels(table, CLASSES, **theirs)  # type: ignore[arg-type]
    assert rejected["reason"].tolist() == [
        f"objid 'x' (row 2) is no whole number; expected one from 0 to {2**63 - 1}",
        "gz2_class 'spiral' is none of 0 (Elliptical), 1 (Other)",
        "named more than once, with different values of gz2_class",
    ]
    with pytest.raises(ValueError, match="a row per galaxy with its objid and a gz2_class"):
        clean_labels(table[:2], CLASSES, **theirs)  # type: ignore[arg-type]
