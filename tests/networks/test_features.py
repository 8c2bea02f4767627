"""Last features: the layer that decides makes the logit of them."""

import numpy as np
import pytest
from conftest import BuildSmall

from galaxy_morphology.networks import last_features, predict_logits


@pytest.mark.parametrize("name", ["compact", "three_block", "transfer"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_logit_follows_from_the_last_features(
    name: str, n_classes: int, build_small: BuildSmall
) -> None:
    network = build_small(name, n_classes)
    images = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), np.uint8)
    features = last_features(network, images, batch_size=2)
    kernel, bias = network.get_layer("logit").get_weights()
    logits = predict_logits(network, images)
    np.testing.assert_allclose(features @ kernel + bias, logits, rtol=1e-4, atol=1e-5)


def test_those_of_an_ensemble_are_those_of_its_members(build_small: BuildSmall) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    members = [last_features(build_small(name), images) for name in ("compact", "transfer")]
    together = last_features(build_small("ensemble"), images)
    np.testing.assert_allclose(together, np.concatenate(members, axis=1), rtol=1e-4, atol=1e-5)
