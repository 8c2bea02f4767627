"""Whole archives: order, flags, reasons, and memory that does not grow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from survey import draw_galaxy, encode, write_survey

from galaxy_morphology.datasets.npy import NpyDataset
from galaxy_morphology.imaging import prepare_cutout, read_cutouts

SIZES = {"side": 32, "minimum_side": 16, "maximum_side": 4096}


def labelled(cataids: list[int]) -> pd.DataFrame:
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
        np.testing.assert_array_equal(image, prepare_cutout(archive[cataid], **SIZES))


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
        4: encode(np.dstack([image, image[..., :1]])),  # the same pixels in another file
        5: encode(draw_galaxy(rng, axis_ratio=0.5)),
    }
    _, galaxies, _ = read_cutouts(archive, labelled([3, 1, 2, 4, 5]), **SIZES)
    galaxies = galaxies.set_index("cataid")
    assert galaxies["channel_without_signal"].to_dict() == {
        3: False, 1: False, 2: True, 4: False, 5: False,
    }  # fmt: skip
    assert galaxies["duplicate_of"].dropna().to_dict() == {1: 3, 4: 3}


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
