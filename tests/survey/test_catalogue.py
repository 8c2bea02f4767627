"""The catalogue of a survey: right, whole, and gone on with."""

import errno
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from survey import draw_galaxy, encode, write_archive, write_survey
from surveying import (
    archives_in,
    catalogue_of,
    classifier,
    classify,
    contents,
    recipe,
    small_network,
)

from galaxy_morphology import evaluation, networks, survey
from galaxy_morphology.imaging import UnusableCutoutError, prepare_cutout
from galaxy_morphology.survey import catalogue as shards
from galaxy_morphology.survey import run
from galaxy_morphology.survey.shards import OpenArchive

NETWORK = small_network()
CUTOUTS = recipe().cutouts
HOW: dict[str, Any] = {
    "side": CUTOUTS.side, "minimum_side": CUTOUTS.minimum_side, "maximum_side": CUTOUTS.maximum_side
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive of twenty galaxies, two of them damaged, and its catalogue."""
    folder = tmp_path_factory.mktemp("done")
    write_survey(folder / "a.zip", 20, n_damaged=2)
    classify(folder, archives_in(folder), "a.zip", classifier(NETWORK))
    return folder


@pytest.fixture
def copied(done: Path, tmp_path: Path) -> Path:
    """The same, to be changed; the archive is where it was."""
    shutil.copytree(done, tmp_path, dirs_exist_ok=True)
    (tmp_path / "a.zip").unlink()
    return tmp_path


def again(copied: Path, done: Path, able: survey.SurveyClassifier | None = None) -> pd.DataFrame:
    return classify(copied, archives_in(done), "a.zip", able or classifier(NETWORK))


def ages(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (folder / "catalogue").iterdir()}


def test_rows_are_what_the_parts_give_one_by_one(done: Path) -> None:
    rows = catalogue_of(done).set_index("cataid")
    opened = OpenArchive(archives_in(done), str(done / "a.zip"))
    assert sorted(opened.identifiers) == rows.index.tolist()
    for cataid, row in rows.iterrows():
        try:
            cutout = prepare_cutout(opened.cutouts[cataid], **HOW)
        except UnusableCutoutError as error:
            reason = str(error)
            assert row["rejected"] == reason
            assert row[["logit", "probability_Other", "predicted_class", "distance"]].isna().all()
            assert not row[["keep", "unlike_training"]].any()
            continue
        logit = networks.predict_logits(NETWORK, cutout.pixels[None])[0, 0]
        np.testing.assert_allclose(row["logit"], logit, atol=1e-6)
        probability = 1 / (1 + np.exp(-np.float64(row["logit"]) / 1.5))
        np.testing.assert_allclose(row["probability_Other"], probability, rtol=1e-12)
        np.testing.assert_allclose(row["probability_Elliptical"], 1 - probability, rtol=1e-12)
        assert row["predicted_class"] == ("Other" if probability > 0.5 else "Elliptical")
        assert row["keep"]  # the threshold is 0.5
        assert row["file"] == f"GALAXIES/DATA/{cataid}_giH.png"
        assert (row["archive"], row["width"], row["height"]) == ("a.zip", 48, 48)


def test_the_mix_of_classes_and_the_threshold_count(done: Path, tmp_path: Path) -> None:
    prior = {"Elliptical": 0.9, "Other": 0.1}
    changed = classifier().recipe.classification.model_copy(update={"class_prior": prior})
    before = catalogue_of(done).dropna(subset="logit")
    names = ["probability_Elliptical", "probability_Other"]
    expected = evaluation.adjust_prior(before[names].to_numpy(), np.array([0.9, 0.1]))
    threshold = float(np.sort(expected.max(axis=1))[9])
    able = classifier(NETWORK, classification=changed, threshold=threshold)
    classify(tmp_path, archives_in(done), "a.zip", able)
    after = catalogue_of(tmp_path).dropna(subset="logit")
    np.testing.assert_array_equal(after[names].to_numpy(), expected)
    assert after["keep"].tolist() == (expected.max(axis=1) >= threshold).tolist()
    assert after["keep"].sum() == 9
    classify(tmp_path, archives_in(done), "a.zip", classifier(NETWORK, threshold=None))
    assert not catalogue_of(tmp_path)["keep"].any()


def test_the_manifest_proves_that_nothing_is_lost(done: Path) -> None:
    manifest = again(done, done)
    assert manifest[["read", "classified", "rejected"]].sum().tolist() == [20, 18, 2]
    assert manifest["shard"].is_unique
    assert manifest["seconds"].notna().all()
    rows = catalogue_of(done)
    assert rows["cataid"].is_unique
    summary = survey.summarise(done / "catalogue", manifest, {})
    assert summary["galaxies"] == {
        "read": 20, "classified": 18, "rejected": 2, "without_identifier": 0,
    }  # fmt: skip
    assert sum(summary["predicted"].values()) == 18
    assert summary["rejected"] == {"no image": 2}
    with pytest.raises(RuntimeError, match="has 20 galaxies that were read, but the manifest"):
        survey.summarise(done / "catalogue", manifest[1:], {})


def test_only_what_is_missing_is_made(copied: Path, done: Path) -> None:
    first, second, _ = sorted((copied / "catalogue").iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes()[:-9])
    before = ages(copied)
    again(copied, done)
    after = ages(copied)
    assert [name for name in before if before[name] == after[name]] == [max(before)]
    assert contents(copied) == contents(done)
    again(copied, done)
    assert ages(copied) == after


def test_another_classifier_makes_all_anew(copied: Path, done: Path) -> None:
    assert set(again(copied, done, classifier(small_network(seed=2)))["classifier"]) != set(
        again(done, done)["classifier"]
    )
    assert {**contents(copied)}.keys() == contents(done).keys()
    assert not set(contents(copied).values()) & set(contents(done).values())
    again(copied, done, classifier(NETWORK, temperature=2.0))
    rows = catalogue_of(copied).dropna(subset="logit")
    np.testing.assert_allclose(rows["logit"], catalogue_of(done)["logit"].dropna())
    np.testing.assert_allclose(
        rows["probability_Other"], 1 / (1 + np.exp(-rows["logit"].astype(float) / 2.0))
    )


def test_galaxies_that_are_gone_leave_the_catalogue(tmp_path: Path) -> None:
    able, archives = classifier(NETWORK), archives_in(tmp_path)
    rng = np.random.default_rng(0)
    images = [encode(draw_galaxy(rng, axis_ratio=0.5)) for _ in range(6)]
    write_archive(tmp_path / "t/a.zip", dict(enumerate(images[:3])), "")
    write_archive(tmp_path / "t/b.zip", dict(enumerate([images[1], *images[4:]], start=10)), "")
    classify(tmp_path, archives, "t/*.zip", able, size=2)
    rows = catalogue_of(tmp_path)
    assert rows["cataid"].tolist() == [0, 1, 2, 10, 11, 12]
    assert rows["duplicate_of"].dropna().to_dict() == {3: 1}  # in another archive
    (tmp_path / "t/a.zip").unlink()
    manifest = classify(tmp_path, archives, "t/*.zip", able, size=2)
    assert (len(manifest), manifest["read"].sum()) == (2, 3)
    rows = catalogue_of(tmp_path)
    assert rows["cataid"].tolist() == [10, 11, 12]
    assert rows["duplicate_of"].isna().all()


def test_duplicates_are_marked_whatever_the_order_of_shards(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = [encode(draw_galaxy(rng, axis_ratio=0.5)) for _ in range(4)]
    names = [f"J{number:02d}" for number in range(12)]
    cutouts: dict[Any, bytes] = {name: images[i * 5 % 4] for i, name in enumerate(names)}
    write_archive(tmp_path / "a.zip", cutouts, "")
    able, archives = classifier(NETWORK, is_text=True), archives_in(tmp_path, identifiers="text")
    classify(tmp_path, archives, "a.zip", able, size=5)
    rows = catalogue_of(tmp_path)
    first = rows.groupby("checksum")["cataid"].transform("first")
    expected = first.where(first != rows["cataid"])
    assert rows["duplicate_of"].fillna("").tolist() == expected.fillna("").tolist()
    assert (rows["duplicate_of"].notna()).sum() == 8
    whole = contents(tmp_path)
    for name in sorted(whole):  # made last, each of them in turn
        (tmp_path / "catalogue" / name).unlink()
        classify(tmp_path, archives, "a.zip", able, size=5)
        assert contents(tmp_path) == whole
    summary = survey.summarise(
        tmp_path / "catalogue", classify(tmp_path, archives, "a.zip", able, size=5), {}
    )
    assert summary["flags"]["duplicates"] == 8


def test_long_identifiers_lose_no_digit(tmp_path: Path) -> None:
    image = encode(draw_galaxy(np.random.default_rng(0), axis_ratio=0.5))
    first, second = 587722981736120347, 587722981736120350
    write_archive(tmp_path / "a.zip", {second: image, first: image, 3: b""}, "")
    classify(tmp_path, archives_in(tmp_path), "a.zip", classifier(NETWORK))
    for rows in (catalogue_of(tmp_path), pd.read_parquet(tmp_path / "catalogue")):
        assert rows["cataid"].tolist() == [3, first, second]
        assert rows["duplicate_of"].dropna().tolist() == [first]


def test_cutouts_are_found_again_by_identifier(done: Path) -> None:
    archives, options = archives_in(done), classifier(NETWORK).recipe.cutouts
    cutouts = survey.SurveyCutouts(done / "catalogue", archives, options)
    assert (len(cutouts), list(cutouts)) == (20, list(range(100000, 100020)))
    opened = OpenArchive(archives, str(done / "a.zip"))
    found = cutouts.read([100013, 100004])
    assert list(found) == [100013, 100004]
    for cataid, cutout in found.items():
        expected = prepare_cutout(opened.cutouts[cataid], **HOW)
        np.testing.assert_array_equal(cutout.pixels, expected.pixels)
        np.testing.assert_array_equal(cutouts[cataid], expected.pixels)
    with pytest.raises(KeyError):
        cutouts[7]
    with pytest.raises(UnusableCutoutError, match="no image"):
        cutouts[100000]


def test_nothing_of_another_survey_is_overwritten(copied: Path, done: Path) -> None:
    write_survey(copied / "b.zip", 3)
    before = contents(copied)
    with pytest.raises(
        ValueError, match=r"holds galaxies of .*a.zip, which is no part of this survey of .*b.zip"
    ):
        classify(copied, archives_in(copied), "b.zip", classifier(NETWORK))
    assert contents(copied) == before
    pd.DataFrame({"a": [1]}).to_parquet(copied / "catalogue" / "mine.parquet")
    with pytest.raises(ValueError, match=r"mine.parquet holds something else, which is no part"):
        again(copied, done)


def test_a_full_disk_ends_the_run_and_leaves_what_is_whole(
    copied: Path, done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = sorted((copied / "catalogue").iterdir())
    for file in others:
        file.unlink()
    shutil.copy(first, others[0])  # of other galaxies: it is to be made anew

    def full(table: Any, part: Path, **options: Any) -> None:
        part.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    before = contents(copied)
    with pytest.raises(OSError, match=r"cannot be written: .*No space left.* run again when there"):
        again(copied, done)
    assert contents(copied) == before
    monkeypatch.undo()
    again(copied, done)
    assert contents(copied) == contents(done)


def test_a_shard_that_fails_is_tried_three_times_and_listed(
    copied: Path, done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(copied / "catalogue")
    write, tried = shards.write_shard, []

    def fail(file: Path, table: Any, facts: Any) -> None:
        tried.append(file.stem[-1])
        if file.stem.endswith("1") or len(tried) == 1:  # the first of all fails once
            raise RuntimeError("a cosmic ray")
        write(file, table, facts)

    monkeypatch.setattr(run, "write_shard", fail)
    with pytest.raises(
        RuntimeError, match=r"1 of 3 shards failed 3 times.*\n.*-00001 .*7 gal.*: a cosmic ray"
    ):
        again(copied, done)
    assert tried == ["0", "0", "1", "1", "1", "2"]
    assert len(contents(copied)) == 2
    monkeypatch.undo()
    again(copied, done)
    assert contents(copied) == contents(done)


def test_an_archive_that_is_changed_meanwhile_is_noticed(tmp_path: Path) -> None:
    write_survey(tmp_path / "a.zip", 4)
    archives, able = archives_in(tmp_path), classifier(NETWORK)
    plan = survey.plan_survey(archives, "a.zip", 9)
    write_survey(tmp_path / "a.zip", 4, seed=1)
    classify_one = survey.one_after_another(tmp_path / "catalogue", archives, able, 1)
    with pytest.raises(RuntimeError, match="a.zip was changed while it was being classified"):
        survey.make_catalogue(
            tmp_path / "catalogue", tmp_path / "seconds.csv", plan, able, classify_one
        )


def test_a_classifier_of_other_cutouts_or_classes_is_refused() -> None:
    usual = classifier(NETWORK).recipe
    cutouts = usual.cutouts.model_copy(update={"side": 64})
    with pytest.raises(ValueError, match=r"pictures of the shape \(32, 32, 3\), but .* \(64, 64"):
        classifier(NETWORK, cutouts=cutouts)
    classes = type(usual.classes)({0: "A", 1: "B", 2: "C"})
    with pytest.raises(ValueError, match=r"tells 2 classes apart, but `classes` are \['A', 'B'"):
        classifier(NETWORK, classes=classes)


def test_sixteen_bits_need_a_white_level(tmp_path: Path) -> None:
    image = draw_galaxy(np.random.default_rng(0), axis_ratio=0.5).astype(np.uint16) * 16
    write_archive(tmp_path / "a.zip", {1: encode(image)}, "")
    classify(tmp_path, archives_in(tmp_path), "a.zip", classifier(NETWORK))
    assert catalogue_of(tmp_path)["rejected"][0].startswith("it has 16 bits a channel, which")
    cutouts = classifier(NETWORK).recipe.cutouts.model_copy(update={"white_level": 4095})
    classify(tmp_path, archives_in(tmp_path), "a.zip", classifier(NETWORK, cutouts=cutouts))
    assert catalogue_of(tmp_path)["rejected"].isna().all()


def test_a_classifier_is_loaded_as_it_was_saved(tmp_path: Path, done: Path) -> None:
    able = classifier(NETWORK)
    able.save(tmp_path)
    loaded = survey.SurveyClassifier.load(tmp_path, able.recipe, is_text=False)
    assert loaded.network_hash == able.network_hash
    assert loaded.parameters_hash == able.parameters_hash
    classify(tmp_path, archives_in(done), "a.zip", loaded)
    assert contents(tmp_path) == contents(done)
