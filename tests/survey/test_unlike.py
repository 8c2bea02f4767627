"""How far galaxies lie from all that a classifier has learned from."""

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import BuildSmall
from sklearn.neighbors import NearestNeighbors

from galaxy_morphology import networks, survey
from galaxy_morphology.survey.unlike import distances

IMAGES = np.random.default_rng(1).integers(0, 256, (60, 32, 32, 3), np.uint8)


@pytest.mark.parametrize("neighbours", [1, 7, 300])
def test_distances_are_those_of_scikit_learn(neighbours: int) -> None:
    rng = np.random.default_rng(0)
    training, features = rng.random((300, 12)), 5 * rng.random((500, 12))

    def unit(rows: Any) -> Any:
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    known = survey.TrainingFeatures(unit(training), neighbours, 0.1)
    nearest = NearestNeighbors(n_neighbors=neighbours).fit(unit(training))
    expected = nearest.kneighbors(unit(features))[0][:, -1]
    np.testing.assert_allclose(distances(features, known), expected, atol=2e-4)
    assert distances(features[:0], known).shape == (0,)


def test_nothing_to_be_seen_has_no_direction() -> None:
    known = survey.TrainingFeatures(np.eye(3, dtype=np.float32), 1, 0.1)
    np.testing.assert_allclose(distances(np.zeros((1, 3)), known), np.sqrt(2))


@pytest.mark.parametrize("name", ["compact", "three_block", "transfer"])
def test_features_are_what_goes_into_the_logit(build_small: BuildSmall, name: str) -> None:
    network = build_small(name)
    before = keras.Model(network.inputs, network.get_layer("logit").input)
    answers = networks.ask_classifier(network, IMAGES, features=True, batch_size=25)
    np.testing.assert_allclose(answers.features, before.predict(IMAGES, verbose=0), atol=2e-5)
    plain = networks.ask_classifier(network, IMAGES)
    assert plain.features.shape == (len(IMAGES), 0)
    np.testing.assert_array_equal(answers.logits, plain.logits)


def test_features_of_views_are_averaged_and_those_of_members_joined(
    build_small: BuildSmall,
) -> None:
    network = build_small("ensemble")
    members = [build_small(name) for name in ("compact", "transfer")]
    turned = [np.rot90(IMAGES, k, axes=(1, 2)) for k in range(4)]
    turned += [some[:, :, ::-1] for some in turned]
    expected = []
    for member in members:
        before = keras.Model(member.inputs, member.get_layer("logit").input)
        expected.append(np.mean([before.predict(some, verbose=0) for some in turned], axis=0))
    answers = networks.ask_classifier(network, IMAGES, views=8, features=True)
    np.testing.assert_allclose(answers.features, np.concatenate(expected, axis=1), atol=2e-5)


class Memory:
    """A checkpoint that counts how often it is saved."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.saved = 0

    def load(self) -> dict[str, Any]:
        return self.state

    def save(self, state: dict[str, Any]) -> None:
        self.state, self.saved = state, self.saved + 1


def test_training_galaxies_are_measured_once_and_flag_few_of_the_validation(
    build_small: BuildSmall,
) -> None:
    galaxies = pd.DataFrame(
        {"cataid": range(60), "split": ["training"] * 35 + ["validation"] * 25, "checksum": "x"}
    )
    options: dict[str, Any] = {
        "n_training": 30, "neighbours": 3, "flagged_share": 0.2, "seed": 0,
        "batch_size": 16, "precision": "float32", "views": 1,
    }  # fmt: skip
    network, memory = build_small("compact"), Memory()

    def measured(**changes: Any) -> survey.TrainingFeatures:
        return survey.training_features(network, IMAGES, galaxies, memory, **options | changes)

    known = measured()
    assert known.features.shape == (30, 5)
    np.testing.assert_allclose(np.linalg.norm(known.features, axis=1), 1, atol=1e-5)
    of_validation = networks.ask_classifier(network, IMAGES[35:], features=True).features
    assert of_validation is not None
    assert (distances(of_validation, known) > known.threshold).sum() == 5
    again = measured()
    assert memory.saved == 1
    np.testing.assert_array_equal(known.features, again.features)
    assert (known.neighbours, known.threshold) == (again.neighbours, again.threshold)
    assert measured(neighbours=99).neighbours == 30
    assert memory.saved == 2
