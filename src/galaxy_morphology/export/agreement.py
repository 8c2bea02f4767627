"""Whether a classifier that was written says what the classifier says."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from galaxy_morphology.typing import FloatArray


def check_agreement(
    what: str,
    found: FloatArray,
    expected: FloatArray,
    *,
    galaxies: Sequence[Any],
    class_names: Sequence[str],
    tolerance: float,
) -> float:
    """Refuse probabilities that differ from those expected.

    Args:
        what: Gave those that were found.
        found: Probability of each class, [N, K].
        expected: The same, of the classifier itself.
        galaxies: Identifier of each row.
        class_names: The K classes in order.
        tolerance: The largest difference that is accepted.

    Returns:
        The largest difference.

    Raises:
        ValueError: A probability differs by more, or is none; names the worst.
    """
    differences = np.abs(np.asarray(found, np.float64) - expected)
    differences[~np.isfinite(differences)] = np.inf
    row, column = map(int, np.unravel_index(differences.argmax(), differences.shape))
    largest = float(differences[row, column])
    if largest > tolerance:
        raise ValueError(
            f"{what} says something else than the classifier: of galaxy {galaxies[row]}, that it "
            f"is of class {class_names[column]} with probability {found[row, column]:.6g} instead "
            f"of {expected[row, column]:.6g}; expected differences of at most {tolerance:g} "
            f"(export.tolerance). Nothing was written. Leave that format out of `export.formats`, "
            "or train another network."
        )
    return largest
