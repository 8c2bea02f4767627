"""The mix of classes that scores are for."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray, IntArray


def mix_weights(truth: IntArray, prior: FloatArray | None) -> NDArray[np.float64]:
    """Weights that give galaxies another mix of classes than they have.

    A galaxy weighs its class's share in the mix over its share among these galaxies, in units of
    the largest such weight. The weights of some galaxies then sum to a number that is not above
    their effective number n: as no weight is above 1, the variance of a weighted proportion p is at
    most p (1 - p) / n. Intervals and bounds take the sum for the number of galaxies. That is
    a little too cautious (Kish 1965 has n = sum² / sum of squares, which is larger), but holds
    also where the galaxies that weigh most are so few that none of them happens to be wrong.

    Args:
        truth: Index of each galaxy's class, [N].
        prior: Share of each class in the mix, [K], above 0; None for the mix as it is. Classes
            without a galaxy are left out of the mix.

    Returns:
        float64 [N], 0 to 1; all 1 for the mix as it is.
    """
    if prior is None or len(truth) == 0:
        return np.ones(len(truth))
    counts = np.bincount(truth, minlength=len(prior))
    of_class = np.divide(prior, counts, out=np.zeros(len(prior)), where=counts > 0)
    return np.asarray((of_class / of_class.max())[truth], np.float64)
