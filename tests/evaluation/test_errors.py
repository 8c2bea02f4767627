"""Error rates: a hand-worked case."""

import numpy as np
import pandas as pd
import pytest

from galaxy_morphology.evaluation import error_rates
from galaxy_morphology.evaluation.intervals import wilson_interval

PREDICTIONS = pd.DataFrame(
    {"cataid": range(8), "correct": [True, True, True, False, True, False, False, True]}
)
FEATURES = pd.DataFrame(
    {
        "magnitude": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan, np.nan],
        "touches_edge": [True] * 2 + [False] * 6,
        "measurement_flag": [""] * 7 + ["no source in the middle"],
        "cataid": range(8),
    }
).sample(frac=1, random_state=0)


def test_bins_are_equally_full_and_what_is_missing_is_a_bin_of_its_own() -> None:
    rates = error_rates(PREDICTIONS, FEATURES, ["magnitude"], n_bins=3, confidence=0.95)
    assert rates["bin"].tolist() == ["1 to 2", "3 to 4", "5 to 6", "not measured"]
    assert rates["n"].tolist() == [2, 2, 2, 2]
    assert rates["error_rate"].tolist() == [0, 0.5, 0.5, 0.5]
    assert rates["centre"].tolist()[:3] == [1.5, 3.5, 5.5]
    expected = wilson_interval(1, 2, 0.95)
    assert rates["low"].iloc[1] == pytest.approx(expected["low"])
    assert rates["high"].iloc[1] == pytest.approx(expected["high"])


def test_galaxies_count_by_their_weight() -> None:
    weighed = PREDICTIONS.assign(weight=[1, 1, 0.5, 1, 1, 0.5, 1, 1])
    rates = error_rates(weighed, FEATURES, ["magnitude"], n_bins=3, confidence=0.95)
    assert rates["n"].tolist() == [2, 2, 2, 2]
    assert rates["n_effective"].tolist() == [2, 1.5, 1.5, 2]
    assert rates["error_rate"].tolist() == pytest.approx([0, 1 / 1.5, 0.5 / 1.5, 0.5])
    assert rates["low"].iloc[1] == pytest.approx(wilson_interval(1, 1.5, 0.95)["low"])


def test_flags_are_counted_by_value() -> None:
    quantities = ["touches_edge", "measurement_flag"]
    rates = error_rates(PREDICTIONS, FEATURES, quantities, n_bins=3, confidence=0.95)
    assert rates["bin"].tolist() == ["False", "True", "no source in the middle", "none"]
    assert rates["n"].tolist() == [6, 2, 1, 7]
    assert rates["error_rate"].tolist() == pytest.approx([0.5, 0, 0, 3 / 7])


def test_bins_that_look_alike_are_all_there() -> None:
    alike = FEATURES.assign(magnitude=1.00001 * np.ones(8))
    rates = error_rates(PREDICTIONS, alike, ["magnitude"], n_bins=4, confidence=0.95)
    assert rates["n"].tolist() == [2, 2, 2, 2]


def test_fewer_galaxies_than_bins_leave_no_empty_bin() -> None:
    rates = error_rates(PREDICTIONS.head(2), FEATURES, ["magnitude"], n_bins=5, confidence=0.95)
    assert rates["n"].tolist() == [1, 1]
