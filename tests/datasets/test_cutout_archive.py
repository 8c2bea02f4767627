"""Archives as people pack them, and as they break."""

import resource
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DatasetError
from survey import write_archive

from galaxy_morphology.datasets.cutout_archive import (
    ArchiveLabelsDataset,
    CutoutArchiveDataset,
    archive_in,
)
from galaxy_morphology.typing import SimulatedArchive

LABELS = "CATAID,TARGET\n1,0\n2,1\n"


@pytest.mark.parametrize("folder", ["GALAXIES", "My galaxies (copy)", "a/b/c", ""])
def test_cutouts_are_found_in_any_folder(tmp_path: Path, folder: str) -> None:
    path = write_archive(tmp_path / "a.zip", {1: b"one", 22: b"two"}, LABELS, folder=folder)
    cutouts = CutoutArchiveDataset(filepath=str(path)).load()
    assert dict(cutouts) == {1: b"one", 22: b"two"}


def test_what_macos_adds_is_passed_over(tmp_path: Path) -> None:
    others = {
        "__MACOSX/GALAXIES/DATA/._1_giH.png": b"fork",
        "__MACOSX/GALAXIES/._2class_list.csv": b"fork",
        "GALAXIES/DATA/._1_giH.png": b"fork",
        "GALAXIES/._2class_list.csv": b"fork",
        "GALAXIES/.DS_Store": b"",
        "GALAXIES/DATA/": b"",
        "GALAXIES/DATA/notes.txt": b"",
        "GALAXIES/DATA/M31_giH.png": b"no CATAID",
    }
    path = write_archive(tmp_path / "a.zip", {1: b"one"}, LABELS, others=others)
    assert dict(CutoutArchiveDataset(filepath=str(path)).load()) == {1: b"one"}
    assert len(ArchiveLabelsDataset(filepath=str(path)).load()) == 2


def test_reads_from_any_working_directory_and_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    path = write_archive(tmp_path / "a.zip", {1: b"one"}, LABELS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert CutoutArchiveDataset(filepath=str(path)).load()[1] == b"one"
    fsspec.filesystem("memory").pipe("/a.zip", path.read_bytes())
    assert CutoutArchiveDataset(filepath="memory:///a.zip").load()[1] == b"one"
    assert len(ArchiveLabelsDataset(filepath="memory:///a.zip").load()) == 2
    assert list(elsewhere.iterdir()) == []  # nothing was extracted


@pytest.mark.parametrize(
    ("archive", "path"),
    [
        ("GALAXIES.zip", "/raw/01_raw/GALAXIES.zip"),
        (".", "/raw/01_raw"),
        ("/scratch/galaxies", "/scratch/galaxies"),
        ("~/galaxies.tar", "/home/me/galaxies.tar"),
        ("https://server/GALAXIES.zip", "https://server/GALAXIES.zip"),
        ("s3://bucket/galaxies", "s3://bucket/galaxies"),
    ],
)
def test_archives_lie_in_the_folder_or_where_they_say(
    archive: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert archive_in("/raw/01_raw", archive) == path


@pytest.mark.parametrize("archive", ["", 2024, {"a": 1}])
def test_what_is_no_archive_is_refused(archive: Any) -> None:
    with pytest.raises(ValueError, match="`archive` in globals.yml is .* in /raw/01_raw"):
        CutoutArchiveDataset(filepath="/raw/01_raw", archive=archive)


@pytest.mark.parametrize("address", ["nosuchprotocol://server/a.zip", "gdrive://a.zip"])
def test_addresses_that_need_more_packages_say_so(address: str) -> None:
    with pytest.raises(ValueError, match=f"{address} cannot be read: .*for others, what fsspec"):
        CutoutArchiveDataset(filepath=address)


def test_suffix_and_label_file_are_configuration(tmp_path: Path) -> None:
    others = {"x/7.jpg": b"seven", "x/classes.csv": b"CATAID,TARGET\n7,1\n"}
    path = write_archive(tmp_path / "a.zip", {}, LABELS, others=others)
    assert list(CutoutArchiveDataset(filepath=str(path), image_suffix=".jpg").load()) == [7]
    labels = ArchiveLabelsDataset(filepath=str(path), label_file="classes.csv").load()
    assert labels.to_dict("list") == {"CATAID": ["7"], "TARGET": ["1"]}


def test_backslashes_capitals_and_names_without_a_cataid(tmp_path: Path) -> None:
    others = {
        "GALAXIES\\DATA\\5_giH.png": b"five",
        "GALAXIES/DATA/6_GIH.PNG": b"six",
        "GALAXIES/DATA/-7_giH.png": b"",
        "GALAXIES/DATA/٣_giH.png": b"",
        f"GALAXIES/DATA/{'9' * 5000}_giH.png": b"",
        "../../8_giH.png": b"eight",
    }
    path = write_archive(tmp_path / "a.zip", {1: b"one"}, LABELS, others=others)
    cutouts = CutoutArchiveDataset(filepath=str(path)).load()
    assert dict(cutouts) == {1: b"one", 5: b"five", 6: b"six", 8: b"eight"}
    reasons = list(cutouts.unnamed.values())
    assert [reason.split(";")[0] for reason in reasons] == [
        "is negative",
        "is no whole number",
        "does not fit into 64 bits",
    ]


def test_the_longest_identifiers_are_read_digit_by_digit(tmp_path: Path) -> None:
    cataids = [2**63 - 1, 2**63 - 2, 1237648702966988820]
    path = write_archive(tmp_path / "a.zip", {c: b"%d" % c for c in [*cataids, 2**63]}, LABELS)
    cutouts = CutoutArchiveDataset(filepath=str(path)).load()
    assert dict(cutouts) == {c: b"%d" % c for c in cataids}
    (reason,) = cutouts.unnamed.values()
    assert reason == f"does not fit into 64 bits; expected at most {2**63 - 1}"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_members_with_one_name_the_last_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_archive(tmp_path / "a.zip", {1: b"old", 2: b"two", 3: b"three"}, LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("GALAXIES/DATA/1_giH.png", b"mended")
        archive.writestr("GALAXIES/2class_list.csv", "CATAID,TARGET\n1,1\n")
        archive.writestr("GALAXIES/MORE/3_giH.png", b"another")
    with caplog.at_level("WARNING"):
        cutouts = CutoutArchiveDataset(filepath=str(path)).load()
    assert (cutouts[1], cutouts[2]) == (b"mended", b"two")
    with pytest.raises(ValueError, match=r"2 cut-outs in the archive: .*DATA/3_giH.*MORE/3_giH"):
        cutouts[3]
    (line,) = caplog.messages
    assert "holds 2 names more than once, e.g. GALAXIES/2class_list.csv, GALAXIES/DATA/1" in line
    labels = ArchiveLabelsDataset(filepath=str(path)).load()
    assert labels.to_dict("list") == {"CATAID": ["1"], "TARGET": ["1"]}


def test_members_that_cannot_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1_giH.png", b"x" * 99)
        archive.writestr("2_giH.png", b"y" * 99, zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of encryption, in the directory
    path.write_bytes(content)
    cutouts = CutoutArchiveDataset(filepath=str(path)).load()
    with pytest.raises(ValueError, match="1_giH.png is encrypted; pack the archive without"):
        cutouts[1]
    with pytest.raises(ValueError, match="2_giH.png is compressed by method 14; pack"):
        cutouts[2]


def test_a_member_that_lies_about_its_size_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("1_giH.png", bytes(256 * 1024 * 1024))
    content = bytearray(path.read_bytes())
    size = content.index(b"PK\x01\x02") + 24
    content[size : size + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    cutouts = CutoutArchiveDataset(filepath=str(path)).load()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="1_giH.png is damaged in the archive"):
        cutouts[1]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


def test_broken_members_say_what_is_wrong(tmp_path: Path) -> None:
    path = write_archive(
        tmp_path / "a.zip",
        {1: b"x" * 1000, 2: b"y" * 5000, 3: b"z" * 10},
        LABELS,
        others={"GALAXIES/MORE/3_giH.png": b"another"},
    )
    content = path.read_bytes()
    path.write_bytes(content.replace(b"x" * 1000, b"x" * 500 + b"!" + b"x" * 499))
    cutouts = CutoutArchiveDataset(filepath=str(path), maximum_member_bytes=4999).load()
    with pytest.raises(ValueError, match=r"1_giH\.png is damaged in the archive.*CRC"):
        cutouts[1]
    with pytest.raises(ValueError, match=r"2_giH\.png expands to 5,000 bytes, more than the 4,999"):
        cutouts[2]
    with pytest.raises(ValueError, match=r"2 cut-outs in the archive: .*3_giH.*MORE/3_giH"):
        cutouts[3]
    with pytest.raises(KeyError):
        cutouts[4]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1_giH.png", bytes(100 * 1024 * 1024))
        archive.writestr("2class_list.csv", bytes(100 * 1024 * 1024))
    assert path.stat().st_size < 1024 * 1024
    with pytest.raises(ValueError, match="more than the 67,108,864 allowed"):
        CutoutArchiveDataset(filepath=str(path)).load()[1]
    with pytest.raises(DatasetError, match="more than the 67,108,864 allowed"):
        ArchiveLabelsDataset(filepath=str(path)).load()


@pytest.mark.parametrize("dataset", [CutoutArchiveDataset, ArchiveLabelsDataset])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no archive at .*a.zip. Put your galaxies there"),
        (b"", "not a readable zip archive"),
        (b"<html>Not found</html>", "not a readable zip archive"),
    ],
)
def test_what_is_no_archive(
    tmp_path: Path, dataset: type, content: bytes | None, message: str
) -> None:
    path = tmp_path / "a.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        dataset(filepath=str(path)).load()


def test_an_archive_cut_short_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", {1: b"x" * 1000}, LABELS)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match="not a readable zip archive"):
        CutoutArchiveDataset(filepath=str(path)).load()


def test_an_archive_without_cutouts_says_what_it_holds(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", {}, LABELS, others={"GALAXIES/1.fits": b""})
    with pytest.raises(DatasetError, match=r"<CATAID>_giH\.png.*1\.fits.*image_suffix"):
        CutoutArchiveDataset(filepath=str(path)).load()


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"b/other.csv": b""}, r"found 0; the tables in it are .*other.csv"),
        ({"a/labels.csv": b"", "b/labels.csv": b""}, "found 2"),
        ({"labels.csv": b""}, "cannot be read: No columns"),
        ({"labels.csv": b"CATAID,TARGET\n1,0,\n2,1,\n"}, "cannot be read.*line 2"),
        ({"labels.csv": b"CATAID,TARGET\n1,0\n2,1,3,4\n"}, "cannot be read.*line 3"),
        ({"labels.csv": "CATAID,TARGET\né,0".encode("latin-1")}, "cannot be read.*UTF-8"),
    ],
)
def test_unreadable_label_lists(tmp_path: Path, others: dict[str, bytes], message: str) -> None:
    path = write_archive(tmp_path / "a.zip", {}, LABELS, others=others)
    dataset = ArchiveLabelsDataset(filepath=str(path), label_file="labels.csv")
    with pytest.raises(DatasetError, match=message):
        dataset.load()


def test_two_columns_of_one_name_are_refused_and_short_rows_filled(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", {}, "\ufeffCATAID,TARGET,TARGET\r\n1,0,1\r\n2\r\n")
    with pytest.raises(DatasetError, match="it has 2 columns named TARGET"):
        ArchiveLabelsDataset(filepath=str(path)).load()
    path = write_archive(tmp_path / "b.zip", {}, "\ufeffCATAID,TARGET,x\r\n1,0,1\r\n2\r\n")
    table = ArchiveLabelsDataset(filepath=str(path)).load()
    assert table.columns.tolist() == ["CATAID", "TARGET"]
    assert table.to_numpy().tolist() == [["1", "0"], ["2", ""]]


def test_the_archive_is_never_written(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "a.zip", {1: b"one"}, LABELS)
    before = path.read_bytes()
    with pytest.raises(DatasetError, match="is not written"):
        CutoutArchiveDataset(filepath=str(path)).save({1: b"two"})  # type: ignore[arg-type]
    assert path.read_bytes() == before


def simulated(n_galaxies: int = 2) -> SimulatedArchive:
    cataids = list(range(1, n_galaxies + 1))
    labels = pd.DataFrame({"CATAID": cataids, "TARGET": [i % 2 for i in cataids]})
    return SimulatedArchive({i: b"PNG of %d" % i for i in cataids}, labels)


def test_a_simulated_archive_is_read_as_it_was_written_and_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "GALAXIES.zip"
    archive = CutoutArchiveDataset(filepath=str(path), writable=True)
    archive.save(simulated())
    cutouts = archive.load()
    assert dict(cutouts) == {1: b"PNG of 1", 2: b"PNG of 2"}
    assert cutouts.simulated
    labels = ArchiveLabelsDataset(filepath=str(path), writable=True)
    assert labels.load().to_dict("list") == {"CATAID": ["1", "2"], "TARGET": ["1", "0"]}
    labels.save(simulated().labels)
    with zipfile.ZipFile(path) as file:
        assert file.namelist()[0] == "GALAXIES/SIMULATED.txt"
        assert "GALAXIES/DATA/1_giH.png" in file.namelist()


def test_a_simulated_archive_may_be_replaced_but_no_other(tmp_path: Path) -> None:
    path = tmp_path / "GALAXIES.zip"
    archive = CutoutArchiveDataset(filepath=str(path), writable=True)
    archive.save(simulated())
    archive.save(simulated(3))
    assert len(archive.load()) == 3
    write_archive(path, {1: b"one"}, LABELS)
    before = path.read_bytes()
    with pytest.raises(DatasetError, match="an archive that is not simulated, and is left as it"):
        archive.save(simulated())
    path.write_bytes(b"no zip")
    with pytest.raises(DatasetError, match="not a readable zip archive"):
        archive.save(simulated())
    path.write_bytes(before)
    with pytest.raises(DatasetError, match="is not written: simulated galaxies go only to local"):
        CutoutArchiveDataset(filepath=str(path)).save(simulated())
    assert path.read_bytes() == before


def test_an_archive_elsewhere_than_on_a_local_disk_is_not_written() -> None:
    archive = CutoutArchiveDataset(filepath="memory:///new.zip", writable=True)
    with pytest.raises(DatasetError, match="go only to local archives"):
        archive.save(simulated())


def test_an_interrupted_save_leaves_what_was_there(tmp_path: Path) -> None:
    class Interrupted(dict[int, bytes]):
        def items(self) -> Any:
            yield 1, b"one"
            raise KeyboardInterrupt

    path = tmp_path / "GALAXIES.zip"
    archive = CutoutArchiveDataset(filepath=str(path), writable=True)
    with pytest.raises(KeyboardInterrupt):
        archive.save(SimulatedArchive(Interrupted({1: b"one"}), simulated().labels))
    assert list(tmp_path.iterdir()) == []
    archive.save(simulated())
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        archive.save(SimulatedArchive(Interrupted({1: b"one"}), simulated().labels))
    assert [file.name for file in tmp_path.iterdir()] == ["GALAXIES.zip"]
    assert path.read_bytes() == before


def test_labels_other_than_those_in_the_archive_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "GALAXIES.zip"
    CutoutArchiveDataset(filepath=str(path), writable=True).save(simulated())
    labels = ArchiveLabelsDataset(filepath=str(path), writable=True)
    with pytest.raises(DatasetError, match="is not the list that was simulated"):
        labels.save(simulated(3).labels)
