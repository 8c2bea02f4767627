"""Figures of explanation quality: the numbers drawn are those of the tables."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from galaxy_morphology.figures import explanation_quality as figures
from galaxy_morphology.figures.explanation_quality import CONTROLS
from galaxy_morphology.figures.style import COLOURS, GREY
from galaxy_morphology.typing import FloatArray

N = 16
RNG = np.random.default_rng(0)
TITLES = {
    "grad_cam": "HiResCAM",
    "integrated_gradients": "Integrated Gradients",
    "lime": "LIME",
    "occlusion": "Occlusion",
}
SIX = TITLES | {"kernel_shap": "Kernel SHAP", "rise": "RISE"}
METHODS = list(TITLES)
NAMES = [*METHODS, *CONTROLS]
OTHERS = [f"{method}_of_another" for method in METHODS]
MARKERS = {"random": "o", "centre": "D", "brightness": "s", "another": "^"}
MEASURES = [
    "target_share", "neighbour_share", "sky_share", "target_area", "neighbour_area", "sky_area",
    *(f"faithfulness_over_{control}" for control in MARKERS), "turned", "noise",
]  # fmt: skip
LAYERS = ["logit", "dense", "last_conv"]


def qualities(*, simulated: bool = False) -> pd.DataFrame:
    """16 galaxies, 6 of them classified wrongly, under four methods and their controls."""
    names = [*NAMES, *OTHERS]
    table = pd.DataFrame({"method": np.repeat(names, N)})
    table["cataid"] = np.tile(RNG.permutation(N) * 7 + 500, len(names))
    table["correct"] = np.tile(np.arange(N) < 10, len(names))
    measured = {
        "turned": METHODS,
        "noise": METHODS,
        "completeness_residual": ["grad_cam", "integrated_gradients"],
        "r_squared": ["lime"],
        "top_overlap": METHODS,
    }
    for measure, methods in measured.items():
        values = RNG.uniform(0.001, 0.9, len(table))
        table[measure] = np.where(table["method"].isin(methods), values, np.nan)
    pointing = ["target"] * 8 + ["neighbour"] * 2 + ["sky"] * 5 + ["none"]
    table["pointing"] = np.tile(pointing, len(names))
    table.loc[table["method"].isin(OTHERS), "pointing"] = None
    return table.assign(simulated=simulated)


def summaries(*, simulated: bool = False) -> pd.DataFrame:
    """A value for every measure and method; of groups other than "all" what must not be drawn."""
    table = pd.DataFrame(
        [(measure, method) for measure in MEASURES for method in NAMES],
        columns=["measure", "method"],
    )
    table["value"] = np.linspace(0.1, 0.8, len(table))
    table["low"], table["high"] = table["value"] - 0.05, table["value"] + 0.1
    others = table.assign(value=99.0, low=98.0, high=100.0)
    groups = [table.assign(group="all"), others.assign(group="wrong")]
    return pd.concat(groups, ignore_index=True).assign(simulated=simulated)


def curves() -> dict[str, FloatArray]:
    kinds = [f"{name}_{kind}" for name in [*OTHERS, *NAMES] for kind in ("deletion", "insertion")]
    drawn: dict[str, FloatArray] = {kind: RNG.uniform(size=(N, 5)) for kind in kinds}
    return drawn | {"shares": np.linspace(0, 1, 5)}


def randomised(*, simulated: bool = False) -> pd.DataFrame:
    rows = [
        (method, depth, layer, cataid)
        for method in METHODS
        for depth, layer in enumerate(LAYERS, start=1)
        for cataid in range(8)
    ]
    table = pd.DataFrame(rows, columns=["method", "depth", "layer", "cataid"])
    table["rank_correlation"] = RNG.uniform(-0.4, 0.9, len(table))
    table["rank_correlation_absolute"] = table["rank_correlation"].abs()
    return table.assign(simulated=simulated)


def agreements(*, simulated: bool = False) -> pd.DataFrame:
    """Pairs of methods whose mean correlation is 0.1, 0.2, ... where right, 0.5 less if wrong."""
    tables = []
    for i, (one, other) in enumerate(combinations(METHODS, 2), start=1):
        pair = pd.DataFrame({"cataid": np.arange(N), "correct": np.arange(N) < 10})
        pair["rank_correlation"] = np.where(pair["correct"], i / 10, i / 10 - 0.5)
        tables.append(pair.assign(one=one, other=other))
    return pd.concat(tables, ignore_index=True).assign(simulated=simulated)


def structures(*, simulated: bool = True) -> pd.DataFrame:
    table = pd.DataFrame({"method": np.repeat(NAMES, 12)})
    table["cataid"] = np.tile(np.arange(12), len(NAMES))
    table["correct"] = table["cataid"] < 9
    table["structure_area"] = np.tile(RNG.uniform(0.2, 0.4, 12), len(NAMES))
    table["share_on_structure"] = RNG.uniform(0.3, 0.6, len(table))
    table["ranking"] = RNG.uniform(0.4, 0.8, len(table))
    return table.assign(simulated=simulated)


def structure_means(*, simulated: bool = True) -> pd.DataFrame:
    """Without groups: spirals are not told apart."""
    table = pd.DataFrame(
        [(measure, name) for measure in ("share_on_structure", "ranking") for name in NAMES],
        columns=["measure", "method"],
    )
    table["value"] = np.linspace(0.3, 0.7, len(table))
    table["low"], table["high"] = table["value"] - 0.1, table["value"] + 0.2
    return table.assign(simulated=simulated)


def texts(figure: Figure) -> str:
    """Every text of a figure, drawn once so that layout errors show."""
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def panels(figure: Figure) -> list[Any]:
    return list(figure.axes)


def dots(ax: Any, marker: str) -> FloatArray:
    """The points drawn with a marker, of all rows of a panel, [n, 2]."""
    points = [line.get_xydata() for line in ax.lines if line.get_marker() == marker]
    return np.concatenate(points)


def intervals(ax: Any, marker: str) -> FloatArray:
    """Row by row: value, low and high of what is drawn with a marker."""
    drawn = []
    for bars in ax.containers:
        if hasattr(bars, "has_xerr") and bars.lines[0].get_marker() == marker:
            (value,) = bars.lines[0].get_xdata() if len(bars.lines[0].get_xdata()) else (None,)
            if value is not None:
                drawn.append([value, *bars.lines[2][0].get_segments()[0][:, 0]])
    return np.array(drawn)


def chance_marks(ax: Any) -> FloatArray:
    """Where the marks that cross the rows lie."""
    from matplotlib.collections import LineCollection

    (marks,) = [c for c in ax.collections if isinstance(c, LineCollection) and c.zorder == 1.5]
    return np.array([segment[0, 0] for segment in marks.get_segments()])


def medians_of(ax: Any) -> list[FloatArray]:
    """Ends of the thick marks across the rows, [2, 2] each."""
    from matplotlib.collections import LineCollection

    marks = [c for c in ax.collections if isinstance(c, LineCollection) and c.zorder == 3]
    return [segment for mark in marks for segment in mark.get_segments()]


def upright_lines(ax: Any) -> list[float]:
    """Where lines from the bottom of a panel to its top lie."""
    return [line.get_xdata()[0] for line in ax.lines if list(line.get_ydata()) == [0, 1]]


def rows(ax: Any) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def of_all(summary: pd.DataFrame, measure: str, methods: list[str]) -> pd.DataFrame:
    some = summary[(summary["measure"] == measure) & (summary["group"] == "all")]
    return some.set_index("method").loc[methods, ["value", "low", "high"]]


def test_faithfulness_draws_mean_curves_and_the_gain_over_all_controls() -> None:
    some_curves, summary = curves(), summaries()
    some_curves["lime_deletion"][0] = np.nan
    figure = figures.faithfulness(some_curves, summary, TITLES)
    words = texts(figure)
    hide_ax, show_ax, gain_ax = panels(figure)
    for ax, kind in ((hide_ax, "deletion"), (show_ax, "insertion")):
        assert [line.get_label() for line in ax.lines] == [*TITLES.values(), *CONTROLS.values()]
        for line, name in zip(ax.lines, NAMES, strict=True):
            expected = np.nanmean(some_curves[f"{name}_{kind}"], axis=0)
            np.testing.assert_allclose(line.get_ydata(), expected)
            np.testing.assert_array_equal(line.get_xdata(), some_curves["shares"])
            assert (line.get_color() == GREY) == (name in CONTROLS)
    for control, marker in MARKERS.items():
        expected = of_all(summary, f"faithfulness_over_{control}", METHODS)
        np.testing.assert_allclose(intervals(gain_ax, marker), expected)
    assert upright_lines(gain_ax) == [0]
    assert rows(gain_ax) == list(TITLES.values())
    for said in (
        "16 galaxies", "sooner is better", "95 % interval", "gain over the random map",
        "gain over the map of another galaxy",
    ):  # fmt: skip
        assert said in words


def test_place_draws_shares_with_their_chance_and_the_pointing_game() -> None:
    quality, summary = qualities(), summaries()
    figure = figures.place(quality, summary, TITLES)
    words = texts(figure)
    *share_axes, pointing_ax = panels(figure)
    for ax, part in zip(share_axes, ("target", "neighbour", "sky"), strict=True):
        expected = of_all(summary, f"{part}_share", NAMES)
        assert [bar.get_width() for bar in ax.patches] == pytest.approx(expected["value"].tolist())
        np.testing.assert_allclose(intervals(ax, ""), expected)
        chance = of_all(summary, f"{part}_area", NAMES)["value"]
        assert chance_marks(ax) == pytest.approx(chance.to_numpy())
        assert [text.get_text() for text in ax.texts] == [f"{v:.0%}" for v in expected["value"]]
        # Nothing reaches the numbers at the right.
        assert max(expected["high"].max(), chance.max()) < 0.8 * ax.get_xlim()[1]
    parts = ((0, 8), (8, 2), (10, 5), (15, 1))
    for bars, (start, n) in zip(pointing_ax.containers, parts, strict=True):
        assert [bar.get_x() for bar in bars] == pytest.approx([start / N] * 7)
        assert [bar.get_width() for bar in bars] == pytest.approx([n / N] * 7)
    chance = of_all(summary, "target_area", NAMES)["value"]
    assert upright_lines(pointing_ax) == pytest.approx([chance.mean()])
    assert rows(share_axes[0])[-2] == "central Gaussian\n(control)"
    for said in ("chance: share of the pixels", "less is better", "Pointing game", "16 galaxies"):
        assert said in words


def test_stability_shows_every_galaxy_and_the_mean_of_each_method() -> None:
    quality, summary = qualities(), summaries()
    quality.loc[(quality["method"] == "lime") & (quality.index % 2 == 0), "turned"] = np.nan
    figure = figures.stability(quality, summary, TITLES)
    words = texts(figure)
    for ax, measure in zip(panels(figure), ("turned", "noise"), strict=True):
        for correct, marker in ((True, "o"), (False, "x")):
            expected = quality.loc[quality["correct"] == correct, measure].dropna()
            assert sorted(dots(ax, marker)[:, 0]) == pytest.approx(sorted(expected))
        assert upright_lines(ax) == [0]
        colours = {m: {ln.get_color() for ln in ax.lines if ln.get_marker() == m} for m in "ox"}
        assert colours == {"o": {COLOURS[0]}, "x": {COLOURS[1]}}
        np.testing.assert_allclose(intervals(ax, "D"), of_all(summary, measure, METHODS))
    assert rows(panels(figure)[0]) == list(TITLES.values())
    assert "16 galaxies, 10 of them classified correctly" in words
    assert "more is better" in words


def test_galaxies_that_were_not_measured_are_not_counted() -> None:
    quality = qualities()
    few = quality["cataid"].isin(quality["cataid"].unique()[:5])
    quality.loc[~few, ["turned", "noise"]] = np.nan
    assert "? 5 galaxies, " in texts(figures.stability(quality, summaries(), TITLES))


def test_each_dot_lies_in_the_row_of_its_method() -> None:
    quality = qualities()
    figure = figures.stability(quality, summaries(), TITLES)
    for row, method in enumerate(METHODS):
        expected = quality.loc[quality["method"] == method, "turned"]
        drawn = np.concatenate([dots(panels(figure)[0], marker) for marker in "ox"])
        in_row = np.abs(drawn[:, 1] - row) < 0.4
        assert sorted(drawn[in_row, 0]) == pytest.approx(sorted(expected))
        assert len(set(drawn[in_row, 1])) == N  # beside each other


def test_sanity_draws_the_fall_from_the_trained_network_on() -> None:
    table = randomised()
    table.loc[[0, 5], ["rank_correlation", "rank_correlation_absolute"]] = np.nan
    passed = {"grad_cam": False, "integrated_gradients": True, "lime": None}
    figure = figures.sanity(table, TITLES, passed, most_alike=0.4)
    words = texts(figure)
    for ax, method in zip(panels(figure), METHODS, strict=True):
        zero, limit, *means = ax.lines
        some = table[table["method"] == method]
        assert set(zero.get_ydata()) == {0}
        assert set(limit.get_ydata()) == {0.4}
        measures = ("rank_correlation", "rank_correlation_absolute")
        for line, band, measure in zip(means, ax.collections, measures, strict=True):
            by_depth = some.groupby("depth")[measure]
            assert list(line.get_ydata()) == pytest.approx([1, *by_depth.mean()])
            assert list(line.get_xdata()) == [0, 1, 2, 3]
            edges = band.get_paths()[0].vertices
            at_two = sorted(set(edges[edges[:, 0] == 2, 1]))
            expected_band = np.nanquantile(some.loc[some["depth"] == 2, measure], [0.1, 0.9])
            assert at_two == pytest.approx(expected_band.tolist())
    for ax in panels(figure)[2:]:
        assert [label.get_text() for label in ax.get_xticklabels()] == ["none", *LAYERS]
    assert [ax.get_title() for ax in panels(figure)] == [
        "HiResCAM: fails (2 of 24 maps are flat: left out)", "Integrated Gradients: passes",
        "LIME", "Occlusion",
    ]  # fmt: skip
    assert "what a method that depends on the network falls to" in words
    assert "8 galaxies; nearer to 0 is better; a method passes if both means end at 0.4" in words


def test_sanity_can_do_without_a_method() -> None:
    titles = {"lime": "LIME", "saliency": "Saliency", "occlusion": "Occlusion"}
    figure = figures.sanity(randomised(), titles, {}, most_alike=0.5)
    assert [len(ax.lines) for ax in panels(figure)[:3]] == [4, 2, 4]
    assert texts(figure).count("not measured") == 1


def test_sanity_of_a_deep_network_fits_a_screen() -> None:
    layers = [f"block_{i}_expand_convolution" for i in range(60)]
    table = pd.concat(
        [randomised().assign(depth=i, layer=layer) for i, layer in enumerate(layers, start=1)]
    )
    titles = {f"{method}{i}": title for i in range(2) for method, title in TITLES.items()}
    figure = figures.sanity(table, dict(list(titles.items())[:6]), {}, most_alike=0.5)
    assert_fits_a_screen(figure)
    assert_nothing_is_cut_off_or_overlaps(figure)
    named = panels(figure)[-1].get_xticklabels()
    assert named[0].get_text() == "none"
    assert all(len(label.get_text()) <= 20 for label in named)
    for label in named[1:]:
        layer = layers[round(label.get_position()[0]) - 1]
        assert layer.startswith(label.get_text().removesuffix("…"))


def test_agreement_is_written_into_both_halves_of_the_matrices() -> None:
    table = agreements().sample(frac=1, random_state=0)  # in no order
    figure = figures.agreement(table, TITLES)
    right, wrong, _ = panels(figure)
    assert right.get_title() == "classified correctly: 10 galaxies"
    assert wrong.get_title() == "classified wrongly: 6 galaxies"
    for ax, less in ((right, 0.0), (wrong, 0.5)):
        matrix = np.ma.filled(ax.images[0].get_array(), np.nan)
        for k, (i, j) in enumerate(combinations(range(4), 2), start=1):
            assert matrix[i, j] == matrix[j, i] == pytest.approx(k / 10 - less)
            written = [t.get_text() for t in ax.texts if t.get_position() in ((i, j), (j, i))]
            assert written == [f"{matrix[i, j]:.2f}"] * 2
        assert np.isnan(np.diag(matrix)).all()
    assert [label.get_text() for label in right.get_yticklabels()] == [
        "HiResCAM", "Integrated\nGradients", "LIME", "Occlusion"
    ]  # fmt: skip
    texts(figure)


def test_agreement_says_when_no_galaxy_was_classified_wrongly() -> None:
    table = agreements()
    figure = figures.agreement(table[table["correct"]], TITLES)
    assert "classified wrongly: 0 galaxies" in texts(figure)
    assert [text.get_text() for text in panels(figure)[1].texts] == ["no galaxy"]
    one = figures.agreement(table[table["cataid"] == 0], TITLES)
    assert "classified correctly: 1 galaxy" in texts(one)
    single = figures.agreement(table[:0], {"lime": "LIME"})
    assert texts(single).count("no galaxy") == 2


def test_reliability_shows_every_galaxy_with_the_tolerance_and_the_medians() -> None:
    quality = qualities()
    figure = figures.reliability(quality, TITLES, tolerance=0.07)
    words = texts(figure)
    having = {
        "completeness_residual": METHODS[:2], "r_squared": ["lime"], "top_overlap": METHODS
    }  # fmt: skip
    for ax, (measure, methods) in zip(panels(figure), having.items(), strict=True):
        for correct, marker in ((True, "o"), (False, "x")):
            expected = quality.loc[quality["correct"] == correct, measure].dropna()
            assert sorted(dots(ax, marker)[:, 0]) == pytest.approx(sorted(expected))
        medians = {round(y.mean() + 0.1): x[0] for x, y in map(np.transpose, medians_of(ax))}
        expected_medians = quality.groupby("method")[measure].median()
        assert medians == {
            METHODS.index(method): pytest.approx(expected_medians[method]) for method in methods
        }
        assert [text.get_text() for text in ax.texts] == ["–"] * (4 - len(methods))
    assert panels(figure)[0].get_xscale() == "log"
    assert upright_lines(panels(figure)[0]) == [0.07]
    for said in ("tolerance: 0.07 logits", "R²", "cut at 0.0001 and 100; less is better"):
        assert said in words


def test_reliability_draws_what_is_there() -> None:
    quality = qualities().drop(columns=["r_squared", "completeness_residual"])
    figure = figures.reliability(quality, TITLES)
    assert [text.get_text() for ax in panels(figure) for text in ax.texts] == ["–"] * 8
    assert_nothing_is_cut_off_or_overlaps(figure)


def test_residuals_without_bounds_stay_on_the_axis() -> None:
    quality = qualities()
    quality["completeness_residual"] = np.nan
    quality.loc[quality["method"] == "integrated_gradients", "completeness_residual"] = (
        [0.0, np.inf, 1e300, 0.01] * 4
    )  # fmt: skip
    figure = figures.reliability(quality, TITLES)
    texts(figure)
    drawn = np.concatenate([dots(panels(figure)[0], marker) for marker in "ox"])[:, 0]
    assert sorted(drawn) == [1e-4] * 4 + [0.01] * 4 + [100] * 8


def test_structure_compares_with_the_share_of_pixels_and_with_one_half() -> None:
    table, summary = structures(), structure_means()
    table.loc[table["cataid"] == 3, ["share_on_structure", "structure_area", "ranking"]] = np.nan
    figure = figures.structure(table, summary, TITLES)
    words = texts(figure)
    share_ax, ranking_ax = panels(figure)
    for ax, measure in ((share_ax, "share_on_structure"), (ranking_ax, "ranking")):
        for correct, marker in ((True, "o"), (False, "x")):
            expected = table.loc[table["correct"] == correct, measure].dropna()
            assert sorted(dots(ax, marker)[:, 0]) == pytest.approx(sorted(expected))
        means = summary[summary["measure"] == measure].set_index("method")
        np.testing.assert_allclose(intervals(ax, "D"), means.loc[NAMES, ["value", "low", "high"]])
    areas = table.groupby("method")["structure_area"].mean()[NAMES]
    assert chance_marks(share_ax) == pytest.approx(areas.to_numpy())
    assert upright_lines(ranking_ax) == [0.5]
    for said in ("11 spirals", "chance: 0.5", "same elliptical ring", "more is better"):
        assert said in words


def test_methods_without_values_are_said_to_be_not_measured() -> None:
    """A method in one table and not in the other, or with rows but nothing in them."""
    quality, summary, some_curves, spirals = qualities(), summaries(), curves(), structures()
    del some_curves["lime_deletion"], some_curves["lime_insertion"]
    summary = summary[summary["method"] != "occlusion"]
    summary.loc[summary["method"] == "grad_cam", ["value", "low", "high"]] = np.nan
    quality = quality[quality["method"] != "lime"]
    quality.loc[quality["method"] == "grad_cam", ["turned", "noise"]] = np.nan
    spirals.loc[spirals["method"] == "grad_cam", ["share_on_structure", "ranking"]] = np.nan
    drawn = {
        figures.faithfulness(some_curves, summary, TITLES): 8,  # two methods, over four controls
        figures.place(quality, summary, TITLES): 7,  # both in three panels, LIME in the last
        figures.stability(quality, summary, TITLES): 4,
        figures.structure(spirals, structure_means(), TITLES): 2,
    }
    assert {figure: texts(figure).count("not measured") for figure in drawn} == drawn


def test_a_table_of_only_right_classifications_has_no_crosses() -> None:
    quality = qualities()
    figure = figures.stability(quality[quality["correct"]], summaries(), TITLES)
    assert "10 galaxies, 10 of them classified correctly" in texts(figure)
    assert "classified wrongly" not in texts(figure)
    assert not [line for line in panels(figure)[0].lines if line.get_marker() == "x"]


def test_a_mean_without_an_interval_is_drawn_alone() -> None:
    summary = summaries().assign(low=np.nan, high=np.nan)
    quality = qualities()
    quality = quality[quality["cataid"] == quality["cataid"].iloc[0]]
    figure = figures.stability(quality, summary, TITLES)
    assert "1 galaxy, 1 of them" in texts(figure)
    values = of_all(summary, "turned", METHODS)["value"].to_numpy()
    assert dots(panels(figure)[0], "D")[:, 0] == pytest.approx(values)
    bars = [bar.lines[2][0].get_segments() for bar in panels(figure)[0].containers]
    assert not np.concatenate([segment for segments in bars for segment in segments]).size


def test_intervals_that_round_off_puts_beside_their_value_are_drawn() -> None:
    summary = summaries()
    summary["low"], summary["high"] = summary["value"] + 1e-15, summary["value"] - 1e-15
    figure = figures.faithfulness(curves(), summary, TITLES)
    value, low, high = intervals(panels(figure)[2], "o").T
    assert low == pytest.approx(value)
    assert high == pytest.approx(value)


def test_each_method_keeps_its_colour_in_the_order_of_the_titles() -> None:
    figure = figures.faithfulness(curves(), summaries(), dict(reversed(TITLES.items())))
    colours = {line.get_label(): line.get_color() for line in panels(figure)[0].lines}
    assert [colours[title] for title in reversed(TITLES.values())] == list(COLOURS[:4])
    assert rows(panels(figure)[2]) == list(reversed(TITLES.values()))


@pytest.mark.parametrize("simulated", [True, False])
def test_every_figure_says_when_it_is_simulated_and_shows_all_of_itself(simulated: bool) -> None:
    quality, summary = qualities(simulated=simulated), summaries(simulated=simulated)
    spirals = structures(simulated=simulated)
    for titles in (TITLES, SIX, {"lime": "LIME"}):
        for figure in (
            figures.faithfulness(curves(), summary, titles),
            figures.place(quality, summary, titles),
            figures.stability(quality, summary, titles),
            figures.sanity(randomised(simulated=simulated), titles, {}, most_alike=0.5),
            figures.reliability(quality, titles),
            figures.structure(spirals, structure_means(simulated=simulated), titles),
        ):
            assert ("simulated galaxies" in texts(figure)) == simulated
            assert_nothing_is_cut_off_or_overlaps(figure)
            assert_fits_a_screen(figure)
    figure = figures.agreement(agreements(simulated=simulated), SIX)
    assert ("simulated galaxies" in texts(figure)) == simulated
    assert_nothing_is_cut_off_or_overlaps(figure)
    assert_fits_a_screen(figure)


def assert_fits_a_screen(figure: Figure) -> None:
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 1700
    assert height <= 1100


def assert_nothing_is_cut_off_or_overlaps(figure: Figure) -> None:
    """Panels with their labels, texts and legends lie on the page and beside each other."""
    figure.draw_without_rendering()
    page: Any = figure.bbox
    boxes: dict[Any, Any] = {
        artist: artist.get_tightbbox()
        for artist in [*figure.axes, *figure.texts, *figure.legends]
        if artist.get_visible()
    }
    for artist, box in boxes.items():
        assert page.x0 <= box.x0 < box.x1 <= page.x1, artist
        assert page.y0 <= box.y0 < box.y1 <= page.y1, artist
    for (one, one_box), (other, other_box) in combinations(boxes.items(), 2):
        assert not one_box.overlaps(other_box), (one, other)
