"""Whatever galaxies come in, all of them are in a shard, once, and changes are noticed."""

import os
from pathlib import Path
from typing import Any

import formats
import fsspec
import numpy as np
import pytest
from formats import SOURCES, Galaxies
from survey import encode, write_archive, write_survey
from surveying import archives_in

from galaxy_morphology import survey
from galaxy_morphology.survey.shards import OpenArchive

N_GALAXIES = 11


@pytest.fixture(scope="module")
def galaxies() -> Galaxies:
    return formats.draw(N_GALAXIES)


def unlabelled(where: dict[str, Any]) -> tuple[Any, str]:
    """The archives and the path of a source that a test of ``sources`` has written."""
    layout = {name: value for name, value in where.items() if name != "filepath"}
    return archives_in(Path("/"), **layout), where["filepath"]


@pytest.mark.parametrize("name", SOURCES)
def test_every_galaxy_of_every_kind_of_source_is_in_one_shard(
    name: str, galaxies: Galaxies, tmp_path: Path
) -> None:
    where = SOURCES[name](tmp_path / "source", galaxies)
    archives, path = unlabelled(where)
    plan = survey.plan_survey(archives, path, 4)
    assert [shard.n_galaxies for shard in plan.shards] == [4, 4, 3]
    assert len({shard.name for shard in plan.shards}) == 3
    assert plan.nameless == {}
    opened = OpenArchive(archives, plan.shards[0].archive)
    named = [opened.identifiers[shard.first : shard.last] for shard in plan.shards]
    cutouts, _ = formats.load(where)
    assert [each for some in named for each in some] == list(cutouts)
    for each in opened.identifiers[:2]:
        assert np.array_equal(opened.cutouts[each], cutouts[each])
    assert plan == survey.plan_survey(archives, path, 4)


def test_a_source_needs_no_labels(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    galaxies = formats.draw(3)
    cutouts = {f"{row}_giH.png": content for row, content in galaxies.encoded.items()}
    write_archive(tmp_path / "a.zip", {}, "", label_file="readme.txt", others=cutouts)
    assert survey.plan_survey(archives_in(tmp_path), "a.zip", 9).n_galaxies == 3
    formats.write_hdf5(tmp_path / "a.h5", images=galaxies.images)
    archives = archives_in(tmp_path, label_file=None, columns={"image": "images"})
    assert survey.plan_survey(archives, "a.h5", 9).n_galaxies == 3
    formats.write_folder(tmp_path / "b", {"x/7.png": galaxies.encoded[0], "9.png": b""})
    archives = archives_in(tmp_path, label_file=None, columns={})
    assert survey.plan_survey(archives, "b", 9).n_galaxies == 2


def test_a_label_list_is_told_of_and_not_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_archive(tmp_path / "a.zip", {7: b"x"}, b"\xff no table")
    with caplog.at_level("INFO"):
        survey.plan_survey(archives_in(tmp_path), "a.zip", 9)
    assert "has a label list, GALAXIES/2class_list.csv. It is not looked at" in caplog.text


def test_positions_are_those_of_the_list(tmp_path: Path) -> None:
    rows = "CATAID,RA,DEC\n7,10.5,-3\n8,x,4\n"
    write_archive(tmp_path / "a.zip", {7: b"", 8: b"", 9: b""}, rows)
    columns = {"identifier": "CATAID", "ra": "RA", "dec": "DEC"}
    archives = archives_in(tmp_path, columns=columns)
    opened = OpenArchive(archives, str(tmp_path / "a.zip"))
    assert opened.position_of(7) == (10.5, -3.0)
    assert np.isnan(opened.position_of(8)[0])
    assert np.isnan(opened.position_of(9)).all()


def test_images_without_an_identifier_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_archive(tmp_path / "a.zip", {7: b""}, "", others={"seven_giH.png": b""})
    plan = survey.plan_survey(archives_in(tmp_path), "a.zip", 9)
    ((number, example),) = plan.nameless.values()
    assert (number, plan.n_galaxies) == (1, 1)
    assert example == "the CATAID in the name seven_giH.png is no whole number; expected one " + (
        "from 0 to 9223372036854775807"
    )
    assert "1 images or rows in" in caplog.text


@pytest.mark.parametrize("kind", ["zip", "tar", "folder"])
def test_a_changed_cutout_changes_its_shard_alone(kind: str, tmp_path: Path) -> None:
    galaxies = formats.draw(6)

    def inputs(brightness: int) -> list[str]:
        # Of one length: only what is in it tells.
        image = np.full((20, 20, 3), brightness, np.uint8)
        galaxies.encoded[4] = encode(image, ".ppm")
        where = {"zip": formats.in_zip, "tar": formats.in_tar, "folder": formats.in_folder}[kind]
        archives, path = unlabelled(where(tmp_path / "source", galaxies))
        for folder, _, files in os.walk(tmp_path / "source"):
            for file in files:  # nothing else was written again
                os.utime(Path(folder) / file, ns=(0, brightness if "4_" in file or ".t" in file
                                                  else 0))  # fmt: skip
        return [shard.input for shard in survey.plan_survey(archives, path, 1).shards]

    before, same, after = inputs(50), inputs(50), inputs(60)
    assert before == same
    n_changed = sum(one != other for one, other in zip(before, after, strict=True))
    assert n_changed == (6 if kind == "tar" else 1)  # tar files have no checksums of their members


def test_many_archives_are_found_by_a_pattern(tmp_path: Path) -> None:
    for number, name in enumerate(["b", "a", "c"]):
        write_survey(tmp_path / "tiles" / f"{name}.zip", 4, seed=number)
        (tmp_path / "tiles" / f"{name}.zip").rename(tmp_path / "tiles" / f"{name}.zip.{number}")
    archives = archives_in(tmp_path)
    assert [Path(name).name for name in archives.find("tiles/*.zip.*")] == [
        "a.zip.1", "b.zip.0", "c.zip.2",
    ]  # fmt: skip
    system = fsspec.filesystem("memory")
    for name in ("y", "x"):
        system.pipe(f"/pattern/{name}.zip", b"")
    assert archives.find("memory://pattern/*.zip") == [
        "memory:///pattern/x.zip", "memory:///pattern/y.zip",
    ]  # fmt: skip


def test_a_galaxy_in_two_archives_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.zip", {1: b"", 2: b"", 3: b""}, "")
    write_archive(tmp_path / "b.zip", {4: b"", 5: b"", 2: b"", 6: b""}, "")
    with pytest.raises(ValueError, match=r"CATAID 2 is in .*a.zip and in .*b.zip: in a catalogue"):
        survey.plan_survey(archives_in(tmp_path), "*.zip", 2)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nothing.zip", "nothing to classify at .*/nothing.zip: no file or folder there. Name a"),
        ("no*.zip", r"nothing to classify at .*/no\*.zip: no file or folder that fits the pattern"),
        ("empty", "empty holds no cut-outs: no file in it is named <CATAID>_giH.png. It holds not"),
        ("bad.zip", "bad.zip is not a readable zip archive"),
        ("s4://bucket/x", "s4://bucket/x cannot be read: Protocol not known: s4"),
    ],
)
def test_what_cannot_be_classified(tmp_path: Path, source: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.zip").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=words):
        survey.plan_survey(archives_in(tmp_path), source, 2)
