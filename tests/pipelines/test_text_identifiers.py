"""A whole run on galaxies whose identifiers are texts, some of which look like something else."""

from pathlib import Path
from typing import Any

import formats
import numpy as np
import pandas as pd
import pytest
from conftest import run_project
from formats import write_folder
from markup import data_of, dead_links
from survey import draw_galaxy, encode

NAMES = ["007", "1e5", "NA", "nan", "$x_1$", "M 31", "<b>&", "|a|b", "é", "=1+1", "7"]
TABLES = [
    "04_feature/features", "05_model_input/galaxies", "07_model_output/attribution_reliability",
    "07_model_output/explained_galaxies", "07_model_output/logits", "07_model_output/predictions",
]  # fmt: skip
LISTS = ["explanation_agreement", "explanation_quality", "explanation_sanity", "suspect_labels"]


@pytest.mark.slow
def test_identifiers_that_are_texts_go_through_a_whole_run(tmp_path: Path) -> None:
    galaxies = formats.draw(80, side=48)
    names = NAMES + [f"J{row:06d}.28-005109.6" for row in range(80 - len(NAMES))]
    files = [f"images/{row}.png" for row in range(80)]
    write_folder(tmp_path / "01_raw", dict(zip(files, galaxies.encoded.values(), strict=True)))
    table = pd.DataFrame({"id_str": names, "file_loc": files, "label": galaxies.targets})
    table.to_csv(tmp_path / "01_raw" / "catalogue.csv", index=False)
    changes = {"explained_galaxies.cataids": ["007", "NA", "$x_1$"]}
    run_project(tmp_path, env="zoobot", changes=changes)
    for name in TABLES:
        found = pd.read_parquet(tmp_path / f"{name}.parquet")["cataid"]
        assert set(found) <= set(names)
        assert len(found) != 80 or found.tolist() == names
    for name in LISTS:
        read = pd.read_csv(
            tmp_path / "08_reporting" / f"{name}.csv", dtype=str, keep_default_na=False
        )
        assert set(read["cataid"]) <= set(names)
    attributions = np.load(tmp_path / "07_model_output" / "attributions.npz", allow_pickle=False)
    assert attributions["cataid"][:3].tolist() == changes["explained_galaxies.cataids"]
    run_project(
        tmp_path, "attribution", env="zoobot", changes={"explained_galaxies.cataids": ["7", "007"]}
    )
    explained = pd.read_parquet(tmp_path / "07_model_output" / "explained_galaxies.parquet")
    assert explained["cataid"].head(2).tolist() == ["7", "007"]


@pytest.mark.slow
def test_a_survey_of_such_galaxies_with_four_classes(tmp_path: Path) -> None:
    classes = {0: "Elliptical", 1: "a/b & c", 2: "<b>Merger", 3: "=Edge-on"}
    rng = np.random.default_rng(0)
    labels = np.arange(96) % 4
    files = [f"images/{row}.png" for row in range(96)]
    images = [encode(draw_galaxy(rng, axis_ratio=0.2 + 0.25 * label)) for label in labels]
    write_folder(tmp_path / "01_raw", dict(zip(files, images, strict=True)))
    names = [f"J{row:06d}" for row in range(96)]
    table = pd.DataFrame({"id_str": names, "file_loc": files, "label": labels})
    table.to_csv(tmp_path / "01_raw/catalogue.csv", index=False)
    changes: dict[str, Any] = {
        "classes": classes, "survey.source": "tile", "to_label.n_galaxies": 8,
        "survey_results.compared": 20,
    }  # fmt: skip
    stages = ("reading", "measuring", "training", "evaluation")
    run_project(tmp_path, *stages, env="zoobot", changes=changes)

    found = [*NAMES, *(f"S{row}" for row in range(30 - len(NAMES)))]
    tile = [encode(draw_galaxy(rng, axis_ratio=0.2 + 0.25 * (row % 4))) for row in range(29)]
    paths = [f"images/{row}.png" for row in range(30)]
    write_folder(tmp_path / "01_raw/tile", dict(zip(paths, [*tile, b"damaged"], strict=True)))
    without = pd.DataFrame({"id_str": found, "file_loc": paths})
    without.to_csv(tmp_path / "01_raw/tile/catalogue.csv", index=False)
    run_project(tmp_path, "survey", env="zoobot", changes=changes)

    catalogue = pd.read_parquet(tmp_path / "07_model_output/survey/catalogue")
    assert sorted(catalogue["cataid"]) == sorted(found)
    assert set(catalogue["predicted_class"].dropna()) <= set(classes.values())
    probability = catalogue[[f"probability_{name}" for name in classes.values()]]
    np.testing.assert_allclose(probability.dropna().sum(axis=1), 1)
    folder = tmp_path / "08_reporting/survey"
    assert set(pd.read_csv(folder / "class_shares.csv")["class_name"]) == set(classes.values())
    to_label = pd.read_csv(folder / "to_label.csv", dtype=str, keep_default_na=False)
    assert set(to_label["id_str"]) <= set(found)
    page = (folder / "report.html").read_text(encoding="utf-8")
    shown = data_of(page)["galaxies-data"]
    assert sorted(shown["cataid"]) == sorted(found)
    assert shown["classes"] == list(classes.values())
    assert data_of(page)["cutouts-data"].count(None) == 1
    assert dead_links(page) == []
