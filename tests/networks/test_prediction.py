"""Predicting: the layer that decides makes the logits of the last features."""

import numpy as np
import pytest
from conftest import BuildSmall

from galaxy_morphology.networks import ask_classifier, predict_logits


@pytest.mark.parametrize("name", ["compact", "three_block", "transfer"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_logit_follows_from_the_last_features(
    name: str, n_classes: int, build_small: BuildSmall
) -> None:
    network = build_small(name, n_classes)
    images = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), np.uint8)
    features = ask_classifier(network, images, batch_size=2, features=True).features
    kernel, bias = network.get_layer("logit").get_weights()
    logits = predict_logits(network, images)
    np.testing.assert_allclose(features @ kernel + bias, logits, rtol=1e-4, atol=1e-5)


def test_those_of_an_ensemble_are_those_of_its_members(build_small: BuildSmall) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    first, second, together = (
        ask_classifier(build_small(name), images, features=True).features
        for name in ("compact", "transfer", "ensemble")
    )
    np.testing.assert_allclose(together, np.hstack([first, second]), rtol=1e-4, atol=1e-5)
