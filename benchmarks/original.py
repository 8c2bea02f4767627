"""The original notebook's way of doing each piece of work, with the libraries it used.

Written from its settings. Every function does what its namesake in ``ours`` does and returns how
long it took; nothing here is part of the project. TensorFlow runs as it is shipped.
"""

import time
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import timed

SIDE = 128


def reading(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Extract the archive, and decode all cut-outs into one array of floats."""
    import cv2
    import pandas as pd

    started = time.perf_counter()
    with TemporaryDirectory(dir=folder) as extracted:
        with zipfile.ZipFile(folder / f"{n_galaxies}.zip") as archive:
            archive.extractall(extracted)
        labels = pd.read_csv(Path(extracted) / "GALAXIES" / "2class_list.csv")
        images, targets = [], []
        for cataid, target in zip(labels["CATAID"], labels["TARGET"], strict=True):
            path = Path(extracted) / "GALAXIES" / "DATA" / f"{cataid}_giH.png"
            if path.exists():
                found: Any = cv2.imread(str(path))
                image = cv2.resize(found, (SIDE, SIDE))
                images.append(image.astype("float32") / 255.0)
                targets.append(target)
        cutouts, classes = np.array(images), np.array(targets)
        seconds = time.perf_counter() - started
    assert len(cutouts) == len(classes) == n_galaxies
    return {"seconds": [seconds]}


def training(folder: Path, n_galaxies: int, seed: int) -> dict[str, Any]:
    """Two epochs on augmented galaxies; the second counts."""
    import keras

    keras.utils.set_random_seed(seed)
    cutouts, classes = _galaxies(folder, n_galaxies)
    clock = _Clock()
    _network().fit(_augmented(cutouts, classes), epochs=2, verbose=0, callbacks=[clock.callback()])
    return {"seconds": [clock.epochs[1]], "galaxies": len(cutouts)}


def accuracy(folder: Path, n_galaxies: int, seed: int) -> dict[str, Any]:
    """Twenty epochs, keeping the weights of the last; how long, and how good in validation."""
    import keras
    from sklearn.utils.class_weight import compute_class_weight

    keras.utils.set_random_seed(seed)
    cutouts, classes = _galaxies(folder, n_galaxies)
    learn, judge = np.load(folder / "training_rows.npy"), np.load(folder / "validation_rows.npy")
    weights = compute_class_weight("balanced", classes=np.unique(classes), y=classes[learn])
    network = _network()
    started = time.perf_counter()
    history = network.fit(
        _augmented(cutouts[learn], classes[learn]),
        epochs=20,
        validation_data=(cutouts[judge], classes[judge]),
        class_weight=dict(enumerate(weights)),
        verbose=0,
    ).history
    return {
        "seconds": [time.perf_counter() - started],
        "epochs": 20,
        "accuracy": history["val_accuracy"][-1],
        "accuracies": history["val_accuracy"],
    }


def prediction(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Classify galaxies that lie in memory as floats."""
    cutouts = np.load(folder / "many_galaxies.npy", mmap_mode="r")[:n_galaxies] / np.float32(255)
    network = _trained_network(folder)
    network.predict(cutouts[:256], verbose=0)  # compiles, and takes its memory
    return timed(lambda: network.predict(cutouts, verbose=0))


def grad_cam(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Explain galaxy after galaxy, eagerly."""
    import cv2
    import keras
    import tensorflow as tf

    cutouts, _ = _galaxies(folder, n_galaxies)
    network = _trained_network(folder)

    def explain() -> NDArray[Any]:
        features = network.get_layer("last_conv").output
        model = keras.Model(network.inputs, [features, network.outputs[0]])
        maps = []
        for cutout in cutouts:
            with tf.GradientTape() as tape:
                found, probability = model(cutout[None])
                score = probability[:, 0]
            weights = tf.reduce_mean(tape.gradient(score, found), axis=(0, 1, 2))
            heat = np.maximum(tf.squeeze(found[0] @ weights[:, None]).numpy(), 0)
            maps.append(cv2.resize(heat / (heat.max() + 1e-8), (SIDE, SIDE)))
        return np.array(maps)

    return timed(explain, calls=2)


def integrated_gradients(folder: Path, n_galaxies: int, steps: int) -> dict[str, Any]:
    """Explain galaxy after galaxy, eagerly, from a black image on."""
    import tensorflow as tf

    cutouts, _ = _galaxies(folder, n_galaxies)
    network = _trained_network(folder)

    def explain() -> NDArray[Any]:
        shares = np.linspace(0, 1, steps, dtype="float32")[:, None, None, None]
        maps = []
        for cutout in cutouts:
            points = tf.convert_to_tensor(shares * cutout[None])
            with tf.GradientTape() as tape:
                tape.watch(points)
                probability = network(points)
            gradients = tape.gradient(probability, points)
            maps.append((tf.reduce_mean(gradients, axis=0) * cutout).numpy())
        return np.array(maps)

    return timed(explain)


def lime(folder: Path, n_galaxies: int, n_samples: int) -> dict[str, Any]:
    """The lime package with its defaults, given the column of the sigmoid."""
    from lime.lime_image import LimeImageExplainer

    cutouts, _ = _galaxies(folder, n_galaxies)
    network = _trained_network(folder)
    fits: list[float] = []

    def explain() -> None:
        explainer = LimeImageExplainer()
        fits.clear()
        for cutout in cutouts:
            explanation = explainer.explain_instance(
                cutout.astype("double"),
                lambda images: network.predict(images, verbose=0),
                top_labels=1,
                num_samples=n_samples,
            )
            fits.append(float(explanation.score))

    return {**timed(explain), "r_squared": fits}


class _Clock:
    """Notes how long each epoch takes."""

    def __init__(self) -> None:
        self.epochs: list[float] = []

    def callback(self) -> Any:
        import keras

        def begin(*_: Any) -> None:
            self._started = time.perf_counter()

        def end(*_: Any) -> None:
            self.epochs.append(time.perf_counter() - self._started)

        return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)


def _network() -> Any:
    from keras import Input, Sequential, layers

    blocks: list[Any] = []
    for filters, name in (32, "conv_1"), (64, "conv_2"), (128, "last_conv"):
        blocks += [
            layers.Conv2D(filters, 3, activation="relu", name=name),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
        ]
    network = Sequential(
        [
            Input((SIDE, SIDE, 3)),
            *blocks,
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    network.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return network


def _trained_network(folder: Path) -> Any:
    """The same layers as the project's three-block CNN, but for the scaling, and its weights."""
    import keras

    network = _network()
    network.set_weights(keras.models.load_model(folder / "classifier.keras").get_weights())
    return network


def _galaxies(folder: Path, n_galaxies: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    images = np.load(folder / "galaxies.npy", mmap_mode="r")[:n_galaxies]
    return images / np.float32(255), np.load(folder / "classes.npy")[:n_galaxies]


def _augmented(cutouts: NDArray[np.float32], classes: NDArray[np.int32]) -> Any:
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    return ImageDataGenerator(
        rotation_range=30,
        width_shift_range=0.1,
        height_shift_range=0.1,
        shear_range=0.1,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
    ).flow(cutouts, classes, batch_size=32)
