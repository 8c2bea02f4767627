"""Labels from votes, worked by hand; and whatever is wrong with a list of them."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxy_morphology.imaging import clean_votes

CLASSES = {0: "Smooth", 1: "Disc"}
FRACTIONS: dict[str, Any] = {
    "columns": {0: ["smooth"], 1: ["disc"]},
    "kind": "fractions",
    "total": None,
    "minimum_votes": 0,
    "minimum_fraction": 0.6,
    "margin": 0.3,
    "soft": False,
}
COUNTS = FRACTIONS | {"kind": "counts"}


def clean(
    text: str, classes: Mapping[int, str] = CLASSES, **options: Any
) -> tuple[pd.DataFrame, dict[int, tuple[str, str]]]:
    """The labelled galaxies by CATAID, and reason and votes by rejected CATAID."""
    table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False, skip_blank_lines=False)
    labelled, rejected = clean_votes(table, classes, **(FRACTIONS | options))
    assert labelled["cataid"].is_unique
    left_out = zip(rejected["reason"], rejected["votes"], strict=True)
    return labelled.set_index("cataid"), dict(
        zip(rejected["cataid"].fillna(-1), left_out, strict=True)
    )


def test_the_clear_majority_is_the_class() -> None:
    used, left_out = clean(
        "CATAID,smooth,disc\n1,0.7,0.3\n2,0.1,0.9\n3,0.55,0.1\n4,0.6,0.31\n5,0.6,0.3\n6,0.5,0.5\n"
    )
    assert used["class_name"].to_dict() == {1: "Smooth", 2: "Disc", 5: "Smooth"}
    assert used["target"].to_dict() == {1: 0, 2: 1, 5: 0}
    assert list(used) == ["target", "class_name"]  # nothing soft about it
    assert left_out == {
        3: ("no clear majority", "0.55 Smooth, 0.1 Disc"),
        4: ("no clear majority", "0.6 Smooth, 0.31 Disc"),
        6: ("no clear majority", "0.5 Smooth, 0.5 Disc"),
    }


def test_equal_fractions_are_never_a_majority() -> None:
    used, left_out = clean(
        "CATAID,smooth,disc\n1,0.5,0.5\n2,0.4,0.41\n", margin=0.0, minimum_fraction=0.4
    )
    assert used["class_name"].to_dict() == {2: "Disc"}
    assert left_out[1][0] == "no clear majority"


def test_columns_of_a_class_are_added() -> None:
    used, _ = clean(
        "CATAID,e,cw,acw,edge\n1,0.2,0.3,0.1,0.4\n2,0.7,0.1,0.1,0.1\n",
        columns={0: ["e"], 1: ["cw", "acw", "edge"]},
    )
    assert used["class_name"].to_dict() == {1: "Disc", 2: "Smooth"}
    # 0.1 + 0.7 is a little less than 0.8 in binary.
    used, _ = clean(
        "CATAID,a,b,disc\n1,0.1,0.7,0.2\n",
        columns={0: ["a", "b"], 1: ["disc"]}, minimum_fraction=0.8, margin=0.6,
    )  # fmt: skip
    assert len(used) == 1


def test_the_order_of_classes_is_that_of_their_numbers() -> None:
    used, _ = clean(
        "CATAID,smooth,disc\n1,0.9,0.1\n", {5: "Smooth", -2: "Disc"},
        columns={5: ["smooth"], -2: ["disc"]}, soft=True,
    )  # fmt: skip
    assert used.loc[1, "target"] == 5
    assert list(used)[2:4] == ["fraction_Disc", "fraction_Smooth"]
    assert used.loc[1, "fraction_Smooth"] == pytest.approx(0.9)


def test_counts_are_fractions_of_all_votes_where_their_number_is_known() -> None:
    text = "CATAID,smooth,disc,all\n1,30,6,40\n2,7,3,40\n3,21,12,40\n4,0,9,9\n5,8,2,10\n"
    used, left_out = clean(text, kind="counts", total="all", minimum_votes=10)
    assert used["class_name"].to_dict() == {1: "Smooth", 5: "Smooth"}
    assert left_out == {
        2: ("most votes are for none of the classes", "0.175 Smooth, 0.075 Disc, of 40 votes"),
        3: ("no clear majority", "0.525 Smooth, 0.3 Disc, of 40 votes"),
        4: ("fewer than 10 votes", "0 Smooth, 1 Disc, of 9 votes"),
    }
    used, left_out = clean(text, kind="counts", minimum_votes=10)
    assert used["class_name"].to_dict() == {1: "Smooth", 2: "Smooth", 5: "Smooth"}
    assert left_out[3] == ("no clear majority", "0.636 Smooth, 0.364 Disc, of 33 votes")


def test_soft_labels_are_fractions_of_the_votes_for_the_classes() -> None:
    text = "CATAID,smooth,disc,all\n1,30,6,40\n2,6,6,20\n3,5,14,20\n4,1,0,30\n"
    used, left_out = clean(text, kind="counts", total="all", soft=True)
    assert used["fraction_Smooth"].to_dict() == pytest.approx({1: 30 / 36, 2: 0.5, 3: 5 / 19})
    np.testing.assert_allclose(used["fraction_Smooth"] + used["fraction_Disc"], 1)
    assert used["n_votes"].to_dict() == {1: 36, 2: 12, 3: 19}
    assert used["clear"].to_dict() == {1: True, 2: False, 3: True}
    assert used["class_name"].to_dict() == {1: "Smooth", 2: "Smooth", 3: "Disc"}
    assert left_out == {
        4: ("most votes are for none of the classes", "0.0333 Smooth, 0 Disc, of 30 votes")
    }


def test_the_number_of_votes_behind_fractions_is_known_only_where_it_is_given() -> None:
    text = "CATAID,smooth,disc,n\n1,0.5,0.3,40\n"
    used, _ = clean(text, soft=True)
    assert used["n_votes"].isna().all()
    used, _ = clean(text, soft=True, total="n")
    assert used.loc[1, "n_votes"] == 32
    assert used.loc[1, "fraction_Smooth"] == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1.2", "smooth is no fraction from 0 to 1"),
        ("-0.1", "smooth is no fraction from 0 to 1"),
        ("70", "smooth is no fraction from 0 to 1"),
        ("1e999", "smooth is no fraction from 0 to 1"),
        ("inf", "smooth is no fraction from 0 to 1"),
        ("0.5.1", "smooth is no fraction from 0 to 1"),
        ("0_1", "smooth is no fraction from 0 to 1"),
        ("٠", "smooth is no fraction from 0 to 1"),
        ("True", "smooth is no fraction from 0 to 1"),
        ("", "no value in smooth"),
        (" ", "no value in smooth"),
        ("NaN", "no value in smooth"),
        ("0.95", "more votes for the classes than there are"),
    ],
)
@pytest.mark.parametrize("soft", [True, False])
def test_fractions_that_are_none(cell: str, reason: str, soft: bool) -> None:
    used, left_out = clean(f"CATAID,smooth,disc\n1,{cell},0.1\n2,0.9,0.1\n", soft=soft)
    assert list(used.index) == [2]
    assert left_out == {1: (reason, f"smooth {cell!r}, disc '0.1'")}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("-3,1,9", "smooth is no whole number of votes"),
        ("2.5,1,9", "smooth is no whole number of votes"),
        ("inf,1,9", "smooth is no whole number of votes"),
        (",1,9", "no value in smooth"),
        ("3,1,", "no value in all"),
        ("3,1,-9", "all is no whole number of votes"),
        ("8,4,9", "more votes for the classes than there are"),
        ("0,0,9", "no votes"),
        ("0,0,0", "no votes"),
        ("1,0,0", "no votes"),
    ],
)
@pytest.mark.parametrize("soft", [True, False])
def test_counts_that_are_none(cells: str, reason: str, soft: bool) -> None:
    used, left_out = clean(
        f"CATAID,smooth,disc,all\n1,{cells}\n2,9.0,1,10\n", kind="counts", total="all", soft=soft
    )
    assert list(used.index) == [2]
    smooth, disc, n_votes = cells.split(",")
    assert left_out == {1: (reason, f"smooth {smooth!r}, disc {disc!r}, all {n_votes!r}")}


def test_fractions_may_be_written_and_rounded_as_people_do() -> None:
    used, left_out = clean("CATAID,smooth,disc\n1,.90,1e-1\n2, 1. ,0\n3,0.667,0.334\n")
    assert list(used.index) == [1, 2, 3]
    assert left_out == {}
    assert not clean("CATAID,smooth,disc\n1,0,0\n2,1,0\n")[0].index.isin([1]).any()


def test_the_same_galaxy_twice() -> None:
    used, left_out = clean(
        "CATAID,smooth,disc\n1,0.9,0.1\n1.0,0.90,0.1\n2,0.9,0.1\n2,0.9,0.05\n3,0.9,0.1\n3,0.9,x\n"
    )
    assert list(used.index) == [1]
    twice = ("named more than once, with different votes", "smooth '0.9', disc '0.1'")
    assert left_out == {2: twice, 3: twice}


def test_identifiers_keep_all_their_digits() -> None:
    used, left_out = clean("smooth,CATAID,disc\n0.9,587722981742084144,0.1\n0.9,5.877e17,0.1\n")
    assert list(used.index) == [587722981742084144]
    assert list(left_out) == [-1]
    assert left_out[-1][0].startswith("CATAID '5.877e17' (row 3) is no whole number")


def test_missing_columns_and_lists_without_a_usable_row_are_errors() -> None:
    with pytest.raises(ValueError, match=r"exactly one column disc; its columns are \['CATAID'"):
        clean("CATAID,smooth\n1,0.9\n")
    with pytest.raises(ValueError, match="exactly one column CATAID"):
        clean("GalaxyID,smooth,disc\n1,0.9,0.1\n")
    for empty in ("", "\n,,\n"):
        with pytest.raises(ValueError, match=r"no usable galaxy: it has no rows\. Expected"):
            clean(f"CATAID,smooth,disc\n{empty}", kind="counts")
    with pytest.raises(ValueError, match=r"no usable galaxy: 1 × CATAID 'x' \(row 2\) is no whole"):
        clean("CATAID,smooth,disc\nx,1,2\n")
    with pytest.raises(
        ValueError,
        match=r"no usable galaxy: 2 × smooth is no fraction from 0 to 1 \(e.g. CATAID 1\)\. "
        r"Expected a row per galaxy with its CATAID, and fractions of votes in the columns that "
        r"`columns.votes` in globals.yml names",
    ):
        clean("CATAID,smooth,disc\n1,90,10\n2,80,20\n")


NAMES = ["Smooth", "Disc", "Artefact"]


@settings(max_examples=50)
@given(
    votes=st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=30),
    minimum_fraction=st.integers(1, 20),
    margin=st.integers(0, 19),
    minimum_votes=st.integers(0, 20),
    soft=st.booleans(),
)
def test_thresholds_hold_exactly(
    votes: list[tuple[int, ...]],
    minimum_fraction: int,
    margin: int,
    minimum_votes: int,
    soft: bool,
) -> None:
    """Against whole numbers: fractions and thresholds are multiples of so and so much."""
    rows = [(*some, sum(some)) for some in votes] + [(20, 0, 0, 0, 20)]
    table = pd.DataFrame(rows, columns=["a", "b", "c", "other", "all"]).astype(str)
    table.insert(0, "CATAID", [str(i) for i in range(len(rows))])
    labelled, rejected = clean_votes(
        table,
        dict(enumerate(NAMES)),
        columns={0: ["a"], 1: ["b"], 2: ["c"]},
        kind="counts",
        total="all",
        minimum_votes=minimum_votes,
        minimum_fraction=minimum_fraction / 20,
        margin=margin / 20,
        soft=soft,
    )
    used = labelled.set_index("cataid")
    left_out = rejected.set_index("cataid")["reason"]
    assert sorted([*used.index, *left_out.index]) == list(range(len(rows)))
    for cataid, (*of_classes, _, n_votes) in enumerate(rows):
        next_one, most = sorted(of_classes)[1:]
        clear = (
            20 * most >= minimum_fraction * n_votes
            and 20 * (most - next_one) >= margin * n_votes
            and most > next_one
        )
        if sum(of_classes) == 0:
            expected = "no votes"
        elif n_votes < minimum_votes:
            expected = f"fewer than {minimum_votes} votes"
        elif 2 * sum(of_classes) < n_votes:
            expected = "most votes are for none of the classes"
        elif not clear and not soft:
            expected = "no clear majority"
        else:
            assert used.loc[cataid, "class_name"] == NAMES[of_classes.index(most)]
            if soft:
                assert used.loc[cataid, "clear"] == clear
                assert used.loc[cataid, "n_votes"] == sum(of_classes)
                fractions = [used.loc[cataid, f"fraction_{name}"] for name in NAMES]
                by_hand = [count / sum(of_classes) for count in of_classes]
                assert fractions == pytest.approx(by_hand)
            continue
        assert left_out[cataid] == expected


@settings(max_examples=50)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3.0", "", "x", "-1"]),
            st.sampled_from(["0", "0.2", "0.8", "1", "7", "", "nan", "y", "-0.1"]),
            st.sampled_from(["0", "0.1", "0.2", "1", "1e5", "?"]),
        )
    ),
    soft=st.booleans(),
)
def test_every_galaxy_is_used_or_left_out_once(rows: list[tuple[str, ...]], soft: bool) -> None:
    rows = [*rows, ("77", "0.9", "0.1")]
    table = pd.DataFrame(rows, columns=["CATAID", "smooth", "disc"])
    labelled, rejected = clean_votes(table, CLASSES, **(FRACTIONS | {"soft": soft}))
    named = {int(float(cataid)) for cataid, *_ in rows if cataid not in ("", "x", "-1")}
    assert sorted([*labelled["cataid"], *rejected["cataid"].dropna()]) == sorted(named)
    assert rejected["cataid"].isna().sum() == sum(row[0] in ("", "x", "-1") for row in rows)
    assert rejected["reason"].str.len().gt(0).all()
    known = labelled.drop(columns="n_votes", errors="ignore")
    assert known.notna().to_numpy().all()
