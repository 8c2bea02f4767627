"""Whole runs on small files in exactly the layout of each data set, and the same scores for all."""

import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import formats
import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, run_project
from formats import CLASSES, Galaxies, write_folder, write_hdf5, write_tar
from PIL import Image
from survey import encode, write_archive

pytestmark = pytest.mark.slow

RAW = "01_raw"
N_GALAXIES = 40
SMALL: dict[str, Any] = {
    "training.epochs": 1,
    "evaluation.n_resamples": 40,
    "evaluation.n_mistakes": 1,
    "suspects.n_trees": 5,
    "suspects.n_folds": 2,
    "suspects.n_shown": 1,
    "cutout_sheet.galaxies_per_class": 1,
    "explanations.methods": ["grad_cam"],
    "explained_galaxies.n_measured": 2,
    "checks.n_changed": 1,
    "checks.seeds": [1],
    "checks.n_randomised": 1,
}
CHANGES: dict[str, dict[str, Any]] = {
    "legacy_survey": {
        "cutouts.fits.stretch": "linear", "cutouts.fits.scale": 255.0,
        "cutouts.fits.black_level": 0.0,
    },
    "gz2_hart": {"classes.0": "Elliptical", "classes.1": "Other"},
}  # fmt: skip
"""FITS files of pixels show these again, and classes are drawn in the order of their names."""


@pytest.fixture(scope="module")
def galaxies() -> Galaxies:
    """Galaxies that are the same as PNG and as JPEG."""
    images = [
        np.asarray(Image.open(BytesIO(encode(image, ".jpg"))))
        for image in formats.draw(N_GALAXIES).images
    ]
    return Galaxies(np.stack(images), formats.draw(N_GALAXIES).targets)


def jpegs(galaxies: Galaxies) -> list[bytes]:
    """As files whose pixels are theirs."""
    return [encode(image, ".jpg") for image in formats.draw(len(galaxies.images)).images]


@pytest.fixture(scope="module")
def zipped(galaxies: Galaxies, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a run on the galaxies in a zip, with which the others are compared."""
    root = tmp_path_factory.mktemp("zip")
    formats.in_zip(root / RAW, galaxies)
    run_up_to_scores(root)
    return root


def run_up_to_scores(root: Path, conf: Path | None = None, **changes: Any) -> None:
    env = "changed" if conf else None
    boxes = ("reading", "measuring", "training", "evaluation")
    run_project(root, *boxes, env=env, conf=conf, changes=SMALL | changes)


def compare(root: Path, reference: Path) -> None:
    """The images, classes and splits, and the scores of two runs are the same."""
    images, expected = (np.load(one / "05_model_input/images.npy") for one in (root, reference))
    np.testing.assert_array_equal(images, expected)
    table, expected = (
        pd.read_parquet(one / "05_model_input/galaxies.parquet") for one in (root, reference)
    )
    same = ["target", "split", "checksum", "width", "height"]
    pd.testing.assert_frame_equal(table[same], expected[same])
    assert scores_of(root) == scores_of(reference)


def scores_of(root: Path) -> Any:
    """The scores, with classes called by their numbers."""
    text = (root / "08_reporting/metrics.json").read_text(encoding="utf-8")
    galaxies = pd.read_parquet(root / "05_model_input/galaxies.parquet")
    for target, name in galaxies.groupby("target")["class_name"].first().items():
        text = text.replace(f'"{name}"', f'"{target}"')
    return json.loads(text)


# ------------------------------------------------------------- the environments


def of_zoobot(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    formats.of_zoobot(raw.parent, galaxies, ".csv")


def of_galaxy_zoo_2_by_hart(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    encoded = dict(enumerate(jpegs(galaxies)))
    formats.of_galaxy_zoo_2(raw, galaxies, encoded)


def in_class_folders(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    """``<split>/<class>/x.jpg``; the metadata are there for the order, on which seeds depend."""
    splits = pd.read_parquet(reference / "05_model_input/galaxies.parquet")["split"]
    names = [
        f"{split}/{CLASSES[int(target)]}/{row}.jpg"
        for row, (split, target) in enumerate(zip(splits, galaxies.targets, strict=True))
    ]
    write_folder(raw, dict(zip(names, jpegs(galaxies), strict=True)))
    pd.DataFrame({"file_name": names}).to_csv(raw / "metadata.csv", index=False)


def of_legacy_survey(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    step = 0.262 / 3600
    coordinates = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": -step, "CD2_2": step}
    files = {
        f"cutouts/{row}.fits": formats.fits_of(image, BANDS="grz", **coordinates)
        for row, image in enumerate(galaxies.images)
    }
    write_folder(raw, files | {"2class_list.csv": formats.label_list(galaxies).encode()})


def of_galaxy_zoo_1(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    is_spiral = galaxies.targets == 1
    table = pd.DataFrame({"OBJID": 587722981742084100 + np.arange(N_GALAXIES)})
    table = table.assign(RA="00:00:00.41", DEC="-10:22:25.7", NVOTE=59, P_EL=0.6, P_CW=0.1)
    table = table.assign(P_ACW=0.1, P_EDGE=0.1, P_DK=0.05, P_MG=0.05, P_CS=0.3)
    table["P_EL_DEBIASED"] = np.where(is_spiral, 0.04, 0.9)
    table["P_CS_DEBIASED"] = np.where(is_spiral, 0.9, 0.04)
    table["SPIRAL"], table["ELLIPTICAL"], table["UNCERTAIN"] = 1 * is_spiral, 1 * ~is_spiral, 0
    in_archive(raw, galaxies, table, "GalaxyZoo1_DR_table2.csv", "OBJID", ".jpg")


def of_galaxy_zoo_2(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    answers = (3, 2, 2, 2, 4, 2, 3, 7, 3, 3, 6)
    names = [f"Class{q}.{a}" for q, n in enumerate(answers, 1) for a in range(1, n + 1)]
    table = pd.DataFrame(0.1, range(N_GALAXIES), ["GalaxyID", *names])
    table["GalaxyID"] = 100008 + np.arange(N_GALAXIES)
    table["Class1.1"] = np.where(galaxies.targets == 1, 0.15, 0.85)
    table["Class1.2"], table["Class1.3"] = 0.95 - table["Class1.1"], 0.05
    in_archive(raw, galaxies, table, "training_solutions_rev1.csv", "GalaxyID", ".jpg")


def of_galaxy_zoo_decals(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    question, smooth = "smooth-or-featured", np.where(galaxies.targets == 1, 4, 36)
    names = [f"J{100000 + row}.28-005109.6" for row in range(N_GALAXIES)]
    table = pd.DataFrame({"iauname": names, "ra": 172.47, "dec": -0.07})
    table[f"{question}_total-votes"] = 41
    answers = {"smooth": smooth, "featured-or-disk": 40 - smooth, "artifact": 0 * smooth + 1}
    for answer, votes in answers.items():
        table[f"{question}_{answer}"] = votes
        table[f"{question}_{answer}_fraction"] = votes / 41
    in_archive(raw, galaxies, table, "gz_decals_volunteers_5.csv", "iauname", ".png")


def in_archive(
    raw: Path, galaxies: Galaxies, table: pd.DataFrame, label_file: str, column: str, suffix: str
) -> None:
    """The cut-outs named by a column of the table, and the table, in a zip."""
    encoded = jpegs(galaxies) if suffix == ".jpg" else galaxies.encoded.values()
    others = {f"images/{n}{suffix}": one for n, one in zip(table[column], encoded, strict=True)}
    labels = table.to_csv(index=False)
    write_archive(raw / "GALAXIES.zip", {}, labels, label_file=label_file, others=others)


def of_galaxy10_decals(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    position = {"ra": np.linspace(0, 90, 80), "dec": np.zeros(80), "redshift": np.full(80, np.nan)}
    arrays = formats.galaxy10(256) | position | {"pxscale": np.full(80, 0.262)}
    write_hdf5(raw / "Galaxy10_DECals.h5", **arrays)


def of_galaxy10_sdss(raw: Path, galaxies: Galaxies, reference: Path) -> None:
    write_hdf5(raw / "Galaxy10.h5", **formats.galaxy10(69))


Write = Callable[[Path, Galaxies, Path], None]
OF_THE_GALAXIES: dict[str, Write] = {
    "zoobot": of_zoobot,
    "gz2_hart": of_galaxy_zoo_2_by_hart,
    "image_folder": in_class_folders,
    "legacy_survey": of_legacy_survey,
    "galaxy_zoo_1": of_galaxy_zoo_1,
}
"""With whose environments the galaxies are those of the zip, and so are their classes."""
OTHERS: dict[str, Write] = {
    "galaxy_zoo_2": of_galaxy_zoo_2,
    "galaxy_zoo_decals": of_galaxy_zoo_decals,
    "galaxy10_decals": of_galaxy10_decals,
    "galaxy10_sdss": of_galaxy10_sdss,
}
"""Other classes, or soft labels."""


@pytest.mark.parametrize("env", [*OF_THE_GALAXIES, *OTHERS])
def test_a_whole_run_in_each_environment(
    env: str, galaxies: Galaxies, zipped: Path, tmp_path: Path
) -> None:
    (tmp_path / RAW).mkdir()
    write = (OF_THE_GALAXIES | OTHERS)[env]
    write(tmp_path / RAW, galaxies, zipped)
    run_project(tmp_path, env=env, changes=SMALL | CHANGES.get(env, {}))
    table = pd.read_parquet(tmp_path / "05_model_input/galaxies.parquet")
    predictions = pd.read_parquet(tmp_path / "07_model_output/predictions.parquet")
    assert len(table) == (80 if env.startswith("galaxy10") else N_GALAXIES)
    assert predictions["cataid"].tolist() == table["cataid"].tolist()
    assert pd.read_csv(tmp_path / "08_reporting/rejected_galaxies.csv").empty
    quality = pd.read_csv(tmp_path / "08_reporting/explanation_quality.csv", dtype={"cataid": str})
    assert set(quality["cataid"]) <= set(table["cataid"].astype(str))
    assert (tmp_path / "08_reporting/report.html").stat().st_size > 100_000
    if env in OF_THE_GALAXIES:
        compare(tmp_path, zipped)


# -------------------------------------------------------------- other archives


def test_tar_folder_and_hdf5_have_the_scores_of_the_zip(
    galaxies: Galaxies, zipped: Path, tmp_path: Path
) -> None:
    conf = shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    (conf / "changed").mkdir()
    of_pixels = {"image": "pixels", "label": "class"}
    for archive, layout in {
        "galaxies.tar": {},
        "galaxies": {},
        "galaxies.h5": {"label_file": None, "columns": of_pixels},
    }.items():
        root = tmp_path / archive
        (root / RAW).mkdir(parents=True)
        settings = json.dumps({"archive": archive, **layout})  # which YAML understands
        (conf / "changed/globals.yml").write_text(settings, encoding="utf-8")
        if archive.endswith(".tar"):
            write_tar(root / RAW / archive, formats.members_of(galaxies))
        elif archive.endswith(".h5"):
            arrays = {"pixels": galaxies.images, "class": galaxies.targets}
            write_hdf5(root / RAW / archive, **arrays)
        else:
            write_folder(root / RAW / archive, formats.members_of(galaxies))
        run_up_to_scores(root, conf)
        compare(root, zipped)
