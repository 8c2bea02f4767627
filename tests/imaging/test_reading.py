"""Whole archives: order, flags, reasons, and memory that does not grow."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from survey import draw_galaxy, encode, write_survey

from galaxy_morphology.datasets.npy import NpyDataset
from galaxy_morphology.imaging import prepare_cutout, read_cutouts

SIZES: dict[str, Any] = {"side": 32, "minimum_side": 16, "maximum_side": 4096}


def labelled(cataids: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"cataid": cataids, "target": 0, "class_name": "Elliptical"})


def test_images_follow_the_order_of_the_galaxies(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    archive = {cataid: encode(draw_galaxy(rng, axis_ratio=0.5)) for cataid in range(600)}
    cataids = [int(cataid) for cataid in rng.permutation(600)]
    images, galaxies, rejected = read_cutouts(archive, labelled(cataids), **SIZES)
    dataset = NpyDataset(filepath=str(tmp_path / "images.npy"))
    dataset.save(images)
    assert galaxies["cataid"].tolist() == cataids
    assert rejected.empty
    for cataid, image in zip(cataids, dataset.load(), strict=True):
        np.testing.assert_array_equal(image, prepare_cutout(archive[cataid], **SIZES).pixels)


@pytest.mark.parametrize("kind", [int, str])
def test_cutouts_are_asked_for_in_the_order_in_which_they_lie(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    rng = np.random.default_rng(0)
    asked_for: list[object] = []

    class Archive(dict[Any, bytes]):
        def __getitem__(self, cataid: object) -> bytes:
            asked_for.append(cataid)
            return super().__getitem__(cataid)

    archive = Archive(
        {kind(i): encode(draw_galaxy(rng, axis_ratio=0.5)) for i in (3, 9, 1, 7)} | {kind(5): b""}
    )
    table = labelled([kind(i) for i in (8, 7, 5, 3, 1)])
    images, galaxies, rejected = read_cutouts(archive, table, **SIZES)
    assert asked_for == [kind(i) for i in (3, 1, 7, 5, 8)]
    assert galaxies["cataid"].tolist() == [kind(i) for i in (7, 3, 1)]
    assert rejected["cataid"].tolist() == [kind(i) for i in (8, 5)]
    for cataid, image in zip(galaxies["cataid"], images, strict=True):
        np.testing.assert_array_equal(image, prepare_cutout(archive[cataid], **SIZES).pixels)


def test_what_cannot_be_read_is_listed_and_the_rest_is_used() -> None:
    good = encode(draw_galaxy(np.random.default_rng(0), axis_ratio=0.5))

    class Archive(dict[int, bytes]):
        def __getitem__(self, cataid: int) -> bytes:
            if cataid == 4:
                raise ValueError("4_giH.png is damaged in the archive: bad CRC-32")
            return super().__getitem__(cataid)

    archive = Archive({1: good, 2: b"nonsense", 4: good, 5: encode(np.zeros((20, 20, 3), "u1"))})
    images, galaxies, rejected = read_cutouts(archive, labelled([5, 4, 3, 2, 1]), **SIZES)
    assert images.shape == (1, 32, 32, 3)
    assert galaxies["cataid"].tolist() == [1]
    reasons = dict(zip(rejected["cataid"], rejected["reason"], strict=True))
    assert "uniform" in reasons[5]
    assert "bad CRC-32" in reasons[4]
    assert reasons[3] == "no cut-out in the archive"
    assert "no image" in reasons[2]


def test_flags_tell_dead_channels_and_duplicates() -> None:
    rng = np.random.default_rng(0)
    image = draw_galaxy(rng, axis_ratio=0.5)
    yellow = image.copy()
    yellow[..., 2] = 0
    archive = {
        1: encode(image),
        2: encode(yellow),
        3: encode(image),
        4: encode(
            np.dstack([image, np.full_like(image[..., :1], 255)])
        ),  # the same pixels in another file
        5: encode(draw_galaxy(rng, axis_ratio=0.5)),
    }
    _, galaxies, _ = read_cutouts(archive, labelled([3, 1, 2, 4, 5]), **SIZES)
    galaxies = galaxies.set_index("cataid")
    assert galaxies["channel_without_signal"].to_dict() == {
        3: False, 1: False, 2: True, 4: False, 5: False,
    }  # fmt: skip
    assert galaxies["duplicate_of"].dropna().to_dict() == {1: 3, 4: 3}


def test_one_picture_for_galaxies_of_different_classes_shows_none_of_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rng = np.random.default_rng(0)
    missing, common, own = (encode(draw_galaxy(rng, axis_ratio=0.5)) for _ in range(3))
    archive = dict.fromkeys([1, 2, 3, 4], missing) | dict.fromkeys([5, 6, 7], common) | {8: own}
    table = labelled(list(archive))
    table.loc[table["cataid"] == 3, ["target", "class_name"]] = 1, "Other"
    with caplog.at_level("WARNING"):
        images, galaxies, rejected = read_cutouts(archive, table, **SIZES)
    assert galaxies["cataid"].tolist() == [5, 6, 7, 8]
    assert images.shape == (4, 32, 32, 3)
    expected = [prepare_cutout(archive[c], **SIZES).pixels for c in galaxies["cataid"]]
    np.testing.assert_array_equal(list(images), expected)
    assert rejected["cataid"].tolist() == [1, 2, 3, 4]
    assert set(rejected["reason"]) == {
        "one picture for 4 galaxies with different labels, e.g. CATAID 1 (Elliptical) and 3 (Other)"
    }
    assert galaxies["duplicate_of"].dropna().tolist() == [5, 5]
    (line,) = caplog.messages
    assert "shared by 3 galaxies, e.g. CATAID 5 and 6" in line
    with pytest.raises(ValueError, match="one picture for 4 galaxies with different labels"):
        read_cutouts(dict.fromkeys([1, 2, 3, 4], missing), table.head(4), **SIZES)


def of_bits(bits: int, peak: float, seed: int = 0) -> NDArray[np.uint16]:
    """A galaxy as a camera of so many bits has it, in a file of 16 bits."""
    y, x = np.mgrid[:64, :64] - 31.5
    light = 0.05 + peak * np.exp(-(x**2 + y**2) / 200)[..., None] * (1.0, 0.8, 0.6)
    noise = np.random.default_rng(seed).normal(0, 0.005, light.shape)
    return np.asarray(np.rint((light + noise).clip(0, 1) * (2**bits - 1)), np.uint16)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_files_of_16_bits_keep_their_grey_levels_and_relative_brightness(
    bits: int, caplog: pytest.LogCaptureFixture
) -> None:
    values = {1: of_bits(bits, 0.2), 2: of_bits(bits, 0.9, seed=1)}
    eight = draw_galaxy(np.random.default_rng(0), axis_ratio=0.5)
    archive = {cataid: encode(image) for cataid, image in values.items()} | {3: encode(eight)}
    sizes = SIZES | {"side": 64}
    with caplog.at_level("INFO"):
        images, galaxies, _ = read_cutouts(archive, labelled([3, 1, 2]), **sizes)
    white = 2**bits - 1
    assert galaxies["white_level"].tolist() == [255, white, white]
    _, *others = images
    for image, cataid in zip(others, (1, 2), strict=True):
        np.testing.assert_allclose(image, values[cataid] * (255 / white), atol=0.501)
    assert any(f"taken for data of {bits} bits" in line for line in caplog.messages)
    _, galaxies, _ = read_cutouts(archive, labelled([3, 1, 2]), **sizes, white_level=white // 2)
    assert galaxies["white_level"].tolist() == [255, white // 2, white // 2]


def test_a_black_cutout_of_16_bits_tells_no_white_level() -> None:
    archive = {1: encode(np.zeros((40, 40, 3), np.uint16)), 2: encode(of_bits(12, 0.9))}
    _, galaxies, rejected = read_cutouts(archive, labelled([1, 2]), **SIZES)
    assert galaxies["white_level"].tolist() == [4095]
    assert rejected["reason"].item().startswith("uniform")
    with pytest.raises(ValueError, match="uniform: it is black all over"):
        read_cutouts({1: archive[1]}, labelled([1]), **SIZES)


def test_what_a_cutout_was_before_it_was_resized_is_kept() -> None:
    image = draw_galaxy(np.random.default_rng(0), axis_ratio=0.5)
    archive = {1: encode(image), 2: encode(image[:40])}
    _, galaxies, _ = read_cutouts(archive, labelled([2, 1]), **SIZES)
    assert galaxies[["width", "height"]].to_numpy().tolist() == [[48, 40], [48, 48]]
    assert galaxies["arcsec_per_pixel"].isna().all()
    _, galaxies, _ = read_cutouts(archive, labelled([2, 1]), **SIZES, arcsec_per_pixel=0.339)
    assert galaxies["arcsec_per_pixel"].tolist() == [0.339, 0.339]


def test_no_digit_of_a_cataid_is_lost() -> None:
    rng = np.random.default_rng(0)
    picture, other = (encode(draw_galaxy(rng, axis_ratio=0.5)) for _ in range(2))
    largest = 2**63 - 1
    archive = {largest: picture, largest - 1: picture, largest - 2: other, largest - 3: b""}
    _, galaxies, rejected = read_cutouts(archive, labelled(list(archive)), **SIZES)
    assert galaxies["cataid"].tolist() == [largest, largest - 1, largest - 2]
    assert galaxies["duplicate_of"].tolist() == [pd.NA, largest, pd.NA]
    assert rejected["cataid"].tolist() == [largest - 3]


def test_nothing_usable_is_an_error_that_says_why() -> None:
    with pytest.raises(
        ValueError, match=r"None of the 3 .*3 × no cut-out in the archive \(e.g. CATAID 8\)"
    ):
        read_cutouts({}, labelled([8, 9, 10]), **SIZES)


PEAK = """
import resource, sys
import pandas as pd
from galaxy_morphology.datasets.npy import NpyDataset
from galaxy_morphology.datasets.cutout_archive import CutoutArchiveDataset
from galaxy_morphology.imaging import read_cutouts
archive = CutoutArchiveDataset(filepath=sys.argv[1]).load()
table = pd.DataFrame({"cataid": list(archive), "class_name": "x"})
images, _, _ = read_cutouts(archive, table, side=128, minimum_side=16, maximum_side=4096)
NpyDataset(filepath=sys.argv[2]).save(images)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    peaks = []
    for n_galaxies in (300, 2400):
        path = write_survey(tmp_path / f"{n_galaxies}.zip", n_galaxies, side=32)
        command = [sys.executable, "-c", PEAK, str(path), str(tmp_path / "images.npy")]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True).stdout))
    extra_images = 2100 * 128 * 128 * 3 / 1024  # KiB
    assert peaks[1] - peaks[0] < 0.25 * extra_images


# ------------------------------------------------------------------ crops and scales


def framed(side: int, n_inner: int) -> bytes:
    """A white square of ``n_inner`` px in the middle of a black frame, of which no two are one."""
    image = np.zeros((side, side, 3), np.uint8)
    start = (side - n_inner) // 2
    image[start : start + n_inner, start : start + n_inner] = 255
    image[side // 2, side // 2] = side, n_inner, 0
    return encode(image)


def test_galaxies_are_cropped_to_a_multiple_of_their_radius() -> None:
    """Whatever their size and scale, all galaxies fill the same share of their images."""
    archive = {1: framed(80, 20), 2: framed(90, 40), 3: framed(100, 10)}
    table = labelled([1, 2, 3]).assign(radius=[4.0, 8.0, 1.0], scale=[0.4, np.nan, 0.2])
    images, galaxies, rejected = read_cutouts(
        archive, table, **SIZES, arcsec_per_pixel=0.4, crop_radii=4.0
    )
    assert rejected.empty
    assert galaxies["arcsec_per_pixel"].tolist() == [0.4, 0.4, 0.2]
    assert galaxies["width"].tolist() == [40, 80, 20]  # by hand: 4 × 4" / 0.4" and so on
    assert galaxies["radius"].tolist() == [4.0, 8.0, 1.0]
    assert "scale" not in galaxies
    for image in images:
        assert (image[..., 0] > 127).mean() == pytest.approx(1 / 4, abs=0.02)


def test_galaxies_without_what_a_crop_needs_are_listed() -> None:
    archive = {cataid: framed(80, 10 + 2 * cataid) for cataid in range(1, 6)}
    radii = [4.0, np.nan, 4.0, 30.0, 1e-3]
    table = labelled(list(archive)).assign(radius=radii, scale=[0.4, 0.4, np.nan, 0.4, 0.4])
    _, galaxies, rejected = read_cutouts(archive, table, **SIZES, crop_radii=4.0)
    assert galaxies["cataid"].tolist() == [1]
    reasons = dict(zip(rejected["cataid"], rejected["reason"], strict=True))
    assert reasons[2].startswith("its radius is no number above 0")
    assert reasons[3].startswith("its scale is not known")
    assert reasons[4].startswith("too small: 32 × 32 arcsec, to be cropped to 120 ")
    assert reasons[5].startswith("too small: 0 × 0 px")
    with pytest.raises(ValueError, match=r"crop_radii is 4, .* Set `columns.radius` in globals"):
        read_cutouts(archive, labelled([1]), **SIZES, crop_radii=4.0)
