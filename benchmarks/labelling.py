"""Whether the galaxies that a survey would have labelled teach more than random ones.

``python -m benchmarks.labelling FOLDER BACKBONE`` takes the labelled galaxies of the finished run
in a folder, such as ``data``, and the ``.keras`` file of a network trained on photographs. A
logistic regression on its features learns from a few of the training galaxies, others are chosen,
and it learns from both. It is scored on the validation and test galaxies, and this is repeated
with other galaxies.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology import networks, survey
from galaxy_morphology.evaluation.intervals import mean_interval
from galaxy_morphology.typing import FloatArray, IntArray

N_CHOSEN = 100
CANDIDATES = 4
"""Of the least certain, for each that is chosen: `to_label.candidates`."""
N_SEEDS = 20
CASES = {"few labels": (200, 1.0), "many labels": (1000, 1.0), "another mix": (1000, 0.2)}
"""Galaxies that are labelled at first, and how many of the first class are left in the others."""


def main() -> None:
    """Measure, and print a row for each case and way of choosing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("backbone")
    arguments = parser.parse_args()
    images = np.load(arguments.folder / "05_model_input/images.npy", mmap_mode="r")
    galaxies = pd.read_parquet(arguments.folder / "05_model_input/galaxies.parquet")
    targets = galaxies["class_name"].astype("category").cat.codes.to_numpy()
    network = networks.transfer_cnn(
        images.shape[1:], int(targets.max()) + 1, backbone=arguments.backbone
    )
    features = networks.ask_classifier(network, images, features=True, progress="Looking").features
    assert features is not None
    training = (galaxies["split"] == "training").to_numpy()
    centre, width = features[training].mean(axis=0), features[training].std(axis=0)
    features = (features - centre) / np.maximum(width, 1e-6)
    rows = [
        {"case": case, "seed": seed, "way": way, "accuracy": accuracy}
        for case, (n_labelled, left) in CASES.items()
        for seed in range(N_SEEDS)
        for way, accuracy in _accuracies(
            features, targets, training, n_labelled, left, seed
        ).items()
    ]
    accuracy = pd.DataFrame(rows).pivot_table("accuracy", ["case", "seed"], "way", sort=False)
    for case, of_case in accuracy.groupby("case", sort=False):
        for way in accuracy.columns.drop("random"):
            gain = (of_case[way] - of_case["random"]).to_numpy()
            ends = mean_interval(gain, 0.95)
            print(
                f"{case}, {way}: accuracy {of_case[way].mean():.4f}, against random ones "
                f"{ends['value']:+.4f} ({ends['low']:+.4f} to {ends['high']:+.4f})"
            )


def _accuracies(
    features: FloatArray,
    targets: IntArray,
    training: NDArray[np.bool_],
    n_labelled: int,
    left: float,
    seed: int,
) -> dict[str, float]:
    """The accuracy after each way of choosing galaxies."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(np.flatnonzero(training))
    labelled, others = shuffled[:n_labelled], shuffled[n_labelled:]
    others = others[(targets[others] > 0) | (rng.random(len(others)) < left)]
    probability = _learn(features, targets, labelled).predict_proba(features[others])
    highest = np.sort(probability, axis=1)
    least_certain = np.argsort(highest[:, -1] - highest[:, -2])
    candidates = least_certain[: CANDIDATES * N_CHOSEN]
    instructive = survey.most_instructive(
        probability[candidates], features[others[candidates]], N_CHOSEN, seed=seed
    )
    chosen: dict[str, Any] = {
        "none": [],
        "random": rng.permutation(len(others))[:N_CHOSEN],
        "the least certain": least_certain[:N_CHOSEN],
        "instructive": candidates[instructive],
    }
    tested = ~training
    return {
        way: float(
            _learn(features, targets, np.r_[labelled, others[np.asarray(rows, int)]]).score(
                features[tested], targets[tested]
            )
        )
        for way, rows in chosen.items()
    }


def _learn(features: FloatArray, targets: IntArray, rows: IntArray) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.003, max_iter=500).fit(features[rows], targets[rows])


if __name__ == "__main__":
    main()
