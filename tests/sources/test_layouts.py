"""Catalogues and folders of images: which galaxy has which cut-out and label, and why not."""

import json
from pathlib import Path
from typing import Any

import formats
import pandas as pd
import pytest
from formats import ZOOBOT, load, write_folder, write_tar
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError
from survey import write_archive

from galaxy_morphology.datasets.cutout_archive import ArchiveLabelsDataset, CutoutArchiveDataset
from galaxy_morphology.imaging import clean_labels

FOLDERS: dict[str, Any] = {"label_file": None, "columns": {"label": "label"}, "identifiers": "text"}


def catalogue(folder: Path, rows: list[str], files: dict[str, bytes]) -> dict[str, Any]:
    """A catalogue in Zoobot's columns, with the files beside it."""
    text = "\n".join(["id_str,file_loc,label", *rows])
    write_folder(folder, {"catalogue.csv": text.encode(), **files})
    return {"filepath": str(folder), "label_file": "catalogue.csv", **ZOOBOT}


def outcomes(archive: Any) -> dict[Any, bytes | str]:
    """What is read of each galaxy, or why nothing."""
    found: dict[Any, bytes | str] = {}
    for identifier in archive:
        try:
            found[identifier] = archive[identifier]
        except ValueError as error:
            found[identifier] = str(error)
    return found


# ------------------------------------------------------------------ catalogues


def test_rows_of_a_catalogue_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    files = {"images/1.png": b"one", "2.png": b"two", "images/3.png": b"three"}
    rows = [
        "J1,images/1.png,0",
        f"J2,{tmp_path}/2.png,1",
        "J3,images/nowhere.png,0",
        "J4,,1",
        "J5,images\\3.png,1",
        "J5,2.png,1",
        " J6 ,./images/../images/3.png,1",
    ]
    archive, labels = load(catalogue(tmp_path, rows, files))
    assert outcomes(archive) == {
        "J2": b"two",
        "J1": b"one",
        "J6": b"three",
        "J5": "2 cut-outs in the archive: images/3.png, 2.png",
        "J3": "there is no file images/nowhere.png in the folder",
        "J4": "no file is named",
    }
    assert labels["CATAID"].tolist() == ["J1", "J2", "J3", "J4", "J5", "J5", "J6 "]
    with pytest.raises(KeyError):
        archive["J7"]


@pytest.mark.parametrize("file", ["../secret.png", "/etc/passwd", "images/../../secret.png"])
def test_files_outside_of_the_folder_are_not_read(tmp_path: Path, file: str) -> None:
    write_folder(tmp_path, {"secret.png": b"secret"})
    source = catalogue(tmp_path / "here", ["J1,1.png,0", f"J2,{file},1"], {"1.png": b"one"})
    archive, _ = load(source)
    assert outcomes(archive)["J1"] == b"one"
    assert "lies outside of" in str(outcomes(archive)["J2"])


def test_links_out_of_the_folder_are_not_read(tmp_path: Path) -> None:
    write_folder(tmp_path, {"secret.png": b"secret"})
    source = catalogue(tmp_path / "here", ["J1,1.png,0", "J2,2.png,1"], {"1.png": b"one"})
    (tmp_path / "here" / "2.png").symlink_to(tmp_path / "secret.png")
    archive, _ = load(source)
    assert "2.png is a link that leads out of" in str(outcomes(archive)["J2"])
    (tmp_path / "here" / "catalogue.csv").rename(tmp_path / "catalogue.csv")
    (tmp_path / "here" / "catalogue.csv").symlink_to(tmp_path / "catalogue.csv")
    with pytest.raises(DatasetError, match="catalogue.csv is a link that leads out of"):
        ArchiveLabelsDataset(**source).load()


def test_images_that_no_row_names_are_told(tmp_path: Path) -> None:
    files = {"1.png": b"one", "extra.JPG": b"two", "notes.txt": b"", "._1.png": b""}
    archive, _ = load(catalogue(tmp_path, ["J1,1.png,0"], files))
    assert archive.unnamed == {"extra.JPG": "is not known, since catalogue.csv does not name it"}


def test_a_catalogue_whose_files_are_all_elsewhere_says_so(tmp_path: Path) -> None:
    source = catalogue(tmp_path, ["J1,data/1.png,0"], {"images/1.png": b"one"})
    with pytest.raises(DatasetError, match=r"none of the 1 cut-outs.*'data/1.png'.*columns.file"):
        CutoutArchiveDataset(**source).load()


def test_a_catalogue_in_an_archive_and_one_beside_it(tmp_path: Path) -> None:
    text = b"id_str,file_loc,label\nJ1,1.png,0\n"
    inside = write_tar(tmp_path / "a.tar", {"top/c.csv": text, "top/1.png": b"one"})
    beside = write_tar(tmp_path / "b.tar", {"top/1.png": b"one"})
    (tmp_path / "c.csv").write_bytes(text)
    for path in (inside, beside):
        archive, labels = load({"filepath": str(path), "label_file": "c.csv", **ZOOBOT})
        assert dict(archive) == {"J1": b"one"}
        assert labels.to_dict("list") == {"CATAID": ["J1"], "TARGET": ["0"]}


def test_the_checksum_is_that_of_the_catalogue_beside_too(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "b.tar", {"1.png": b"one"})
    dataset = ArchiveLabelsDataset(filepath=str(path), label_file="c.csv", **ZOOBOT)
    sums = []
    for label in "010":
        (tmp_path / "c.csv").write_text(f"id_str,file_loc,label\nJ1,1.png,{label}\n")
        sums.append(dataset.checksum())
    assert sums[0] == sums[2] != sums[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": {**ZOOBOT["columns"], "label": "klass"}}, "exactly one column klass.*id_str"),
        ({"columns": {"identifier": "id_str"}}, "catalogue.csv are the identifier, and the"),
        ({"columns": {**ZOOBOT["columns"], "votes": {0: ["a"]}}}, "the label or the votes, and no"),
        ({"columns": {"identifier": "id_str", "votes": ["a"]}}, "`columns.votes` is .'a'.: Input"),
        ({"columns": {"id": "id_str"}}, "`columns.id` is 'id_str'"),
        ({"identifiers": "words"}, "`identifiers` is 'words'"),
        ({"label_file": "other.csv"}, r"found 0; the tables in it are .'catalogue.csv'"),
        ({"join": {"file": "c2.csv", "column": "id_str", "equals": "x"}}, "list named c2.csv"),
        ({"join": {"file": "d.csv", "column": "id_str", "equals": "x"}}, "names a column x"),
        ({"join": {"file": "d.csv", "column": "y", "equals": "z"}}, "names a column y"),
        ({"label_file": None, "join": {"file": "d", "column": "a", "equals": "z"}}, "`join` needs"),
    ],
)  # fmt: skip
def test_what_is_configured_wrongly(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    files = {"1.png": b"one", "d.csv": b"z\n1\n"}
    source = catalogue(tmp_path, ["J1,1.png,0"], files)
    with pytest.raises((DatasetError, ValueError), match=words):
        ArchiveLabelsDataset(**(source | changes)).load()


# ------------------------------------------------------------------ Galaxy Zoo 2


def test_eighteen_digits_are_joined_digit_by_digit(tmp_path: Path) -> None:
    galaxies = formats.draw(6)
    source = formats.of_galaxy_zoo_2(tmp_path, galaxies)
    # As floats, the identifiers of these would be one number.
    assert float(587722981736120347) == float(587722981736120347 + 3)
    archive, labels = load(source)
    for row in range(6):
        assert archive[587722981736120347 + 3 * row] == galaxies.encoded[row]
    assert labels["TARGET"].tolist() == [str(target) for target in galaxies.targets]
    assert labels["ra"].unique().tolist() == ["160.0"]


def test_galaxies_without_a_partner_with_several_and_of_other_classes(tmp_path: Path) -> None:
    source = formats.of_galaxy_zoo_2(tmp_path, formats.draw(4))
    first = 587722981736120347
    table = pd.read_csv(tmp_path / "gz2_hart16.csv", dtype=str)
    table.loc[3, "gz2_class"] = "A"
    table.to_csv(tmp_path / "gz2_hart16.csv", index=False)
    (tmp_path / "gz2_filename_mapping.csv").write_text(
        f"objid,sample,asset_id\n{first},original,58957\n{first},extra,58964\n"
        f"{first + 6},original,58971.0\n,original,1\n"
    )
    archive, labels = load(source)
    found = outcomes(archive)
    assert found[first] == "2 cut-outs in the archive: images/58957.jpg, images/58964.jpg"
    assert found[first + 3] == "no file is named"
    assert isinstance(found[first + 6], bytes)
    labelled, rejected = clean_labels(labels, formats.CLASSES)
    assert len(labelled) == 3
    assert rejected["reason"].tolist() == ["TARGET 'A' is none of 0 (Elliptical), 1 (Other)"]
    assert archive.unnamed == {
        "images/58978.jpg": "is not known, since gz2_hart16.csv does not name it"
    }


def test_rows_are_numbered_as_in_the_first_table(tmp_path: Path) -> None:
    source = formats.of_galaxy_zoo_2(tmp_path, formats.draw(4))
    path = tmp_path / "gz2_hart16.csv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("5877", "x")
    path.write_text("\n".join(lines))
    _, rejected = clean_labels(load(source)[1], formats.CLASSES)
    assert "(row 4) is no whole number" in rejected["reason"].item()


# ------------------------------------------------------------------ folders of images


def test_folders_tell_classes_and_splits(tmp_path: Path) -> None:
    files = {
        "data/train/spiral/a.jpg": b"a",
        "data/Valid/spiral/a.jpg": b"b",
        "data/test/round/deep/c.png": b"c",
        "data/other/d.webp": b"d",
        "data/train/spiral/notes.txt": b"",
    }
    write_folder(tmp_path, files)
    archive, labels = load({"filepath": str(tmp_path), **FOLDERS})
    rows = labels.set_index("CATAID")
    assert rows["TARGET"].to_dict() == {
        "data/train/spiral/a": "spiral",
        "data/Valid/spiral/a": "spiral",
        "data/test/round/deep/c": "deep",
        "data/other/d": "other",
    }
    assert rows["split"].tolist() == [
        {"r": "training", "a": "validation", "e": "test", "t": ""}[name[6]] for name in rows.index
    ]
    assert archive["data/Valid/spiral/a"] == b"b"
    assert archive.unnamed == {}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_metadata_say_more_than_folders(tmp_path: Path, kind: str) -> None:
    write_folder(
        tmp_path, {f"train/{name}.png": name.encode() for name in "abc"} | {"test/d.png": b"d"}
    )
    table = pd.DataFrame(
        {
            "file_name": ["a.png", "b.png", "gone.png"],
            "label": ["0", "1", "0"],
            "id": ["x", "y", "z"],
        }
    )
    path = tmp_path / "train" / f"metadata.{kind}"
    if kind == "csv":
        table.to_csv(path, index=False)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table.to_dict("records")))
    else:
        table.to_parquet(path)
    columns = {"label": "label", "identifier": "id"}
    archive, labels = load({"filepath": str(tmp_path), **FOLDERS, "columns": columns})
    rows = labels.set_index("CATAID")
    assert rows["TARGET"].to_dict() == {"x": "0", "y": "1", "z": "0", "train/c": "", "test/d": ""}
    assert rows["split"].to_dict() == {
        "x": "training", "y": "training", "z": "training", "train/c": "training", "test/d": "test",
    }  # fmt: skip
    assert outcomes(archive)["x"] == b"a"
    assert outcomes(archive)["z"] == "there is no file train/gone.png in the folder"


def test_two_formats_of_one_image_are_told(tmp_path: Path) -> None:
    write_folder(tmp_path, {"s/1.png": b"a", "s/1.jpg": b"b", "s/2.jpg": b"c"})
    archive, _ = load({"filepath": str(tmp_path), **FOLDERS, "identifiers": "integer"})
    assert outcomes(archive) == {1: "2 cut-outs in the archive: s/1.jpg, s/1.png", 2: b"c"}


def test_rows_of_metadata_without_a_file_are_told_and_blank_lines_are_none(tmp_path: Path) -> None:
    text = b"file_name,label,id\n1.png,0,a\n\n,1,b\n ,1,c\n,0,\n..,1,d\n\n"
    write_folder(tmp_path, {"s/metadata.csv": text, "s/1.png": b"one"})
    columns = {"label": "label", "identifier": "id"}
    archive, labels = load({"filepath": str(tmp_path), **FOLDERS, "columns": columns})
    assert labels["CATAID"].tolist() == ["a", "b", "c", "", "d"]
    assert outcomes(archive) == {
        "a": b"one",
        "b": "no file is named",
        "c": "no file is named",
        "d": "there is no file . in the folder",
    }


def test_metadata_without_file_names_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path, {"metadata.csv": b"file,label\n1.png,0\n", "1.png": b""})
    with pytest.raises(DatasetError, match=r"metadata.csv in .* needs a column file_name"):
        ArchiveLabelsDataset(filepath=str(tmp_path), **FOLDERS).load()


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    write_folder(tmp_path, {"s/1.dat": b""})
    with pytest.raises(DatasetError, match=r"none of the 0 cut-outs.*It holds \['s/1.dat'\]"):
        CutoutArchiveDataset(filepath=str(tmp_path), **FOLDERS).load()


@settings(max_examples=30)
@given(
    names=st.sets(
        st.tuples(
            st.sampled_from(["train", "val", "test", ""]),
            st.sampled_from(["spiral", "round", "Ö"]),
            st.text("ab.-é0", min_size=1, max_size=5).filter(lambda name: name.strip(".")),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_image_is_a_galaxy(
    tmp_path_factory: pytest.TempPathFactory, names: set[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("classes")
    files = {
        "/".join(part for part in (split, name, f"{stem}.png") if part): f"{split}{stem}".encode()
        for split, name, stem in names
    }
    write_folder(folder, files)
    archive, labels = load({"filepath": str(folder), **FOLDERS})
    assert dict(archive) == {name.removesuffix(".png"): content for name, content in files.items()}
    assert sorted(labels["TARGET"]) == sorted(name for _, name, _ in names)


# ------------------------------------------------------------------ texts as identifiers


def test_texts_in_the_names_of_cutouts(tmp_path: Path) -> None:
    identifiers = ["J103438.28-005109.6", "007", "1e5", "NA", "M 31", "é"]
    others = {f"G/{name}_giH.png": name.encode() for name in [*identifiers, "\n", "1.2e+17"]}
    text = "\n".join(["CATAID,TARGET", *(f"{name},0" for name in identifiers)])
    path = write_archive(tmp_path / "a.zip", {}, text, others=others)
    archive, labels = load({"filepath": str(path), "identifiers": "text"})
    assert {name: archive[name].decode() for name in archive} == dict.fromkeys(identifiers) | {
        name: name for name in identifiers
    }
    labelled, rejected = clean_labels(labels, formats.CLASSES, "text")
    assert labelled["cataid"].tolist() == identifiers
    assert rejected.empty
    assert sorted(archive.unnamed.values()) == [
        "is a rounded number; expected all digits: some program took it for one",
        "is empty; expected a name",
    ]
