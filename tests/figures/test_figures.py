"""Figures show what they say: the numbers, the names and the colours of their data."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from galaxy_morphology import figures
from galaxy_morphology.figures.explanations import AGAINST, FOR, _relative
from galaxy_morphology.figures.style import COLOURS

NAMES = ["Elliptical", "Other"]
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (20, 16, 16, 3)).astype(np.uint8)


def galaxies(*, simulated: bool = False) -> pd.DataFrame:
    table = pd.DataFrame({"cataid": np.arange(20) + 500, "class_name": NAMES * 10})
    table["split"] = ["training"] * 12 + ["validation"] * 4 + ["test"] * 4
    table["probability_Other"] = RNG.uniform(size=20)
    table["probability_Elliptical"] = 1 - table["probability_Other"]
    table["predicted_class"] = np.where(table["probability_Other"] > 0.5, "Other", "Elliptical")
    table["correct"] = table["predicted_class"] == table["class_name"]
    return table.assign(chosen_as="correct, confident", simulated=simulated)


def texts(figure: Figure) -> str:
    """Every text of a figure, drawn once so that layout errors show."""
    from matplotlib.text import Text

    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def pictures(figure: Figure) -> list[Any]:
    """The RGB pictures of a figure, in order."""
    from matplotlib.image import AxesImage

    arrays = [np.asarray(image.get_array()) for image in figure.findobj(AxesImage)]
    return [array for array in arrays if array.ndim == 3]


HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "loss": [0.7, 0.5, 0.4],
        "accuracy": [0.5, 0.7, 0.8],
        "validation_loss": [0.6, 0.4, 0.5],
        "validation_accuracy": [0.6, 0.8, 0.7],
        "simulated": False,
    }
)


def test_class_counts_label_every_bar() -> None:
    figure = figures.class_counts(galaxies(), NAMES)
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["6", "2", "2"] * 2
    assert "20 galaxies by split and class" in texts(figure)


def test_cutouts_are_shown_in_rgb_under_their_cataids() -> None:
    figure = figures.cutout_sheet(IMAGES, galaxies(), NAMES, n_galaxies=3, seed=0)
    shown = [ax for sheet in figure.subfigs for ax in sheet.axes if ax.get_title()]
    assert len(shown) == 6
    for i, ax in enumerate(shown):
        row = int(ax.get_title().removeprefix("CATAID ")) - 500
        assert galaxies()["class_name"][row] == NAMES[i // 3]
        np.testing.assert_array_equal(ax.images[0].get_array(), IMAGES[row])


@pytest.mark.parametrize("n", [1, 8, 16, 19])
def test_augmentation_shows_the_original_first_and_any_number_of_versions(n: int) -> None:
    figure = figures.augmentation_sheet(IMAGES[0], IMAGES[1 : n + 1], 500, simulated=False)
    np.testing.assert_array_equal(pictures(figure), IMAGES[: n + 1])
    assert "CATAID 500" in texts(figure)
    rows = {round(ax.get_position().y0, 3) for ax in figure.axes[1:]}
    assert len(rows) == -(-n // 8)


def test_augmentation_speaks_of_hidden_parts_where_there_are_some() -> None:
    for hidden in (True, False):
        figure = figures.augmentation_sheet(
            IMAGES[0], IMAGES[1:9], 500, simulated=False, parts_hidden=hidden
        )
        assert ("random parts are hidden and show empty sky" in texts(figure)) == hidden


def test_training_curves_mark_the_chosen_epoch() -> None:
    figure = figures.training_curves(HISTORY, 2)
    for ax, column in zip(figure.axes, ("accuracy", "loss"), strict=True):
        training, validation, chosen = ax.lines
        assert training.get_ydata() == pytest.approx(HISTORY[column])
        assert validation.get_ydata() == pytest.approx(HISTORY[f"validation_{column}"])
        assert np.asarray(chosen.get_xdata()).tolist() == [2, 2]
    assert "chosen: epoch 2" in texts(figure)
    figure = figures.training_curves(pd.DataFrame(columns=["epoch", "seconds", "simulated"]), 0)
    assert "Nothing was trained: the classifier is built of trained networks." in texts(figure)


def metrics(*, simulated: bool = False) -> dict[str, Any]:
    from galaxy_morphology.evaluation import score_predictions

    return {
        str(split): score_predictions(
            some, NAMES, confidence=0.95
        )
        for split, some in galaxies(simulated=simulated).groupby("split")
        if split != "training"
    }  # fmt: skip


def test_confusion_matrices_hold_the_counts_in_true_rows() -> None:
    scores = metrics()
    scores["test"]["confusion_matrix"] = [[30, 10], [1, 1959]]
    words = texts(figures.confusion_matrices({"test": scores["test"]}))
    assert "30\n75%" in words
    assert "10\n25%" in words
    assert "1,959\n100%" in words


def test_roc_curves_carry_their_area() -> None:
    scores = metrics()
    figure = figures.roc_curves(galaxies(), scores, NAMES)
    assert f"test: AUC {scores['test']['roc_auc']['value']:.3f}" in texts(figure)
    for line in figure.axes[0].lines[:2]:
        points = np.asarray(line.get_xydata())
        assert points[0].tolist() == [0, 0]
        assert points[-1].tolist() == [1, 1]
        assert line.get_color() in COLOURS


def test_the_most_confident_mistakes_of_each_class_come_first() -> None:
    table = galaxies()
    table["split"] = "test"
    certainty = table[["probability_Other", "probability_Elliptical"]].max(axis=1)
    figure = figures.confident_mistakes(IMAGES, table, NAMES, split="test", n_galaxies=3)
    for name, gallery in zip(NAMES, figure.subfigs, strict=True):
        wrong = table[~table["correct"] & (table["class_name"] == name)]
        worst = wrong.assign(certainty=certainty).sort_values("certainty").iloc[-1]
        titles = [ax.get_title() for ax in gallery.axes if ax.get_title()]
        assert len(titles) == min(3, len(wrong))
        assert titles[0] == (
            f"CATAID {worst['cataid']}\n{worst['predicted_class']} {worst['certainty']:.1%}"
        )
        assert f"{len(titles)} of {len(wrong)} {name}" in gallery.get_suptitle()
    none = figures.confident_mistakes(
        IMAGES, table.assign(correct=True), NAMES, split="test", n_galaxies=3
    )
    assert "0 of 0 Other" in texts(none)


def rates(*, simulated: bool = False) -> pd.DataFrame:
    """Error rates in two bins of a number, with galaxies where it is missing, and of a flag."""
    return pd.DataFrame(
        {
            "quantity": ["magnitude"] * 3 + ["touches_edge"] * 2,
            "bin": ["1 to 2", "2 to 3", "not measured", "False", "True"],
            "centre": [1.5, 2.5, np.nan, np.nan, np.nan],
            "n": [10, 10, 1, 15, 6],
            "error_rate": [0.1, 0.2, 1.0, 0.1, 0.5],
            "low": 0.0,
            "high": 1.0,
            "split": "test",
            "simulated": simulated,
        }
    )


def test_error_rates_are_drawn_against_numbers_and_flags() -> None:
    figure = figures.error_rates(rates(), 0.15)
    words = texts(figure)
    assert "Error rate of test galaxies" in words
    assert "True\n(6)" in words
    drawn = [np.asarray(ax.containers[0][0].get_xydata()) for ax in figure.axes[:2]]
    np.testing.assert_array_equal(drawn[0], [[1.5, 0.1], [2.5, 0.2]])
    np.testing.assert_array_equal(drawn[1], [[0, 0.1], [1, 0.5]])


ODD_NAMES = ["A_1$x$ | b*", "Other $|*_"]
TITLES = {
    "grad_cam": "Grad-CAM", "integrated_gradients": "Integrated Gradients", "lime": "LIME",
    "occlusion": "Occlusion", "kernel_shap": "Kernel SHAP", "rise": "RISE",
}  # fmt: skip
LONGEST_NOTE = f"{'linear model fits with R² 0.91 now':34}"


def explained(
    n: int, names: list[str] = NAMES, *, n_named: int = 0, simulated: bool = False
) -> pd.DataFrame:
    """Galaxies of each class in turn, every third of them wrong, the first asked for by name."""
    table = pd.DataFrame({"cataid": np.arange(n) + 1_000_500, "class_name": (names * n)[:n]})
    table["correct"] = np.arange(n) % 3 > 0
    other = table["class_name"].map(dict(zip(names, names[::-1], strict=True)))
    table["predicted_class"] = table["class_name"].where(table["correct"], other)
    for name in names:
        table[f"probability_{name}"] = np.where(table["predicted_class"] == name, 0.987, 0.013)
    table["chosen_as"] = np.where(table["correct"], "correct, borderline", "wrong, borderline")
    table.loc[: n_named - 1, "chosen_as"] = "named"
    return table.assign(simulated=simulated)


def drawn(table: pd.DataFrame, methods: int = 4) -> tuple[Any, ...]:
    """What the figures of explanations take: everything but ``parts``."""
    titles = dict(list(TITLES.items())[:methods])
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (len(table), 16, 16, 3)).astype(np.uint8)
    maps = {name: rng.normal(size=(len(table), 16, 16)) for name in titles}
    table_of_notes = pd.DataFrame(
        {"note": LONGEST_NOTE, "faithfulness": -0.25, "target_share": 0.63}, index=table.index
    )
    notes = pd.DataFrame(dict.fromkeys(titles, figures.reliability_notes(table_of_notes)))
    return images, table, maps, titles, notes


def cutouts_of(figure: Figure) -> list[Any]:
    """The cut-outs of a figure; what is laid over others is no longer in bytes."""
    return [picture for picture in pictures(figure) if picture.dtype == np.uint8]


def assert_texts_lie_on_the_page_and_beside_each_other(figure: Figure) -> None:
    """Texts and panels, as they are drawn."""
    from itertools import combinations

    from matplotlib.text import Text

    figure.canvas.draw()
    page: Any = figure.bbox
    shown = [text for text in figure.findobj(Text) if text.get_text().strip()]
    boxes = {text.get_text(): text.get_window_extent() for text in shown if text.get_visible()}
    boxes |= {f"panel {i}": ax.get_window_extent() for i, ax in enumerate(figure.axes)}
    for name, box in boxes.items():
        assert page.x0 <= box.x0 < box.x1 <= page.x1, name
        assert page.y0 <= box.y0 < box.y1 <= page.y1, name
    for (one, one_box), (other, other_box) in combinations(boxes.items(), 2):
        assert not one_box.overlaps(other_box), (one, other)


def test_a_page_says_whose_explanations_they_are_and_what_colours_mean() -> None:
    table = explained(12)
    pages = figures.explanation_pages(*drawn(table))
    words = {name: texts(page) for name, page in pages.items()}
    for row in table.to_dict("records"):
        page = words[f"{row['class_name']}_{'correct' if row['correct'] else 'wrong'}".lower()]
        assert f"CATAID {row['cataid']}\ntrue: {row['class_name']}" in page
        assert f"predicted: {row['predicted_class']}\nwith 98.7%" in page
    for said in (
        "Other, classified wrongly", "Red spoke for", "blue against it", "smoothed by 1.5 px",
        f"{LONGEST_NOTE}\nfaithfulness -0.25, on galaxy 63%", *list(TITLES.values())[:4],
    ):  # fmt: skip
        assert said in words["other_wrong"]


def test_each_group_has_a_page_and_large_groups_have_several() -> None:
    table = explained(40, n_named=7)
    what = drawn(table, methods=1)
    pages = figures.explanation_pages(*what)
    named = table["chosen_as"] == "named"
    expected: list[Any] = [what[0][:7]]
    for name in pages:
        if not name.startswith("named"):
            of_class = table["class_name"].str.lower() == name.split("_")[0]
            outcome = table["correct"] == (name.split("_")[1] == "correct")
            if not name.endswith("2") and not name.endswith("3"):
                expected.append(what[0][~named & of_class & outcome])
    assert list(pages)[:2] == ["named", "named_2"]
    shown = [cutouts_of(page) for page in pages.values()]
    assert max(map(len, shown)) <= 5
    np.testing.assert_array_equal(np.concatenate(shown), np.concatenate(expected))
    assert "Galaxies asked for by CATAID (2 of 2)" in texts(pages["named_2"])


def test_the_overview_shows_the_first_galaxy_of_each_group() -> None:
    table = explained(20, n_named=2)
    what = drawn(table)
    figure = figures.explanation_overview(*what)
    group = table["class_name"] + table["correct"].astype(str)
    group[:2] = "named"
    np.testing.assert_array_equal(
        cutouts_of(figure), what[0][table.index[~group.duplicated()].to_numpy()]
    )
    assert len(cutouts_of(figure)) == 5


def test_an_overview_of_many_groups_says_how_many_it_leaves_out() -> None:
    figure = figures.explanation_overview(*drawn(explained(24, ["a", "b", "c", "d"])))
    assert len(cutouts_of(figure)) == 5
    assert "the first 5 of 8 groups" in texts(figure)


def test_sheets_show_every_galaxy_beside_its_map() -> None:
    what = drawn(explained(37), methods=2)
    sheets = figures.attribution_sheets(*what)
    assert list(sheets) == [
        "grad_cam", "grad_cam_2", "grad_cam_3",
        "integrated_gradients", "integrated_gradients_2", "integrated_gradients_3",
    ]  # fmt: skip
    for method in ("grad_cam", "integrated_gradients"):
        of_method = [sheet for name, sheet in sheets.items() if name.startswith(method)]
        shown = [picture for sheet in of_method for picture in cutouts_of(sheet)]
        np.testing.assert_array_equal(shown, what[0])
    assert sum(len(pictures(sheet)) for sheet in sheets.values()) == 2 * 2 * 37
    assert "LIME, sheet" not in texts(sheets["grad_cam_3"])
    assert "Grad-CAM, sheet 3 of 3" in texts(sheets["grad_cam_3"])


@pytest.mark.parametrize("methods", [1, 4, 6])
@pytest.mark.parametrize("simulated", [True, False])
def test_pages_and_sheets_fit_a_screen_and_no_text_lies_on_another(
    methods: int, simulated: bool
) -> None:
    table = explained(15, ODD_NAMES, n_named=1, simulated=simulated)
    what = drawn(table, methods)
    pages = figures.explanation_pages(*what) | {"all": figures.explanation_overview(*what)}
    assert "a_1_x_b_correct" in pages
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in pages)
    assert "A_1$x$ | b*, classified correctly" in texts(pages["a_1_x_b_correct"])
    for page in (*pages.values(), *figures.attribution_sheets(*what).values()):
        width, height = page.get_size_inches() * page.dpi
        assert width <= 1700
        assert height <= 1100
        assert_texts_lie_on_the_page_and_beside_each_other(page)


def test_classes_with_names_that_look_the_same_to_a_file_system_keep_their_pages() -> None:
    pages = figures.explanation_pages(*drawn(explained(4, ["S*", "s|"]), methods=1))
    assert list(pages) == ["s_wrong", "s_correct", "s_correct_2", "s_wrong_2"]


def test_colours_are_the_sign_and_the_strength_of_a_map_on_a_quiet_sky() -> None:
    from matplotlib.colors import to_rgb

    images, table, _, _, notes = drawn(explained(1), methods=1)
    values = np.zeros((1, 16, 16))
    values[0, :6, :6], values[0, -6:, -6:] = 2, -2
    figure = figures.explanation_overview(
        np.full_like(images, 7), table, {"grad_cam": values}, {"grad_cam": "Grad-CAM"}, notes
    )
    (overlay,) = (picture for picture in pictures(figure) if picture.dtype != np.uint8)
    assert overlay[0, 0] == pytest.approx(to_rgb(FOR), abs=0.02)
    assert overlay[-1, -1] == pytest.approx(to_rgb(AGAINST), abs=0.02)
    assert overlay[0, -1] == pytest.approx([1, 1, 1], abs=0.01)


def test_the_galaxy_and_its_neighbours_are_outlined_where_they_are() -> None:
    from matplotlib.contour import ContourSet

    parts = np.zeros((2, 32, 32), np.uint8)
    parts[0, 8:20, 10:24] = 1
    parts[0, 24:30, 2:8] = 2
    images, table, maps, titles, notes = drawn(explained(2), methods=1)
    images, maps = images.repeat(2, 1).repeat(2, 2), {"grad_cam": np.ones((2, 32, 32))}
    (sheet,) = figures.attribution_sheets(images, table, maps, titles, notes, parts).values()
    galaxy, neighbour = sheet.findobj(ContourSet)  # none of the second, which is all sky
    for outline, (left, low, right, high) in (
        (galaxy, (9.5, 7.5, 23.5, 19.5)),
        (neighbour, (1.5, 23.5, 7.5, 29.5)),
    ):
        box = outline.get_paths()[0].get_extents().extents
        assert box == pytest.approx([left, low, right, high], abs=0.3)


def test_notes_say_what_is_known_in_at_most_two_lines() -> None:
    quality = pd.DataFrame(
        {
            "note": ["fit R² 0.91", None, "complete", ""],
            "faithfulness": [0.5, -0.001, np.nan, np.nan],
            "target_share": [0.25, np.nan, 0.5, np.nan],
        }
    )
    assert figures.reliability_notes(quality) == [
        "fit R² 0.91\nfaithfulness 0.50, on galaxy 25%", "faithfulness 0.00",
        "complete\non galaxy 50%", "",
    ]  # fmt: skip
    assert figures.reliability_notes(pd.DataFrame({"cataid": [1]})) == [""]


def test_maps_keep_their_sign_and_zero() -> None:
    values = np.concatenate([np.linspace(-2, 1, 1000), [50.0]])  # one hot pixel
    relative = _relative(values)
    assert relative.min() == pytest.approx(-1, abs=0.01)
    assert relative[999] == pytest.approx(0.5, abs=0.01)
    assert relative[-1] == 1
    assert np.all(np.sign(relative) == np.sign(values))
    assert (_relative(np.zeros(5)) == 0).all()


def reliability_of(scores: dict[str, Any]) -> dict[str, dict[str, pd.DataFrame]]:
    """Curves of reliability, and what belongs to them in the scores."""
    curve = pd.DataFrame(
        {"certainty": [0.6, 0.9], "accuracy": [0.5, 0.95], "low": [0.4, 0.9], "high": [0.6, 1.0]}
    )
    error = {
        "calibration_error": {"value": 0.031, "low": None, "high": None},
        "calibration_error_if_perfect": {"value": 0.03, "low": 0.02, "high": 0.04},
    }
    for split_scores in scores.values():
        split_scores["calibration"] = {"temperature": 1.3, "before": error, "after": error}
    return {split: {"before": curve, "after": curve} for split in scores}


def selection_of(scores: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Curves of selective accuracy, and what belongs to them in the scores."""
    score = {"value": 0.7, "low": 0.6, "high": 0.8}
    for split_scores in scores.values():
        split_scores["selection"] = {
            "accuracy_wanted": 0.95, "accuracy_confidence": 0.9, "threshold": 0.8, "kept": score,
            "accuracy": score,
        }  # fmt: skip
    curve = pd.DataFrame(
        {"kept": [0.01, 0.5, 1], "accuracy": [0, 0.9, 0.8], "low": [0, 0.8, 0.7], "high": 1.0}
    )
    return dict.fromkeys(scores, curve)


def test_reliability_is_drawn_with_its_error_and_temperature() -> None:
    scores = metrics()
    figure = figures.reliability_diagrams(reliability_of(scores), scores)
    words = texts(figure)
    assert "test: temperature 1.30" in words
    assert "before: calibration error 0.031 (0.020-0.040 if perfect)" in words
    before, after = (np.asarray(bars[0].get_xydata()) for bars in figure.axes[0].containers)
    np.testing.assert_array_equal(before, [[0.6, 0.5], [0.9, 0.95]])
    np.testing.assert_array_equal(after, before)
    assert figure.axes[0].get_ylabel() == "accuracy"
    scores["test"]["votes"] = {}
    of_votes = figures.reliability_diagrams(reliability_of(scores), scores)
    assert "fraction of the votes for it" in [ax.get_ylabel() for ax in of_votes.axes]


def test_the_accuracy_of_what_is_kept_is_drawn_with_the_threshold() -> None:
    scores = metrics()
    figure = figures.selective_accuracy(selection_of(scores), scores)
    assert "keeps 0.700 (0.600-0.800)" in texts(figure)
    assert "wanted: 95%, with a confidence of 90%" in texts(figure)
    # The accuracy of the first hundredth of the galaxies is left out.
    assert figure.axes[0].lines[0].get_xdata() == pytest.approx([0.5, 1])
    scores["test"]["selection"]["kept"] = {"value": 0.0, "low": 0.0, "high": 0.1}
    assert "test, threshold" not in texts(
        figures.selective_accuracy(selection_of(metrics()), scores)
    )


def test_figures_say_which_mix_of_classes_they_are_for_where_one_is_set() -> None:
    scores = metrics()
    for is_set in (False, True):
        for of_split in scores.values():
            prior = {"Elliptical": 0.25, "Other": 0.75}
            of_split |= {"class_prior": prior if is_set else None, "class_shares": prior}
        for figure in (
            figures.confusion_matrices(scores),
            figures.roc_curves(galaxies(), scores, NAMES),
            figures.error_rates(rates(), 0.1, metrics=scores),
            figures.reliability_diagrams(reliability_of(scores), scores),
            figures.selective_accuracy(selection_of(scores), scores),
        ):
            assert ("for a mix of 25% Elliptical, 75% Other" in texts(figure)) == is_set


RIGHT_THEN_WRONG = np.arange(20) < 5


def suspects(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(suggested_class="Other", label_quality=0.2, suspected=True)


def compared(*, simulated: bool) -> pd.DataFrame:
    """Two entries of two seeds and their ensembles, the second entry 0.1 better in everything."""
    table = pd.DataFrame({"entry": ["one"] * 3 + ["two"] * 3, "seed": ["1", "2", "ensemble"] * 2})
    for score in ("accuracy", "macro_f1", "roc_auc", "brier"):
        table[score] = [0.7, 0.72, 0.75, 0.8, 0.82, 0.85]
        table[f"{score}_difference"] = [0.0] * 3 + [0.1] * 3
        for name in (score, f"{score}_difference"):
            table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.05, table[name] + 0.05
    return table.assign(split="test", n=544, simulated=simulated)


def points_of(line: Any) -> list[tuple[float, float]]:
    return [tuple(point) for point in np.asarray(line.get_xydata()).tolist()]


def test_compared_scores_are_where_the_table_says_and_the_best_is_on_top() -> None:
    table = compared(simulated=False)
    figure = figures.compared_scores(table[::-1], "one", ensemble="ensemble")
    accuracy, roc_auc, brier = figure.axes
    assert [tick.get_text() for tick in accuracy.get_yticklabels()] == ["one", "two"]
    for ax in (accuracy, roc_auc, brier):
        reference, seeds, ensemble = ax.lines[:3]
        assert points_of(reference) == [(0.75, 0), (0.75, 1)]
        assert sorted(points_of(seeds)) == [(0.7, 0), (0.72, 0), (0.8, 1), (0.82, 1)]
        assert points_of(ensemble) == [(0.75, 0), (0.85, 1)]
    assert "544 test galaxies" in texts(figure)


def test_one_seed_needs_no_mean() -> None:
    table = compared(simulated=False).query("seed == '2'")
    figure = figures.compared_scores(table, "one", ensemble="ensemble")
    assert points_of(figure.axes[0].lines[1]) == [(0.72, 0), (0.82, 1)]
    assert "mean" not in texts(figure)


def test_the_comparison_of_many_fits_a_screen() -> None:
    one = compared(simulated=False).query("entry == 'one'")
    many = [one.assign(entry="one" if i == 0 else f"entry_{i}") for i in range(16)]
    figure = figures.compared_scores(pd.concat(many), "one", ensemble="ensemble")
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 1600
    assert height <= 900


def test_a_score_without_an_interval_has_a_marker_without_a_bar() -> None:
    table = compared(simulated=False)
    table.loc[2, ["brier_low", "brier_high"]] = np.nan
    figure = figures.compared_scores(table, "one", ensemble="ensemble")
    assert points_of(figure.axes[2].lines[2]) == [(0.75, 0), (0.85, 1)]
    assert "nan" not in texts(figure)


def found(*, simulated: bool) -> dict[str, Any]:
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    scores = {"precision": interval, "recall": interval, "n": 4}
    return {"simulated": simulated, "suspected": scores, "top": scores}


@pytest.mark.parametrize("simulated", [True, False])
def test_every_figure_says_when_its_galaxies_are_simulated(simulated: bool) -> None:
    table, scores = galaxies(simulated=simulated), metrics(simulated=simulated)
    what = drawn(explained(8, simulated=simulated))
    shown = [
        figures.class_counts(table, NAMES),
        figures.cutout_sheet(IMAGES, table, NAMES, n_galaxies=3, seed=0),
        figures.augmentation_sheet(IMAGES[0], IMAGES[1:9], 500, simulated=simulated),
        figures.training_curves(HISTORY.assign(simulated=simulated), 2),
        figures.confusion_matrices(scores),
        figures.roc_curves(table, scores, NAMES),
        figures.confident_mistakes(IMAGES, table, NAMES, split="test", n_galaxies=3),
        figures.error_rates(rates(simulated=simulated), 0.1),
        figures.reliability_diagrams(reliability_of(scores), scores),
        figures.selective_accuracy(selection_of(scores), scores),
        figures.suspect_labels(IMAGES, table["cataid"], suspects(table), NAMES, n_galaxies=3),
        figures.compared_scores(compared(simulated=simulated), "one", ensemble="ensemble"),
        figures.suspects_found(RIGHT_THEN_WRONG, found(simulated=simulated)),
        figures.explanation_overview(*what),
        figures.explanation_pages(*what)["other_correct"],
        figures.attribution_sheets(*what)["lime"],
    ]
    # One is always simulated, two draw no figure; fourteen have tests of their own.
    assert len(shown) == len(figures.__all__) - 3 - 14
    assert [("simulated galaxies" in texts(figure)) for figure in shown] == [simulated] * len(shown)


def test_populations_are_shown_under_their_names() -> None:
    truth = galaxies().assign(population=["spiral"] * 5 + ["edge_on"] * 15)
    figure = figures.population_sheet(IMAGES, truth)
    assert [sheet.get_suptitle() for sheet in figure.subfigs] == ["spiral", "edge on"]
    assert [sum(bool(ax.get_title()) for ax in s.axes) for s in figure.subfigs] == [5, 15]
    assert "simulated galaxies" in texts(figure)


def test_an_overlay_is_red_for_and_blue_against_and_clear_where_nothing_speaks() -> None:
    values = np.zeros((48, 48))
    values[4:12], values[36:44] = 2.0, -1.0
    pixels = figures.overlay(values)
    assert pixels.dtype == np.uint8
    for row, colour in ((8, FOR), (40, AGAINST)):
        assert "#{:02X}{:02X}{:02X}".format(*pixels[row, 24, :3]) == colour
    strength = pixels[..., 3]
    assert strength[8, 24] > 1.8 * strength[40, 24] > 0
    assert strength[24, 24] == 0
