"""What is made of the catalogue of a survey, from archives without labels to labels and a page."""

import json
import shutil
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import run_project
from markup import Elements, data_of, dead_links
from numpy.typing import NDArray
from PIL import Image
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


def test_the_page_begins_with_what_was_found_and_every_number_leads_somewhere(
    surveyed: Path,
) -> None:
    page = (surveyed / "08_reporting/survey/report.html").read_text(encoding="utf-8")
    words = " ".join(Elements(page).text.replace("\N{NO-BREAK SPACE}", " ").split())
    assert f"Of {N + 2} galaxies, {N + 1} were classified and 1 rejected: 1 for “" in words
    assert dead_links(page) == []


def shrunk(encoded: bytes) -> NDArray[np.float64]:
    """A cut-out of the size that it has in the run, RGB."""
    pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return cv2.resize(pixels[..., ::-1], (32, 32), interpolation=cv2.INTER_AREA).astype(float)


def test_the_gallery_shows_every_galaxy_with_its_cut_out(surveyed: Path) -> None:
    data = data_of((surveyed / "08_reporting/survey/report.html").read_text(encoding="utf-8"))
    shown, cutouts = data["galaxies-data"], data["cutouts-data"]
    assert sorted(map(int, shown["cataid"])) == sorted([*CUTOUTS, 600_000, 600_001])
    catalogue = pd.read_parquet(surveyed / "07_model_output/survey/catalogue").set_index("cataid")
    drawn = np.stack([shrunk(encoded) for encoded in CUTOUTS.values()])
    for place, cataid in enumerate(map(int, shown["cataid"])):
        known = catalogue.loc[cataid]
        if cataid == 600_001:
            assert cutouts[place] is None
            assert shown["predicted"][place] is None
            continue
        assert shown["classes"][shown["predicted"][place]] == known["predicted_class"]
        with Image.open(BytesIO(b64decode(cutouts[place]))) as picture:
            away = np.abs(drawn - np.asarray(picture, float)).mean(axis=(1, 2, 3))
        assert away.argmin() == cataid % 100_000  # the duplicate shows the first
    to_label = pd.read_csv(surveyed / "08_reporting/survey/to_label.csv")["CATAID"]
    groups = {group["key"]: group["galaxies"] for group in shown["groups"]}
    named = {int(shown["cataid"][place]) for place in groups["worth_a_label"]}
    assert named == set(to_label)
    keep = {int(shown["cataid"][place]) for place in groups.get("certain_enough", [])}
    assert keep == set(catalogue.index[catalogue["keep"]])
    flags = {flag["key"]: flag["galaxies"] for flag in shown["flags"]}
    assert [shown["cataid"][place] for place in flags["not_classified"]] == ["600001"]
    assert [shown["cataid"][place] for place in flags["same_pixels_as_another"]] == ["600000"]


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
