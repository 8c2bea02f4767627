"""The network is the one that was described."""

from typing import Any

import numpy as np
import pytest

from galaxy_morphology.networks import three_block_cnn


def test_it_has_the_size_and_layers_of_the_original() -> None:
    network = three_block_cnn((128, 128, 3), 2)
    # By hand: convolutions 896 + 18,496 + 73,856, their norms 4 × (32 + 64 + 128), dense
    # 14 × 14 × 128 × 512 + 512, its norm 4 × 512, logit 513.
    assert network.count_params() == 896 + 18496 + 73856 + 896 + 12845568 + 2048 + 513
    assert network.get_layer("last_conv").output.shape == (None, 28, 28, 128)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == [
        "InputLayer", "Rescaling",
        *["Conv2D", "BatchNormalization", "MaxPooling2D", "Dropout"] * 3,
        "Flatten", "Dense", "BatchNormalization", "Dropout", "Dense", "Activation",
    ]  # fmt: skip


def test_two_classes_are_one_logit_and_more_are_as_many() -> None:
    cutouts = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    small: dict[str, Any] = {"filters": (2, 2), "dense_units": 3}
    two = three_block_cnn((32, 32, 3), 2, **small)
    assert two.get_layer("logit").output.shape == (None, 1)
    assert two.get_layer("probability").activation.__name__ == "sigmoid"
    four = three_block_cnn((32, 32, 3), 4, **small)
    probability = four.predict(cutouts, verbose=0)
    assert probability.shape == (2, 4)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-5)


def test_cutouts_too_small_for_the_blocks_are_named() -> None:
    assert (
        three_block_cnn((22, 22, 3), 2, filters=(2, 2, 2)).get_layer("pool_3").output.shape[1] == 1
    )
    with pytest.raises(ValueError, match="of 16 × 16 px are too small for 3 blocks"):
        three_block_cnn((16, 16, 3), 2)


@pytest.mark.parametrize("momentum", [0.9, 0.99])
def test_options_reach_their_layers(momentum: float) -> None:
    network = three_block_cnn(
        (32, 32, 3), 2, filters=(2, 3), block_dropout=0.1, dense_units=5, dense_dropout=0.3,
        batch_norm_momentum=momentum,
    )  # fmt: skip
    assert network.get_layer("conv_norm_1").momentum == momentum
    assert network.get_layer("block_dropout_2").rate == 0.1
    assert network.get_layer("dense_dropout").rate == 0.3
    assert network.get_layer("dense").units == 5
    assert network.get_layer("last_conv").filters == 3
