"""Whole runs: what they write, that they repeat, go on, and say what is wrong."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import TINY, adopt, run_project
from kedro.io import DatasetError
from kedro.validation.exceptions import ParameterValidationError
from markup import Elements
from PIL import Image
from survey import draw_galaxy, encode, write_archive, write_survey

from galaxy_morphology.cli import run
from galaxy_morphology.pipeline_registry import register_pipelines

FIGURES = {
    "agreement", "attribution_reliability", "faithfulness", "place", "sanity", "stability",
    "augmentation", "class_counts", "confident_mistakes", "confusion_matrix", "cutouts",
    "error_rates", "explanations", "reliability", "roc",
    "selective_accuracy", "suspect_labels", "training_curves",
}  # fmt: skip
SECTIONS = ("data", "gallery", "training", "evaluation", "modelling", "explainability", "card")
METHODS = ("grad_cam", "integrated_gradients", "lime", "occlusion")


def test_a_run_writes_everything_and_nothing_else(small_run: Path) -> None:
    written = {str(path.relative_to(small_run)) for path in small_run.rglob("*") if path.is_file()}
    explained = pd.read_parquet(small_run / "07_model_output/explained_galaxies.parquet")
    drawn = explained[explained["drawn"]]
    outcomes = drawn["correct"].map({True: "correct", False: "wrong"})
    groups = set(drawn["class_name"].str.lower() + "_" + outcomes)
    assert written == {
        *(f"08_reporting/explanations/{group}.png" for group in groups),
        *(f"08_reporting/attributions/{method}.png" for method in METHODS),
        "lineage.json",
        "01_raw/GALAXIES.zip",
        "04_feature/features.parquet",
        "05_model_input/images.npy",
        "05_model_input/galaxies.parquet",
        "05_model_input/archive_summary.json",
        "05_model_input/class_weights.json",
        "06_models/training_state.npz",
        "06_models/classifier.keras",
        "07_model_output/calibration.json",
        "06_models/training_history.csv",
        "07_model_output/logits.parquet",
        "07_model_output/predictions.parquet",
        "07_model_output/neighbours.parquet",
        "07_model_output/explained_galaxies.parquet",
        "07_model_output/explained_cutouts.npy",
        "07_model_output/attributions.npz",
        "07_model_output/attribution_reliability.parquet",
        "07_model_output/segmentation.npy",
        "07_model_output/faithfulness_curves.npz",
        "08_reporting/explanation_summary.csv",
        "08_reporting/explanation_sanity.csv",
        "08_reporting/explanation_agreement.csv",
        "08_reporting/rejected_galaxies.csv",
        "08_reporting/error_rates.csv",
        "08_reporting/suspect_labels.csv",
        "08_reporting/metrics.json",
        "08_reporting/model_card.md",
        "08_reporting/report.html",
        *(f"08_reporting/sections/{name}.html" for name in SECTIONS),
        "08_reporting/explanation_quality.csv",
        *(f"08_reporting/{name}.png" for name in FIGURES),
    }


def test_the_report_begins_with_the_summary_and_ends_with_the_model_card(small_run: Path) -> None:
    found = Elements((small_run / "08_reporting/report.html").read_text(encoding="utf-8"))
    sections = [one["id"] for one in found.all("section")]
    assert sections[:3] == ["summary", "data", "galaxies"]
    assert sections[-2:] == ["explanations", "model-card"]


def test_one_table_and_one_array_describe_the_data(small_run: Path) -> None:
    images = np.load(small_run / "05_model_input/images.npy")
    galaxies = pd.read_parquet(small_run / "05_model_input/galaxies.parquet")
    assert images.shape == (79, 32, 32, 3)
    assert images.dtype == np.uint8
    assert galaxies["cataid"].tolist() == list(range(100001, 100080))
    assert galaxies["split"].value_counts().to_dict() == {
        "training": 55, "validation": 12, "test": 12,
    }  # fmt: skip
    rejected = pd.read_csv(small_run / "08_reporting/rejected_galaxies.csv")
    assert rejected.to_dict("records") == [
        {
            "cataid": 100000,
            "reason": "no image: it is in no known image format (PNG, JPEG, TIFF, WEBP, GIF, BMP, "
            "PPM, JPEG2000, AVIF, FITS)",
            "simulated": False,
        }
    ]


def test_metrics_follow_from_the_predictions(small_run: Path) -> None:
    metrics = json.loads((small_run / "08_reporting/metrics.json").read_text())
    predictions = pd.read_parquet(small_run / "07_model_output/predictions.parquet")
    assert list(metrics) == ["validation", "test"]
    for split, scores in metrics.items():
        some = predictions[predictions["split"] == split]
        assert scores["n"] == len(some)
        assert scores["accuracy"]["value"] == pytest.approx(some["correct"].mean())
        assert (
            scores["accuracy"]["low"] <= scores["accuracy"]["value"] <= scores["accuracy"]["high"]
        )
    calibration = json.loads((small_run / "07_model_output/calibration.json").read_text())
    odds = np.exp(predictions["logit"].astype(float) / calibration["temperature"])
    np.testing.assert_allclose(predictions["probability_Other"], odds / (1 + odds), rtol=1e-5)


@pytest.mark.slow
def test_test_labels_change_nothing_but_the_test_scores(small_run: Path, tmp_path: Path) -> None:
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    (tmp_path / "06_models/training_state.npz").unlink()
    path = tmp_path / "05_model_input/galaxies.parquet"
    galaxies = pd.read_parquet(path)
    in_test = galaxies["split"] == "test"
    galaxies.loc[in_test, "target"] = 1 - galaxies.loc[in_test, "target"]
    galaxies.loc[in_test, "class_name"] = galaxies.loc[in_test, "class_name"].map(
        {"Elliptical": "Other", "Other": "Elliptical"}
    )
    galaxies.to_parquet(path)
    adopt(tmp_path, "05_model_input/galaxies.parquet")
    run_project(tmp_path, "training", "evaluation")
    for name in ("07_model_output/calibration.json", "05_model_input/class_weights.json"):
        assert (tmp_path / name).read_text() == (small_run / name).read_text()
    history, predictions, metrics = (
        [read(root / name) for root in (small_run, tmp_path)]
        for read, name in (
            (pd.read_csv, "06_models/training_history.csv"),
            (pd.read_parquet, "07_model_output/predictions.parquet"),
            (lambda path: json.loads(path.read_text()), "08_reporting/metrics.json"),
        )
    )
    one, other = (table.drop(columns="seconds") for table in history)
    pd.testing.assert_frame_equal(one, other)
    said = ["cataid", "logit", "probability_Other", "predicted_class"]
    pd.testing.assert_frame_equal(predictions[0][said], predictions[1][said])
    assert metrics[0]["validation"] == metrics[1]["validation"]
    assert metrics[0]["test"]["accuracy"]["value"] == pytest.approx(
        1 - metrics[1]["test"]["accuracy"]["value"]
    )


def test_another_mix_of_classes_moves_probabilities_only_where_it_is_asked_for(
    small_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    prior = {"classification.class_prior": {"Elliptical": 0.3, "Other": 0.7}}
    run_project(tmp_path, "evaluation", changes=prior)
    one, other = (
        pd.read_parquet(root / "07_model_output/predictions.parquet")
        for root in (small_run, tmp_path)
    )
    temperature = json.loads((tmp_path / "07_model_output/calibration.json").read_text())
    ratio = np.exp(one["logit"].astype(float) / temperature["temperature"]) * 0.7 / 0.3
    np.testing.assert_allclose(
        other["probability_Other"] / other["probability_Elliptical"], ratio, rtol=1e-5
    )
    assert (one["weight"] == 1).all()
    before, after = (
        json.loads((root / "08_reporting/metrics.json").read_text())["test"]
        for root in (small_run, tmp_path)
    )
    of_test = other[other["split"] == "test"]
    right = of_test.groupby("class_name")["correct"].mean()
    expected = 0.3 * right["Elliptical"] + 0.7 * right["Other"]
    assert after["accuracy"]["value"] == pytest.approx(expected)
    assert after["class_shares"] == pytest.approx({"Elliptical": 0.3, "Other": 0.7})
    assert before["n_effective"] == before["n"] > after["n_effective"]
    rates = pd.read_csv(tmp_path / "08_reporting/error_rates.csv")
    flagged = rates[rates["quantity"] == "channel_without_signal"]
    if len(flagged) == 1:
        assert flagged["error_rate"].iloc[0] == pytest.approx(1 - expected)
    # Labels are doubted as if classes were equally frequent.
    if temperature == json.loads((small_run / "07_model_output/calibration.json").read_text()):
        suspects = [root / "08_reporting/suspect_labels.csv" for root in (small_run, tmp_path)]
        assert suspects[0].read_text() == suspects[1].read_text()
    wrong = {"classification.class_prior": {"Elliptical": 0.3, "Spiral": 0.7}}
    with pytest.raises(ValueError, match=r"\['Elliptical', 'Spiral'\], but the classes are"):
        run_project(tmp_path, "evaluation", changes=wrong)


def test_the_saved_classifier_makes_the_predictions_by_itself(small_run: Path) -> None:
    import keras

    images = np.load(small_run / "05_model_input/images.npy")
    predictions = pd.read_parquet(small_run / "07_model_output/predictions.parquet")
    classifier = keras.models.load_model(small_run / "06_models/classifier.keras")
    probability = classifier.predict(images.astype(np.float32), verbose=0)[:, 0]
    odds = np.exp(predictions["logit"].astype(float))
    np.testing.assert_allclose(probability, odds / (1 + odds), atol=1e-5)
    kinds = {type(layer).__name__ for layer in classifier.layers}
    assert kinds == {
        "InputLayer", "Rescaling", "Conv2D", "BatchNormalization", "MaxPooling2D", "Dropout",
        "ReLU", "GlobalAveragePooling2D", "Dense", "Activation",
    }  # fmt: skip


def test_attributions_come_with_their_cataids(small_run: Path) -> None:
    explained = pd.read_parquet(small_run / "07_model_output/explained_galaxies.parquet")
    assert set(explained["split"]) == {"test"}
    with np.load(small_run / "07_model_output/attributions.npz") as attributions:
        assert attributions["cataid"].tolist() == explained["cataid"].tolist()
        for method in METHODS:
            assert attributions[method].shape == (len(explained), 32, 32)
            assert attributions[method].dtype == np.float32
            assert np.abs(attributions[method]).max() > 0
    quality = pd.read_csv(small_run / "08_reporting/explanation_quality.csv")
    # Each method, its maps of other galaxies, and three controls.
    assert len(quality) == (2 * len(METHODS) + 3) * len(explained)
    assert set(quality.loc[quality["turned"].notna(), "method"]) == set(METHODS)
    of_lime = quality[quality["method"] == "lime"]
    assert of_lime["r_squared"].between(0, 1).all()
    of_gradients = quality[quality["method"] == "integrated_gradients"]
    assert (of_gradients["completeness_residual"] >= 0).all()


@pytest.mark.slow
def test_two_runs_with_one_seed_are_identical(small_run: Path, tmp_path: Path) -> None:
    write_survey(tmp_path / "01_raw/GALAXIES.zip", 80, n_damaged=1)
    run_project(tmp_path)
    for name in ("08_reporting/metrics.json", "08_reporting/explanation_quality.csv"):
        assert (tmp_path / name).read_text() == (small_run / name).read_text()
    for name in ("predictions", "explained_galaxies"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / f"07_model_output/{name}.parquet"),
            pd.read_parquet(small_run / f"07_model_output/{name}.parquet"),
        )
    with (
        np.load(tmp_path / "07_model_output/attributions.npz") as one,
        np.load(small_run / "07_model_output/attributions.npz") as other,
    ):
        for name in other:
            np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from galaxy_morphology.datasets.checkpoint import Checkpoint

    for name in ("broken", "whole"):
        write_survey(tmp_path / name / "01_raw/GALAXIES.zip", 80)
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    stages = ("data_processing", "training", "evaluation")
    run_project(whole, *stages, changes={"training.epochs": 3})

    save = Checkpoint.save
    saved: list[Any] = []

    def save_once(self: Checkpoint, state: Any) -> None:
        if saved:
            raise KeyboardInterrupt
        saved.append(state)
        save(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_once)
        with pytest.raises(KeyboardInterrupt):
            run_project(broken, *stages, changes={"training.epochs": 3})
    assert not (broken / "06_models/classifier.keras").exists()

    run_project(broken, only_missing_outputs=True, changes={"training.epochs": 3})
    assert "Going on with an interrupted training after epoch 1." in caplog.text
    one, other = (
        pd.read_csv(root / "06_models/training_history.csv").drop(columns="seconds")
        for root in (broken, whole)
    )
    pd.testing.assert_frame_equal(one, other)
    assert (broken / "08_reporting/metrics.json").read_text() == (
        whole / "08_reporting/metrics.json"
    ).read_text()


@pytest.mark.slow
def test_a_training_is_repeated_only_where_something_changed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_survey(tmp_path / "01_raw/GALAXIES.zip", 80)
    run_project(tmp_path, "reading", "training")
    history = (tmp_path / "06_models/training_history.csv").read_text()
    run_project(tmp_path, "training")
    assert "This training ended before, after 2 epochs: keeping its weights." in caplog.text
    assert (tmp_path / "06_models/training_history.csv").read_text() == history
    run_project(tmp_path, "training", changes={"training.seed": 7})
    assert "Training anew" in caplog.text
    assert (tmp_path / "06_models/training_history.csv").read_text() != history


def test_results_of_another_archive_are_refused_by_every_stage(
    small_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    write_survey(tmp_path / "01_raw/GALAXIES.zip", 80, n_damaged=2)
    run_project(tmp_path, "data_processing")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for stage, outdated, again in (
        ("explainability", "classifier.keras", "training,evaluation"),
        ("evaluation", "classifier.keras", "training"),
        ("comparison", "class_weights.json", "training"),
        ("reporting", "error_rates.csv", "training,evaluation,attribution,checks"),
    ):
        with pytest.raises(ValueError, match="made from another galaxies than") as error:
            run_project(tmp_path, stage)
        assert outdated in str(error.value)
        suggested = str(error.value).split("First run `kedro run --pipelines ")[1].split("`")[0]
        assert set(suggested.split(",")) == set(again.split(","))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_images_and_galaxies_cannot_come_apart(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxy_morphology.datasets.whole import ParquetDataset

    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    write_survey(tmp_path / "01_raw/GALAXIES.zip", 80, n_damaged=2)

    def stop(self: ParquetDataset, data: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ParquetDataset, "save", stop)  # images are saved, galaxies are not
        with pytest.raises(KeyboardInterrupt):
            run_project(tmp_path, "data_processing")
    assert len(np.load(tmp_path / "05_model_input/images.npy")) == 78
    assert len(pd.read_parquet(tmp_path / "05_model_input/galaxies.parquet")) == 79
    with pytest.raises(ValueError, match=r"not known what .*/05_model_input/.*--pipelines reading"):
        run_project(tmp_path, "modelling")


def test_other_parameters_are_refused_only_where_they_are_read(
    small_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    with pytest.raises(ValueError, match="made with other parameters `training` than this run"):
        run_project(tmp_path, "reporting", changes={"training.seed": 7})
    run_project(tmp_path, "evaluation", changes={"training.seed": 7})


def test_error_rates_are_those_of_the_test_galaxies(small_run: Path, tmp_path: Path) -> None:
    rates = pd.read_csv(small_run / "08_reporting/error_rates.csv")
    predictions = pd.read_parquet(small_run / "07_model_output/predictions.parquet")
    of_test = predictions[predictions["split"] == "test"]
    for _, some in rates.groupby("quantity"):
        assert some["n"].sum() == len(of_test)
        wrong = (some["n"] * some["error_rate"]).sum()
        assert wrong == pytest.approx((~of_test["correct"]).sum())
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    with pytest.raises(ValueError, match="error_rates.quantities names redshift, which no galaxy"):
        run_project(tmp_path, "evaluation", changes={"error_rates.quantities": ["redshift"]})


def test_images_without_a_cataid_are_listed(tmp_path: Path) -> None:
    path = write_survey(tmp_path / "01_raw/GALAXIES.zip", 40)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("GALAXIES/DATA/M31_giH.png", b"")
        archive.writestr(f"GALAXIES/DATA/{2**63 - 1}_giH.png", b"")
        archive.writestr(f"GALAXIES/DATA/{2**63}_giH.png", b"")
    run_project(tmp_path, "data_processing")
    rejected = pd.read_csv(tmp_path / "08_reporting/rejected_galaxies.csv", dtype=str)
    assert [reason.split(";")[0] for reason in rejected["reason"]] == [
        "a cut-out, but no label",
        "the CATAID in the name GALAXIES/DATA/M31_giH.png is no whole number",
        f"the CATAID in the name GALAXIES/DATA/{2**63}_giH.png does not fit into 64 bits",
    ]
    assert rejected["cataid"].fillna("").tolist() == [str(2**63 - 1), "", ""]


@pytest.mark.slow
def test_explainability_runs_alone_and_explains_named_galaxies(
    small_run: Path, tmp_path: Path, project: Path
) -> None:
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    options = (
        "explanations.options.lime.n_samples=40,explained_galaxies.n_measured=4,checks.steps=4,"
        "checks.n_changed=2,checks.n_randomised=1"
    )
    # The form that Kedro deprecates, as many people know it.
    command = [
        str(Path(sys.executable).with_name("kedro")), "run", "--pipeline", "explainability",
        "--params", f"data_root={tmp_path},{options}",
    ]  # fmt: skip
    subprocess.run(command, cwd=project, capture_output=True, check=True)
    run_project(tmp_path, "explainability", changes={"explained_galaxies.cataids": [100042]})
    explained = pd.read_parquet(tmp_path / "07_model_output/explained_galaxies.parquet")
    assert (
        explained.to_dict("records")[0].items() >= {"cataid": 100042, "chosen_as": "named"}.items()
    )
    with pytest.raises(ValueError, match="Cannot explain CATAID 7: not among the 79"):
        run_project(tmp_path, "explainability", changes={"explained_galaxies.cataids": [7]})


@pytest.mark.slow
def test_the_original_experiment_is_configuration(tmp_path: Path) -> None:
    write_survey(tmp_path / "01_raw/GALAXIES.zip", 60)
    run_project(tmp_path, env="notebook")
    galaxies = pd.read_parquet(tmp_path / "05_model_input/galaxies.parquet")
    assert galaxies["split"].value_counts().to_dict() == {"training": 48, "validation": 12}
    metrics = json.loads((tmp_path / "08_reporting/metrics.json").read_text())
    assert list(metrics) == ["validation"]
    history = pd.read_csv(tmp_path / "06_models/training_history.csv")
    assert history["learning_rate"].tolist() == pytest.approx([1e-3, 1e-3])
    assert (tmp_path / "08_reporting/explanations.png").is_file()


@pytest.mark.slow
def test_four_classes_work_throughout(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cutouts = {i: encode(draw_galaxy(rng, axis_ratio=0.2 + 0.2 * (i % 4))) for i in range(120)}
    labels = "\n".join(["CATAID,TARGET", *(f"{i},{i % 4}" for i in cutouts)])
    path = tmp_path / "01_raw/GALAXIES.zip"
    write_archive(path, cutouts, labels, label_file="4class_list.csv")
    changes = {
        "comparison.seeds": [1],
        "comparison.baselines": ["random_forest"],
        "comparison.networks": {"compact": {}},
    }
    run_project(tmp_path, env="four_classes")
    run_project(tmp_path, "comparison", env="four_classes", changes=changes)
    compared = pd.read_csv(tmp_path / "08_reporting/comparison.csv")
    assert compared["roc_auc"].between(0, 1).all()
    names = {0: "Elliptical", 1: "Spiral", 2: "Edge-on", 3: "Merger"}
    metrics = json.loads((tmp_path / "08_reporting/metrics.json").read_text())
    assert list(metrics["test"]["classes"]) == list(names.values())
    assert np.shape(metrics["test"]["confusion_matrix"]) == (4, 4)
    predictions = pd.read_parquet(tmp_path / "07_model_output/predictions.parquet")
    columns = [f"probability_{name}" for name in names.values()]
    np.testing.assert_allclose(predictions[columns].sum(axis=1), 1)


def test_a_run_that_cannot_split_writes_neither_images_nor_galaxies(tmp_path: Path) -> None:
    write_survey(tmp_path / "01_raw/GALAXIES.zip", 80)
    with zipfile.ZipFile(tmp_path / "01_raw/GALAXIES.zip") as archive:
        cutouts = {
            int(name.split("/")[-1].split("_")[0]): archive.read(name)
            for name in archive.namelist()
            if name.endswith(".png")
        }
    labels = "\n".join(["CATAID,TARGET", *(f"{c},{int(c == 100000)}" for c in cutouts)])
    write_archive(tmp_path / "01_raw/GALAXIES.zip", cutouts, labels)
    with pytest.raises(ValueError, match="there are 79 Elliptical, 1 Other"):
        run_project(tmp_path, "data_processing")
    assert [path.name for path in tmp_path.iterdir()] == ["01_raw"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("trainng.epochs=3", ["Unknown parameter 'trainng'", "Did you mean 'training'"]),
        ("training.epoch=3", ["training", "epoch", "Extra inputs are not permitted"]),
        ("training.epochs=0", ["training", "epochs", "greater than or equal to 1"]),
        ("training.optimizer.name=sgd", ["optimizer.name", "'adam' or 'adamw'"]),
        ("split.test_fraction=0.9", ["leave nothing for training", "0.15 + 0.9"]),
        ("cutouts.minimum_side=9000", ["cutouts", "minimum_side 9000 is above maximum_side 4096"]),
        (
            "network.name=vgg",
            ["network", "no network is named vgg; known are three_block, compact"],
        ),
        ("network.options.compact.dropout=1", ["dropout", "less than 1"]),
        ("augmentation.hide.parts=2", ["hide.parts", "less than or equal to 1"]),
        ("explanations.options.lrp.steps=2", ["explanations", "no method is named lrp; known are"]),
        ("explanations.options.lime.steps=2", ["explanations", "steps", "Extra inputs"]),
        ("network.options.compact.dense=1", ["network", "dense", "Extra inputs"]),
        ("comparison.reference=vgg", ["comparison", "reference 'vgg' is none of what is compared"]),
        ("training.optimizer.learning_rate=.inf", ["learning_rate", "finite number"]),
        ("classes.7=Elliptical", ["classes", "different names"]),
        ("populations.spiral.bugle=1", ["populations", "bugle", "Extra inputs"]),
        ("simulation.label_error_rate=1.5", ["label_error_rate", "less than 1"]),
    ],
)
def test_wrong_parameters_fail_before_anything_runs(
    tmp_path: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    parameters: str,
    words: list[str],
) -> None:
    # Those of pipelines that are not run are wrong all the same.
    monkeypatch.chdir(project)
    arguments = ["--pipelines", "data_processing", "--params", f"data_root={tmp_path},{parameters}"]
    ended = CliRunner().invoke(run, arguments)
    assert ended.exit_code == 1
    said = " ".join(ended.stderr.split())
    for word in words:
        assert word in said
    assert "Running node" not in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_real_galaxies_pass_with_their_colours(real_galaxies: Path, tmp_path: Path) -> None:
    archive = tmp_path / "01_raw/GALAXIES.zip"
    command = [sys.executable, str(real_galaxies / "build_zip.py"), str(archive), "--limit", "60"]
    subprocess.run(command, check=True, capture_output=True)
    run_project(tmp_path, "data_processing")
    assert pd.read_csv(tmp_path / "08_reporting/rejected_galaxies.csv").empty
    images = np.load(tmp_path / "05_model_input/images.npy")
    galaxies = pd.read_parquet(tmp_path / "05_model_input/galaxies.parquet")
    assert len(galaxies) == len(images) == 60
    for image, cataid in zip(images, galaxies["cataid"], strict=True):
        with Image.open(real_galaxies / "cutouts" / f"{cataid}.jpg") as cutout:
            middle = cutout.convert("RGB").resize((32, 32), Image.Resampling.BOX)
        # Of red, green and blue by Pillow, which knows nothing of OpenCV's order of channels.
        expected = np.asarray(middle, float).mean(axis=(0, 1))
        np.testing.assert_allclose(image.mean(axis=(0, 1)), expected, atol=2)


@pytest.fixture(scope="module")
def simulated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a finished demo in miniature. Not to be written to."""
    data_root = tmp_path_factory.mktemp("simulated_run")
    changes = {"simulation.n_galaxies": 60, "truth.n_spirals": 2}
    run_project(data_root, "demo", env="demo", changes=changes)
    return data_root


@pytest.mark.slow
def test_the_demo_needs_nothing_and_rejects_nothing(simulated_run: Path) -> None:
    assert pd.read_csv(simulated_run / "08_reporting/rejected_galaxies.csv").empty
    truth = pd.read_parquet(simulated_run / "01_raw/simulated_truth.parquet")
    structure = np.load(simulated_run / "01_raw/simulated_structure.npy")
    galaxies = pd.read_parquet(simulated_run / "05_model_input/galaxies.parquet")
    assert galaxies["cataid"].tolist() == truth["cataid"].tolist()
    assert galaxies["target"].tolist() == truth["given_target"].tolist()
    assert structure.shape == (60, 32, 32, 3)
    assert not galaxies["duplicate_of"].notna().any()
    for name in FIGURES | {"populations", "structure", "population_error_rates", "suspects_found"}:
        assert (simulated_run / f"08_reporting/{name}.png").is_file()


@pytest.mark.slow
def test_every_table_and_metric_of_the_demo_says_that_it_is_simulated(simulated_run: Path) -> None:
    tables = [path for path in simulated_run.rglob("*") if path.suffix in {".csv", ".parquet"}]
    assert len(tables) == 19
    for path in tables:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        assert path.stem == "simulated_truth" or table["simulated"].all(), path.name
        assert path.stem == "simulated_truth" or "simulated" in table, path.name
    metrics = json.loads((simulated_run / "08_reporting/metrics.json").read_text())
    assert all(scores["simulated"] for scores in metrics.values())
    structure = pd.read_csv(simulated_run / "08_reporting/structure_agreement.csv")
    assert len(structure) == 2 * 7  # two spirals by four methods and three controls
    found = json.loads((simulated_run / "08_reporting/suspect_scores.json").read_text())
    assert found["simulated"]
    card = (simulated_run / "08_reporting/model_card.md").read_text()
    assert "These galaxies are SIMULATED" in card


def test_a_survey_that_was_observed_says_so(small_run: Path) -> None:
    galaxies = pd.read_parquet(small_run / "05_model_input/galaxies.parquet")
    assert not galaxies["simulated"].any()
    metrics = json.loads((small_run / "08_reporting/metrics.json").read_text())
    assert not any(scores["simulated"] for scores in metrics.values())


@pytest.mark.slow
def test_a_survey_is_simulated_again_over_itself(simulated_run: Path, tmp_path: Path) -> None:
    shutil.copytree(simulated_run / "01_raw", tmp_path / "01_raw")
    run_project(tmp_path, "simulation", env="demo", changes={"simulation.n_galaxies": 60})
    for name in ("GALAXIES.zip", "simulated_structure.npy"):
        assert (tmp_path / "01_raw" / name).read_bytes() == (
            simulated_run / "01_raw" / name
        ).read_bytes()


@pytest.mark.parametrize(
    ("env", "words"), [(None, "is not written: .*--env demo"), ("demo", "not simulated, and is")]
)
def test_nobodys_archive_is_ever_touched(tmp_path: Path, env: str | None, words: str) -> None:
    path = write_survey(tmp_path / "01_raw/GALAXIES.zip", 4)
    before = path.read_bytes()
    with pytest.raises(DatasetError, match=words):
        run_project(tmp_path, "simulation", env=env, changes={"simulation.n_galaxies": 4})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.rglob("*")] == ["01_raw", "GALAXIES.zip"]


def test_a_population_of_no_class_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"populations.spiral.target is 7, .*none of the classes"):
        run_project(tmp_path, "simulation", env="demo", changes={"populations.spiral.target": 7})
    assert not list(tmp_path.iterdir())


def test_every_catalog_entry_is_used_and_every_passed_dataset_declared(project: Path) -> None:
    import yaml

    declared = {
        name
        for name in yaml.safe_load((project / "conf/base/catalog.yml").read_text())
        if not name.startswith("_")
    }
    sums = {"__default__", "demo"}
    stages = {name: p for name, p in register_pipelines().items() if name not in sums}
    used = {dataset for pipeline in stages.values() for dataset in pipeline.datasets()}
    # The lineage is written by a hook, about all the others.
    assert {name for name in declared if "{" not in name} <= used | {"lineage"}
    for name, pipeline in stages.items():
        others = [p for other, p in stages.items() if other != name]
        passed = pipeline.outputs() | pipeline.all_outputs() & {
            dataset for other in others for dataset in other.inputs()
        }
        for dataset in passed:
            assert dataset in declared or dataset.endswith(("_figure", "_section")), dataset


def test_runs_are_sums_of_stages_and_boxes_are_named_after_them() -> None:
    pipelines = register_pipelines()
    boxes = {
        "data_processing": {"reading", "measuring"},
        "modelling": {"training", "evaluation", "card"},
        "explainability": {"attribution", "checks"},
    }
    page = {"reporting"}
    inner = {box for some in boxes.values() for box in some}
    alone = {
        "simulation", "truth", "comparison", "export", "survey", "tuning", "tuning_worker"
    }  # fmt: skip
    assert set(pipelines) == {*boxes, *inner, *page, *alone, "morphology", "__default__", "demo"}
    survey = boxes.keys() | page
    assert set(pipelines["__default__"].nodes) == {n for s in survey for n in pipelines[s].nodes}
    simulated = survey | {"simulation", "truth"}
    assert set(pipelines["demo"].nodes) == {n for s in simulated for n in pipelines[s].nodes}
    for stage, some in boxes.items():
        assert set(pipelines[stage].nodes) == {n for box in some for n in pipelines[box].nodes}
        for box in some:
            assert {node.namespace for node in pipelines[box].nodes} == {f"{stage}.{box}"}
    for stage in alone:
        assert {str(node.namespace).split(".")[0] for node in pipelines[stage].nodes} == {stage}


def test_the_registry_loads_nothing_heavy(project: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from kedro.framework.startup import bootstrap_project\n"
        f"bootstrap_project(Path({str(project)!r}))\n"
        "from kedro.framework.project import pipelines; assert len(dict(pipelines)) == 21\n"
        "heavy = ['tensorflow', 'keras', 'lime', 'matplotlib', 'sklearn', 'skimage', 'scipy',\n"
        "         'galsim', 'astropy', 'photutils', 'cleanlab', 'optuna', 'dask', 'distributed',\n"
        "         'altair', 'tf2onnx']\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=project
    )
    assert result.stdout.splitlines()[-1] == "[]"


def test_telemetry_is_off_for_everyone_who_clones(project: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", ".telemetry"], cwd=project, capture_output=True, text=True, check=True
    )
    assert tracked.stdout.strip() == ".telemetry"
    assert (project / ".telemetry").read_text().strip() == "consent: false"


@pytest.mark.slow
def test_other_networks_can_be_chosen_and_joined(tmp_path: Path, small_run: Path) -> None:
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    classifier = "06_models/classifier.keras"
    run_project(tmp_path, "training", changes={"network.name": "three_block"})
    (tmp_path / classifier).rename(tmp_path / "three_block.keras")
    changes: dict[str, Any] = {
        "network.name": "ensemble",
        "network.options.ensemble.members": [
            str(small_run / classifier), str(tmp_path / "three_block.keras"),
        ],
        "prediction.views": 8,
    }  # fmt: skip
    stages = ("training", "evaluation", "explainability", "reporting")
    run_project(tmp_path, *stages, changes=changes)
    logits = pd.read_parquet(tmp_path / "07_model_output/logits.parquet")
    assert (logits[["member_spread", "view_spread"]] > 0).all(axis=None)
    with np.load(tmp_path / "07_model_output/attributions.npz") as attributions:
        for method in METHODS:
            assert np.abs(attributions[method]).max() > 0
    assert "An ensemble of convolutional networks" in (
        tmp_path / "08_reporting/model_card.md"
    ).read_text(encoding="utf-8")
    with pytest.raises(
        ParameterValidationError, match="no network is named compct; known are three_block"
    ):
        run_project(tmp_path, "modelling", changes={"network.name": "compct"})


def test_tiny_parameters_are_known() -> None:
    used = {
        name.removeprefix("params:")
        for name in register_pipelines()["__default__"].inputs()
        if name.startswith("params:")
    }
    assert {name.split(".")[0] for name in TINY} <= used
