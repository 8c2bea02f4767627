"""Distributions as they stand in the parameters: a few named numbers each."""

from collections.abc import Callable, Mapping
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
        mean, sd = distribution["mean"], distribution["sd"]
        return _truncated(distribution, lambda: rng.normal(mean, sd))
    if "median" in distribution:
        median, dex = distribution["median"], distribution["dex"]
        return _truncated(distribution, lambda: median * 10 ** rng.normal(0, dex))
    if "slope" in distribution:
        # The inverse of the cumulative counts between the two limits.
        slope, bright, faint = (distribution[name] for name in ("slope", "bright", "faint"))
        least = 10 ** (slope * (bright - faint))
        return float(faint + np.log10(least + (1 - least) * rng.random()) / slope)
    if "values" in distribution:
        weights = np.asarray(distribution["weights"], float)
        return float(rng.choice(distribution["values"], p=weights / weights.sum()))
    return float(rng.uniform(distribution["minimum"], distribution["maximum"]))


def _truncated(distribution: Mapping[str, float], draw_one: Callable[[], float]) -> float:
    """Draw again until the value lies within the limits; the centre does, so few draws suffice."""
    while True:
        value = float(draw_one())
        if distribution["minimum"] <= value <= distribution["maximum"]:
            return value
