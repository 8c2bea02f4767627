"""Agreement with the truth, in a survey small enough to work out by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from pydantic import ValidationError

from galaxy_morphology.evaluation.intervals import wilson_interval
from galaxy_morphology.options import Classes, EvaluationOptions
from galaxy_morphology.pipelines.truth.nodes import (
    draw_population_error_rates,
    draw_suspects_found,
    find_population_error_rates,
    score_suspects,
)
from galaxy_morphology.pipelines.truth.options import TruthOptions

CLASSES = Classes({0: "Elliptical", 1: "Other"})
NAMES = CLASSES.names
EVALUATION = EvaluationOptions(confidence=0.9, n_resamples=40, seed=0, n_mistakes=1)

# Five galaxies of the test split, one of training and one of validation, and one in no table.
# Those of CATAID 3 and 5 are labelled wrongly, and classified as they are labelled; 2 is
# classified wrongly as well.
TRUTH = pd.DataFrame(
    [
        (1, "elliptical", 0, 0, 18.0, 2.0, np.nan),
        (2, "elliptical", 0, 0, 19.0, 3.0, np.nan),
        (3, "spiral", 1, 0, 20.0, 0.5, 4.0),
        (4, "spiral", 1, 1, 21.0, np.nan, 1.0),
        (5, "spiral", 1, 0, 22.0, 6.0, 5.0),
        (6, "spiral", 1, 1, 17.0, 1.0, 1.0),
        (7, "elliptical", 0, 1, 17.0, 1.0, np.nan),
        (8, "lenticular", 0, 0, 17.0, 1.0, 1.0),
    ],
    columns=[
        "cataid", "population", "true_target", "given_target", "magnitude",
        "bulge_half_light_radius", "disc_half_light_radius",
    ],
)  # fmt: skip
PREDICTIONS = pd.DataFrame(
    {
        "cataid": [5, 4, 3, 2, 1, 6, 7],  # in another order than the truth
        "split": ["test"] * 5 + ["training", "validation"],
        "predicted_class": [NAMES[said] for said in (0, 1, 0, 1, 0, 0, 1)],
    }
)
PREDICTIONS["class_name"] = (
    TRUTH.set_index("cataid")["given_target"]
    .loc[PREDICTIONS["cataid"]]
    .map(CLASSES.root)
    .to_numpy()
)
PREDICTIONS["correct"] = PREDICTIONS["predicted_class"] == PREDICTIONS["class_name"]
SUSPECTS = pd.DataFrame(
    {
        "cataid": [7, 1, 3, 2, 4, 5, 6],
        "suspected": [True, True, False, False, False, False, False],
    }
)


def options(*quantities: str, n_bins: int = 2, share: float = 0.5) -> TruthOptions:
    return TruthOptions(
        quantities=quantities or ("population",), n_bins=n_bins, share_of_suspects=share,
        n_spirals=2, structure_share=0.5, seed=0,
    )  # fmt: skip


def rates_by(
    *quantities: str,
    predictions: pd.DataFrame = PREDICTIONS,
    truth: pd.DataFrame = TRUTH,
    splits: tuple[str, ...] = ("validation", "test"),
) -> pd.DataFrame:
    metrics: dict[str, Any] = {split: {} for split in splits}
    return find_population_error_rates(
        predictions, metrics, truth, CLASSES, options(*quantities), EVALUATION
    )


def test_errors_are_counted_against_the_true_class_and_not_the_label() -> None:
    rates = rates_by("population").set_index("bin")
    assert rates["n"].to_dict() == {"elliptical": 2, "spiral": 3}
    # Of the spirals 3, 4 and 5, two are called elliptical, as they are labelled.
    assert rates["error_rate"].to_dict() == {"elliptical": 0.5, "spiral": pytest.approx(2 / 3)}
    assert PREDICTIONS[PREDICTIONS["cataid"].isin([3, 4, 5])]["correct"].all()
    interval = wilson_interval(2, 3, 0.9)
    for end in ("low", "high"):
        assert rates.loc["spiral", end] == pytest.approx(interval[end])
    assert set(rates["split"]) == {"test"}
    assert rates["simulated"].all()


def test_wrong_labels_are_told_apart() -> None:
    rates = rates_by("label_is_wrong").set_index("bin")
    assert rates["n"].to_dict() == {"False": 3, "True": 2}
    assert rates["error_rate"].to_dict() == {"False": pytest.approx(1 / 3), "True": 1}


def test_sizes_are_those_of_the_larger_component() -> None:
    # In the order of size 4, 1, 2; 3, 5. In that of magnitude 1, 2, 3; 4, 5.
    rates = rates_by("largest_half_light_radius", "magnitude")
    assert rates["bin"].tolist() == ["1 to 3", "4 to 6", "18 to 20", "21 to 22"]
    assert rates["n"].tolist() == [3, 2, 3, 2]
    assert rates["error_rate"].tolist() == pytest.approx([1 / 3, 1, 2 / 3, 1 / 2])


def test_the_last_split_is_looked_at() -> None:
    rates = rates_by("population", splits=("validation",))
    assert rates[["bin", "n", "error_rate", "split"]].to_dict("records") == [
        {"bin": "elliptical", "n": 1, "error_rate": 1, "split": "validation"}
    ]


def test_names_of_classes_may_stand_in_any_order() -> None:
    swapped = Classes({1: "Other", 0: "Elliptical"})
    metrics: dict[str, Any] = {"test": {}}
    rates = find_population_error_rates(PREDICTIONS, metrics, TRUTH, swapped, options(), EVALUATION)
    pd.testing.assert_frame_equal(rates, rates_by())


@settings(max_examples=30)
@given(
    galaxies=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), *[st.integers(0, 1)] * 3), min_size=1
    )
)
def test_error_rates_of_any_survey(galaxies: list[tuple[str, int, int, int]]) -> None:
    population, true, given_label, said = zip(*galaxies, strict=True)
    truth = pd.DataFrame(
        {
            "cataid": range(len(galaxies)), "population": population, "true_target": true,
            "given_target": given_label, "bulge_half_light_radius": 1.0,
            "disc_half_light_radius": 1.0,
        }
    )  # fmt: skip
    predictions = pd.DataFrame(
        {
            "cataid": range(len(galaxies)), "split": "test",
            "predicted_class": [CLASSES.root[target] for target in said],
            "correct": [a == b for a, b in zip(given_label, said, strict=True)],
        }
    )  # fmt: skip
    rates = rates_by(predictions=predictions.sample(frac=1, random_state=0), truth=truth)
    expected = truth.assign(wrong=np.array(true) != np.array(said)).groupby("population")["wrong"]
    assert rates["bin"].tolist() == sorted(set(population))
    assert rates["n"].tolist() == expected.size().tolist()
    assert rates["error_rate"].tolist() == pytest.approx(expected.mean().tolist())


def test_an_unknown_quantity_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="names colour, mass, which") as error:
        rates_by("population", "mass", "colour")
    assert "truth.quantities" in str(error.value)
    known = str(error.value).split("Known are ")[1]
    for name in ("magnitude", "population", "label_is_wrong", "largest_half_light_radius"):
        assert name in known


def test_the_truth_of_another_survey_is_refused() -> None:
    other = TRUTH.assign(cataid=TRUTH["cataid"] + 3)  # CATAIDs 4 to 11
    for refused in (
        lambda: rates_by(truth=other),
        lambda: score_suspects(SUSPECTS, other, options(), EVALUATION),
        lambda: draw_suspects_found(SUSPECTS, other, {}),
    ):
        with pytest.raises(ValueError, match="another survey") as error:
            refused()
        assert "CATAID 1 and 2 others" in str(error.value)


def test_suspects_are_scored_by_hand() -> None:
    # Wrong are the labels of 3, 5 and 7, which are third, sixth and first of seven suspects.
    scores = score_suspects(SUSPECTS, TRUTH, options(share=0.43), EVALUATION)
    assert scores == {
        "simulated": True,
        "n": 7,
        "n_wrong": 3,
        "share": 0.43,
        "suspected": {
            "precision": wilson_interval(1, 2, 0.9), "recall": wilson_interval(1, 3, 0.9), "n": 2,
        },
        "top": {
            "precision": wilson_interval(2, 3, 0.9), "recall": wilson_interval(2, 3, 0.9), "n": 3,
        },
    }  # fmt: skip


def test_without_wrong_labels_there_is_nothing_to_find() -> None:
    honest = TRUTH.assign(given_target=TRUTH["true_target"])
    scores = score_suspects(SUSPECTS, honest, options(), EVALUATION)
    assert scores["n_wrong"] == 0
    assert scores["suspected"]["recall"]["value"] is None
    assert scores["suspected"]["precision"]["value"] == 0
    assert "0 wrong labels" in words(draw_suspects_found(SUSPECTS, honest, scores))


def test_the_figure_of_suspects_is_of_the_same_ranking() -> None:
    scores = score_suspects(SUSPECTS, TRUTH, options(share=0.43), EVALUATION)
    figure = draw_suspects_found(SUSPECTS, TRUTH, scores)
    recall, precision, *_ = figure.axes[0].lines
    assert recall.get_ydata() == pytest.approx(np.array([1, 1, 2, 2, 2, 3, 3]) / 3)
    assert precision.get_ydata() == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4, 2 / 5, 3 / 6, 3 / 7])
    assert "simulated galaxies" in words(figure)


def test_the_figure_of_error_rates_shows_that_of_all_galaxies() -> None:
    figure = draw_population_error_rates(rates_by("population", "magnitude"), {})
    assert "against their true class" in words(figure)
    assert "simulated galaxies" in words(figure)
    for ax in figure.axes[:2]:
        assert np.asarray(ax.lines[-1].get_ydata()).tolist() == pytest.approx([3 / 5] * 2)


def words(figure: Figure) -> str:
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("wrong", [{"quantities": ()}, {"n_bins": 0}, {"share_of_suspects": 0}])
def test_impossible_options(wrong: dict[str, Any]) -> None:
    right = {
        "quantities": ("population",), "n_bins": 5, "share_of_suspects": 0.05, "n_spirals": 2,
        "structure_share": 0.5, "seed": 0,
    }  # fmt: skip
    assert TruthOptions.model_validate(right).n_bins == 5
    with pytest.raises(ValidationError):
        TruthOptions.model_validate(right | wrong)


def test_a_survey_without_discs_has_sizes_too() -> None:
    without = TRUTH.drop(columns="disc_half_light_radius")
    assert rates_by("largest_half_light_radius", truth=without)["n"].sum() == 5
