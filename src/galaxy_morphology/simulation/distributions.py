"""Distributions as they stand in the parameters: a few named numbers each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

Distribution = float | Mapping[str, Any]
"""A number, or one of

- ``{mean, sd, minimum, maximum}``: normal, truncated;
- ``{median, dex, minimum, maximum}``: log-normal, truncated, its scatter in decades;
- ``{faint, slope, bright}``: magnitudes of number counts that grow as 10^(slope m);
- ``{values, weights}``: one of several values;
- ``{minimum, maximum}``: uniform.
"""


def draw(distribution: Distribution, rng: np.random.Generator) -> float:
    """Draw one value.

    Args:
        distribution: See :data:`Distribution`.
        rng: Where the randomness comes from.
    """
    if not isinstance(distribution, Mapping):
        return float(distribution)
    if "mean" in distribution:
        return _truncated_normal(
            distribution["mean"], distribution["sd"], *_limits(distribution), rng
        )
    if "median" in distribution:
        low, middle, high = np.log10([distribution[n] for n in ("minimum", "median", "maximum")])
        value = 10 ** _truncated_normal(middle, distribution["dex"], low, high, rng)
        return float(np.clip(value, *_limits(distribution)))
    if "slope" in distribution:
        # The inverse of the cumulative counts between the two limits.
        slope, bright, faint = (distribution[name] for name in ("slope", "bright", "faint"))
        least = 10 ** (slope * (bright - faint))
        return float(faint + np.log10(least + (1 - least) * rng.random()) / slope)
    if "values" in distribution:
        weights = np.asarray(distribution["weights"], float)
        return float(rng.choice(distribution["values"], p=weights / weights.sum()))
    return float(rng.uniform(distribution["minimum"], distribution["maximum"]))


def _limits(distribution: Mapping[str, float]) -> tuple[float, float]:
    return distribution["minimum"], distribution["maximum"]


def _truncated_normal(
    mean: float, sd: float, minimum: float, maximum: float, rng: np.random.Generator
) -> float:
    """By the inverse of its cumulative distribution: one draw, however narrow the limits are."""
    from scipy.special import ndtr, ndtri

    below, above = ndtr((np.array([minimum, maximum]) - mean) / sd)
    return float(np.clip(mean + sd * ndtri(rng.uniform(below, above)), minimum, maximum))
