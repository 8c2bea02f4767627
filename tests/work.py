"""Work that tests do in processes of their own, which import it from here."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from galaxy_morphology.tuning import Pruning, Report, Search

MEGABYTES = 300


def go_on(*_: Any) -> bool:
    return True


def count(report: Report, n: int, modules: tuple[str, ...]) -> dict[str, Any]:
    """Report numbers, and tell where that was."""
    for i in range(n):
        report(i, i / 2)
    return {"process": os.getpid(), "loaded": [name for name in modules if name in sys.modules]}


def fill_memory(report: Report) -> Any:
    """Fill some memory, and end."""
    return float(np.ones((MEGABYTES, 2**17)).sum())


def fail(report: Report) -> None:
    """Fail as a training that diverges does."""
    raise FloatingPointError("the logits are no longer numbers")


def be_killed(report: Report) -> None:
    """End as where memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait(report: Report, file: str) -> None:
    """Say who waits, and wait."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(120)


def search_and_hang(file: str) -> None:
    """Finish two trials of a study, begin a third, and wait."""
    with new_search(Path(file)) as running:
        for trial in running:
            if trial.number == 2:
                Path(file).with_name("hanging").touch()
                time.sleep(120)
            trial.finish(score_of(trial.values))


def new_search(file: Path, **changes: Any) -> Search:
    """A search for two numbers and a word."""
    options: dict[str, Any] = {
        "made_with": {"galaxies": "some", "parameters of the sky": "blue"},
        "suggest": suggest,
        "first": {"x": 0.5, "kind": "round", "y": 0.25},
        "seed": 0,
        "startup_trials": 3,
        "pruning": Pruning("none", startup_trials=0, warm_up_epochs=0, epochs=4),
        "n_trials": 7,
        "hours": None,
    }
    return Search(file, **(options | changes))


def suggest(trial: Any) -> dict[str, Any]:
    """Numbers from 0 to 1; the second one matters where things are round."""
    values = {"x": trial.suggest_float("x", 0, 1)}
    values["kind"] = trial.suggest_categorical("kind", ["round", "long"])
    if values["kind"] == "round":
        values["y"] = trial.suggest_float("y", 0, 1)
    return values


def score_of(values: dict[str, Any]) -> float:
    """Highest where x is 0.3."""
    return float(1 - (values["x"] - 0.3) ** 2 - 0.01 * values.get("y", 0))


def learn_and_explain(report: Report, backbone: str, file: str) -> dict[str, Any]:
    """Teach a backbone with random weights a few galaxies, explain it, and load it again.

    Returns:
        What there is to compare.
    """
    import keras
    import tensorflow as tf
    import yaml
    from survey import draw_galaxy

    from galaxy_morphology.attribution import grad_cam
    from galaxy_morphology.networks import kept_weights, train, transfer_cnn

    rng = np.random.default_rng(0)
    classes = np.arange(8, dtype=np.int32) % 2
    images = np.stack([draw_galaxy(rng, axis_ratio=0.3 if c else 1.0, side=64) for c in classes])
    keras.utils.set_random_seed(0)
    network = transfer_cnn((64, 64, 3), 2, backbone=backbone, weights=None)
    project = Path(__file__).parents[1]
    shipped = yaml.safe_load((project / "conf/base/parameters_modelling.yml").read_text())
    tf.config.run_functions_eagerly(True)  # to compile takes longer than to learn
    *_, last = train(
        network, images, np.eye(2)[classes], np.arange(6), np.arange(8), weights=np.ones(8),
        augmentation=shipped["augmentation"], optimizer=keras.optimizers.Adam(1e-3),
        head_optimizer=keras.optimizers.Adam(1e-3), epochs=2, batch_size=3, frozen_epochs=1,
        layer_decay=0.7, weight_average=0.9, batch_norm_galaxies=6, keep="last", patience=0,
        seed=0, xla=False,
    )  # fmt: skip
    tf.config.run_functions_eagerly(False)
    network.set_weights(kept_weights(last))
    maps, quality, *_ = grad_cam(network, images[:2], np.array([1, 0]), n_skies=2)
    network.save(file)
    again = keras.models.load_model(file, safe_mode=True)
    return {
        "losses": last["history/loss"],
        "layers": [type(layer).__name__ for layer in network.layers],
        "maps": maps,
        "residual": quality["completeness_residual"],
        "said": np.asarray(network(images[:2].astype(np.float32))),
        "said_again": np.asarray(again(images[:2].astype(np.float32))),
    }
