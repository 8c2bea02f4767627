"""The galaxies that a classifier finds alike."""

import numpy as np
import pandas as pd

from galaxy_morphology.typing import FloatArray, IntArray


def nearest_training_galaxies(
    galaxies: pd.DataFrame, features: FloatArray, *, n_nearest: int
) -> pd.DataFrame:
    """The training galaxies whose last features are nearest to those of each galaxy.

    Near is what lies in the same direction (cosine distance), in which a dense layer decides. A
    galaxy is no neighbour of its own, and no copy of it is.

    Args:
        galaxies: Columns ``cataid``, ``split`` and ``group``, whose members are copies.
        features: Of each galaxy, from its classifier, [N, features].
        n_nearest: Neighbours of each galaxy; fewer where there are fewer.

    Returns:
        A row per galaxy and neighbour, the nearest first: ``cataid``, ``neighbour`` (its CATAID)
        and ``distance``, 0 to 2.
    """
    from sklearn.metrics import pairwise_distances_chunked

    training = np.flatnonzero(galaxies["split"] == "training")
    n = min(n_nearest, len(training))
    cataids, groups = galaxies["cataid"].to_numpy(), galaxies["group"].to_numpy()

    def nearest(distances: FloatArray, start: int) -> tuple[IntArray, FloatArray]:
        of_rows = groups[start : start + len(distances), None]
        distances = np.where(of_rows == groups[training], np.inf, distances)
        # The nearest are picked before they are sorted: training galaxies can be very many.
        picked = np.sort(np.argpartition(distances, n - 1, axis=1)[:, :n], axis=1)
        places = np.argsort(np.take_along_axis(distances, picked, axis=1), kind="stable")
        order = np.take_along_axis(picked, places, axis=1)
        return order, np.take_along_axis(distances, order, axis=1)

    # In parts: the distances of all galaxies from each other need not be in memory at once.
    parts = pairwise_distances_chunked(
        features, features[training], reduce_func=nearest, metric="cosine"
    )
    order, distances = (np.concatenate(some) for some in zip(*parts, strict=True))
    table: pd.DataFrame = pd.DataFrame(
        {
            "cataid": np.repeat(cataids, order.shape[1]),
            "neighbour": cataids[training[order]].ravel(),
            "distance": distances.ravel(),
        }
    )
    known: pd.DataFrame = table[np.isfinite(table["distance"])].reset_index(drop=True)
    return known
