"""The pipeline of a survey: what it says of galaxies is what the other pipelines say of them."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import run_project

from galaxy_morphology.datasets.survey import CatalogueDataset, SurveyFolderDataset

OUTPUT = "07_model_output/survey"


@pytest.fixture(scope="module")
def classified(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The galaxies of the small run, as if nobody had labelled them."""
    folder = tmp_path_factory.mktemp("classified") / "run"
    shutil.copytree(small_run, folder)
    run_project(
        folder, "survey", changes={"survey.source": "GALAXIES.zip", "survey.shard_size": 32}
    )
    return folder


def test_probabilities_are_exactly_those_of_the_predictions(classified: Path) -> None:
    rows = pd.read_parquet(classified / OUTPUT / "catalogue").set_index("cataid")
    predicted = pd.read_parquet(classified / "07_model_output/predictions.parquet")
    predicted = predicted.set_index("cataid")
    same = rows.loc[predicted.index]
    for name in ("logit", "probability_Elliptical", "probability_Other", "predicted_class"):
        assert same[name].tolist() == predicted[name].tolist()
    galaxies = pd.read_parquet(classified / "05_model_input/galaxies.parquet").set_index("cataid")
    for name in ("checksum", "width", "height", "channel_without_signal"):
        assert same[name].tolist() == galaxies.loc[predicted.index, name].tolist()
    left_out = rows.drop(predicted.index)["rejected"]
    listed = pd.read_csv(classified / "08_reporting/rejected_galaxies.csv") if (
        classified / "08_reporting"
    ).exists() else None  # fmt: skip
    assert listed is None or left_out.to_dict() == listed.set_index("cataid")["reason"].to_dict()
    assert len(left_out) == 1


def test_it_flags_few_of_the_validation_galaxies(classified: Path) -> None:
    rows = pd.read_parquet(classified / OUTPUT / "catalogue").set_index("cataid")
    galaxies = pd.read_parquet(classified / "05_model_input/galaxies.parquet")
    of_validation = galaxies.loc[galaxies["split"] == "validation", "cataid"]
    assert rows.loc[of_validation, "unlike_training"].sum() == 1  # 1 % of twelve, and one at least


def test_the_manifest_and_the_summary_count_the_same(classified: Path) -> None:
    manifest = pd.read_parquet(classified / OUTPUT / "manifest.parquet")
    summary = json.loads((classified / OUTPUT / "summary.json").read_text(encoding="utf-8"))
    assert manifest["read"].tolist() == [32, 32, 16]
    assert summary["galaxies"] == {
        "read": 80, "classified": 79, "rejected": 1, "without_identifier": 0,
    }  # fmt: skip
    assert summary["simulated"] is False
    assert summary["galaxies_per_second"] > 0


def test_the_second_run_classifies_nothing(
    classified: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def ages() -> dict[str, int]:
        files = (classified / OUTPUT / "catalogue").iterdir()
        return {file.name: file.stat().st_mtime_ns for file in files}

    before = ages()
    with caplog.at_level("INFO"):
        run_project(
            classified, "survey", changes={"survey.source": "GALAXIES.zip", "survey.shard_size": 32}
        )
    assert "3 of 3 shards are there already; 0 galaxies are left to classify." in caplog.text
    assert ages() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Say what to classify, as in `--params survey.source=tiles/.*zip`"),
        ({"survey.source": "b.zip"}, "nothing to classify at .*/01_raw/b.zip"),
        ({"survey.source": "GALAXIES.zip", "cutouts.side": 48},
         "was made with other parameters `cutouts` than this run has"),
        ({"survey.source": "GALAXIES.zip", "classification.class_prior.Elliptical": 0.3,
          "classification.class_prior.Other": 0.7},
         "was made with other parameters `classification` than this run has"),
        ({"survey.source": "GALAXIES.zip", "survey.dask": "nowhere"},
         "`survey.dask` is 'nowhere': expected null, local, the address"),
    ],
)  # fmt: skip
def test_bad_parameters_end_in_a_sentence(
    classified: Path, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    shutil.copytree(classified, tmp_path, dirs_exist_ok=True)
    if "survey.dask" in changes:
        shutil.rmtree(tmp_path / OUTPUT)
    before = {file: file.read_bytes() for file in (tmp_path / OUTPUT).rglob("*.parquet")}
    with pytest.raises(ValueError, match=words):
        run_project(tmp_path, "survey", changes=changes)
    assert before == {file: file.read_bytes() for file in (tmp_path / OUTPUT).rglob("*.parquet")}


def test_the_catalogue_knows_its_content_by_the_ends_of_its_files(
    classified: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(classified / OUTPUT, tmp_path / "survey")
    dataset = CatalogueDataset(filepath=str(folder / "catalogue"))
    before = dataset.checksum()
    assert dataset.load() == folder / "catalogue"
    assert SurveyFolderDataset(filepath=str(folder)).load() == folder
    first, second, _ = sorted((folder / "catalogue").iterdir())
    shutil.copy(first, second)
    assert dataset.checksum() != before
