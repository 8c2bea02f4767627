"""The environments of the data sets: their files are found, read and split, and nothing else."""

from pathlib import Path
from typing import Any

import formats
import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, run_project
from formats import write_folder, write_hdf5
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DatasetError

from galaxy_morphology.imaging import resize
from galaxy_morphology.pipelines.data_processing import reading

RAW = "01_raw"


def context_of(env: str | None, data_root: Path | None = None) -> Any:
    bootstrap_project(PROJECT)
    parameters = {"data_root": str(data_root)} if data_root else {}
    return KedroSession.create(PROJECT, env=env, runtime_params=parameters).load_context()


def read(env: str, data_root: Path) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """What the first nodes make of an environment: images, galaxies, and those left out."""
    context = context_of(env, data_root)
    archive, labels = (context.catalog.load(name) for name in ("galaxy_archive", "galaxy_labels"))
    options = context.params
    labelled, rejected_labels = reading.clean_labels(
        labels, *(options[name] for name in ("classes", "identifiers", "votes"))
    )
    images, _, galaxies, left_out, _ = reading.read_and_split_galaxies(
        archive,
        labelled,
        rejected_labels,
        *(options[name] for name in ("classes", "cutouts", "split")),
    )
    return images, galaxies, left_out


def test_galaxy10_decals_and_sdss(tmp_path: Path) -> None:
    (tmp_path / RAW).mkdir()
    position = {"ra": np.linspace(0, 90, 80), "dec": np.zeros(80), "pxscale": np.full(80, 0.262)}
    write_hdf5(tmp_path / RAW / "Galaxy10_DECals.h5", **formats.galaxy10(256), **position)
    write_hdf5(tmp_path / RAW / "Galaxy10.h5", **formats.galaxy10(69))
    names = {"galaxy10_decals": "Disturbed", "galaxy10_sdss": "Disk Face-on No Spiral"}
    for env, name in names.items():
        _, galaxies, left_out = read(env, tmp_path)
        assert galaxies["cataid"].tolist() == list(range(80))
        assert galaxies["target"].tolist() == [row % 10 for row in range(80)]
        assert set(galaxies.loc[galaxies["target"] == 0, "class_name"]) == {name}
        assert ("ra" in galaxies) == (env == "galaxy10_decals")
        assert (galaxies["arcsec_per_pixel"] == 0.262).all() == (env == "galaxy10_decals")
        assert left_out.empty
    (tmp_path / RAW / "Galaxy10.h5").rename(tmp_path / RAW / "Galaxy10_DECals.h5")
    with pytest.raises(DatasetError, match="it is another data set, with other classes"):
        read("galaxy10_decals", tmp_path)


def test_zoobot_in_a_run_and_what_is_left_out(tmp_path: Path) -> None:
    source = formats.of_zoobot(tmp_path, formats.draw(40), ".csv")
    path = Path(source["filepath"]) / "catalogue.csv"
    path.write_text(path.read_text() + "J9,../secret.png,Other\n,images/x.png,Other\n")
    (tmp_path / RAW / "images" / "more.png").write_bytes(b"")
    run_project(tmp_path, "reading", env="zoobot")
    galaxies = pd.read_parquet(tmp_path / "05_model_input" / "galaxies.parquet")
    rejected = pd.read_csv(tmp_path / "08_reporting" / "rejected_galaxies.csv", dtype=str)
    assert galaxies["cataid"].tolist() == formats.zoobot_table(formats.draw(40))["id_str"].tolist()
    assert rejected["cataid"].fillna("?").tolist() == ["?", "J9", "?"]
    reasons = rejected["reason"].tolist()
    assert reasons[0] == "id_str '' (row 43) is empty; expected a name"
    assert "../secret.png lies outside of" in reasons[1]
    assert "images/more.png is not known, since catalogue.csv does not name it" in reasons[2]


def test_galaxy_zoo_2_keeps_all_digits(tmp_path: Path) -> None:
    formats.of_galaxy_zoo_2(tmp_path / RAW, formats.draw(40))
    _, galaxies, _ = read("gz2_hart", tmp_path)
    assert galaxies["cataid"].tolist() == [587722981736120347 + 3 * row for row in range(40)]
    assert set(galaxies["class_name"]) == {"Smooth", "Featured"}
    assert galaxies["ra"].tolist() == [160.0] * 40


def test_image_folders_keep_their_splits(tmp_path: Path) -> None:
    galaxies = formats.draw(40)
    files = {
        f"{'test' if row % 4 == 0 else 'train'}/{formats.CLASSES[int(t)]}/{row}.png": content
        for (row, content), t in zip(galaxies.encoded.items(), galaxies.targets, strict=True)
    }
    copied, original = next(iter(files)), formats.CLASSES[int(galaxies.targets[0])]
    files = {f"train/{original}/copy.png": files[copied], **files}
    write_folder(tmp_path / RAW, files)
    images, table, left_out = read("image_folder", tmp_path)
    assert left_out["cataid"].tolist() == [f"train/{original}/copy"]
    assert f"CATAID {copied.removesuffix('.png')} of its group is" in left_out["reason"].iloc[0]
    assert table["duplicate_of"].isna().all()
    assert images.shape[0] == len(table) == len(galaxies.images)
    for image, name in zip(images, table["cataid"], strict=True):
        original = galaxies.images[int(Path(name).name)]
        np.testing.assert_array_equal(image, resize(original, 128))
    is_test = table["cataid"].str.startswith("test/")
    assert (table["split"] == "test").tolist() == is_test.tolist()
    assert table["split"].value_counts().to_dict() == {"training": 24, "validation": 6, "test": 10}


def test_archives_lie_in_01_raw(tmp_path: Path) -> None:
    archives = {
        (None, None): f"{PROJECT}/data/01_raw/GALAXIES.zip",
        ("gz2_hart", None): f"{PROJECT}/data/gz2_hart/01_raw/images_gz2.zip",
        ("zoobot", tmp_path): f"{tmp_path}/01_raw",
    }
    for (env, data_root), path in archives.items():
        assert str(context_of(env, data_root).catalog["galaxy_archive"]._filepath) == path


def of_legacy_surveys(image: Any, step: float = 0.262 / 3600) -> bytes:
    """A cut-out in nanomaggies as the viewer gives it."""
    coordinates = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": -step, "CD2_2": step}
    grz = (image - 15.0) / 255 * [3.3, 1.8, 1.0]  # without its sky, as red as galaxies are
    return formats.fits_of(grz, BANDS="grz", **coordinates)


def test_fits_cutouts_by_configuration_alone(tmp_path: Path) -> None:
    galaxies = formats.draw(40)
    files = {f"cutouts/{row}.fits": of_legacy_surveys(i) for row, i in enumerate(galaxies.images)}
    files["cutouts/7.fits"] = files["cutouts/7.fits"][:-2880]
    masked = galaxies.images.astype(float)[8]
    masked[:20, :20] = np.nan
    files["cutouts/8.fits"] = of_legacy_surveys(masked)
    files["2class_list.csv"] = formats.label_list(galaxies).encode()
    write_folder(tmp_path / RAW, files)
    run_project(tmp_path, "reading", env="legacy_survey", changes={"cutouts.crop_arcsec": 10.0})
    table = pd.read_parquet(tmp_path / "05_model_input" / "galaxies.parquet")
    rejected = pd.read_csv(tmp_path / "08_reporting" / "rejected_galaxies.csv")
    assert rejected["cataid"].tolist() == [7, 8]
    assert "the file is cut off" in rejected["reason"][0]
    assert "masked" in rejected["reason"][1]
    assert table["arcsec_per_pixel"].to_numpy() == pytest.approx(0.262)
    assert set(table["width"]) == {38}
    assert (table["masked_share"] == 0).all()
    images = np.load(tmp_path / "05_model_input" / "images.npy")
    brightest = images[:, 14:18, 14:18].mean(axis=(1, 2))
    assert (brightest[:, 0] > 100).all()
    assert (images[:, :3, :3].mean(axis=(1, 2)) < 60).all()
