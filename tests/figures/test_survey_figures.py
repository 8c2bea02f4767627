"""Figures of a survey show the numbers and galaxies that they are given."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from galaxy_morphology import figures

NAMES = ["Elliptical", "$Spiral$", "Other"]
IMAGES = list(np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3)).astype(np.uint8))
NOTABLE = pd.DataFrame(
    {
        "kind": ["most certain"] * 6 + ["most unlike the training galaxies"] * 6,
        "predicted_class": (["Elliptical"] * 3 + ["Other"] * 3) * 2,
        "cataid": range(100, 112),
        "certainty": np.linspace(0.5, 0.99, 12),
        "distance": np.arange(12) / 10,
        "unlike_training": [False, True] * 6,
    }
)


def texts(figure: Figure) -> str:
    """Every text of a figure, drawn once so that layout errors show."""
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("simulated", [False, True])
def test_shares_lie_where_they_are_with_their_intervals(simulated: bool) -> None:
    rows = [
        {"method": method, "class_name": name, "share": share, "low": share - 0.02,
         "high": share + 0.05}
        for i, method in enumerate(("counted", "Rogan-Gladen", "Saerens"))
        for name, share in zip(NAMES, (0.2 + i / 50, 0.3, 0.5 - i / 50), strict=True)
    ]  # fmt: skip
    shares = pd.DataFrame(rows)
    shares.loc[shares["method"] == "Rogan-Gladen", ["share", "low", "high"]] = np.nan
    labelled = dict(zip(NAMES, (0.4, 0.4, 0.2), strict=True))
    figure = figures.class_shares(shares, labelled, n_galaxies=1234567, simulated=simulated)
    assert "1,234,567 galaxies" in texts(figure)
    assert ("simulated galaxies" in texts(figure)) == simulated
    drawn = [bars for bars in figure.axes[0].containers if len(bars[0].get_xdata())]
    for bars, method in zip(drawn, ("counted", "Saerens"), strict=True):
        of_method = shares[shares["method"] == method]
        np.testing.assert_allclose(np.array(bars[0].get_xdata(), float), of_method["share"])
        ends = np.array([segment[:, 0] for segment in bars[2][0].get_segments()], float)
        np.testing.assert_allclose(ends, of_method[["low", "high"]])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_shares_of_galaxies(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    survey = {name: rng.integers(0, 9, 50).tolist() for name in NAMES[:n_classes]}
    tested = {name: [0] * 49 + [7] for name in NAMES[:n_classes]}
    figure = figures.probability_distributions(survey, tested, split="test", simulated=False)
    drawn: list[Any] = [ax for ax in figure.axes if ax.patches]
    assert len(drawn) == (1 if n_classes == 2 else 3)
    for ax, name in zip(drawn, NAMES[n_classes == 2 : n_classes], strict=True):
        assert ax.get_xlabel() == f"probability of {name}"
        of_tested, of_survey = ax.patches
        counts = np.array(survey[name])
        np.testing.assert_allclose(of_survey.get_data()[0], counts / counts.sum())
        np.testing.assert_allclose(of_tested.get_data()[0], np.eye(50)[-1])
    assert "$" not in texts(figure).replace("$Spiral$", "")  # ticks are numbers


def test_shifts_are_named_with_their_distance() -> None:
    rng = np.random.default_rng(0)
    training = pd.DataFrame({"sky_red": rng.normal(size=50), "cutout_side_px": 256.0})
    survey = training + 1
    shifts = pd.DataFrame(
        {"quantity": ["sky_red", "cutout_side_px"], "ks_distance": [0.5, 0.125],
         "differs": [True, False]}
    )  # fmt: skip
    figure = figures.distribution_shifts(training, survey, shifts, simulated=True)
    found = texts(figure)
    assert "differs: distance 0.50" in found
    assert "alike: distance 0.12" in found
    outline: Any = figure.axes[0].patches[1]
    heights = outline.get_data()[0]
    assert heights.sum() == pytest.approx(1, abs=0.05)
    nothing = figures.distribution_shifts(training, survey, shifts[:0], simulated=True)
    texts(nothing)


def shown(sheet: Any) -> list[Any]:
    return [ax for ax in sheet.axes if ax.images]


def test_notable_galaxies_are_shown_under_their_class_and_kind() -> None:
    figure = figures.notable_galaxies(IMAGES, NOTABLE, NAMES, simulated=False)
    texts(figure)
    titles = [sheet.get_suptitle() for sheet in figure.subfigs]
    assert titles == [
        "Elliptical: most certain", "Elliptical: most unlike the training galaxies",
        "Other: most certain", "Other: most unlike the training galaxies",
    ]  # fmt: skip
    for sheet, rows in zip(
        figure.subfigs, ([0, 1, 2], [6, 7, 8], [3, 4, 5], [9, 10, 11]), strict=True
    ):
        for ax, row in zip(shown(sheet), rows, strict=True):
            np.testing.assert_array_equal(ax.images[0].get_array(), IMAGES[row])
            assert f"CATAID {100 + row}" in ax.get_title()
            assert ("unlike" in ax.get_title()) == (row % 2 == 1)
    assert "50.0%" in shown(figure.subfigs[0])[0].get_title()
    assert "distance 0.6" in shown(figure.subfigs[1])[0].get_title()
    texts(figures.notable_galaxies([], NOTABLE[:0], NAMES, simulated=False))


def test_galaxies_to_label_do_not_say_what_they_are_taken_for() -> None:
    figure = figures.galaxies_to_label(IMAGES, range(12), 100, simulated=False)
    assert "12 of 100" in texts(figure)
    for ax, image, number in zip(shown(figure.subfigs[0]), IMAGES, range(12), strict=True):
        assert ax.get_title() == f"CATAID {number}"
        np.testing.assert_array_equal(ax.images[0].get_array(), image)


@pytest.mark.parametrize("simulated", [False, True])
def test_every_figure_says_when_its_galaxies_are_simulated(simulated: bool) -> None:
    histograms = {name: [1] * 50 for name in NAMES}
    measured = pd.DataFrame({"sky_red": [1.0, 2.0]})
    shifts = pd.DataFrame({"quantity": ["sky_red"], "ks_distance": [0.5], "differs": [True]})
    for figure in (
        figures.probability_distributions(
            histograms, histograms, split="test", simulated=simulated
        ),
        figures.distribution_shifts(measured, measured, shifts, simulated=simulated),
        figures.notable_galaxies(IMAGES, NOTABLE, NAMES, simulated=simulated),
        figures.galaxies_to_label(IMAGES, range(12), 12, simulated=simulated),
    ):
        assert ("simulated galaxies" in texts(figure)) == simulated
