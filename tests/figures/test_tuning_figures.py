"""Figures of the search for parameters show its trials, its finalists and what mattered."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from galaxy_morphology import figures

SCORES = [0.80, 0.85, 0.2, np.nan, 0.9, 0.88]
STATES = ["finished", "finished", "pruned", "failed", "finished", "finished"]


def texts(figure: Figure) -> str:
    """Every text of a figure, drawn once so that layout errors show."""
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def trials(*, simulated: bool = False) -> pd.DataFrame:
    """The first is the default; the third lies far below, and nothing is known of the fourth."""
    return pd.DataFrame(
        {"trial": range(6), "state": STATES, "validation_roc_auc": SCORES,
         "is_default": [True] + [False] * 5, "simulated": simulated}
    )  # fmt: skip


def finalists(*, simulated: bool = False) -> pd.DataFrame:
    return pd.DataFrame(
        {"candidate": ["default"] * 2 + ["trial 4"] * 2, "seed": [2, 3] * 2, "epochs": 20,
         "validation_roc_auc": [0.81, 0.83, 0.9, np.nan], "simulated": simulated}
    )  # fmt: skip


def importance(*, simulated: bool = False) -> pd.DataFrame:
    return pd.DataFrame(
        {"parameter": ["training.batch_size", "augmentation.zoom"], "importance": [0.75, 0.25],
         "simulated": simulated}
    )  # fmt: skip


def test_the_search_shows_every_trial_and_the_best_so_far() -> None:
    figure = figures.search_history(trials(), finalists())
    left, right = figure.axes
    shown = {line.get_label(): line for line in left.lines}
    assert set(shown) == {"finished (3)", "pruned (1)", "default parameters", "best so far"}
    assert np.asarray(shown["finished (3)"].get_ydata()).tolist() == [0.85, 0.9, 0.88]
    assert np.asarray(shown["best so far"].get_ydata()).tolist() == [0.8, 0.85, 0.9, 0.9]
    assert np.asarray(shown["best so far"].get_xdata()).tolist() == [0, 1, 4, 5]
    assert left.get_title() == "lower and not shown: 1"
    bottom, top = left.get_ylim()
    assert 0.2 < bottom < 0.8
    assert top > 0.9
    points, means = right.lines[::2], right.lines[1::2]
    for line, scores in zip(points, ([0.81, 0.83], [0.9, np.nan]), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), scores)
    # Where one diverged there is no mean.
    heights = [np.asarray(line.get_ydata(), float)[0] for line in means]
    np.testing.assert_allclose(heights, [0.82, np.nan])
    assert [label.get_text() for label in right.get_xticklabels()] == ["default", "trial 4"]
    assert "2 seeds, 20 epochs each" in texts(figure)


def test_what_mattered_most_stands_on_top() -> None:
    figure = figures.parameter_importance(importance())
    (ax,) = figure.axes
    assert [bar.get_width() for bar in ax.patches] == [0.75, 0.25]  # type: ignore[attr-defined]
    assert ax.yaxis_inverted()
    figure.canvas.draw()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["training.batch_size", "augmentation.zoom"]
    assert "too few finished trials" in texts(figures.parameter_importance(importance()[:0]))


@pytest.mark.parametrize("simulated", [True, False])
def test_they_say_when_their_galaxies_are_simulated(simulated: bool) -> None:
    for figure in (
        figures.search_history(trials(simulated=simulated), finalists(simulated=simulated)),
        figures.parameter_importance(importance(simulated=simulated)),
    ):
        assert ("simulated galaxies" in texts(figure)) == simulated
