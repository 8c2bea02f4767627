"""What is made of the catalogue of a survey, from archives without labels to labels and a page."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import run_project
from survey import draw_galaxy, encode, write_archive

N = 60
CUTOUTS = {
    500_000 + i: encode(
        draw_galaxy(np.random.default_rng(i), axis_ratio=0.3 if i % 3 else 0.95, side=48)
    )
    for i in range(N)
}
"""Two of three are elongated."""


@pytest.fixture(scope="module")
def surveyed(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a run whose classifier has classified a survey."""
    data_root = tmp_path_factory.mktemp("surveyed") / "run"
    shutil.copytree(small_run, data_root)
    cutouts = {**CUTOUTS, 600_000: CUTOUTS[500_000], 600_001: b"damaged"}
    write_archive(data_root / "01_raw/tile.zip", cutouts, "")
    run_project(
        data_root, "survey",
        changes={
            "survey.source": "tile.zip", "survey.shard_size": 20,
            "survey_results.notable": 3, "survey_results.compared": 30,
            "to_label.n_galaxies": 8,
        },
    )  # fmt: skip
    return data_root


def test_counts_and_shares_are_of_all_that_was_classified(surveyed: Path) -> None:
    folder = surveyed / "08_reporting/survey"
    counts = json.loads((folder / "counts.json").read_text())
    assert counts["galaxies"] == N + 2
    assert (counts["classified"], counts["rejected"], counts["duplicates"]) == (N + 1, 1, 1)
    shares = pd.read_csv(folder / "class_shares.csv")
    counted = shares[shares["method"] == "counted"].set_index("class_name")["share"]
    for name, share in counted.items():
        assert share == pytest.approx(counts["classes"][name]["predicted"] / (N + 1))
    assert set(shares["method"]) == {"counted", "Rogan-Gladen", "Saerens"}


def test_the_page_has_all_pictures_and_the_notable_galaxies_are_in_the_catalogue(
    surveyed: Path,
) -> None:
    folder = surveyed / "08_reporting/survey"
    page = (folder / "report.html").read_text()
    pictures = {path.stem for path in folder.glob("*.png")}
    assert pictures == {
        "class_shares", "probabilities", "notable_galaxies", "shifts", "instructive_galaxies",
    }  # fmt: skip
    assert page.count("<img") == len(pictures)
    catalogue = pd.read_parquet(surveyed / "07_model_output/survey/catalogue").set_index("cataid")
    notable = pd.read_csv(folder / "notable_galaxies.csv")
    for name, some in notable.groupby("predicted_class"):
        of_class = catalogue[catalogue["predicted_class"] == name]
        surest = some[some["kind"] == "most certain"]["certainty"].max()
        assert surest == pytest.approx(of_class[f"probability_{name}"].max())


def test_galaxies_like_the_training_ones_do_not_differ(surveyed: Path) -> None:
    shifts = pd.read_csv(surveyed / "08_reporting/survey/shifts.csv")
    assert {"sky_red", "noise_blue", "cutout_side_px", "half_light_radius_px"} < set(
        shifts["quantity"]
    )
    assert not shifts["differs"].any()


def test_who_fills_in_the_list_has_more_galaxies_to_train_on(
    surveyed: Path, small_run: Path, tmp_path: Path
) -> None:
    to_label = pd.read_csv(surveyed / "08_reporting/survey/to_label.csv")
    assert to_label.columns.tolist() == ["CATAID", "TARGET"]
    assert len(to_label) == 8
    assert to_label["TARGET"].isna().all()
    assert to_label["CATAID"].isin(CUTOUTS).all()  # and no duplicate
    to_label["TARGET"] = [int((cataid - 500_000) % 3 > 0) for cataid in to_label["CATAID"]]
    known = pd.read_parquet(small_run / "05_model_input/galaxies.parquet")
    before = known.rename(columns={"cataid": "CATAID", "target": "TARGET"})
    labels = pd.concat([before[["CATAID", "TARGET"]], to_label]).to_csv(index=False)
    # The cut-outs of the survey beside those that were there.
    rng = np.random.default_rng(1)
    cutouts = {
        int(cataid): encode(draw_galaxy(rng, axis_ratio=0.3 if target else 0.95))
        for cataid, target in before[["CATAID", "TARGET"]].itertuples(index=False)
    }
    write_archive(tmp_path / "01_raw/GALAXIES.zip", {**cutouts, **CUTOUTS}, labels)
    run_project(tmp_path, "reading")
    galaxies = pd.read_parquet(tmp_path / "05_model_input/galaxies.parquet").set_index("cataid")
    assert len(galaxies) == len(known) + 8
    assert galaxies.loc[to_label["CATAID"], "target"].tolist() == to_label["TARGET"].tolist()
