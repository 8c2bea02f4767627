"""How many of what is no galaxy, or another survey's, a run would flag as unlike its training.

``python -m benchmarks.strangers FOLDER`` takes the finished run in a folder, such as ``data``.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.sky import noisy_skies
from galaxy_morphology.typing import Images

Draw = Callable[[Images, np.random.Generator], NDArray[np.float32]]


def empty_sky(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """The sky of each cut-out, its galaxy gone."""
    return noisy_skies(images, rng)


def star(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """A star in the middle of its sky: a Moffat profile, the bright half of them with spikes."""
    skies = noisy_skies(images, rng)
    side = images.shape[1]
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    for sky in skies:
        width = rng.uniform(1.5, 4) * side / 128
        light = rng.uniform(100, 1500) * (1 + (x**2 + y**2) / width**2) ** -2.5
        if rng.random() < 0.5:
            for along, across in ((x, y), (y, x)):
                light += 250 * np.exp(-np.abs(along) * 12 / side - (across * 128 / side) ** 2)
        sky += light[..., None] * rng.uniform(0.7, 1, 3)
    return skies


def trail(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """The track of a satellite across its sky."""
    skies = noisy_skies(images, rng)
    side = images.shape[1]
    for sky in skies:
        start, end = (0, int(rng.integers(side))), (side - 1, int(rng.integers(side)))
        mask = np.zeros((side, side), np.float32)
        cv2.line(mask, start, end, 1.0, int(rng.integers(1, 5)), cv2.LINE_AA)
        mask = mask.T if rng.random() < 0.5 else mask
        sky += mask[..., None] * rng.uniform(80, 220, 3)
    return skies


def bleeding(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """A saturated column that bleeds through the galaxy."""
    bled = images.astype(np.float32)
    side = images.shape[1]
    for image in bled:
        column, width = rng.integers(side // 8, side - side // 8), rng.integers(2, 8)
        image[:, column : column + width] = 255
    return bled


def missing_part(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """A galaxy at the edge of a field: up to two thirds of the cut-out are black."""
    cut = images.astype(np.float32)
    side = images.shape[1]
    for row, image in enumerate(cut):
        cut[row] = np.rot90(image, int(rng.integers(4)))
        cut[row][:, : rng.integers(side // 3, 2 * side // 3)] = 0
    return cut


def checkerboard(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """What a broken decoder leaves: squares of the galaxy in another order."""
    squares = 8
    side = images.shape[1] // squares * squares
    shuffled = images.astype(np.float32)
    for image in shuffled:
        parts = image[:side, :side].reshape(squares, side // squares, squares, -1, 3)
        order = rng.permutation(squares)
        image[:side, :side] = parts[order][:, :, rng.permutation(squares)].reshape(side, side, 3)
    return shuffled


def noise(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """White noise of all brightnesses."""
    return rng.uniform(0, 255, images.shape).astype(np.float32)


def inverted(images: Images, rng: np.random.Generator) -> NDArray[np.float32]:
    """Negatives: dark galaxies on a bright sky."""
    return 255 - images.astype(np.float32)


STRANGERS: dict[str, Draw] = {
    "empty skies": empty_sky, "stars": star, "satellite trails": trail,
    "bleeding columns": bleeding, "cut off by an edge": missing_part,
    "shuffled squares": checkerboard, "white noise": noise, "negatives": inverted,
}  # fmt: skip


def strangers(images: Images, seed: int = 0) -> dict[str, Images]:
    """What is no galaxy, made of cut-outs, as many of each kind.

    Args:
        images: uint8 [n, side, side, 3], RGB.
        seed: Of what is drawn by lot.

    Returns:
        uint8 [n, side, side, 3] by kind.
    """
    return {
        kind: np.clip(np.rint(draw(images, np.random.default_rng([seed, number]))), 0, 255).astype(
            np.uint8
        )
        for number, (kind, draw) in enumerate(STRANGERS.items())
    }


def main() -> None:
    """Print how many of each kind are flagged."""
    import keras
    import pandas as pd

    import galaxy_morphology.settings  # noqa: F401 - the libraries as every run has them
    from galaxy_morphology import networks
    from galaxy_morphology.datasets.checkpoint import Checkpoint
    from galaxy_morphology.survey import training_features
    from galaxy_morphology.survey.unlike import distances

    parser = argparse.ArgumentParser(prog="python -m benchmarks.strangers", description=__doc__)
    parser.add_argument("folder", type=Path, help="of a finished run")
    parser.add_argument("--others", type=Path, help="images.npy of another run, as another survey")
    parser.add_argument("--galaxies", type=int, default=200, help="of each kind")
    options = parser.parse_args()
    classifier = keras.models.load_model(
        options.folder / "06_models/classifier.keras", safe_mode=True, compile=False
    )
    images = np.load(options.folder / "05_model_input/images.npy", mmap_mode="r")
    galaxies = pd.read_parquet(options.folder / "05_model_input/galaxies.parquet")
    with TemporaryDirectory() as temporary:
        known = training_features(
            classifier, images, galaxies, Checkpoint(Path(temporary) / "features.npz"),
            n_training=10_000, neighbours=50, flagged_share=0.01, seed=0, batch_size=128,
            precision="float32", views=1,
        )  # fmt: skip
    rows = np.flatnonzero(galaxies["split"] == "test")
    shown = {"test galaxies": images[rows], **strangers(images[rows[: options.galaxies]])}
    if options.others:
        shown["another survey"] = np.load(options.others, mmap_mode="r")[: options.galaxies]
    print("| what | how many | flagged |\n|---|---|---|")
    for kind, some in shown.items():
        features = networks.ask_classifier(classifier, some, features=True).features
        assert features is not None
        share = (distances(features, known) > known.threshold).mean()
        print(f"| {kind} | {len(some)} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()
