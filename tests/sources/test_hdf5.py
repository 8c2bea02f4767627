"""Galaxies in HDF5: their own arrays alone, block by block."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import formats
import h5py
import numpy as np
import pytest
import yaml
from conftest import PROJECT
from formats import load, write_hdf5
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from galaxy_morphology.sources import hdf5

LAYOUT = {"label_file": None, "columns": {"image": "images", "label": "ans"}}
DECALS = [
    "Disturbed", "Merging", "Round Smooth", "In-between Round Smooth", "Cigar Shaped Smooth",
    "Barred Spiral", "Unbarred Tight Spiral", "Unbarred Loose Spiral", "Edge-on without Bulge",
    "Edge-on with Bulge",
]  # fmt: skip
SDSS = [
    "Disk Face-on No Spiral", "Smooth Completely Round", "Smooth In-between Round",
    "Smooth Cigar Shaped", "Edge-on Rounded Bulge", "Edge-on Boxy Bulge", "Edge-on No Bulge",
    "Spiral Tight", "Spiral Medium", "Spiral Loose",
]  # fmt: skip
"""By hand from the pages that describe the data sets."""


@pytest.mark.parametrize(("env", "names"), [("galaxy10_decals", DECALS), ("galaxy10_sdss", SDSS)])
def test_the_classes_are_those_of_the_data_set(env: str, names: list[str]) -> None:
    parameters = yaml.safe_load((PROJECT / "conf" / env / "parameters.yml").read_text())
    assert parameters["classes"] == dict(enumerate(names))


@settings(max_examples=25)
@given(
    n_rows=st.integers(1, 40),
    chunk_rows=st.integers(1, 15),
    block=st.integers(1, 20),
    order=st.randoms(use_true_random=False),
)
def test_every_row_is_read_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, n_rows: int, chunk_rows: int, block: int, order: Any
) -> None:
    path = tmp_path_factory.mktemp("hdf5") / "a.h5"
    images = np.random.default_rng(0).integers(0, 256, (n_rows, 6, 4, 3), np.uint8)
    with h5py.File(path, "w") as file:
        chunks = (min(chunk_rows, n_rows), 3, 2, 1)
        file.create_dataset("images", data=images, chunks=chunks, compression="gzip")
    rows = list(range(n_rows)) * 2
    order.shuffle(rows)
    with h5py.File(path) as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5, "BLOCK_BYTES", block * images[0].nbytes)
        cutouts = hdf5.Hdf5Cutouts(file["images"], dict)
        for row in rows:
            np.testing.assert_array_equal(cutouts[row], images[row])
            assert sum(map(len, cutouts._blocks.values())) <= 2 * min(block, chunks[0])
        assert list(cutouts) == list(range(n_rows))


def test_every_chunk_is_unpacked_as_often_as_it_has_parts(tmp_path: Path) -> None:
    class Counting:
        shape, dtype, chunks = (100, 4, 4, 3), np.dtype(np.uint8), (30, 2, 2, 1)

        def __init__(self) -> None:
            self.asked_for: list[tuple[int, int]] = []

        def __len__(self) -> int:
            return 100

        def __getitem__(self, rows: slice) -> Any:
            self.asked_for.append((rows.start, rows.stop))
            return np.zeros((rows.stop - rows.start, 4, 4, 3), np.uint8)

    images = Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5, "BLOCK_BYTES", 20 * 48)
        cutouts = hdf5.Hdf5Cutouts(images, dict)
    assert len([cutouts[row] for row in cutouts]) == 100
    assert images.asked_for == [
        (0, 15), (15, 30), (30, 45), (45, 60), (60, 75), (75, 90), (90, 105),
    ]  # fmt: skip


def test_positions_and_labels_are_those_of_the_rows(tmp_path: Path) -> None:
    galaxies = formats.draw(12)
    archive, labels = load(formats.of_galaxy10(tmp_path, galaxies))
    assert labels["CATAID"].tolist() == [str(row) for row in range(12)]
    assert labels["TARGET"].tolist() == [str(target) for target in galaxies.targets]
    np.testing.assert_allclose(labels["ra"].astype(float), np.linspace(0, 359, 12))
    with pytest.raises(KeyError):
        archive[12]
    with pytest.raises(KeyError):
        archive[-1]


def test_the_other_data_set_is_told_by_its_shape(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", images=np.zeros((3, 69, 69, 3), np.uint8), ans=np.zeros(3))
    with pytest.raises(DatasetError, match=r"of 69 × 69 px, but `image_side`.* is 256: it is an"):
        load({"filepath": str(path), **LAYOUT, "image_side": 256})
    archive, labels = load({"filepath": str(path), **LAYOUT, "image_side": 69})
    assert len(archive) == len(labels) == 3


# ------------------------------------------------------------------ damaged and hostile


def hostile(path: Path, kind: str) -> None:
    """An HDF5 file whose images lead elsewhere."""
    elsewhere = path.with_name("secret.h5")
    write_hdf5(elsewhere, images=np.ones((3, 20, 20, 3), np.uint8))
    with h5py.File(path, "w") as file:
        file["ans"] = np.zeros(3, np.uint8)
        if kind == "external link":
            file["images"] = h5py.ExternalLink(str(elsewhere), "images")
        elif kind == "soft link":
            file["images"] = h5py.SoftLink("/ans")
        elif kind == "external storage":
            shape = (3, 20, 20, 3)
            file.create_dataset(
                "images", shape, np.uint8, external=[("/etc/passwd", 0, int(np.prod(shape)))]
            )
        elif kind == "virtual":
            layout = h5py.VirtualLayout((3, 20, 20, 3), np.uint8)
            layout[:] = h5py.VirtualSource(str(elsewhere), "images", (3, 20, 20, 3))
            file.create_virtual_dataset("images", layout)
        elif kind == "object references":
            file.create_dataset("images", (3, 20, 20, 3), dtype=h5py.ref_dtype)
        elif kind == "group":
            file.create_group("images")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("external link", "images in .*a.h5 is a link to something else, and is not followed"),
        ("soft link", "is a link to something else"),
        ("external storage", "its numbers lie in other files"),
        ("virtual", "its numbers lie in other files"),
        ("object references", "is no array of numbers"),
        ("group", "is no array of numbers"),
        ("nothing", r"There is no images in .*a.h5: it holds \['ans'\]"),
    ],
)
def test_arrays_that_lead_elsewhere_are_refused(tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / "a.h5"
    hostile(path, kind)
    with pytest.raises(DatasetError, match=words):
        load({"filepath": str(path), **LAYOUT})


@pytest.mark.parametrize(
    ("images", "ans", "words"),
    [
        (np.zeros((3, 20), np.uint8), np.zeros(3), r"the shape \(3, 20\) and the type uint8"),
        (np.zeros((3, 20, 20, 4), np.uint8), np.zeros(3), "the shape"),
        (np.zeros((3, 20, 20, 3), "S1"), np.zeros(3), "the type"),
        (np.zeros((3, 20, 20, 3), np.uint8), np.zeros(4), r"ans in .* \(4,\), but there are 3"),
        (np.zeros((3, 20, 20, 3), np.uint8), np.zeros((3, 2)), r"ans in .* shape \(3, 2\)"),
    ],
)
def test_arrays_of_other_shapes_are_refused(
    tmp_path: Path, images: Any, ans: Any, words: str
) -> None:
    path = write_hdf5(tmp_path / "a.h5", images=images, ans=ans)
    with pytest.raises(DatasetError, match=words):
        load({"filepath": str(path), **LAYOUT})


def test_what_expands_too_far_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:  # chunks that were never written take no room
        file.create_dataset("images", (10**6, 128, 128, 3), np.uint8, chunks=(4096, 128, 128, 3))
        file.create_dataset("ans", (10**6,), np.uint8)
    assert path.stat().st_size < 10_000
    with pytest.raises(DatasetError, match="images in .* expands to 201,326,592 bytes at once"):
        load({"filepath": str(path), **LAYOUT})
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (10**9, 16, 16, 3), np.uint8, chunks=(10, 16, 16, 3))
        file.create_dataset("ans", (10**9,), np.uint8, chunks=(1000,))
    with pytest.raises(DatasetError, match="ans in .* expands to 1,000,000,000 bytes at once"):
        load({"filepath": str(path), **LAYOUT})


def test_damaged_files_and_files_that_are_not_meant(tmp_path: Path) -> None:
    path = write_hdf5(
        tmp_path / "a.h5", images=np.arange(3 * 1200).reshape(3, 20, 20, 3) % 256, ans=np.zeros(3)
    )
    with pytest.raises(DatasetError, match="is an HDF5 file. Set `columns.image` and"):
        load({"filepath": str(path)})
    with pytest.raises(DatasetError, match="is an HDF5 file. Set .* `identifiers` to integer"):
        load({"filepath": str(path), **LAYOUT, "identifiers": "text"})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DatasetError, match="is not a readable HDF5 file"):
        load({"filepath": str(path), **LAYOUT})


def test_damaged_rows_are_told_and_others_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 20, 20, 3), np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "images", data=images, chunks=(1, 20, 20, 3), compression="gzip", fletcher32=True
        )
        file["ans"] = np.zeros(4, np.uint8)
        place = file["images"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    content[place.byte_offset + 200] ^= 255
    path.write_bytes(content)
    archive, _ = load({"filepath": str(path), **LAYOUT})
    np.testing.assert_array_equal(archive[1], images[1])
    with pytest.raises(ValueError, match="row 2 is damaged in the file"):
        archive[2]


PEAK = """
import resource, sys
sys.path[:0] = ["tests"]
from formats import load
from galaxy_morphology.sources import hdf5
hdf5.BLOCK_BYTES = 2**20
archive, labels = load({"filepath": sys.argv[1], "label_file": None,
                        "columns": {"image": "images", "label": "ans"}})
assert sum(int(archive[row][0, 0, 0]) for row in archive) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for n_rows in (100, 3000):
        path = tmp_path / f"{n_rows}.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("images", (n_rows, 128, 128, 3), np.uint8, chunks=(50, 32, 32, 1))
            file["ans"] = np.zeros(n_rows, np.uint8)
        command = [sys.executable, "-c", PEAK, str(path)]
        ended = subprocess.run(command, check=True, capture_output=True, cwd=PROJECT)
        peaks.append(int(ended.stdout))
    assert peaks[1] - peaks[0] < 0.1 * 2900 * 128 * 128 * 3 / 1024  # KiB
