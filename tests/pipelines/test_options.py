"""Typed parameters: the shipped ones are valid, and impossible ones are not."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from galaxy_morphology.options import Classes, CutoutOptions
from galaxy_morphology.pipelines.data_processing.options import SplitOptions
from galaxy_morphology.pipelines.explainability.options import ExplainedGalaxiesOptions
from galaxy_morphology.pipelines.simulation.nodes import draw_survey
from galaxy_morphology.pipelines.simulation.options import (
    ObservationOptions,
    Population,
    Populations,
)


def test_classes_are_in_the_order_of_their_targets() -> None:
    assert Classes({7: "Other", 2: "Elliptical"}).names == ["Elliptical", "Other"]


@pytest.mark.parametrize(
    "classes", [{0: "Elliptical"}, {}, {0: "Other", 1: "Other"}, {"a": "Elliptical", "b": "Other"}]
)
def test_impossible_classes(classes: Any) -> None:
    with pytest.raises(ValidationError):
        Classes.model_validate(classes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{0: yes, 1: no}", "name of class 0 was read as True: put it in quotes"),
        ("{0: Elliptical, 1: null}", "name of class 1 was read as None: put it in quotes"),
        ("{0: 2024_01, 1: Other}", "name of class 0 was read as 202401: put it in quotes"),
        ("{no: Elliptical, yes: Other}", "TARGET was read as False: write a whole number"),
        ("{0.5: Elliptical, 1: Other}", "TARGET was read as 0.5: write a whole number"),
    ],
)
def test_what_yaml_made_of_classes(text: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Classes.model_validate(yaml.safe_load(text))


def test_quoted_classes_are_taken_as_written() -> None:
    assert Classes.model_validate(yaml.safe_load("{0: 'yes', 1: '7'}")).names == ["yes", "7"]


def test_splits_leave_something_for_training() -> None:
    assert SplitOptions(validation_fraction=0.2, test_fraction=0.0, seed=42).test_fraction == 0
    with pytest.raises(ValidationError, match=r"0.5 \+ 0.5 is not below 1"):
        SplitOptions(validation_fraction=0.5, test_fraction=0.5, seed=42)


def test_options_cannot_be_changed_on_the_way() -> None:
    options = SplitOptions(validation_fraction=0.2, test_fraction=0.0, seed=42)
    with pytest.raises(ValidationError, match="frozen"):
        options.seed = 1


ELLIPTICAL: dict[str, Any] = {
    "target": 0,
    "share": 1.0,
    "magnitude": 17.0,
    "g_minus_i": {"mean": 1.0, "sd": 0.1, "minimum": 0.5, "maximum": 1.5},
    "i_minus_h": 0.7,
    "bulge": {"sersic_index": 4.0, "half_light_radius": 3.0, "axis_ratio": 0.8},
}
DISC = {"half_light_radius": 5.0, "inclination": 40.0, "thickness": 0.1}
ARMS = {"fraction": 0.5, "number": 2, "pitch_angle": 20, "sharpness": 3}
KNOTS = {"fraction": {"minimum": 0.1, "maximum": 0.6}, "number": 5, "scatter": 0}


def test_a_population_needs_no_more_than_a_bulge() -> None:
    assert Population.model_validate(ELLIPTICAL).disc is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bulge": None}, "expected a disc, or a bulge"),
        ({"bulge": {**ELLIPTICAL["bulge"], "probability": 0.5}}, "light must be somewhere"),
        ({"arms": ARMS}, "arms: there is no disc to lie in"),
        ({"disc": DISC}, "bulge and bar may have fractions of up to 1.00 together"),
        (
            {"bulge": None, "disc": DISC, "arms": ARMS, "knots": KNOTS},
            "arms and knots may have fractions of up to 1.10 together and leave nothing",
        ),
        ({"bulge": {**ELLIPTICAL["bulge"], "sersic_index": 8}}, "expected 0.3 to 6.2"),
        ({"magnitude": {"bright": 18, "faint": 15, "slope": 0.3}}, "18.0 is not below faint 15.0"),
        (
            {"magnitude": {"values": [15, 16], "weights": [1]}},
            "a weight of 0 or more for each of 2",
        ),
        ({"magnitude": {"minimum": 18, "maximum": 15}}, "minimum 18.0 is above maximum 15.0"),
        (
            {"i_minus_h": {"mean": 3.0, "sd": 0.1, "minimum": 0.0, "maximum": 1.0}},
            "the centre 3.0 lies outside the limits 0.0 to 1.0",
        ),
        (
            {"i_minus_h": {"median": 3.0, "dex": 0.1, "minimum": 0.5, "maximum": 1.0}},
            "the centre 3.0 lies outside the limits 0.5 to 1.0",
        ),
    ],
)
def test_impossible_populations(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Population.model_validate(ELLIPTICAL | changes)


@pytest.mark.parametrize("cataid", [9007199254740993.0, -1, 2**63, "", True])
def test_galaxies_are_asked_for_by_whole_numbers_of_64_bits_or_by_texts(cataid: object) -> None:
    others = {"split": "test", "galaxies_per_group": 1, "n_measured": 2, "seed": 0}
    options = ExplainedGalaxiesOptions.model_validate(
        others | {"cataids": [2**63 - 1, "J1034-0051", "007"]}
    )
    assert options.cataids == (2**63 - 1, "J1034-0051", "007")
    with pytest.raises(ValidationError, match="cataids"):
        ExplainedGalaxiesOptions.model_validate(others | {"cataids": [cataid]})


@pytest.mark.parametrize("change", [{"white_level": 0}, {"arcsec_per_pixel": 0.0}])
def test_impossible_cutouts(change: dict[str, Any]) -> None:
    sizes = {"side": 64, "minimum_side": 16, "maximum_side": 100}
    sound = {**sizes, "white_level": None, "arcsec_per_pixel": None}
    CutoutOptions.model_validate(sound)
    with pytest.raises(ValidationError, match=next(iter(change))):
        CutoutOptions.model_validate(sound | change)


def test_simulated_galaxies_are_not_cropped(project: Path) -> None:
    shipped = yaml.safe_load((project / "conf/base/parameters_data_processing.yml").read_text())
    nothing: Any = None
    for name in ("crop_arcsec", "crop_radii"):
        cutouts = CutoutOptions.model_validate(shipped["cutouts"] | {name: 10.0})
        with pytest.raises(ValueError, match=f"cutouts.{name} is 10, but what is known"):
            draw_survey(nothing, nothing, nothing, cutouts)
    both = shipped["cutouts"] | {"crop_arcsec": 10.0, "crop_radii": 3.0}
    with pytest.raises(ValidationError, match="crop_arcsec 10 and crop_radii 3 both say"):
        CutoutOptions.model_validate(both)


def test_some_population_must_have_a_share() -> None:
    with pytest.raises(ValidationError, match="a share above 0"):
        Populations.model_validate({"elliptical": ELLIPTICAL | {"share": 0.0}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"minimum_side": 300}, "minimum_side 300 is above maximum_side 224"),
        ({"pixel_scale": 2.0}, r"psf_fwhm.h may be 0.65 arcsec, less than a pixel of 2.0"),
        ({"stretch": 0.0}, "stretch may be 0.0; expected > 0"),
        ({"telescope": "VST"}, "Extra inputs are not permitted"),
    ],
)
def test_impossible_observations(project: Path, changes: dict[str, Any], words: str) -> None:
    shipped = yaml.safe_load((project / "conf/base/parameters_simulation.yml").read_text())
    ObservationOptions.model_validate(shipped["observation"])
    with pytest.raises(ValidationError, match=words):
        ObservationOptions.model_validate(shipped["observation"] | changes)


def test_parameters_that_do_not_fit_each_other_are_refused(project: Path) -> None:
    from kedro.framework.session import KedroSession

    for name, value, words in (
        ("classification", {"class_prior": {"Spiral": 1}}, "class_prior has shares for"),
        ("comparison", {"networks": {"compact": {"training": {"epoch": 3}}}}, "networks: epoch: "),
        (
            "tuning",
            {"space": [{"parameter": "training.rate", "kind": "float", "low": 0, "high": 1}]},
            "tuning.space: there is no parameter training.rate",
        ),
    ):
        session = KedroSession.create(project, runtime_params={name: value})
        with pytest.raises(ValueError, match=words):
            session.load_context()
