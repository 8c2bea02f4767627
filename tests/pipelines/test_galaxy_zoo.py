"""Galaxy Zoo's lists as they are published, in the environments that are made for them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, run_project
from pydantic import ValidationError
from survey import draw_galaxy, encode, write_archive

from galaxy_morphology.hooks.parameter_names import check_together
from galaxy_morphology.options import Classes, ClassificationOptions, VoteOptions

IDENTIFIERS = {"galaxy_zoo_decals": "str"}
QUESTIONS = (3, 2, 2, 2, 4, 2, 3, 7, 3, 3, 6)
"""Answers to each of Kaggle's questions."""
SHIPPED = yaml.safe_load((PROJECT / "conf/base/parameters.yml").read_text())["votes"]
OFF = SHIPPED | {"columns": {}, "total": None}


def parameters(**changes: Any) -> VoteOptions:
    return VoteOptions.model_validate(OFF | changes)


def write(root: Path, table: pd.DataFrame, identifier: str, label_file: str, suffix: str) -> None:
    """An archive with a cut-out for every galaxy of a table."""
    rng = np.random.default_rng(0)
    cutouts = {
        f"images/{name}{suffix}": encode(draw_galaxy(rng, axis_ratio=0.5, side=32), suffix)
        for name in table[identifier]
    }
    write_archive(
        root / "01_raw/GALAXIES.zip", {}, table.to_csv(index=False),
        label_file=label_file, others=cutouts,
    )  # fmt: skip


def read(root: Path, env: str) -> tuple[pd.DataFrame, Mapping[int | str, tuple[str, str]]]:
    """Galaxies by CATAID, and reason and votes of those left out, after reading."""
    split = {"split.validation_fraction": 0.34, "split.test_fraction": 0.0}
    run_project(root, "reading", env=env, changes=split)
    galaxies = pd.read_parquet(root / "05_model_input/galaxies.parquet").set_index("cataid")
    rejected = pd.read_csv(
        root / "08_reporting/rejected_galaxies.csv", dtype={"cataid": IDENTIFIERS.get(env, "Int64")}
    )
    assert list(rejected) == ["cataid", "reason", "votes", "simulated"]
    words = zip(rejected["reason"], rejected["votes"], strict=True)
    return galaxies, dict(zip(rejected["cataid"], words, strict=True))


def test_galaxy_zoo_1(tmp_path: Path) -> None:
    columns = [
        "OBJID", "RA", "DEC", "NVOTE", "P_EL", "P_CW", "P_ACW", "P_EDGE", "P_DK", "P_MG", "P_CS",
        "P_EL_DEBIASED", "P_CS_DEBIASED", "SPIRAL", "ELLIPTICAL", "UNCERTAIN",
    ]  # fmt: skip
    rows = []
    for i in range(16):
        elliptical = [0.05, 0.9, 0.8, 0.5][i % 4]  # debiased; the last is uncertain
        spiral = [0.95, 0.05, 0.1, 0.45][i % 4]
        flags = [int(spiral >= 0.8), int(elliptical >= 0.8), int(max(elliptical, spiral) < 0.8)]
        rows.append(
            [587722981742084100 + i, "00:00:00.41", "-10:22:25.7", 59, 0.61, 0.034, 0.0, 0.153,
             0.153, 0.051, 0.186, elliptical, spiral, *flags]
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    write(tmp_path, table, "OBJID", "GalaxyZoo1_DR_table2.csv", ".jpg")
    galaxies, left_out = read(tmp_path, "galaxy_zoo_1")
    known = table.set_index("OBJID")  # as Galaxy Zoo itself says
    assert set(galaxies.index) == set(known.index[known["UNCERTAIN"] == 0])
    for name, flag in (("Spiral", "SPIRAL"), ("Elliptical", "ELLIPTICAL")):
        of_class = galaxies.index[galaxies["class_name"] == name]
        assert set(of_class) == set(known.index[known[flag] == 1])
    words = ("no clear majority", "0.5 Elliptical, 0.45 Spiral, of 59 votes")
    assert left_out == dict.fromkeys(known.index[known["UNCERTAIN"] == 1], words)


def test_galaxy_zoo_2_of_kaggle(tmp_path: Path) -> None:
    names = [f"Class{q}.{a}" for q, n in enumerate(QUESTIONS, 1) for a in range(1, n + 1)]
    assert len(names) == 37
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.dirichlet(np.ones(37), 12).round(6), columns=names)
    table.insert(0, "GalaxyID", 100008 + np.arange(12))
    smooth = np.array([0.383147, 0.9, 0.5, 0.2, 0.02, 0.1] * 2)
    artefact = np.array([0.0, 0.05, 0.2, 0.1, 0.97, 0.0] * 2)
    table["Class1.1"], table["Class1.3"] = smooth, artefact
    table["Class1.2"] = (1 - smooth - artefact).round(6)
    write(tmp_path, table, "GalaxyID", "training_solutions_rev1.csv", ".jpg")
    galaxies, left_out = read(tmp_path, "galaxy_zoo_2")
    assert left_out == dict.fromkeys(
        (100012, 100018),
        ("most votes are for none of the classes", "0.02 Smooth, 0.01 Features or disc"),
    )
    of_two = smooth / (1 - artefact)
    kept = np.flatnonzero(artefact < 0.9)
    assert galaxies.index.tolist() == (100008 + kept).tolist()
    np.testing.assert_allclose(galaxies["fraction_Smooth"], of_two[kept], rtol=1e-5)
    np.testing.assert_allclose(galaxies["fraction_Features or disc"], 1 - of_two[kept], rtol=1e-5)
    assert galaxies["n_votes"].isna().all()
    clear = np.maximum(smooth, table["Class1.2"]) >= 0.8
    assert galaxies["clear"].tolist() == clear[kept].tolist()


def test_galaxy_zoo_decals(tmp_path: Path) -> None:
    question, answers = "smooth-or-featured", ("smooth", "featured-or-disk", "artifact")
    votes = np.array([[30, 6, 2], [9, 25, 1], [3, 4, 1], [1, 2, 30], [20, 20, 0], [2, 36, 0]] * 2)
    names = [f"J{100000 + i}.28-005109.6" for i in range(12)]
    table = pd.DataFrame({"iauname": names, "ra": 172.47, "dec": -0.07})
    table[f"{question}_total-votes"] = votes.sum(axis=1)
    for answer, counts in zip(answers, votes.T, strict=True):
        fraction = counts / votes.sum(axis=1)
        table[f"{question}_{answer}"] = counts
        table[f"{question}_{answer}_fraction"] = table[f"{question}_{answer}_debiased"] = fraction
    # Of questions that nobody was asked, some cells are empty.
    table["disk-edge-on_total-votes"], table["disk-edge-on_yes_fraction"] = 0, ""
    write(tmp_path, table, "iauname", "gz_decals_volunteers_5.csv", ".png")
    galaxies, left_out = read(tmp_path, "galaxy_zoo_decals")
    few = ("fewer than 10 votes", "0.375 Smooth, 0.5 Features or disc, of 8 votes")
    none = (
        "most votes are for none of the classes",
        "0.0303 Smooth, 0.0606 Features or disc, of 33 votes",
    )
    assert left_out == {names[2]: few, names[8]: few, names[3]: none, names[9]: none}
    assert galaxies.loc[names[0], "n_votes"] == 36
    assert galaxies.loc[names[0], "fraction_Smooth"] == pytest.approx(30 / 36)
    assert (galaxies.loc[[names[0], names[4]], "class_name"] == "Smooth").all()
    of_clear = {
        names[0]: False,
        names[1]: False,
        names[4]: False,
        names[5]: True,
    }  # 30 of 38 are 0.789
    assert galaxies["clear"].loc[list(of_clear)].to_dict() == of_clear


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": {0: []}}, "expected a column or more for each class"),
        ({"columns": {0: ["a"], 1: ["a"]}}, "expected each column once, found a, a"),
        ({"columns": {0: ["a"]}, "total": "a"}, "expected each column once"),
        ({"soft": True}, "name their columns as `columns.votes`"),
        ({"minimum_votes": 5}, "minimum_votes needs numbers of votes: .* `columns.total_votes`"),
        ({"columns": {0: ["a"]}, "soft": True, "weigh_by_votes": True}, "weigh_by_votes needs"),
        ({"total": "n", "weigh_by_votes": True}, "is for soft labels"),
        (
            {"columns": {0: ["a"]}, "kind": "counts", "soft": True, "weigh_by_votes": True},
            "the loss for counts knows their number",
        ),
        ({"kind": "percent"}, "kind"),
        ({"minimum_fraction": 80}, "minimum_fraction"),
        ({"majority": 0.8}, "Extra inputs are not permitted"),
    ],
)
def test_impossible_votes(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        parameters(**changes)


def test_votes_that_do_not_fit_other_parameters() -> None:
    classes = Classes({0: "Smooth", 1: "Disc"})
    mix = ClassificationOptions(
        calibrate=True, class_prior={"Smooth": 1, "Disc": 2}, accuracy_wanted=0.9,
        accuracy_confidence=0.9,
    )  # fmt: skip
    both = {0: ["a"], 1: ["b"]}
    for right in ({}, {"columns": both}):
        parameters(**right).check(classes, mix)
    with pytest.raises(ValueError, match=r"for the classes \[0, 2\], but `classes` are \{0: 'Sm"):
        parameters(columns={0: ["a"], 2: ["b"]}).check(classes, mix)
    with pytest.raises(ValueError, match="set classification.class_prior to null"):
        check_together(
            {
                "classes": classes,
                "classification": mix,
                "votes": parameters(columns=both, soft=True),
            }
        )


def test_the_loss_follows_from_what_labels_are() -> None:
    both = {0: ["a"], 1: ["b"]}
    assert parameters().loss == "cross_entropy"
    assert parameters(columns=both, kind="counts").loss == "cross_entropy"  # hard labels
    assert parameters(columns=both, soft=True).loss == "cross_entropy"
    assert parameters(columns=both, kind="counts", soft=True).loss == "dirichlet_multinomial"


def write_votes(path: Path, n_galaxies: int) -> pd.DataFrame:
    """As of Galaxy Zoo DECaLS: the longer a galaxy, the more of forty people see a disc."""
    rng = np.random.default_rng(0)
    shares = np.linspace(0.05, 0.95, n_galaxies)
    votes = rng.binomial(40, shares)
    names = [f"J{i:06}.28-005109.6" for i in range(n_galaxies)]
    cutouts = {
        f"images/{name}.png": encode(draw_galaxy(rng, axis_ratio=1.0 - 0.75 * share))
        for name, share in zip(names, shares, strict=True)
    }
    question = "smooth-or-featured"
    table = pd.DataFrame(
        {"iauname": names, f"{question}_smooth": 40 - votes,
         f"{question}_featured-or-disk": votes, f"{question}_total-votes": 40}
    )  # fmt: skip
    labels = table.to_csv(index=False)
    write_archive(path, {}, labels, label_file="gz_decals_volunteers_5.csv", others=cutouts)
    return table.set_axis(["iauname", "smooth", "disc", "asked"], axis=1).set_index("iauname")


@pytest.mark.slow
def test_soft_labels_work_throughout(tmp_path: Path) -> None:
    votes = write_votes(tmp_path / "01_raw/GALAXIES.zip", 60)
    changes = {
        "explanations.methods": ["grad_cam"],
        "explained_galaxies.n_measured": 4,
        "checks.n_randomised": 1,
    }
    run_project(tmp_path, env="galaxy_zoo_decals", changes=changes)

    predictions = pd.read_parquet(tmp_path / "07_model_output/predictions.parquet")
    known = votes.loc[predictions["cataid"]]
    np.testing.assert_allclose(predictions["fraction_Features or disc"], known["disc"] / 40)
    assert (predictions["n_votes"] == 40).all()
    clear = np.maximum(known["disc"], known["smooth"]) >= 32
    assert predictions["clear"].tolist() == clear.tolist()
    majority = np.where(known["disc"] > known["smooth"], "Features or disc", "Smooth")
    assert predictions["class_name"].tolist() == majority.tolist()

    metrics = json.loads((tmp_path / "08_reporting/metrics.json").read_text())
    card = (tmp_path / "08_reporting/model_card.md").read_text()
    page = (tmp_path / "08_reporting/report.html").read_text()
    for split, scores in metrics.items():
        some = predictions[predictions["split"] == split]
        errors = (some["probability_Features or disc"] - some["fraction_Features or disc"]) ** 2
        assert scores["votes"]["brier"]["value"] == pytest.approx(errors.mean())
        assert scores["votes"]["brier"] == scores["calibration"]["after"]["brier"]
        right = some.loc[some["clear"], "correct"]
        assert scores["votes"]["accuracy"]["value"] == pytest.approx(right.mean())
        assert scores["accuracy"]["value"] == pytest.approx(some["correct"].mean())
        assert f"{scores['votes']['brier']['value']:.3f}" in card
    assert "| Brier score against votes |" in card
    assert "Its Brier score against the votes of all is" in page
    weights = json.loads((tmp_path / "05_model_input/class_weights.json").read_text())
    training = predictions[predictions["split"] == "training"]
    assert weights["Features or disc"] == pytest.approx(
        len(training) / (2 * training["fraction_Features or disc"].sum())
    )
    explained = pd.read_parquet(tmp_path / "07_model_output/explained_galaxies.parquet")
    assert set(explained["class_name"]) == {"Smooth", "Features or disc"}


@pytest.mark.parametrize("weighed", [True, False])
def test_galaxies_weigh_as_many_votes_as_they_have_where_that_is_asked_for(
    weighed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxy_morphology import networks
    from galaxy_morphology.options import AugmentationOptions, NetworkOptions, TrainingOptions
    from galaxy_morphology.steps import train_network

    given: dict[str, Any] = {}

    class EnoughError(Exception):
        pass

    def train(*_: Any, **options: Any) -> Any:
        given.update(options)
        raise EnoughError

    monkeypatch.setattr(networks, "train", train)
    shipped = yaml.safe_load((PROJECT / "conf/base/parameters_modelling.yml").read_text())
    galaxies = pd.DataFrame(
        {
            "cataid": [1, 2, 3], "class_name": ["Smooth", "Disc", "Smooth"], "checksum": "",
            "split": ["training", "training", "validation"], "simulated": False, "clear": True,
            "fraction_Smooth": [0.75, 0.2, 1.0], "fraction_Disc": [0.25, 0.8, 0.0],
            "n_votes": [10.0, 30.0, 20.0],
        }
    )  # fmt: skip

    class Nothing:
        def load(self) -> dict[str, Any]:
            return {}

        def save(self, state: dict[str, Any], /) -> None:
            raise AssertionError

    with pytest.raises(EnoughError):
        train_network(
            np.zeros((3, 32, 32, 3), np.uint8),
            galaxies,
            {"Smooth": 1.0, "Disc": 3.0},
            Nothing(),
            Classes({0: "Smooth", 1: "Disc"}),
            NetworkOptions.model_validate(shipped["network"]),
            AugmentationOptions.model_validate(shipped["augmentation"]),
            TrainingOptions.model_validate(shipped["training"]),
            parameters(columns={0: ["a"], 1: ["b"]}, total="n", soft=True, weigh_by_votes=weighed),
        )
    of_class = np.array([0.75 + 0.75, 0.2 + 2.4, 1.0])
    of_votes = np.array([0.5, 1.5, 1.0]) if weighed else 1.0
    np.testing.assert_allclose(given["weights"], of_class * of_votes)
    assert given["n_votes"] is None
