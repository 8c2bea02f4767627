"""Which galaxies a person should label, so that a classifier learns the most from them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.sources.layout import BRACES, Columns
from galaxy_morphology.typing import FloatArray, IntArray


def most_instructive(
    probability: FloatArray, features: FloatArray, n_galaxies: int, *, seed: int
) -> IntArray:
    """Choose galaxies that are uncertain and unlike each other (BADGE; Ash et al. 2020).

    Each galaxy is described by how the last layer would change if it were of the class that it is
    predicted to be: the gradient of the loss, which is long where the classifier is uncertain and
    points where its features do. k-means++ (Arthur & Vassilvitskii 2007) draws galaxies far from
    those that it has drawn.

    Args:
        probability: Of each class, [N, K].
        features: What the logits are made of, [N, F].
        n_galaxies: How many to choose; all where there are not so many.
        seed: Seeds the draws. The first is the galaxy with the longest gradient.

    Returns:
        Rows in the order in which they were drawn, int [n].
    """
    rng = np.random.default_rng(seed)
    errors = np.asarray(probability, np.float64).copy()
    errors[np.arange(len(errors)), errors.argmax(axis=1)] -= 1
    inputs = np.concatenate([features, np.ones((len(features), 1))], axis=1).astype(np.float64)
    squared = (errors**2).sum(axis=1) * (inputs**2).sum(axis=1)

    def distances_to(row: int) -> NDArray[np.float64]:
        """Squared, from each gradient to that of a galaxy; gradients themselves are K times F."""
        products = (errors @ errors[row]) * (inputs @ inputs[row])
        return np.asarray(np.maximum(squared + squared[row] - 2 * products, 0))

    chosen: list[int] = []
    nearest = squared.copy()
    is_left = np.ones(len(squared), bool)
    for _ in range(min(n_galaxies, len(squared))):
        weights = np.where(is_left, nearest, 0)
        if not chosen:
            row = int(np.where(is_left, squared, -1).argmax())
        elif weights.sum() > 0:
            row = int(rng.choice(len(weights), p=weights / weights.sum()))
        else:  # what is left is like what was chosen
            row = int(rng.choice(np.flatnonzero(is_left)))
        chosen.append(row)
        is_left[row] = False
        nearest = np.minimum(nearest, distances_to(row)) if len(chosen) > 1 else distances_to(row)
    return np.array(chosen, int)


def label_list(galaxies: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """A label list in the layout that training reads, without labels.

    Args:
        galaxies: A row for each: ``cataid``, ``ra`` and ``dec`` (NaN where not known) and
            ``file``, its path in its archive.
        columns: What the columns of the label list are called.

    Returns:
        In order: the identifier, empty columns for the label or the votes, and where they are
        known and have a name, position and path of the cut-out. What the classifier thinks is
        not in it: it would sway whoever labels.
    """
    table = pd.DataFrame({columns.identifier or "CATAID": galaxies["cataid"].to_numpy()})
    for name in [columns.label] if columns.label else columns.of_votes or ["TARGET"]:
        table[name] = ""
    for ours, theirs in (("ra", columns.ra), ("dec", columns.dec), ("file", columns.file)):
        if theirs and not BRACES.search(theirs) and galaxies[ours].notna().any():
            table[theirs] = galaxies[ours].to_numpy()
    return table
