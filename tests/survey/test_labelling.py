"""Galaxies worth a label: uncertain, unlike each other, and in a list that training reads."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from survey import draw_galaxy, encode, write_archive

from galaxy_morphology.datasets.cutout_archive import ArchiveLabelsDataset, CutoutArchiveDataset
from galaxy_morphology.imaging import clean_labels, read_cutouts
from galaxy_morphology.sources.layout import Columns
from galaxy_morphology.survey.labelling import label_list, most_instructive

GALAXIES = pd.DataFrame(
    {
        "cataid": [7, 2**60 + 1],
        "ra": [1.5, 2.5],
        "dec": [np.nan, np.nan],
        "file": ["a.png", "b.png"],
    }
)


def pool(n: int, n_classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(n_classes), n), rng.normal(size=(n, 5))


@given(st.integers(1, 30), st.integers(2, 4), st.integers(0, 100), st.integers(1, 40))
def test_gradients_need_not_be_written_out(n: int, n_classes: int, seed: int, wanted: int) -> None:
    probability, features = pool(n, n_classes, seed)
    errors = probability - np.eye(n_classes)[probability.argmax(axis=1)]
    inputs = np.c_[features, np.ones(n)]
    gradients = (errors[:, :, None] * inputs[:, None]).reshape(n, -1)
    rng = np.random.default_rng(seed)
    expected = [int((gradients**2).sum(axis=1).argmax())]
    while len(expected) < min(n, wanted):
        apart = ((gradients[:, None] - gradients[expected]) ** 2).sum(axis=2).min(axis=1)
        apart[expected] = 0
        expected.append(int(rng.choice(n, p=apart / apart.sum())))
    assert most_instructive(probability, features, wanted, seed=seed).tolist() == expected


def test_copies_are_not_chosen_beside_each_other() -> None:
    probability, features = pool(20)
    rows = np.tile(np.arange(20), 10)
    chosen = most_instructive(probability[rows], features[rows], 20, seed=0)
    assert len(set(rows[chosen])) == 20


def test_all_are_chosen_where_there_are_too_few_or_none_is_uncertain() -> None:
    sure = np.eye(2)[[0, 1, 1]]
    assert sorted(most_instructive(sure, np.ones((3, 4)), 9, seed=0)) == [0, 1, 2]
    assert len(most_instructive(sure[:0], np.ones((0, 4)), 9, seed=0)) == 0


def test_uncertain_galaxies_are_chosen_more_often() -> None:
    rng = np.random.default_rng(0)
    second = rng.random(2000)
    features = rng.normal(size=(2000, 8))
    chosen = most_instructive(np.c_[1 - second, second], features, 100, seed=0)
    assert np.abs(second[chosen] - 0.5).mean() < np.abs(second - 0.5).mean() - 0.05


def test_the_list_has_the_names_that_the_user_gives_to_columns() -> None:
    plain = label_list(GALAXIES, Columns(identifier="CATAID", label="TARGET"))
    assert plain.columns.tolist() == ["CATAID", "TARGET"]
    assert plain["CATAID"].tolist() == GALAXIES["cataid"].tolist()
    assert (plain["TARGET"] == "").all()
    others = label_list(
        GALAXIES,
        Columns(
            identifier="objid",
            votes={0: ("smooth",), 1: ("disc",)},
            file="path",
            ra="RA",
            dec="DEC",
        ),
    )
    assert others.columns.tolist() == ["objid", "smooth", "disc", "RA", "path"]
    in_braces = label_list(GALAXIES, Columns(identifier="id", label="y", file="img/{asset}.jpg"))
    assert in_braces.columns.tolist() == ["id", "y"]


@pytest.mark.parametrize("as_decimals", [False, True])
def test_a_list_that_was_filled_in_is_read_as_labels(tmp_path: Path, as_decimals: bool) -> None:
    rng = np.random.default_rng(0)
    cataids = [5, 7, 2**60 + 1, 11]
    cutouts = {each: encode(draw_galaxy(rng, axis_ratio=0.5)) for each in cataids}
    archive = write_archive(tmp_path / "GALAXIES.zip", cutouts, "CATAID,TARGET\n5,0\n11,1")
    to_label = label_list(GALAXIES, Columns(identifier="CATAID", label="TARGET"))
    to_label.to_csv(tmp_path / "to_label.csv", index=False)
    # A person fills in the list, appends it to that of the archive, and puts both together.
    filled = pd.read_csv(tmp_path / "to_label.csv", dtype=str)
    filled["TARGET"] = ["1.0", ""] if as_decimals else ["1", "Elliptical"]
    rows = filled.to_csv(index=False).split("\n", 1)[1]
    labels = "CATAID,TARGET\n5,0\n11,1\n" + rows
    grown = write_archive(tmp_path / "more" / "GALAXIES.zip", cutouts, labels)
    assert archive.exists()
    assert zipfile.is_zipfile(grown)
    found = ArchiveLabelsDataset(filepath=str(grown), label_file="2class_list.csv").load()
    labelled, rejected = clean_labels(found, {0: "Elliptical", 1: "Other"})
    expected = {5: 0, 11: 1, 7: 1} | ({} if as_decimals else {2**60 + 1: 0})
    assert dict(zip(labelled["cataid"], labelled["target"], strict=True)) == expected
    assert rejected["cataid"].tolist() == ([2**60 + 1] if as_decimals else [])
    images, read, _ = read_cutouts(
        CutoutArchiveDataset(filepath=str(grown)).load(), labelled,
        side=32, minimum_side=8, maximum_side=256,
    )  # fmt: skip
    assert len(list(images)) == len(read) == len(expected)
