"""Which galaxies of a survey are shown: some of every group, and random ones that are so."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxy_morphology.survey.overview import KINDS, MARKS
from galaxy_morphology.survey.shown import (
    RANDOM,
    TO_LABEL,
    Selection,
    n_notable,
    select_shown,
)

N = 400
CLASSES = ("Elliptical", "Other")


def of_kinds(
    rng: np.random.Generator, kinds: tuple[str, ...], first: int, each: int
) -> pd.DataFrame:
    """So many rows of each kind and class, some galaxies in several; identifiers from the first."""
    table = pd.DataFrame({"kind": np.repeat(kinds, 2 * each)})
    return table.assign(
        cataid=first + rng.choice(N // 2, len(table)),
        predicted_class=np.tile(CLASSES, len(table) // 2),
    ).drop_duplicates(["kind", "cataid"])


def chosen(n_shown: int, seed: int, each: int = 20) -> tuple[Selection, list[pd.DataFrame]]:
    rng = np.random.default_rng(seed)
    sample = pd.DataFrame({"cataid": rng.permutation(N), "predicted_class": "Other"})
    to_label = sample.sample(30, random_state=seed)
    notable = of_kinds(rng, tuple(KINDS), 0, each)
    marked = of_kinds(rng, MARKS, N // 2, each)
    found = select_shown(to_label, notable, marked, sample, n_shown)
    return found, [to_label, notable, marked, sample]


@settings(max_examples=30)
@given(st.integers(1, 500), st.integers(0, 1000))
def test_no_more_than_wanted_and_nobody_twice(n_shown: int, seed: int) -> None:
    found, tables = chosen(n_shown, seed)
    cataids = found.galaxies["cataid"]
    assert cataids.is_unique
    assert len(cataids) == min(n_shown, N)  # the random ones are all there are
    assert found.galaxies.index.tolist() == list(range(len(cataids)))
    for name, rows in found.groups.items():
        if name in KINDS:
            of_kind = tables[1][tables[1]["kind"] == name]
            assert set(cataids[rows]) <= set(of_kind["cataid"])
    assert set(cataids[found.groups[TO_LABEL]]) <= set(tables[0]["cataid"])


@pytest.mark.parametrize("seed", range(3))
def test_every_group_is_there(seed: int) -> None:
    found, tables = chosen(200, seed)
    assert set(tables[0]["cataid"]) <= set(found.galaxies["cataid"])
    assert all(rows.any() for rows in found.groups.values())
    for _, foremost in tables[1].groupby(["kind", "predicted_class"], sort=False):
        assert set(foremost["cataid"].head(n_notable(200, 2))) <= set(found.galaxies["cataid"])
    for _, some in tables[2].groupby("kind"):
        assert found.galaxies["cataid"].isin(some["cataid"]).any()


def test_random_ones_are_the_first_of_the_sample_with_those_that_stand_out_among_them() -> None:
    found, tables = chosen(250, 0)
    drawn = set(found.galaxies["cataid"][found.groups[RANDOM]])
    assert drawn == set(tables[3]["cataid"].head(len(drawn)))
    assert len(drawn & set(tables[1]["cataid"])) > 0


def test_all_are_shown_where_there_is_room_and_none_where_there_are_none() -> None:
    found, _ = chosen(6000, 0)
    assert set(found.galaxies["cataid"]) == set(range(N))
    assert found.groups[RANDOM].sum() == N
    empty = pd.DataFrame({"cataid": [], "kind": [], "predicted_class": []})
    plain = empty.drop(columns="kind")
    assert select_shown(plain, empty, empty, plain, 10).galaxies.empty
