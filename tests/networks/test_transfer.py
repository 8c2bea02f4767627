"""Networks that others have trained: taken apart, shown galaxies, and taught in two steps."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, SHARED, no_votes
from keras import layers
from numpy.typing import NDArray
from pydantic import ValidationError
from survey import draw_galaxy
from work import learn_and_explain

from galaxy_morphology.attribution import grad_cam
from galaxy_morphology.networks import (
    build_optimizer,
    kept_weights,
    measure_batch_norm,
    predict_logits,
    train,
    training_history,
    transfer,
    transfer_cnn,
)
from galaxy_morphology.options import (
    AugmentationOptions,
    Classes,
    NetworkOptions,
    TrainingOptions,
)
from galaxy_morphology.steps import train_network
from galaxy_morphology.tuning import run_apart
from galaxy_morphology.typing import KerasModel, TrainingState

SHAPE = (32, 32, 3)
RNG = np.random.default_rng(0)
CLASSES = np.arange(24, dtype=np.int32) % 2
CUTOUTS = np.stack([draw_galaxy(RNG, axis_ratio=0.3 if c else 1.0, side=32) for c in CLASSES])
PIXELS = CUTOUTS[:3].astype(np.float32)
MODELLING = yaml.safe_load((PROJECT / "conf/base/parameters_modelling.yml").read_text())


def features_of(network: KerasModel, images: NDArray[Any]) -> NDArray[Any]:
    """The last maps of the backbone within a classifier."""
    maps = keras.Model(network.inputs, network.get_layer("mean_over_frame").input)
    return np.asarray(maps.predict(images, verbose=0))


# ------------------------------------------------------------------ taking a network apart


@pytest.mark.parametrize("n_classes", [2, 4])
def test_its_maps_are_those_of_the_backbone_on_one_level(
    tiny_backbone: Path, n_classes: int
) -> None:
    network = transfer_cnn(SHAPE, n_classes, backbone=str(tiny_backbone))
    backbone = keras.models.load_model(tiny_backbone)
    expected = backbone.predict(PIXELS, verbose=0)
    np.testing.assert_allclose(features_of(network, PIXELS), expected, atol=1e-5)
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)
    names = [layer.name for layer in network.layers]
    assert len(set(names)) == len(names)
    assert {"cutout", "scale", "scale_for_backbone", "scale_again", "last_conv"} <= set(names)
    kernel, bias = network.get_layer("logit").get_weights()
    logits = expected.mean(axis=(1, 2)) @ kernel + bias
    np.testing.assert_allclose(predict_logits(network, CUTOUTS[:3]), logits, atol=1e-4)


def test_a_head_is_left_out(tiny_backbone: Path, tmp_path: Path) -> None:
    backbone = keras.models.load_model(tiny_backbone)
    x = layers.GlobalAveragePooling2D(keepdims=True)(backbone.outputs[0])
    x = layers.Conv2D(5, 1, activation="relu")(x)
    x = layers.Dense(1000, activation="softmax", name="predictions")(layers.Flatten()(x))
    keras.Model(backbone.inputs, x).save(tmp_path / "with_head.keras")
    network = transfer_cnn(SHAPE, 2, backbone=str(tmp_path / "with_head.keras"))
    np.testing.assert_allclose(
        features_of(network, PIXELS), backbone.predict(PIXELS, verbose=0), atol=1e-5
    )
    assert "predictions" not in {layer.name for layer in network.layers}


def test_a_layer_that_is_called_twice_stays_one(tmp_path: Path) -> None:
    inputs = keras.Input((16, 16, 3))
    again = layers.Conv2D(4, 3, padding="same", activation="relu", name="again")
    x = again(layers.MaxPooling2D()(again(layers.Conv2D(4, 3, padding="same")(inputs))))
    backbone = keras.Model(inputs, x)
    backbone.save(tmp_path / "shared.keras")
    network = transfer_cnn((16, 16, 3), 2, backbone=str(tmp_path / "shared.keras"))
    images = PIXELS[:, :16, :16]
    np.testing.assert_allclose(
        features_of(network, images), backbone.predict(images, verbose=0), atol=1e-4
    )
    assert network.count_params() == backbone.count_params() + 5


def test_a_backbone_for_another_size_takes_ours(tmp_path: Path) -> None:
    x = inputs = keras.Input((64, 48, 3))
    for i in range(2):
        x = layers.Conv2D(3, 3, 2, padding="same", activation="relu", name=f"conv_{i}")(x)
    head = layers.Dense(7)(layers.Flatten()(x))
    keras.Model(inputs, head).save(tmp_path / "large.keras")
    network = transfer_cnn(SHAPE, 2, backbone=str(tmp_path / "large.keras"))
    assert features_of(network, PIXELS).shape == (3, 8, 8, 3)


def test_the_classifier_needs_no_file_but_its_own(tiny_backbone: Path, tmp_path: Path) -> None:
    backbone = tmp_path / "backbone.keras"
    backbone.write_bytes(tiny_backbone.read_bytes())
    network = transfer_cnn(SHAPE, 2, backbone=str(backbone))
    measure_batch_norm(network, [CUTOUTS])
    network.save(tmp_path / "classifier.keras")
    said = network.predict(PIXELS, verbose=0)
    backbone.unlink()
    again = keras.models.load_model(tmp_path / "classifier.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict(PIXELS, verbose=0), said)
    maps = grad_cam(again, CUTOUTS[:2], np.array([1, 0]), n_skies=2).maps
    assert np.abs(maps).max() > 0


def test_weights_come_from_a_file_too(tiny_backbone: Path, tmp_path: Path) -> None:
    backbone = keras.models.load_model(tiny_backbone)
    backbone.set_weights([weight + 0.1 for weight in backbone.get_weights()])
    backbone.save_weights(tmp_path / "other.weights.h5")
    network = transfer_cnn(
        SHAPE, 2, backbone=str(tiny_backbone), weights=str(tmp_path / "other.weights.h5")
    )
    np.testing.assert_allclose(
        features_of(network, PIXELS), backbone.predict(PIXELS, verbose=0), atol=1e-4
    )


# ------------------------------------------------------------------ pixels and bands


def plain_backbone() -> KerasModel:
    """A padded convolution and another one, which scale nothing themselves."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(1, name="padding")(inputs)
    x = layers.Conv2D(4, 3, strides=2, name="stem")(x)
    return keras.Model(inputs, layers.Conv2D(5, 3, activation="relu")(x))


@pytest.mark.parametrize("name", ["ResNet50V2", "VGG16", "DenseNet121", "EfficientNetV2B0"])
def test_pixels_are_scaled_as_keras_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # From -1 to 1; blue before green before red, less their means; by means and deviations;
    # and not at all, as the network does it itself.
    modules = {"ResNet50V2": "resnet_v2", "VGG16": "vgg16", "DenseNet121": "densenet",
               "EfficientNetV2B0": "efficientnet_v2"}  # fmt: skip
    preprocess = getattr(keras.applications, modules[name]).preprocess_input
    backbone = plain_backbone()
    monkeypatch.setattr(transfer, "_keras_network", lambda *_: (backbone, preprocess))
    expected = backbone.predict(preprocess(PIXELS.copy()), verbose=0)
    network = transfer_cnn(SHAPE, 2, backbone=name, weights=None)
    found = features_of(network, PIXELS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def kernel_for(n_bands: int, tmp_path: Path) -> tuple[KerasModel, KerasModel]:
    backbone = plain_backbone()
    backbone.save(tmp_path / "plain.keras")
    network = transfer_cnn((32, 32, n_bands), 2, backbone=str(tmp_path / "plain.keras"))
    return backbone, network


def test_the_filters_of_five_bands_by_hand(tmp_path: Path) -> None:
    backbone, network = kernel_for(5, tmp_path)
    red, green, blue = np.moveaxis(backbone.get_layer("stem").get_weights()[0], 2, 0)
    by_hand = np.stack([red / 2, green / 2, blue, red / 2, green / 2], axis=2)
    kernel, bias = network.get_layer("stem").get_weights()
    np.testing.assert_allclose(kernel, by_hand, atol=1e-7)
    np.testing.assert_array_equal(bias, backbone.get_layer("stem").get_weights()[1])


@pytest.mark.parametrize("n_bands", [1, 2, 3, 4, 5])
def test_a_grey_image_looks_as_it_did_in_rgb(n_bands: int, tmp_path: Path) -> None:
    backbone, network = kernel_for(n_bands, tmp_path)
    grey = PIXELS.mean(axis=-1, keepdims=True)
    expected = backbone.predict(np.repeat(grey, 3, axis=-1), verbose=0)
    found = features_of(network, np.repeat(grey, n_bands, axis=-1))
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


# ------------------------------------------------------------------ learning in two steps


def three_halvings() -> KerasModel:
    """A convolution of 32 px, one of 16 and one of 8, and the head."""
    keras.utils.set_random_seed(2)
    x = inputs = keras.Input(SHAPE, name="cutout")
    for i, strides in enumerate((1, 2, 2)):
        x = layers.Conv2D(3, 3, strides, padding="same", activation="relu", name=f"conv_{i}")(x)
        x = layers.BatchNormalization(name=f"norm_{i}")(x)
    x = layers.Dropout(0.0)(layers.GlobalAveragePooling2D()(x))
    x = layers.Dense(1, name="logit")(x)
    return keras.Model(inputs, layers.Activation("sigmoid", name="probability")(x))


def states(network: KerasModel, resume_from: TrainingState | None = None, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "weights": np.ones(24),
        "augmentation": AugmentationOptions(**MODELLING["augmentation"]).model_dump(),
        "optimizer": keras.optimizers.SGD(0.1),
        "head_optimizer": keras.optimizers.SGD(0.1),
        "epochs": 1,
        "batch_size": 16,
        "weight_average": 0.0,
        "batch_norm_galaxies": 16,
        "keep": "last",
        "patience": 0,
        "seed": 5,
    }
    rows = np.arange(24)
    return train(
        network, CUTOUTS, np.eye(2)[CLASSES], rows[:16], rows[16:], resume_from=resume_from,
        **(options | changes),
    )  # fmt: skip


def changes_of(network: KerasModel, state: TrainingState) -> dict[str, NDArray[Any]]:
    """What a training has added to each weight that can learn, by layer and name."""
    after = dict(zip([w.path for w in network.weights], kept_weights(state), strict=True))
    return {
        weight.path: after[weight.path] - weight.numpy() for weight in network.trainable_variables
    }


def test_each_block_learns_slower_than_the_one_after_it() -> None:
    network = three_halvings()
    (plain,) = states(network)  # of one step
    (slow,) = states(network, layer_decay=0.5)
    by_hand = {"0": 0.5**3, "1": 0.5**2, "2": 0.5}  # three, two and one block from the head
    shares = changes_of(network, plain), changes_of(network, slow)
    for path, change in shares[0].items():
        share = by_hand.get(path.split("/")[0].split("_")[-1], 1.0)
        assert np.abs(change).max() > 0
        np.testing.assert_allclose(shares[1][path], share * change, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize(("unfreeze", "learning"), [(0, []), (1, ["2"]), (2, ["1", "2"])])
def test_only_the_upper_blocks_learn(unfreeze: int, learning: list[str]) -> None:
    network = three_halvings()
    (state,) = states(network, unfreeze=unfreeze)
    for path, change in changes_of(network, state).items():
        number = path.split("/")[0].split("_")[-1]
        assert (np.abs(change).max() > 0) == (number in [*learning, "logit"]), path


def test_the_head_learns_alone_at_first() -> None:
    network = three_halvings()
    first, second, third = states(network, epochs=3, frozen_epochs=2)
    for state, only_head in ((first, True), (second, True), (third, False)):
        for path, change in changes_of(network, state).items():
            assert (np.abs(change).max() == 0) == (only_head and not path.startswith("logit"))


def test_an_interruption_in_either_step_changes_nothing() -> None:
    def learn(resume_from: TrainingState | None = None) -> list[TrainingState]:
        optimizers = {
            name: build_optimizer(
                name="adamw", learning_rate=1e-2, weight_decay=1e-2, schedule="cosine",
                warm_up_epochs=0.5, epochs=2, steps_per_epoch=4,
            )
            for name in ("optimizer", "head_optimizer")
        }  # fmt: skip
        return list(
            states(
                three_halvings(), resume_from, epochs=4, frozen_epochs=2, layer_decay=0.7,
                weight_average=0.5, batch_size=4, precision="mixed_float16", xla=False,
                **optimizers,
            )
        )  # fmt: skip

    whole = learn()
    for n_epochs in (1, 2):
        resumed = learn(whole[n_epochs - 1])
        pd.testing.assert_frame_equal(
            training_history(whole[-1]).drop(columns="seconds"),
            training_history(resumed[-1]).drop(columns="seconds"),
        )
        for one, other in zip(kept_weights(whole[-1]), kept_weights(resumed[-1]), strict=True):
            np.testing.assert_array_equal(one, other)


class InMemory:
    """A checkpoint."""

    def __init__(self) -> None:
        self.state: TrainingState = {}

    def load(self) -> TrainingState:
        return self.state

    def save(self, state: TrainingState) -> None:
        self.state = state


def test_each_step_has_its_schedule_and_nothing_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched = []

    def network_of(name: str, shape: Any, weights: str | None) -> Any:
        fetched.append(weights)
        return plain_backbone(), np.asarray

    monkeypatch.setattr(transfer, "_keras_network", network_of)
    galaxies = pd.DataFrame(
        {"cataid": range(24), "class_name": np.array(["Round", "Long"])[CLASSES], "checksum": "a",
         "split": ["training"] * 16 + ["validation"] * 8, "simulated": False}
    )  # fmt: skip
    training = MODELLING["training"] | {
        "epochs": 5,
        "frozen_epochs": 2,
        "batch_size": 8,
        "xla": False,
    }
    training["optimizer"] = training["optimizer"] | {"learning_rate": 1e-3, "warm_up_epochs": 0.5}
    layout = NetworkOptions(**MODELLING["network"] | {"name": "transfer"})
    checkpoint = InMemory()
    for _ in range(2):
        classifier, history = train_network(
            CUTOUTS, galaxies, {"Round": 1.0, "Long": 1.0}, checkpoint,
            Classes({0: "Round", 1: "Long"}), layout,
            AugmentationOptions(**MODELLING["augmentation"]), TrainingOptions(**training),
            no_votes(),
        )  # fmt: skip
    # Down to one hundredth at the end of either step, and high again in between.
    rates = history["learning_rate"]
    assert rates[[1, 4]].tolist() == pytest.approx([1e-5, 1e-5])
    assert rates[2] > 1e-4
    assert fetched == ["imagenet", None]
    for weight, kept in zip(classifier.get_weights(), kept_weights(checkpoint.state), strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_frozen_epochs_are_among_the_epochs() -> None:
    with pytest.raises(ValidationError, match="frozen_epochs 41 are more than epochs 40"):
        TrainingOptions(**MODELLING["training"] | {"frozen_epochs": 41})


# ------------------------------------------------------------------ what is refused


def options_with(**changes: Any) -> NetworkOptions:
    return NetworkOptions(name="transfer", colour=True, options={"transfer": changes})


def test_backbones_of_no_name_and_files_that_are_not_there_are_refused(
    tiny_backbone: Path,
) -> None:
    sound = options_with(backbone=str(tiny_backbone), weights=None)
    assert sound.files() == [tiny_backbone]
    assert options_with(backbone="VGG16").files() == []
    for change, words in (
        ({"backbone": "ResNet51"}, "no backbone is named ResNet51; .*ConvNeXtTiny.*ResNet50V2"),
        ({"backbone": "nowhere.keras"}, "there is no file nowhere.keras"),
        ({"weights": "nowhere.h5"}, "there is no file nowhere.h5"),
    ):
        with pytest.raises(ValidationError, match=words):
            options_with(**change)


def saved(folder: Path, network: KerasModel) -> str:
    path = folder / "unfit.keras"
    network.save(path)
    return str(path)


def test_files_of_no_backbone_are_refused(tmp_path: Path) -> None:
    rgb, grey = keras.Input((None, None, 3)), keras.Input((None, None, 1))
    convolution = layers.Conv2D(3, 3, padding="same")
    unfit = {
        r"has the input \(None, None, None, 1\): expected .* for RGB pixels of 0 to 255": (
            keras.Model(grey, layers.Conv2D(2, 3)(grey))
        ),
        "has no layer Conv2D; expected a network of convolutions": (
            keras.Model(rgb, layers.DepthwiseConv2D(3)(rgb))
        ),
        "changes pixels before its first convolution by more than a factor": (
            keras.Model(rgb, convolution(keras.ops.sqrt(rgb)))
        ),
    }
    twice = "uses its pixels in more places than in its first convolution"
    several = [(twice, keras.Model(rgb, rgb + convolution(scaled))) for scaled in (rgb, rgb / 255)]
    for words, network in [*unfit.items(), *several]:
        with pytest.raises(ValueError, match=words):
            transfer_cnn(SHAPE, 2, backbone=saved(tmp_path, network))
    (tmp_path / "text.keras").write_text("no network")
    with pytest.raises(ValueError, match=r"The backbone .*text\.keras cannot be read \(.*\): exp"):
        transfer_cnn(SHAPE, 2, backbone=str(tmp_path / "text.keras"))


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(tiny_backbone: Path, tmp_path: Path) -> None:
    plain_backbone().save_weights(tmp_path / "of_another.weights.h5")
    (tmp_path / "text.weights.h5").write_text("no weights")
    for name in ("of_another", "text"):
        path = str(tmp_path / f"{name}.weights.h5")
        with pytest.raises(ValueError, match=f"{name}.weights.h5 does not hold the weights of"):
            transfer_cnn(SHAPE, 2, backbone=str(tiny_backbone), weights=path)


def test_cutouts_too_small_for_a_backbone_are_named(tmp_path: Path) -> None:
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(2, 5, strides=3)(layers.Conv2D(2, 5, strides=3)(inputs))
    backbone = saved(tmp_path, keras.Model(inputs, x))
    transfer_cnn((17, 17, 3), 2, backbone=backbone)
    for too_small, name in (((16, 16, 3), backbone), ((16, 16, 3), "VGG16")):
        with pytest.raises(ValueError, match=r"cannot take cut-outs of 16 × 16 px .*cutouts.side"):
            transfer_cnn(too_small, 2, backbone=name, weights=None)


@pytest.mark.parametrize("is_there", [True, False])
def test_without_a_connection_the_file_is_named(
    is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keras.src.utils import file_utils

    monkeypatch.setenv("HOME", str(tmp_path))
    asked = []

    def no_connection(url: str, *_: Any) -> Any:
        asked.append(url)
        raise OSError("no route to host")

    monkeypatch.setattr(file_utils, "urlretrieve", no_connection)
    before = file_utils.get_file
    name = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
    path = tmp_path / ".keras" / "models" / name
    if is_there:  # but only half of it
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half of the weights")
    with pytest.raises(FileNotFoundError) as error:
        transfer_cnn(SHAPE, 2, backbone="MobileNetV3Small", weights="imagenet")
    for words in ("The ImageNet weights of MobileNetV3Small", str(path.parent), name, *asked,
                  "no route to host", "`network.options.transfer.weights`"):  # fmt: skip
        assert words in str(error.value)
    assert len(asked) == 1
    assert file_utils.get_file is before


# ------------------------------------------------------------------ real backbones


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ResNet50V2", "EfficientNetV2B0", "VGG16", "ConvNeXtTiny", "MobileNetV3Small"]
)
def test_networks_of_keras_learn_and_are_explained(name: str, tmp_path: Path) -> None:
    found = run_apart(
        learn_and_explain, name, str(tmp_path / "classifier.keras"), report=lambda: True
    )
    assert np.isfinite(found["losses"]).all()
    assert len(found["losses"]) == 2
    assert not {"Functional", "Sequential"} & set(found["layers"])
    assert np.abs(found["maps"]).max() > 0
    np.testing.assert_array_equal(found["said_again"], found["said"])


@pytest.mark.slow
def test_a_network_that_has_learned_from_photographs_sees_what_it_saw() -> None:
    file = SHARED / "backbones" / "efficientnet_lite0.keras"
    if not file.is_file():
        pytest.skip(f"there is no backbone at {file}")
    network = transfer_cnn(SHAPE, 2, backbone=str(file))
    expected = keras.models.load_model(file).predict(PIXELS, verbose=0)
    found = features_of(network, PIXELS)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert network.count_params() == keras.models.load_model(file).count_params() + 1281
