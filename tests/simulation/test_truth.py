"""The truth about simulated galaxies against the parameters that it was drawn with."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from scipy.stats import kstest, uniform

from galaxy_morphology.pipelines.simulation.options import (
    ObservationOptions,
    Population,
    Populations,
    limits,
)
from galaxy_morphology.simulation import BANDS, draw_truth
from galaxy_morphology.simulation.truth import COMPONENTS

ONE_BY_ONE = ("magnitude", "g_minus_i", "i_minus_h")
ROUNDING = 0.1
"""Sérsic indices are multiples of 0.2."""


def truth_of(
    populations: dict[str, Any],
    observation: dict[str, Any],
    *,
    n: int = 4000,
    errors: float = 0.03,
    seed: int = 1,
) -> pd.DataFrame:
    return draw_truth(populations, observation, n_galaxies=n, label_error_rate=errors, seed=seed)


@pytest.fixture(scope="module")
def truth(populations: dict[str, Any], observation: dict[str, Any]) -> pd.DataFrame:
    return truth_of(populations, observation)


def assert_share(found: pd.Series, share: float) -> None:
    """The share of what is true among independent draws, within 4 standard errors."""
    error = np.sqrt(share * (1 - share) / len(found))
    assert found.mean() == pytest.approx(share, abs=4 * error)


def test_populations_come_in_the_shares_asked_for(
    truth: pd.DataFrame, populations: dict[str, Any]
) -> None:
    # Shares are relative, so that any factor on all of them changes nothing.
    total = sum(population["share"] for population in populations.values())
    for name, population in populations.items():
        assert_share(truth["population"] == name, population["share"] / total)
    assert truth["true_target"].equals(
        truth["population"].map({name: row["target"] for name, row in populations.items()})
    )
    assert truth["cataid"].is_unique


@pytest.mark.parametrize("rate", [0.0, 0.03, 0.3])
def test_labels_are_wrong_as_often_as_asked_for(
    populations: dict[str, Any], observation: dict[str, Any], rate: float
) -> None:
    truth = truth_of(populations, observation, errors=rate)
    assert_share(truth["given_target"] != truth["true_target"], rate)
    assert set(truth["given_target"]) == {0, 1}


def test_wrong_labels_of_three_classes_are_any_of_the_other_two(
    populations: dict[str, Any], observation: dict[str, Any]
) -> None:
    lenticular = populations["lenticular"] | {"target": 5, "share": 0.4}
    truth = truth_of(populations | {"lenticular": lenticular}, observation, errors=0.3)
    assert set(truth["given_target"]) == set(truth["true_target"]) == {0, 1, 5}
    wrong = truth[truth["given_target"] != truth["true_target"]]
    assert len(wrong) == pytest.approx(0.3 * 4000, abs=4 * np.sqrt(0.3 * 0.7 * 4000))
    for true, given in ((0, 1), (1, 5), (5, 0)):
        assert_share(wrong.loc[wrong["true_target"] == true, "given_target"] == given, 0.5)


def test_with_one_class_no_label_is_wrong(
    populations: dict[str, Any], observation: dict[str, Any]
) -> None:
    one_class = {name: row | {"target": 1} for name, row in populations.items()}
    truth = truth_of(one_class, observation, n=100, errors=0.9)
    assert (truth["given_target"] == 1).all()


def test_a_galaxy_is_the_same_in_a_smaller_and_in_a_larger_survey(
    populations: dict[str, Any], observation: dict[str, Any]
) -> None:
    small, large = (truth_of(populations, observation, n=n) for n in (10, 50))
    # A column without a value has no type of its own.
    pd.testing.assert_frame_equal(large.head(10), small, check_dtype=False)


def test_another_seed_gives_other_galaxies(
    populations: dict[str, Any], observation: dict[str, Any]
) -> None:
    one, same, another = (truth_of(populations, observation, n=20, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    for name in ("magnitude", "position_angle", "psf_fwhm_i"):
        assert not set(one[name]) & set(another[name])


def test_every_parameter_of_a_galaxy_lies_within_its_limits(
    truth: pd.DataFrame, parameters: dict[str, Any]
) -> None:
    for name, population in Populations.model_validate(parameters["populations"]).root.items():
        rows = truth[truth["population"] == name]
        for column, distribution in distributions_of(population).items():
            low, high = limits(distribution)
            tolerance = ROUNDING if column == "bulge_sersic_index" else 1e-9
            drawn = rows[column].dropna()
            assert len(drawn) > 0, column
            assert drawn.between(low - tolerance, high + tolerance).all(), column
            # A parameter that varies is not stuck at one value.
            assert (drawn.min() < drawn.max()) == (low < high), column


def test_a_galaxy_has_the_components_of_its_population_and_no_others(
    truth: pd.DataFrame, populations: dict[str, Any]
) -> None:
    for name, population in populations.items():
        rows = truth[truth["population"] == name]
        for component in COMPONENTS:
            of_component = rows.filter(regex=f"^{component}_")
            assert not of_component.empty
            has_it = of_component.notna().any(axis=1)
            own = [column for column in of_component if of_component[column].notna().any()]
            # All of its parameters, or none.
            assert of_component.loc[has_it, own].notna().all(axis=None)
            assert_share(
                has_it, population[component].get("probability", 1) if population[component] else 0
            )


def test_angles_are_uniform_and_indices_multiples_of_a_step(truth: pd.DataFrame) -> None:
    for name in ("position_angle", "bar_angle"):
        assert kstest(truth[name].dropna(), uniform(0, 180).cdf).pvalue > 1e-3
    assert kstest(truth["arms_phase"].dropna(), uniform(0, 360).cdf).pvalue > 1e-3
    assert_share(truth["arms_winding"].dropna() == 1, 0.5)
    steps = truth["bulge_sersic_index"].dropna() / 0.2
    np.testing.assert_allclose(steps, steps.round(), atol=1e-9)


def test_frames_are_taken_as_asked_for(truth: pd.DataFrame, parameters: dict[str, Any]) -> None:
    options = ObservationOptions.model_validate(parameters["observation"])
    for name in ("psf_fwhm", "sky_noise"):
        for band in BANDS:
            low, high = limits(getattr(getattr(options, name), band))
            assert truth[f"{name}_{band}"].between(low, high).all()
    for name in ("stretch", "softening"):
        assert truth[name].between(*limits(getattr(options, name))).all()
    assert_share(truth["dead_band"] != "", options.dead_band_rate)
    assert set(truth["dead_band"]) == {"", *BANDS}
    for offset in (truth["offset_x"], truth["offset_y"]):
        assert offset.std() == pytest.approx(options.off_centre, rel=4 / np.sqrt(2 * 4000))
        assert offset.mean() == pytest.approx(0, abs=4 * options.off_centre / np.sqrt(4000))


def test_frames_are_some_half_light_radii_wide_between_limits(
    truth: pd.DataFrame, observation: dict[str, Any]
) -> None:
    lowest, highest = observation["minimum_side"], observation["maximum_side"]
    assert truth["side"].between(lowest, highest).all()
    radius = truth["disc_half_light_radius"].fillna(truth["bulge_half_light_radius"])
    radii_wide = truth["side"] * observation["pixel_scale"] / radius
    unclipped = truth["side"].between(lowest + 1, highest - 1)
    rounding = 0.5 * observation["pixel_scale"] / radius.min()
    low, high = observation["frame"]["minimum"], observation["frame"]["maximum"]
    assert radii_wide[unclipped].between(low - rounding, high + rounding).all()
    # Small galaxies lie in frames that are wider, large ones in narrower ones.
    assert (radii_wide[truth["side"] == lowest] > low).all()
    assert (radii_wide[truth["side"] == highest] < high).all()


def test_the_field_is_as_dense_as_asked_for(
    truth: pd.DataFrame, observation: dict[str, Any]
) -> None:
    area = ((truth["side"] * observation["pixel_scale"] / 60) ** 2).sum()  # square arcmin
    for name, column in (("neighbours", "n_neighbours"), ("stars", "n_stars")):
        expected = observation[name]["density"] * area
        assert truth[column].sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))


def distributions_of(population: Population) -> dict[str, Any]:
    """Every distribution of a population by the name of its column."""
    found = {name: getattr(population, name) for name in ONE_BY_ONE}
    for component in COMPONENTS:
        part: BaseModel | None = getattr(population, component)
        for name, distribution in part or ():
            if name != "probability":
                found[f"{component}_{name}"] = distribution
    return found
