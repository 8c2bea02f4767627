"""Arrays and models come back as they were, and no write leaves half a file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from kedro.io import DatasetError
from numpy.typing import NDArray

from galaxy_morphology.datasets.checkpoint import CheckpointDataset, CheckpointsDataset
from galaxy_morphology.datasets.keras_model import KerasModelDataset
from galaxy_morphology.datasets.npy import NpyDataset
from galaxy_morphology.datasets.npz import NpzDataset
from galaxy_morphology.datasets.whole import CSVDataset


@given(
    array=arrays.arrays(
        st.sampled_from([np.uint8, np.float32, np.int64]),
        arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5),
    )
)
def test_array_round_trip(
    tmp_path_factory: pytest.TempPathFactory, array: NDArray[np.generic]
) -> None:
    path = tmp_path_factory.mktemp("array") / "a.npy"
    NpyDataset(filepath=str(path)).save(array)
    np.testing.assert_array_equal(np.load(path), array)  # NumPy's own reader
    np.testing.assert_array_equal(NpyDataset(filepath=str(path)).load(), array)


def test_array_is_memory_mapped_and_read_only(tmp_path: Path) -> None:
    dataset = NpyDataset(filepath=str(tmp_path / "a.npy"))
    dataset.save(np.zeros((3, 2), np.uint8))
    loaded = dataset.load()
    assert isinstance(loaded, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        loaded[0] = 1


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    class Breaking:
        shape, dtype = (2, 3), np.dtype(np.uint8)

        def __iter__(self) -> Iterator[NDArray[np.uint8]]:
            yield np.ones(3, np.uint8)
            raise OSError("disk full")

    dataset = NpyDataset(filepath=str(tmp_path / "a.npy"))
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(Breaking())
    assert not dataset.exists()
    dataset.save(np.arange(4))
    with pytest.raises(DatasetError, match="disk full"):
        dataset.save(Breaking())
    assert dataset.load().tolist() == [0, 1, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_named_arrays_round_trip_without_pickle(tmp_path: Path) -> None:
    dataset = NpzDataset(filepath=str(tmp_path / "a.npz"))
    dataset.save({"cataid": np.array([7, 8]), "history/loss": np.array([0.5])})
    loaded = dataset.load()
    assert loaded["cataid"].tolist() == [7, 8]
    assert loaded["history/loss"].tolist() == [0.5]
    with pytest.raises(DatasetError, match="allow_pickle"):
        dataset.save({"object": np.array([{}], dtype=object)})


def test_a_checkpoint_is_read_and_written_at_any_time(tmp_path: Path) -> None:
    path = tmp_path / "models" / "one.npz"
    checkpoint = CheckpointDataset(filepath=str(path)).load()
    assert checkpoint.load() == {}
    for finished in (False, True):
        checkpoint.save({"finished": np.array(finished)})
        assert bool(checkpoint.load()["finished"]) is finished
    assert CheckpointsDataset(folder=str(path.parent)).load()("one").load() == {"finished": True}
    path.write_bytes(b"cut short")
    assert checkpoint.load() == {}


def test_nothing_in_the_graph_writes_a_checkpoint(tmp_path: Path) -> None:
    for dataset in (
        CheckpointDataset(filepath=str(tmp_path / "one.npz")),
        CheckpointsDataset(folder=str(tmp_path)),
    ):
        with pytest.raises(DatasetError, match="writes its checkpoint itself"):
            dataset.save({})  # type: ignore[arg-type]


def test_keras_model_round_trip_is_exact(tmp_path: Path) -> None:
    from galaxy_morphology.networks import three_block_cnn

    network = three_block_cnn((32, 32, 3), 2, filters=(2, 2, 2), dense_units=4)
    dataset = KerasModelDataset(filepath=str(tmp_path / "m.keras"))
    assert not dataset.exists()
    dataset.save(network)
    cutouts = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("float32")
    expected = network.predict(cutouts, verbose=0)
    np.testing.assert_array_equal(dataset.load().predict(cutouts, verbose=0), expected)


def test_a_model_file_cannot_run_code(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((1,))
    path = tmp_path / "m.keras"
    keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs)).save(path)
    with pytest.raises(DatasetError, match="unsafe"):
        KerasModelDataset(filepath=str(path)).load()


IDENTIFIERS = st.one_of(
    st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20),
    st.sampled_from(["007", "1e5", "NA", "nan", "null", "None", "1.0", "True", '"', "a,b", "-"]),
)


@given(rows=st.lists(st.tuples(IDENTIFIERS, st.none() | st.integers(-9, 9)), min_size=1))
def test_texts_in_csv_files_stay_what_they_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int | None]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    dataset = CSVDataset(filepath=str(path), identifiers="text", save_args={"index": False})
    names, numbers = map(list, zip(*rows, strict=True))
    dataset.save(pd.DataFrame({"cataid": names, "class_name": "NA", "number": numbers}))
    table = dataset.load()
    assert table["cataid"].tolist() == names
    assert table["class_name"].tolist() == ["NA"] * len(rows)
    assert [None if pd.isna(number) else number for number in table["number"]] == numbers


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1))
def test_numbers_in_csv_files_keep_all_digits(
    tmp_path_factory: pytest.TempPathFactory, cataids: list[int]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    dataset = CSVDataset(filepath=str(path), save_args={"index": False})
    dataset.save(pd.DataFrame({"cataid": cataids}))
    assert dataset.load()["cataid"].tolist() == cataids
