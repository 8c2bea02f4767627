"""The nearest training galaxies, against scikit-learn's search and by hand."""

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from galaxy_morphology.evaluation import nearest_training_galaxies


def galaxies_of(n: int, n_training: int) -> pd.DataFrame:
    split = np.where(np.arange(n) < n_training, "training", "test")
    return pd.DataFrame({"cataid": np.arange(n) + 100, "split": split, "group": np.arange(n) + 100})


def test_the_nearest_are_those_of_another_search() -> None:
    features = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    found = nearest_training_galaxies(galaxies_of(50, 30), features, n_nearest=3)
    search = NearestNeighbors(n_neighbors=3, metric="cosine").fit(features[:30])
    distances, rows = search.kneighbors(features[30:])
    of_test = found[found["cataid"] >= 130]
    np.testing.assert_array_equal(of_test["neighbour"].to_numpy().reshape(20, 3), rows + 100)
    np.testing.assert_allclose(of_test["distance"].to_numpy().reshape(20, 3), distances, atol=1e-6)


def test_direction_counts_and_length_does_not() -> None:
    features = np.array([[1, 0], [0, 1], [100, 1]], np.float32)
    found = nearest_training_galaxies(galaxies_of(3, 2), features, n_nearest=1)
    assert found[found["cataid"] == 102]["neighbour"].tolist() == [100]


def test_neither_a_galaxy_nor_a_copy_of_it_is_its_neighbour() -> None:
    features = np.array([[1, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    galaxies = galaxies_of(4, 3).assign(group=[100, 100, 102, 103])
    found = nearest_training_galaxies(galaxies, features, n_nearest=3)
    by_galaxy = found.groupby("cataid")["neighbour"].apply(list).to_dict()
    assert by_galaxy == {100: [102], 101: [102], 102: [100, 101], 103: [100, 101, 102]}
