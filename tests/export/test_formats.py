"""What other programs say of galaxies with what is written for them."""

import logging
import sys
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from conftest import SHARED, BuildSmall
from numpy.typing import NDArray
from scipy.special import softmax
from survey import draw_galaxy

from galaxy_morphology.export import FORMATS, check_agreement, serving_module
from galaxy_morphology.networks import NETWORKS
from galaxy_morphology.typing import KerasModel
from galaxy_morphology.views import NumberOfViews

RNG = np.random.default_rng(3)
CUTOUTS = np.stack(
    [draw_galaxy(RNG, axis_ratio=ratio, side=32) for ratio in RNG.uniform(0.2, 1, 33)]
)
CUTOUTS = (CUTOUTS * RNG.uniform(0.2, 1, (33, 1, 1, 3))).astype(np.uint8)
TEMPERATURE = 1.7


def opinionated(network: KerasModel) -> KerasModel:
    """As if it had been trained: it has statistics, and tells these galaxies apart."""
    rng = np.random.default_rng(5)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            of_size = (4, *layer.gamma.shape)
            gamma, beta, mean, variance = rng.uniform(0.5, 1.5, of_size)
            layer.set_weights([gamma, beta / 2, mean / 10, variance])
    for layer in network.layers:
        if layer.name.endswith("logit") and isinstance(layer, keras.layers.Dense):
            said = np.asarray(keras.Model(network.inputs[0], layer.output)(CUTOUTS))
            kernel, bias = layer.get_weights()
            scale = 2 / said.std(axis=0)
            layer.set_weights([kernel * scale, (bias - said.mean(axis=0)) * scale])
    return network


def eight_views(cutouts: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Written out: quarter turns, and those of the mirror image."""
    mirrored = cutouts[:, :, ::-1]
    return [np.rot90(each, n, axes=(1, 2)) for each in (cutouts, mirrored) for n in range(4)]


def expected(
    network: KerasModel, views: list[NDArray[np.uint8]], prior: list[float] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logits and probabilities, from Keras' own predictions and formulas written out."""
    ends = keras.Model(network.inputs[0], network.get_layer("logit").output)
    logits = np.asarray([ends(view) for view in views], np.float64).mean(axis=0)
    against = np.hstack([np.zeros_like(logits), logits]) if logits.shape[1] == 1 else logits
    probability = softmax(against / TEMPERATURE, axis=1)
    probability = probability if prior is None else probability * prior
    return logits, probability / probability.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "n_classes", "colour", "n_views", "prior"),
    [
        ("compact", 2, True, 8, [0.3, 0.7]),
        ("compact", 4, False, 1, None),
        ("three_block", 4, True, 1, [0.1, 0.2, 0.3, 0.4]),
        ("transfer", 2, True, 1, None),
        ("ensemble", 2, True, 8, None),
    ],
)
def test_every_format_says_what_the_classifier_says(
    name: str, n_classes: int, colour: bool, n_views: NumberOfViews,
    prior: list[float] | None, build_small: BuildSmall,
) -> None:  # fmt: skip
    network = opinionated(build_small(name, n_classes, colour=colour))
    wanted_logits, wanted = expected(network, eight_views(CUTOUTS)[:n_views], prior)
    assert wanted.std(axis=0).min() > 0.01
    module = serving_module(
        network, n_views=n_views, temperature=TEMPERATURE,
        prior=None if prior is None else np.array(prior),
    )  # fmt: skip
    for one in FORMATS.values():
        logits, probabilities = one.classify(one.convert(module), CUTOUTS)
        assert logits.dtype == probabilities.dtype == np.float32
        np.testing.assert_allclose(logits, wanted_logits, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(probabilities, wanted, rtol=0, atol=1e-4)


def test_every_network_is_among_them() -> None:
    assert set(NETWORKS) == {"compact", "three_block", "transfer", "ensemble"}


def test_layers_of_few_digits_are_computed_in_float32(build_small: BuildSmall) -> None:
    exact = opinionated(build_small("compact"))
    short = keras.models.clone_model(
        exact,
        clone_function=lambda layer: (
            layer if isinstance(layer, keras.layers.InputLayer)
            else type(layer).from_config(layer.get_config() | {"dtype": "mixed_bfloat16"})
        ),
    )  # fmt: skip
    short.set_weights(exact.get_weights())
    wanted = expected(exact, [CUTOUTS], None)[1]
    assert np.abs(expected(short, [CUTOUTS], None)[1] - wanted).max() > 1e-3
    module = serving_module(short, temperature=TEMPERATURE)
    for one in FORMATS.values():
        _, probabilities = one.classify(one.convert(module), CUTOUTS)
        np.testing.assert_allclose(probabilities, wanted, rtol=0, atol=1e-4)


def test_what_is_written_as_onnx_is_known_by_its_names_and_right_for_any_number_of_cutouts(
    build_small: BuildSmall, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    network = build_small("compact")
    with caplog.at_level(logging.INFO):
        files = FORMATS["onnx"].convert(serving_module(network))
    assert list(files) == ["classifier.onnx"]
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")
    onnx.checker.check_model(onnx.load_from_string(files["classifier.onnx"]), full_check=True)
    session = onnxruntime.InferenceSession(files["classifier.onnx"])
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape) == (
        "cutouts", "tensor(uint8)", ["batch", 32, 32, 3],
    )  # fmt: skip
    assert [(one.name, one.shape) for one in session.get_outputs()] == [
        ("logits", ["batch", 1]), ("probabilities", ["batch", 2]),
    ]  # fmt: skip
    together = session.run(["probabilities"], {"cutouts": CUTOUTS})[0]
    for n in (1, 7):
        some = session.run(["probabilities"], {"cutouts": CUTOUTS[:n]})[0]
        np.testing.assert_allclose(some, together[:n], rtol=0, atol=1e-6)


# ------------------------------------------------------------------ what is refused


def with_operation(operation: Any) -> KerasModel:
    """A classifier of means over the frame, to which something is done first."""
    inputs = keras.Input((32, 32, 3))
    features = keras.ops.mean(operation(inputs / 256.0), axis=(1, 2))
    logit = keras.layers.Dense(1, name="logit")(features)
    return keras.Model(inputs, keras.layers.Activation("sigmoid", name="probability")(logit))


def test_an_operation_that_onnx_lacks_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    module = serving_module(with_operation(keras.ops.erfinv))
    with pytest.raises(ValueError, match="as ONNX: ONNX has no operation for Erfinv. Leave `onnx`"):
        FORMATS["onnx"].convert(module)
    assert capfd.readouterr() == ("", "")
    _, probabilities = FORMATS["saved_model"].classify(
        FORMATS["saved_model"].convert(module), CUTOUTS
    )
    assert np.isfinite(probabilities).all()


def test_what_tf2onnx_stumbles_over_is_said_in_a_sentence(
    build_small: BuildSmall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*args: Any, **kwargs: Any) -> None:
        raise KeyError("a name\nof two lines")

    module = serving_module(build_small("compact"))
    monkeypatch.setattr("tf2onnx.convert.from_function", stumble)
    with pytest.raises(ValueError, match=r"cannot be written as ONNX: 'a name\\nof two lines'\. L"):
        FORMATS["onnx"].convert(module)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "tf2onnx"])
def test_without_the_extra_it_is_said_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=f"not installed .*{package}.*its extra `export`"):
        FORMATS["onnx"].convert(None)


def test_answers_that_differ_are_refused_and_the_worst_is_named() -> None:
    wanted = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])
    known: dict[str, Any] = {"galaxies": [7, 8, 9], "class_names": ["Elliptical", "Other"]}
    found = wanted + np.array([[0, 0], [0.003, -0.003], [-0.001, 0.001]])
    assert check_agreement("It", found, wanted, tolerance=0.0031, **known) == pytest.approx(0.003)
    with pytest.raises(ValueError, match="It says .* galaxy 8, .* Elliptical with probability 0.50"
                       "3 instead of 0.5; expected differences of at most 0.002"):  # fmt: skip
        check_agreement("It", found, wanted, tolerance=0.002, **known)
    found[2, 1] = np.nan
    with pytest.raises(ValueError, match="galaxy 9, .* Other with probability nan instead of 0.1"):
        check_agreement("It", found, wanted, tolerance=0.5, **known)


# ------------------------------------------------------------------ real backbones


@pytest.mark.slow
def test_a_network_that_has_learned_from_photographs_is_exported() -> None:
    file = SHARED / "backbones" / "efficientnet_lite0.keras"
    if not file.is_file():
        pytest.skip(f"there is no backbone at {file}")
    network = opinionated(NETWORKS["transfer"]((32, 32, 3), 2, backbone=str(file)))
    wanted = expected(network, [CUTOUTS], [0.3, 0.7])[1]
    module = serving_module(network, temperature=TEMPERATURE, prior=np.array([0.3, 0.7]))
    for one in FORMATS.values():
        _, probabilities = one.classify(one.convert(module), CUTOUTS)
        np.testing.assert_allclose(probabilities, wanted, rtol=0, atol=1e-4)
