"""The project's way of doing each piece of work, through what its pipelines call themselves.

Every piece of work is what its namesake in ``original`` does, and returns how long it took.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

import galaxy_morphology.settings  # noqa: F401 - sets up the environment of the libraries
from benchmarks.measure import timed
from galaxy_morphology.networks import Precision
from galaxy_morphology.typing import FloatArray, Images, IntArray, KerasModel

CONFIGURATION = Path(__file__).parents[1] / "conf"


def reading(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Read, check and resize the cut-outs in the archive, and write them as one array."""
    from galaxy_morphology.datasets.cutout_archive import (
        ArchiveLabelsDataset,
        CutoutArchiveDataset,
    )
    from galaxy_morphology.datasets.npy import NpyDataset
    from galaxy_morphology.imaging import clean_labels, read_cutouts

    where: dict[str, Any] = {"filepath": str(folder / f"{n_galaxies}.zip")}
    started = time.perf_counter()
    labels, _ = clean_labels(
        ArchiveLabelsDataset(**where, label_file="2class_list.csv").load(),
        {0: "Elliptical", 1: "Other"},
    )
    images, _, _ = read_cutouts(
        CutoutArchiveDataset(**where).load(), labels, side=128, minimum_side=16, maximum_side=4096
    )
    array = NpyDataset(filepath=str(folder / f"{n_galaxies}.npy"))
    array.save(images)
    seconds = time.perf_counter() - started
    assert len(array.load()) == n_galaxies
    return {"seconds": [seconds]}


def galaxy10(folder: Path) -> dict[str, Any]:
    """``kedro run --env galaxy10_decals --pipelines reading`` with a data root."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    started = time.perf_counter()
    bootstrap_project(CONFIGURATION.parent)
    with KedroSession.create(
        CONFIGURATION.parent, env="galaxy10_decals", runtime_params={"data_root": str(folder)}
    ) as session:
        session.run(pipeline_names=["reading"])  # type: ignore[call-arg]
    return {"seconds": [time.perf_counter() - started]}


def training(
    folder: Path, n_galaxies: int, seed: int, precision: Precision = "float32"
) -> dict[str, Any]:
    """Two epochs on augmented galaxies; the second counts."""
    images, classes = _galaxies(folder, n_galaxies)
    network = _new_network("three_block", seed, block_dropout=0.25, batch_norm_momentum=0.99)
    # Judged on one galaxy of each class: validation is not what is measured.
    judged = np.array([int(np.flatnonzero(classes == index)[0]) for index in (0, 1)])
    *_, last = _train(
        network, images, classes, np.arange(len(images)), judged, seed=seed, precision=precision,
        epochs=2, augmentation=_augmentation("base", "notebook"), optimizer="adam",
        weight_average=0.0, batch_norm_galaxies=0,
    )  # fmt: skip
    return {
        "seconds": [float(last["history/seconds"][1])],
        "galaxies": len(images),
        "operations": operations(network)["training"] * len(images),
    }


def accuracy(
    folder: Path, n_galaxies: int, seed: int, network: str, wanted: float
) -> dict[str, Any]:
    """Train until an epoch ends with the accuracy wanted in validation, or for twenty epochs."""
    images, classes = _galaxies(folder, n_galaxies)
    learn, judge = np.load(folder / "training_rows.npy"), np.load(folder / "validation_rows.npy")
    model = _new_network(network, seed)
    started = time.perf_counter()
    accuracies: list[float] = []
    for state in _train(
        model, images, classes, learn, judge, seed=seed, precision="auto", epochs=20,
        augmentation=_augmentation("base"), optimizer="adamw", weight_average=0.99,
        batch_norm_galaxies=1024,
    ):  # fmt: skip
        accuracies = state["history/validation_accuracy"].tolist()
        if accuracies[-1] >= wanted:
            break
    return {
        "seconds": [time.perf_counter() - started],
        "epochs": len(accuracies),
        "accuracy": accuracies[-1],
        "accuracies": accuracies,
        "reached": accuracies[-1] >= wanted,
    }


def prediction(folder: Path, n_galaxies: int, precision: Precision = "float32") -> dict[str, Any]:
    """Classify galaxies that lie on disk as bytes."""
    from galaxy_morphology.networks import predict_logits

    images = np.load(folder / "many_galaxies.npy", mmap_mode="r")[:n_galaxies]
    network = _trained_network(folder)
    predict_logits(network, images[:256], precision=precision)  # compiles, and takes its memory
    return {
        **timed(lambda: predict_logits(network, images, precision=precision)),
        "operations": operations(network)["prediction"] * n_galaxies,
    }


def grad_cam(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Explain with the project's Grad-CAM; one sky is enough, as the original takes none."""
    from galaxy_morphology.attribution import grad_cam as explain

    images, _ = _galaxies(folder, n_galaxies)
    network = _trained_network(folder)
    return timed(lambda: explain(network, images, n_skies=1), calls=2)


def integrated_gradients(folder: Path, n_galaxies: int, steps: int) -> dict[str, Any]:
    """Explain with the project's Integrated Gradients, never taking more steps than asked."""
    from galaxy_morphology.attribution import integrated_gradients as explain

    images, _ = _galaxies(folder, n_galaxies)
    network = _trained_network(folder)
    per_sky: dict[str, Any] = {"steps": steps // 5, "maximum_steps": steps // 5}
    return timed(lambda: explain(network, images, n_skies=5, **per_sky))


def lime(folder: Path, n_galaxies: int, n_samples: int) -> dict[str, Any]:
    """Explain with the project's LIME."""
    from galaxy_morphology.attribution import lime as explain

    images, _ = _galaxies(folder, n_galaxies)
    network = _trained_network(folder)
    fits: list[FloatArray] = []

    def work() -> None:
        found = explain(network, images, n_samples=n_samples, hide_with="sky")
        fits[:] = [found.quality["r_squared"]]

    return {**timed(work), "r_squared": fits[0].tolist()}


def operations(network: KerasModel) -> dict[str, float]:
    """Floating-point operations that the matrix products of one cut-out need.

    Args:
        network: Of convolutions and dense layers.

    Returns:
        ``prediction``; and ``training``, where the gradients with respect to weights and to
        inputs take as many again each, but the first layer needs none to its input.
    """
    import keras

    forward = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            forward.append(2 * layer.kernel.shape.num_elements() * np.prod(layer.output.shape[1:3]))
        elif isinstance(layer, keras.layers.Dense):
            forward.append(2 * layer.kernel.shape.num_elements())
    return {
        "prediction": float(sum(forward)),
        "training": float(3 * sum(forward) - forward[0]),
    }


def train_classifier(folder: Path, epochs: int = 4) -> dict[str, Any]:
    """Train the three-block CNN for a little, and save it for all that need a classifier."""
    images, classes = _galaxies(folder, 1_600)
    rows = np.arange(len(images))
    network = _new_network("three_block", seed=1)
    *_, last = _train(
        network, images, classes, rows[:-200], rows[-200:], seed=1, precision="auto",
        epochs=epochs, augmentation=_augmentation("base"), optimizer="adamw", weight_average=0.99,
        batch_norm_galaxies=512,
    )  # fmt: skip
    from galaxy_morphology.networks import kept_weights

    network.set_weights(kept_weights(last))
    network.save(folder / "classifier.keras")
    return {"accuracy": float(last["history/validation_accuracy"].max())}


def _train(
    network: KerasModel, images: Images, classes: IntArray, learn: IntArray, judge: IntArray,
    *, optimizer: Any, epochs: int, **options: Any,
) -> Any:  # fmt: skip
    from galaxy_morphology.networks import build_optimizer, train

    labels = np.eye(2)[classes]
    return train(
        network, images, labels, learn, judge, epochs=epochs, batch_size=32, keep="best",
        patience=0, weights=labels @ (len(learn) / (2 * labels[learn].sum(axis=0))),
        optimizer=build_optimizer(
            name=optimizer, learning_rate=1e-3, weight_decay=1e-4,
            schedule="constant" if optimizer == "adam" else "cosine",
            warm_up_epochs=2.0, epochs=epochs, steps_per_epoch=-(-len(learn) // 32),
        ),
        **options,
    )  # fmt: skip


def _augmentation(*environments: str) -> dict[str, Any]:
    """The augmentation that environments set, the later ones on top of the earlier."""
    files = [path for name in environments for path in (CONFIGURATION / name).glob("param*.yml")]
    found = [yaml.safe_load(path.read_text()).get("augmentation", {}) for path in files]
    return {name: value for options in found for name, value in options.items()}


def _new_network(name: str, seed: int, **options: Any) -> KerasModel:
    import keras

    from galaxy_morphology.networks import NETWORKS

    keras.utils.set_random_seed(seed)
    return NETWORKS[name]((128, 128, 3), 2, **options)


def _trained_network(folder: Path) -> KerasModel:
    import keras

    return keras.models.load_model(folder / "classifier.keras")


def _galaxies(folder: Path, n_galaxies: int) -> tuple[Images, NDArray[np.int32]]:
    images = np.load(folder / "galaxies.npy", mmap_mode="r")[:n_galaxies]
    return images, np.load(folder / "classes.npy")[:n_galaxies]


def lime_package(folder: Path, n_galaxies: int, n_samples: int) -> dict[str, Any]:
    """R² of the lime package itself, given the project's superpixels, sky and logits."""
    from lime.lime_image import LimeImageExplainer
    from skimage.segmentation import slic

    from galaxy_morphology.networks import predict_logits
    from galaxy_morphology.sky import sky_colour

    images, _ = _galaxies(folder, n_galaxies)
    network = _trained_network(folder)

    def both_logits(cutouts: list[NDArray[Any]]) -> NDArray[Any]:
        logits = predict_logits(network, np.asarray(cutouts, np.uint8))
        return np.concatenate([-logits, logits], axis=1)

    fits = []
    for image, sky in zip(images, np.rint(sky_colour(images)), strict=True):
        predicted = int(both_logits([image])[0].argmax())
        explanation = LimeImageExplainer(random_state=1).explain_instance(
            image,
            both_logits,
            labels=(predicted,),
            top_labels=None,
            hide_color=sky,
            num_samples=n_samples,
            batch_size=64,
            segmentation_fn=lambda image: slic(image / 255, n_segments=50, start_label=0),
        )
        fits.append(float(explanation.score))
    return {"r_squared": fits}


def matrix_products(folder: Path, side: int = 4096, repeats: int = 10) -> dict[str, Any]:
    """How many operations a second this machine does in a product of float32 matrices."""
    import tensorflow as tf

    matrix = tf.random.normal((side, side))
    # Its sum, so that a graphics card need not send the product back.
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)), autograph=False)
    multiply()
    rates = []
    for _ in range(repeats):
        started = time.perf_counter()
        multiply().numpy()
        rates.append(2 * side**3 / (time.perf_counter() - started))
    return {"rate": float(np.median(rates))}
