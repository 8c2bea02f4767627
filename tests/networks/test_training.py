"""Training learns, is repeatable, goes on after an interruption, and keeps the right epoch."""

from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from survey import draw_galaxy

from galaxy_morphology.networks import (
    build_optimizer,
    chosen_epoch,
    kept_weights,
    measure_batch_norm,
    predict_logits,
    probabilities,
    three_block_cnn,
    train,
    training_history,
)
from galaxy_morphology.typing import KerasModel, TrainingState

AUGMENTATION: dict[str, Any] = {
    "rotation_degrees": 180.0,
    "width_shift": 0.05,
    "height_shift": 0.05,
    "shear_degrees": 0.0,
    "zoom": 0.1,
    "zoom_per_axis": False,
    "horizontal_flip": True,
    "vertical_flip": True,
    "fill": "sky",
    "interpolation": "nearest",
    "hide": {
        "everything": 0.0,
        "faded": 0.0,
        "parts": 0.0,
        "hidden_share": (0.0, 1.0),
        "cells": (3, 8),
        "smooth": 0.5,
    },
}
RNG = np.random.default_rng(0)
CLASSES = np.arange(96, dtype=np.int32) % 2
CUTOUTS = np.stack([draw_galaxy(RNG, axis_ratio=0.25 if c else 1.0, side=32) for c in CLASSES])


def new_network(n_classes: int = 2) -> KerasModel:
    import keras

    keras.utils.set_random_seed(1)
    return three_block_cnn((32, 32, 3), n_classes, filters=(4, 8), dense_units=8)


def soft_labels(n_classes: int) -> NDArray[np.float64]:
    """Most of the votes for the class that was drawn, the others for the rest."""
    labels = np.full((96, n_classes), 0.2 / (n_classes - 1))
    labels[np.arange(96), CLASSES] = 0.8
    return labels


def states(
    network: KerasModel,
    epochs: int = 3,
    resume_from: TrainingState | None = None,
    labels: NDArray[np.float64] | None = None,
    **changes: Any,
) -> Any:
    n_classes = max(2, network.output_shape[-1])
    optimizer = build_optimizer(
        name="adamw", learning_rate=3e-3, weight_decay=1e-4, schedule="cosine",
        warm_up_epochs=0.5, epochs=epochs, steps_per_epoch=4,
    )  # fmt: skip
    options: dict[str, Any] = {
        "weights": np.ones(96),
        "augmentation": AUGMENTATION,
        "optimizer": optimizer,
        "epochs": epochs,
        "batch_size": 16,
        "weight_average": 0.9,
        "batch_norm_galaxies": 64,
        "keep": "best",
        "patience": 0,
        "seed": 5,
    }
    rows = np.arange(96)
    labels = np.eye(n_classes)[CLASSES] if labels is None else labels
    return train(
        network, CUTOUTS, labels, rows[:64], rows[64:], resume_from=resume_from,
        **(options | changes),
    )  # fmt: skip


def test_it_learns_to_tell_round_from_elongated() -> None:
    network = new_network()
    *_, last = states(network, epochs=15)
    network.set_weights(kept_weights(last))
    predicted = predict_logits(network, CUTOUTS, np.arange(64, 96))[:, 0] > 0
    assert np.mean(predicted == CLASSES[64:]) >= 0.9


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does() -> None:
    # Of counted votes the loss learns a concentration too, which is no part of the network.
    votes: dict[str, Any] = {"labels": soft_labels(2), "n_votes": np.arange(96.0) % 40 + 1}
    *_, whole = states(new_network(), **votes)
    *_, interrupted = islice(states(new_network(), **votes), 2)
    assert not interrupted["finished"]
    *_, resumed = states(new_network(), resume_from=interrupted, **votes)
    assert resumed["finished"]
    assert len(kept_weights(whole)) == len(new_network().weights)
    pd.testing.assert_frame_equal(
        training_history(whole).drop(columns="seconds"),
        training_history(resumed).drop(columns="seconds"),
    )
    for one, other in zip(kept_weights(whole), kept_weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_kept_weights_have_the_score_of_the_chosen_epoch() -> None:
    network = new_network()
    *_, last = states(network, epochs=4)
    history = training_history(last)
    best = chosen_epoch(history, "best")
    assert best == 1 + int(np.argmax(history["validation_roc_auc"]))
    network.set_weights(kept_weights(last))
    logits = predict_logits(network, CUTOUTS, np.arange(64, 96)).astype(float)[:, 0]
    truth = CLASSES[64:]
    loss = np.mean(np.logaddexp(0, logits) - truth * logits)  # the closed form from logits
    assert history["validation_loss"][best - 1] == pytest.approx(loss, rel=1e-5)
    # The area is the chance that an elongated galaxy has the higher logit of a pair.
    pairs = logits[truth == 1][:, None] > logits[truth == 0]
    assert history["validation_roc_auc"][best - 1] == pytest.approx(pairs.mean(), abs=1e-6)


def test_keeping_the_last_epoch() -> None:
    network = new_network()
    before = network.get_weights()
    _, second, last = states(network, keep="last", weight_average=0.0, batch_norm_galaxies=0)
    assert chosen_epoch(training_history(last), "last") == 3
    # Without averaging, what is judged and kept is what learned.
    learned = {value.tobytes() for name, value in second.items() if name.startswith("learning/")}
    assert all(kept.tobytes() in learned for kept in kept_weights(second))
    for weight, weight_before in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, weight_before)


def losses_without_chance(**changes: Any) -> NDArray[np.float64]:
    """Of four epochs without dropout, whose random numbers depend on how they are compiled."""
    import keras

    keras.utils.set_random_seed(1)
    network = three_block_cnn((32, 32, 3), 2, filters=(4, 8), dense_units=8, block_dropout=0.0,
                              dense_dropout=0.0)  # fmt: skip
    optimizer = keras.optimizers.SGD(0.005)
    *_, last = states(network, epochs=4, optimizer=optimizer, **changes)
    assert all(weight.dtype == np.float32 for weight in kept_weights(last))
    return training_history(last)["loss"].to_numpy()


@pytest.mark.parametrize(
    ("changes", "at_first", "later"),
    [({"precision": "mixed_bfloat16"}, 0.4, 0.4), ({"xla": True}, 5e-3, 0.1)],
)
def test_half_the_digits_and_xla_learn_the_same(
    changes: dict[str, Any], at_first: float, later: float
) -> None:
    exact, other = losses_without_chance(), losses_without_chance(**changes)
    assert exact[-1] < 0.8 * exact[0]
    assert other[0] == pytest.approx(exact[0], rel=at_first)
    # From one epoch to the next, so small a network carries rounding on.
    np.testing.assert_allclose(other, exact, rtol=later)


def test_float16_learns_as_soon_as_its_losses_are_scaled() -> None:
    losses = losses_without_chance(precision="mixed_float16")  # the first steps overflow
    assert losses[-1] < 0.8 * losses[0]


def test_it_stops_when_patience_runs_out_also_across_an_interruption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from galaxy_morphology.networks import training

    areas = iter([0.6, 0.9, 0.8, 0.8, 0.8, 0.95])

    def scores(*_: Any) -> dict[str, float]:
        return {
            "validation_loss": 1.0,
            "validation_accuracy": 0.5,
            "validation_roc_auc": next(areas),
        }

    monkeypatch.setattr(training, "_validate", scores)
    *_, interrupted = islice(states(new_network(), epochs=9, patience=3), 3)
    assert not interrupted["finished"]
    *_, stopped = states(new_network(), epochs=9, patience=3, resume_from=interrupted)
    assert stopped["finished"]
    assert training_history(stopped)["validation_roc_auc"].tolist() == [0.6, 0.9, 0.8, 0.8, 0.8]
    assert chosen_epoch(training_history(stopped), "best") == 2


def test_a_training_that_diverges_says_so() -> None:
    import keras

    with pytest.raises(FloatingPointError, match="diverged: .*learning_rate"):
        list(states(new_network(), optimizer=keras.optimizers.SGD(1e30)))


@pytest.mark.parametrize("batch_norm", ["learned", "kept"])
def test_a_step_is_that_of_keras(batch_norm: str) -> None:
    """Against ``train_on_batch`` of the network itself: loss, gradients and normalisation."""
    import keras

    still = dict.fromkeys(AUGMENTATION, 0.0) | {
        "zoom_per_axis": False, "horizontal_flip": False, "vertical_flip": False,
        "fill": "sky", "interpolation": "nearest", "hide": AUGMENTATION["hide"],
    }  # fmt: skip
    network = three_block_cnn((32, 32, 3), 2, filters=(4, 8), dense_units=8, block_dropout=0.0,
                              dense_dropout=0.0)  # fmt: skip
    norms = [one for one in network.layers if isinstance(one, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.moving_mean.assign(RNG.uniform(0, 0.1, layer.moving_mean.shape))
    *_, last = states(
        network, epochs=1, augmentation=still, batch_size=64, weight_average=0.0, keep="last",
        batch_norm=batch_norm, batch_norm_galaxies=64 if batch_norm == "kept" else 0,
        weights=np.where(CLASSES == 1, 3.0, 1.0), optimizer=keras.optimizers.Adam(1e-3),
    )  # fmt: skip
    for layer in norms:
        layer.trainable = batch_norm == "learned"
    to_logit = keras.Model(network.inputs, network.get_layer("logit").output)
    to_logit.compile(
        keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )  # fmt: skip
    weights = np.where(CLASSES[:64] == 1, 3.0, 1.0)
    loss, accuracy = to_logit.train_on_batch(
        CUTOUTS[:64].astype(np.float32), CLASSES[:64, None], weights
    )
    history = training_history(last)
    assert history["loss"][0] == pytest.approx(float(loss), rel=1e-4)
    assert history["accuracy"][0] == pytest.approx(float(accuracy))
    for ours, theirs in zip(kept_weights(last), network.get_weights(), strict=True):
        # Where a gradient is next to nothing, Adam's first step depends on the last digit of it.
        assert np.mean(np.abs(ours - theirs) > 1e-5) <= 0.05


@pytest.mark.parametrize("n_classes", [2, 3])
def test_prediction_is_that_of_keras(n_classes: int) -> None:
    network = new_network(n_classes)
    rng = np.random.default_rng(1)
    for attempt in range(2):  # the second time, weights have changed behind its back
        network.set_weights([rng.uniform(0.1, 1, w.shape) for w in network.get_weights()])
        theirs = network.predict(CUTOUTS.astype(np.float32), verbose=0)
        for batch_size in (7, 96):
            ours = probabilities(predict_logits(network, CUTOUTS, batch_size=batch_size))
            np.testing.assert_allclose(ours[:, -theirs.shape[1] :], theirs, rtol=1e-4, atol=1e-6)
        assert attempt == 0 or predict_logits(network, CUTOUTS, np.array([3])).shape[0] == 1


def test_prediction_in_bfloat16_is_nearly_the_same() -> None:
    network = new_network()
    exact = predict_logits(network, CUTOUTS)
    rounded = predict_logits(network, CUTOUTS, precision="mixed_bfloat16")
    np.testing.assert_allclose(rounded, exact, atol=0.02 * np.abs(exact).max())
    assert not (rounded == exact).all()


def test_measured_statistics_are_those_of_the_features() -> None:
    network = new_network()
    measure_batch_norm(network, [CUTOUTS])
    import keras

    features = keras.Model(network.inputs, network.get_layer("last_conv").output)
    values = features.predict(CUTOUTS.astype(np.float32), verbose=0)
    norm = network.get_layer("conv_norm_2")
    np.testing.assert_allclose(norm.moving_mean, values.mean(axis=(0, 1, 2)), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        norm.moving_variance, values.var(axis=(0, 1, 2)), rtol=1e-3, atol=1e-5
    )
    assert norm.momentum == 0.9


@pytest.mark.parametrize("n_votes", [None, np.full(96, 30.0)])
def test_it_learns_the_fractions_of_votes(n_votes: NDArray[np.float64] | None) -> None:
    network = new_network()
    *_, last = states(network, epochs=15, labels=soft_labels(2), n_votes=n_votes)
    network.set_weights(kept_weights(last))
    said = probabilities(predict_logits(network, CUTOUTS, np.arange(64, 96)))
    of_class = said[np.arange(32), CLASSES[64:]]
    assert np.median(of_class) == pytest.approx(0.8, abs=0.08)


def test_the_losses_that_are_told_are_cross_entropies_with_the_fractions() -> None:
    network, labels = new_network(), soft_labels(2)
    *_, last = states(network, epochs=1, labels=labels, n_votes=np.full(96, 30.0))
    network.set_weights(kept_weights(last))
    said = probabilities(predict_logits(network, CUTOUTS, np.arange(64, 96)))
    history = training_history(last)
    expected = -(labels[64:] * np.log(said)).sum(axis=1).mean()
    assert history["validation_loss"][0] == pytest.approx(expected, rel=1e-5)
    # The chance that a vote for the second class outranks one for the first.
    logit, of_second = said[:, 1], labels[64:, 1]
    above = np.sign(logit[:, None] - logit[None]) / 2 + 0.5
    pairs = of_second[:, None] * (1 - of_second[None])
    assert history["validation_roc_auc"][0] == pytest.approx((above * pairs).sum() / pairs.sum())


def test_three_classes_train_too() -> None:
    *_, last = states(new_network(3), epochs=1)
    history = training_history(last)
    assert np.isfinite(history[["loss", "validation_loss"]].to_numpy()).all()


def test_the_cosine_schedule_rises_and_falls() -> None:
    optimizer = build_optimizer(
        name="adamw", learning_rate=1e-3, weight_decay=0.0, schedule="cosine",
        warm_up_epochs=1.0, epochs=5, steps_per_epoch=10,
    )  # fmt: skip
    rates = [float(optimizer._learning_rate(step)) for step in (0, 5, 10, 30, 50)]
    assert rates == pytest.approx([0, 5e-4, 1e-3, 1e-3 * (0.01 + 0.99 / 2), 1e-5], rel=1e-4)
    constant = build_optimizer(
        name="adam", learning_rate=1e-3, weight_decay=0.0, schedule="constant",
        warm_up_epochs=1.0, epochs=5, steps_per_epoch=10,
    )  # fmt: skip
    assert float(constant.learning_rate.numpy()) == pytest.approx(1e-3)


def test_probabilities_follow_from_logits() -> None:
    one = probabilities(np.array([[0.0], [2.0], [-800.0]]))
    np.testing.assert_allclose(one[:, 1], [0.5, 1 / (1 + np.exp(-2.0)), 0.0])
    np.testing.assert_allclose(one.sum(axis=1), 1)
    three = probabilities(np.log([[1.0, 2.0, 7.0]]))
    np.testing.assert_allclose(three, [[0.1, 0.2, 0.7]])
