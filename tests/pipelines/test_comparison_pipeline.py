"""Networks and baselines side by side: what is trained, what is kept, and how it is scored."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, run_project
from markup import Elements
from pydantic import ValidationError
from scipy.special import expit, logit

from galaxy_morphology.datasets.page import PageDataset
from galaxy_morphology.options import (
    AugmentationOptions,
    NetworkOptions,
    PredictionOptions,
    TrainingOptions,
)
from galaxy_morphology.pipelines.comparison.options import ComparisonOptions, recipe

SMALL: dict[str, Any] = {
    "comparison.seeds": [1, 2],
    "comparison.baselines": ["logistic_regression"],
}
NETWORKS = [
    "compact", "compact_nothing_hidden", "compact_grey",
    "three_block", "three_block_nothing_hidden", "notebook",
]  # fmt: skip
BASELINES = [f"logistic_regression_{name}" for name in ("colour", "shape", "both")]


def shipped(name: str, env: str = "base") -> Any:
    return yaml.safe_load((PROJECT / f"conf/{env}/{name}.yml").read_text())


def configured() -> tuple[NetworkOptions, AugmentationOptions, TrainingOptions, PredictionOptions]:
    modelling = shipped("parameters_modelling")
    return (
        NetworkOptions(**modelling["network"]),
        AugmentationOptions(**modelling["augmentation"]),
        TrainingOptions(**modelling["training"]),
        PredictionOptions(**modelling["prediction"]),
    )


@pytest.fixture(scope="module")
def compared(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a finished comparison. Not to be written to."""
    data_root = tmp_path_factory.mktemp("compared") / "data"
    shutil.copytree(small_run, data_root)
    run_project(data_root, "comparison", changes=SMALL)
    return data_root


@pytest.mark.slow
def test_every_entry_has_a_row_for_each_seed_and_one_for_their_ensemble(compared: Path) -> None:
    table = pd.read_csv(compared / "08_reporting/comparison.csv", dtype={"seed": str})
    assert table["entry"].tolist() == np.repeat(NETWORKS + BASELINES, 3).tolist()
    assert table["seed"].tolist() == ["1", "2", "ensemble"] * 9
    assert (table["n"] == 12).all()
    of_reference = table[table["entry"] == "compact"]
    assert (of_reference.filter(like="difference") == 0).all(axis=None)
    summary = pd.read_csv(compared / "08_reporting/comparison_summary.csv")
    assert summary["entry"].tolist() == NETWORKS + BASELINES
    of_compact = table[(table["entry"] == "compact") & (table["seed"] != "ensemble")]
    assert summary["accuracy"][0] == pytest.approx(of_compact["accuracy"].mean())
    assert (compared / "08_reporting/comparison.png").is_file()


@pytest.mark.slow
def test_the_page_says_what_the_tables_say(compared: Path) -> None:
    table = pd.read_csv(compared / "08_reporting/comparison.csv", dtype={"seed": str})
    best = table[table["seed"] == "ensemble"].sort_values("roc_auc", ascending=False).iloc[0]
    words = " ".join(
        Elements(
            (compared / "08_reporting/comparison.html").read_text(encoding="utf-8")
        ).text.split()
    )
    assert f"Of 9 classifiers, {best['entry'].replace('_', ' ')} has the highest ROC AUC" in words
    assert f"{best['roc_auc']:.3f} ({best['roc_auc_low']:.3f}-{best['roc_auc_high']:.3f})" in words
    assert "The best of 3 classical baselines, logistic regression" in words
    page = PageDataset(filepath=str(compared / "08_reporting/comparison.html"))
    assert "Which is best" in page.preview()  # in kedro-viz


@pytest.mark.slow
def test_the_report_says_how_the_reference_stands_to_the_baselines(
    compared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(compared, tmp_path, dirs_exist_ok=True)
    report = tmp_path / "08_reporting/report.html"

    def says_it() -> bool:
        found = Elements(report.read_text(encoding="utf-8"))
        linked = "comparison.html" in [link.get("href") for link in found.all("a")]
        assert linked == ("The best of 3 classical baselines" in found.text)
        assert linked != ("kedro run --pipelines comparison,reporting" in found.text)
        return linked

    assert not says_it()  # it was written before the comparison
    run_project(tmp_path, "reporting", changes=SMALL)
    assert says_it()
    run_project(tmp_path, "reporting")
    assert not says_it()
    assert (
        "was made with other parameters `comparison` than this run has. It is left" in caplog.text
    )
    run_project(tmp_path, only_missing_outputs=True, changes=SMALL)
    assert says_it()


@pytest.mark.slow
def test_the_reference_is_the_classifier_of_the_project(compared: Path) -> None:
    predictions = pd.read_parquet(compared / "07_model_output/predictions.parquet")
    with np.load(compared / "06_models/comparison/networks/compact-1.npz") as state:
        np.testing.assert_array_equal(state["logits"][:, 0], predictions["logit"])
    metrics = json.loads((compared / "08_reporting/metrics.json").read_text())["test"]
    table = pd.read_csv(compared / "08_reporting/comparison.csv")
    for score in ("accuracy", "macro_f1", "roc_auc"):
        assert table[score][0] == pytest.approx(metrics[score]["value"])
    assert table["brier"][0] == pytest.approx(metrics["calibration"]["after"]["brier"]["value"])


@pytest.mark.slow
def test_the_ensemble_is_the_mean_of_calibrated_probabilities(compared: Path) -> None:
    changes = SMALL | {"classification.calibrate": False}
    table = pd.read_csv(compared / "08_reporting/comparison.csv", dtype={"seed": str})
    galaxies = pd.read_parquet(compared / "05_model_input/galaxies.parquet")
    of_test = (galaxies["split"] == "test").to_numpy()
    logits = [
        np.load(compared / f"06_models/comparison/networks/compact-{seed}.npz")["logits"][:, 0]
        for seed in (1, 2)
    ]
    run_project(compared, "comparison", changes=changes)
    plain = pd.read_csv(compared / "08_reporting/comparison.csv", dtype={"seed": str})
    mean = np.mean([expit(z[of_test].astype(float)) for z in logits], axis=0)
    truth = (galaxies["class_name"] == "Other").to_numpy()[of_test]
    row = plain[(plain["entry"] == "compact") & (plain["seed"] == "ensemble")].iloc[0]
    assert row["brier"] == pytest.approx(((mean - truth) ** 2).mean(), rel=1e-5)
    assert row["accuracy"] == pytest.approx(((logit(mean) > 0) == truth).mean())
    assert not np.allclose(plain["brier"], table["brier"])
    run_project(compared, "comparison", changes=SMALL)


@pytest.mark.slow
def test_only_what_is_new_is_trained(
    compared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(compared, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "06_models/comparison"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}
    wide = {"network": {"name": "compact", "options": {"compact": {"filters": [4, 12]}}}}
    run_project(tmp_path, "comparison", changes=SMALL | {"comparison.networks.wide": wide})
    assert {path: path.stat().st_mtime_ns for path in before} == before
    new = {path.name for path in folder.rglob("*.npz")} - {path.name for path in before}
    assert new == {"wide-1.npz", "wide-2.npz"}
    assert caplog.text.count("was finished before") == 2 * 9
    table = pd.read_csv(tmp_path / "08_reporting/comparison.csv")
    assert len(table) == 3 * 10
    run_project(tmp_path, "comparison", changes=SMALL | {"training.epochs": 1})
    assert all(path.stat().st_mtime_ns > before[path] for path in before if "compact" in path.name)


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on(
    compared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from galaxy_morphology.datasets.checkpoint import Checkpoint

    shutil.copytree(compared, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "06_models/comparison/networks/compact-2.npz"
    path.unlink()
    save = Checkpoint.save

    def save_once(self: Checkpoint, state: Any) -> None:
        if path.exists():
            raise KeyboardInterrupt
        save(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_once)
        with pytest.raises(KeyboardInterrupt):
            run_project(tmp_path, "comparison", changes=SMALL)
    run_project(tmp_path, "comparison", changes=SMALL)
    assert "Going on with an interrupted training after epoch 1." in caplog.text
    ours, theirs = (
        np.load(root / "06_models/comparison/networks/compact-2.npz")["logits"]
        for root in (tmp_path, compared)
    )
    np.testing.assert_array_equal(ours, theirs)


def test_the_notebook_entry_is_the_notebook_environment() -> None:
    entries = ComparisonOptions(**shipped("parameters_comparison")["comparison"])
    of_entry = recipe(entries.networks["notebook"], *configured(), seed=1)
    changes = shipped("parameters", "notebook")
    network, augmentation, training, prediction = (options.model_dump() for options in configured())
    network["name"] = changes["network"]["name"]
    network["options"]["three_block"] |= changes["network"]["options"]["three_block"]
    augmentation["hide"] |= changes["augmentation"].pop("hide")
    training["optimizer"] |= changes["training"].pop("optimizer")
    of_environment = (
        NetworkOptions(**network),
        AugmentationOptions(**augmentation | changes["augmentation"]),
        TrainingOptions(**training | changes["training"]),
        PredictionOptions(**prediction),
    )
    assert of_entry == of_environment


def test_impossible_entries_and_lists_are_refused() -> None:
    comparison = shipped("parameters_comparison")["comparison"]
    for change, words in (
        ({"reference": "vgg"}, "reference 'vgg' is none of what is compared"),
        ({"seeds": [1, 1]}, "expected each seed once"),
        ({"baselines": ["svm"]}, "logistic_regression"),
    ):
        with pytest.raises(ValidationError, match=words):
            ComparisonOptions(**comparison | change)
    networks = {"compact": {"training": {"epoch": 3}}}
    entry = ComparisonOptions(**comparison | {"networks": networks}).networks["compact"]
    with pytest.raises(ValueError, match="networks: epoch: Extra inputs"):
        recipe(entry, *configured(), seed=1)
