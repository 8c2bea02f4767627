"""Several classifiers as one: their mean, how far they lie apart, and what cannot be a member."""

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, BuildSmall, no_votes
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.attribution import grad_cam
from galaxy_morphology.networks import (
    ask_classifier,
    compact_cnn,
    ensemble,
    measure_batch_norm,
    predict_logits,
)
from galaxy_morphology.options import (
    AugmentationOptions,
    Classes,
    NetworkOptions,
    PredictionOptions,
    TrainingOptions,
)
from galaxy_morphology.pipelines.modelling.training import classify_galaxies
from galaxy_morphology.steps import fingerprint_of, train_network
from galaxy_morphology.typing import KerasModel, TrainingState

RNG = np.random.default_rng(0)
CUTOUTS = np.stack([draw_galaxy(RNG, axis_ratio=q, side=32) for q in (0.3, 0.9, 0.5)])
SHAPE = (32, 32, 3)
GALAXIES = pd.DataFrame(
    {"cataid": [1, 2, 3], "class_name": ["Round", "Long", "Long"], "checksum": ["a", "b", "c"],
     "split": ["training", "validation", "test"], "target": [0, 1, 1], "simulated": False}
)  # fmt: skip


def said_of(network: KerasModel) -> NDArray[Any]:
    """The logits of the cut-outs, by Keras itself."""
    to_logits = keras.Model(network.inputs, network.get_layer("logit").output)
    return np.asarray(to_logits.predict(CUTOUTS.astype(np.float32), verbose=0))


def saved(folder: Path, networks: list[KerasModel]) -> list[str]:
    """The files of networks that have seen the cut-outs."""
    paths = [folder / f"member_{i}.keras" for i, _ in enumerate(networks)]
    for path, network in zip(paths, networks, strict=True):
        measure_batch_norm(network, [CUTOUTS])
        network.save(path)
    return [str(path) for path in paths]


@pytest.fixture(scope="module", params=[2, 4])
def networks(request: pytest.FixtureRequest, build_small: BuildSmall) -> list[KerasModel]:
    """Three of different kinds, two of them with layers of the same names."""
    n_classes = request.param
    grey = build_small("compact", n_classes, colour=False)
    return [build_small("compact", n_classes), grey, build_small("transfer", n_classes)]


@pytest.fixture(scope="module")
def together(networks: list[KerasModel], tmp_path_factory: pytest.TempPathFactory) -> KerasModel:
    """Their ensemble; the files that it was built from are no more."""
    paths = saved(tmp_path_factory.mktemp("members"), networks)
    built = ensemble(SHAPE, max(2, networks[0].output_shape[-1]), members=paths)
    for path in paths:
        Path(path).unlink()
    return built


def test_it_says_the_mean_of_its_members_also_without_their_files(
    networks: list[KerasModel], together: KerasModel, tmp_path: Path
) -> None:
    of_members = np.stack([said_of(network) for network in networks])
    np.testing.assert_allclose(said_of(together), of_members.mean(axis=0), atol=1e-5)
    together.save(tmp_path / "ensemble.keras")
    again = keras.models.load_model(tmp_path / "ensemble.keras", safe_mode=True)
    answers = ask_classifier(again, CUTOUTS)
    np.testing.assert_allclose(answers.logits, of_members.mean(axis=0), atol=1e-5)
    assert set(answers.spreads) == {"member_spread"}
    for i, winner in enumerate(answers.logits.argmax(axis=1)):
        spread = of_members[:, i, winner].std()
        assert answers.spreads["member_spread"][i] == pytest.approx(spread, abs=1e-5)


def test_members_are_compared_by_their_means_over_the_views(
    networks: list[KerasModel], together: KerasModel
) -> None:
    of_members = np.stack([predict_logits(network, CUTOUTS, views=8) for network in networks])
    answers = ask_classifier(together, CUTOUTS, views=8)
    np.testing.assert_allclose(answers.logits, of_members.mean(axis=0), atol=1e-5)
    winners = answers.logits.argmax(axis=1)
    found = of_members.std(axis=0)[np.arange(3), winners]
    np.testing.assert_allclose(answers.spreads["member_spread"], found, atol=1e-5)
    assert (answers.spreads["view_spread"] > 0).all()


def test_half_the_digits_are_close(together: KerasModel) -> None:
    exact = predict_logits(together, CUTOUTS)
    half = predict_logits(together, CUTOUTS, precision="mixed_bfloat16")
    np.testing.assert_allclose(half, exact, atol=0.05)
    assert np.abs(half - exact).max() > 0


def test_its_explanation_is_the_mean_of_theirs(
    networks: list[KerasModel], together: KerasModel
) -> None:
    classes = np.array([1, 0, 1])
    options: dict[str, Any] = {"n_skies": 3, "seed": 1}
    maps, quality, *_ = grad_cam(together, CUTOUTS, classes, **options)
    of_members = [grad_cam(network, CUTOUTS, classes, **options) for network in networks]
    expected = np.mean([one.maps for one in of_members], axis=0)
    np.testing.assert_allclose(maps, expected, atol=1e-4 * np.abs(expected).max())
    logits = np.mean([one.quality["logit"] for one in of_members], axis=0)
    np.testing.assert_allclose(quality["logit"], logits, atol=1e-4)


class NoCheckpoint:
    """Fails when it is used."""

    def load(self) -> TrainingState:
        return {}

    def save(self, state: TrainingState) -> None:
        raise AssertionError("nothing was to be trained")


def test_nothing_is_trained_and_its_spread_is_told(
    build_small: BuildSmall, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = yaml.safe_load((PROJECT / "conf/base/parameters_modelling.yml").read_text())
    members = saved(tmp_path, [build_small("compact"), build_small("three_block")])
    layout = shipped["network"] | {
        "name": "ensemble",
        "options": {"ensemble": {"members": members}},
    }
    classes = Classes({0: "Round", 1: "Long"})
    with caplog.at_level(logging.INFO):
        classifier, history = train_network(
            CUTOUTS, GALAXIES, {"Round": 1.0, "Long": 1.0}, NoCheckpoint(), classes,
            NetworkOptions(**layout), AugmentationOptions(**shipped["augmentation"]),
            TrainingOptions(**shipped["training"]), no_votes(),
        )  # fmt: skip
    assert "ensemble is built of trained networks: nothing is trained" in caplog.text
    assert len(history) == 0
    table = classify_galaxies(
        classifier, CUTOUTS, GALAXIES, classes, PredictionOptions(**shipped["prediction"])
    )
    answers = ask_classifier(classifier, CUTOUTS)
    np.testing.assert_array_equal(table["member_spread"], answers.spreads["member_spread"])
    assert "view_spread" not in table


def test_other_members_are_another_classifier(tmp_path: Path) -> None:
    members = saved(tmp_path, [compact_cnn(SHAPE, 2, filters=(2, 3)) for _ in range(2)])
    options = NetworkOptions(
        name="ensemble", colour=True, options={"ensemble": {"members": members}}
    )
    assert [str(path) for path in options.files()] == members
    before = fingerprint_of(GALAXIES, options)
    assert fingerprint_of(GALAXIES, options) == before
    compact_cnn(SHAPE, 2, filters=(2, 3)).save(members[1])
    assert fingerprint_of(GALAXIES, options) != before
    other = NetworkOptions(name="compact", colour=True, options=options.options)
    assert other.files() == []


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("members", [[], ["one.keras"]])
def test_one_is_no_ensemble(members: list[str]) -> None:
    words = rf"two or more trained classifiers, found {len(members)}\. Name .*ensemble\.members`"
    with pytest.raises(ValueError, match=words):
        ensemble(SHAPE, 2, members=members)


def test_it_cannot_take_colours_from_its_members() -> None:
    with pytest.raises(ValueError, match="cannot be built with `network.colour` false"):
        ensemble(SHAPE, 2, colour=False, members=["one.keras", "two.keras"])


def test_what_cannot_be_a_member_is_named(build_small: BuildSmall, tmp_path: Path) -> None:
    inputs = keras.Input(SHAPE)
    dense = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(inputs))
    unfit = {
        "foreign": (keras.Model(inputs, dense), "it is no classifier of this project"),
        "wide": (compact_cnn((40, 32, 3), 2, filters=(2, 3)), r"takes cut-outs \(40, 32, 3\)"),
        "four": (build_small("compact", 4), r"tells 4 classes apart; expected 2, as in `classes`"),
        "nested": (build_small("ensemble"), "it is an ensemble itself"),
    }
    sound = tmp_path / "sound.keras"
    build_small("compact").save(sound)
    for name, (network, words) in unfit.items():
        network.save(tmp_path / f"{name}.keras")
        with pytest.raises(ValueError, match=rf"{name}\.keras, named in .*members`, .*{words}"):
            ensemble(SHAPE, 2, members=[str(sound), str(tmp_path / f"{name}.keras")])
    with pytest.raises(ValueError, match=r"nowhere\.keras, .*: there is no such file; expected"):
        ensemble(SHAPE, 2, members=[str(sound), "nowhere.keras"])
    (tmp_path / "damaged.keras").write_bytes(sound.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"damaged\.keras, .*Keras cannot load it in safe mode"):
        ensemble(SHAPE, 2, members=[str(sound), str(tmp_path / "damaged.keras")])
