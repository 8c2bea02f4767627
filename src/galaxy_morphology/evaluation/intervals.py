"""How sure a mean is: intervals that hold for a handful of galaxies too."""

import numpy as np
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray


def mean_interval(
    values: FloatArray, confidence: float, *, within: tuple[float, float] = (-np.inf, np.inf)
) -> dict[str, float]:
    """A mean with an interval that allows for few and for skewed values.

    Student's t after the transformation that removes its skewness (Hall 1992, J. R. Stat. Soc. B
    54, 221), with n - 2 degrees of freedom, as mean and skewness are both estimated. Where 95 % is
    meant, it holds the truth of shares and of exponential values in 93 % of cases or more, from 4
    values on. Simulated beside it, percentiles of a bootstrap and BCa do so in 75 to 82 % at 4
    values, and bootstrap-t is about as good at several times the width, but for values that are
    often zero: 70 % where half are. Heavy tails need more values: those of a log-normal
    distribution of σ = 1 reach 91 % at 4 and 92 % at 16.

    Args:
        values: [n], 1 or more, without NaN.
        confidence: Level of the interval, e.g. 0.95.
        within: The least and the largest value there can be. The interval ends there.

    Returns:
        ``value``, ``low`` and ``high``. The ends are NaN where all values are the same, be it for
        there being one alone: nothing is known of how far others lie.
    """
    from scipy.special import stdtrit

    n, mean = len(values), float(np.mean(values))
    if np.allclose(values, mean, rtol=1e-12, atol=0):  # but for rounding
        return {"value": mean, "low": np.nan, "high": np.nan}
    spread = np.std(values)
    skewness = np.mean(((values - mean) / spread) ** 3)
    most = stdtrit(max(n - 2, 1), (1 + confidence) / 2)
    error = spread / np.sqrt(n - 1)
    ends = mean - error * _with_skewness(np.array([most, -most]), skewness, n)
    low, high = np.clip(ends, *within)
    return {"value": mean, "low": float(low), "high": float(high)}


def _with_skewness(
    transformed: NDArray[np.float64], skewness: float, n: int
) -> NDArray[np.float64]:
    """The t of n values whose transform, which is distributed without skewness, is given."""
    if abs(skewness) < 1e-6:  # the limit, before differences of rounded numbers are divided
        return transformed
    cubed = 1 + skewness * (transformed / np.sqrt(n) - skewness / (6 * n))
    return np.asarray(3 * np.sqrt(n) / skewness * (np.cbrt(cubed) - 1), np.float64)
