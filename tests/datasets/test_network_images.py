"""What networks see lies on disk once: pictures where they lie, bands in a file of their own."""

from pathlib import Path

import numpy as np

from galaxy_morphology.datasets.network_images import NetworkImagesDataset
from galaxy_morphology.datasets.npy import NpyDataset

PICTURES = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
BANDS = np.linspace(-1, 1, 2 * 4 * 4 * 5).astype(np.float16).reshape(2, 4, 4, 5)


def dataset_in(folder: Path) -> NetworkImagesDataset:
    return NetworkImagesDataset(bands=f"{folder}/bands.npy", pictures=f"{folder}/images.npy")


def test_pictures_are_not_written_twice(tmp_path: Path) -> None:
    dataset = dataset_in(tmp_path)
    assert not dataset.exists()
    NpyDataset(filepath=f"{tmp_path}/images.npy").save(PICTURES)
    dataset.save(PICTURES)
    assert [path.name for path in tmp_path.iterdir()] == ["images.npy"]
    assert dataset.exists()
    np.testing.assert_array_equal(dataset.load(), PICTURES)


def test_bands_take_the_place_of_pictures_until_pictures_are_seen_again(tmp_path: Path) -> None:
    dataset = dataset_in(tmp_path)
    NpyDataset(filepath=f"{tmp_path}/images.npy").save(PICTURES)
    dataset.save(BANDS)
    np.testing.assert_array_equal(dataset.load(), BANDS)
    assert isinstance(dataset.load(), np.memmap)
    dataset.save(PICTURES)
    np.testing.assert_array_equal(dataset.load(), PICTURES)
    assert not (tmp_path / "bands.npy").exists()
