"""The compact network is small, ends like the others, and its Grad-CAM is exact."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import BuildSmall

from galaxy_morphology.networks import NETWORKS, compact_cnn, measure_batch_norm

RNG = np.random.default_rng(0)
CUTOUTS = RNG.integers(0, 256, (24, 32, 32, 3)).astype(np.uint8)


def test_it_has_under_a_million_weights() -> None:
    network = compact_cnn((128, 128, 3), 2)
    # By hand: 3 × 3 convolutions without a bias, four numbers per filter of the normalisation,
    # and a logit with its bias.
    filters = [3, 24, 48, 96, 192, 256]
    convolutions = sum(9 * a * b for a, b in pairwise(filters))
    assert network.count_params() == convolutions + 4 * sum(filters[1:]) + 257
    assert network.count_params() < 1_000_000
    assert network.get_layer("last_conv").output.shape == (None, 16, 16, 256)


def test_its_logit_is_the_mean_of_what_the_last_convolution_found() -> None:
    import keras

    network = compact_cnn((32, 32, 3), 2, filters=(4, 6))
    parts = keras.Model(
        network.inputs, [network.get_layer(name).output for name in ("last_conv", "logit")]
    )
    found, logit = parts.predict(CUTOUTS.astype(np.float32), verbose=0)
    weights, bias = network.get_layer("logit").get_weights()
    assert found.min() >= 0
    np.testing.assert_allclose(found.mean(axis=(1, 2)) @ weights + bias, logit, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_ends_alike(name: str, build_small: BuildSmall) -> None:
    two, four = build_small(name, 2), build_small(name, 4)
    assert two.get_layer("logit").output.shape == (None, 1)
    assert two.get_layer("probability").activation.__name__ == "sigmoid"
    assert four.get_layer("logit").output.shape == (None, 4)
    assert four.get_layer("probability").activation.__name__ == "softmax"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_without_colour_sees_only_the_mean_of_the_channels(
    name: str, build_small: BuildSmall, tmp_path: Path
) -> None:
    import keras

    grey = build_small(name, colour=False)
    measure_batch_norm(grey, [CUTOUTS])
    recoloured = CUTOUTS.astype(np.float32)[..., [2, 0, 1]]
    said = grey.predict(CUTOUTS.astype(np.float32), verbose=0)
    np.testing.assert_allclose(grey.predict(recoloured, verbose=0), said, atol=1e-5)
    colour = build_small(name)
    assert np.abs(colour.predict(recoloured, verbose=0) - colour.predict(
        CUTOUTS.astype(np.float32), verbose=0)).max() > 1e-4  # fmt: skip
    grey.save(tmp_path / "grey.keras")
    again = keras.models.load_model(tmp_path / "grey.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict(CUTOUTS.astype(np.float32), verbose=0), said)


def test_cutouts_too_small_for_the_poolings_are_named() -> None:
    smallest = compact_cnn((16, 16, 3), 2, filters=(2,) * 5, n_poolings=3)
    assert smallest.get_layer("last_conv").output.shape[1] == 1
    with pytest.raises(ValueError, match=r"of 15 × 15 px are too small .* and 3 poolings"):
        compact_cnn((15, 15, 3), 2, filters=(2,) * 5, n_poolings=3)


@pytest.mark.parametrize(("n_poolings", "side"), [(0, 16), (1, 8), (2, 4), (9, 4)])
def test_poolings_lie_between_the_first_and_the_last_convolution(
    n_poolings: int, side: int
) -> None:
    network = compact_cnn((32, 32, 3), 2, filters=(2,) * 4, n_poolings=n_poolings)
    assert network.get_layer("last_conv").output.shape[1] == side


def test_options_reach_their_layers() -> None:
    network = compact_cnn((32, 32, 3), 2, filters=(2, 3), dropout=0.2, batch_norm_momentum=0.8)
    assert network.get_layer("dropout").rate == 0.2
    assert network.get_layer("conv_norm_2").momentum == 0.8
    assert [network.get_layer(f"conv_{i}").filters for i in (1, 2)] == [2, 3]
