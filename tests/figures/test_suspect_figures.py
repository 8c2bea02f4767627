"""Figures of doubted labels: the right cut-outs under the right names, the right shares."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from galaxy_morphology import figures
from galaxy_morphology.evaluation import suspect_scores

NAMES = ["Elliptical", "Other", "Star"]
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3)).astype(np.uint8)
# In another order than any ranking below, and neither from 0 nor without gaps.
CATAIDS = pd.Series(np.random.default_rng(1).permutation(40) * 7 + 500, index=range(3, 43))


def texts(figure: Figure) -> str:
    """Every text of a figure, drawn once so that layout errors show."""
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def ranking(n_suspected: int = 22, *, simulated: bool = False) -> pd.DataFrame:
    """Suspects in turn labelled elliptical and other; stars, of which none is suspected."""
    table = pd.DataFrame({"cataid": sorted(CATAIDS), "simulated": simulated})
    table["suspected"] = np.arange(40) < n_suspected
    table["class_name"] = np.where(table["suspected"], np.array(NAMES[:2] * 20), "Star")
    table["suggested_class"] = table["class_name"].map(
        {"Elliptical": "Other", "Other": "Elliptical", "Star": "Other"}
    )
    table["label_quality"] = np.linspace(0.01, 0.4, 40)
    return table


def shown_in(gallery: Any) -> list[Any]:
    return [ax for ax in gallery.axes if ax.images]


def test_suspects_are_shown_in_rgb_under_their_cataids() -> None:
    suspects = ranking()
    figure = figures.suspect_labels(IMAGES, CATAIDS, suspects, NAMES, n_galaxies=8)
    texts(figure)
    for name, gallery in zip(NAMES[:2], figure.subfigs, strict=False):
        expected = suspects[suspects["class_name"] == name].head(8).to_dict("records")
        for ax, galaxy in zip(shown_in(gallery), expected, strict=True):
            cataid, rather, quality = (
                galaxy["cataid"], galaxy["suggested_class"], galaxy["label_quality"],
            )  # fmt: skip
            assert ax.get_title() == f"CATAID {cataid}\nrather {rather}; label {quality:.0%}"
            row = CATAIDS.tolist().index(cataid)
            np.testing.assert_array_equal(ax.images[0].get_array(), IMAGES[row])


def test_only_suspects_are_shown_and_the_title_counts_them() -> None:
    figure = figures.suspect_labels(IMAGES, CATAIDS, ranking(), NAMES, n_galaxies=8)
    assert [gallery.get_suptitle() for gallery in figure.subfigs] == [
        "Labelled Elliptical: the 8 most suspicious of 11 suspects",
        "Labelled Other: the 8 most suspicious of 11 suspects",
        "Labelled Star: the 0 most suspicious of 0 suspects",
    ]
    assert [len(shown_in(gallery)) for gallery in figure.subfigs] == [8, 8, 0]
    all_of_them = figures.suspect_labels(IMAGES, CATAIDS, ranking(5), NAMES, n_galaxies=8)
    assert [len(shown_in(gallery)) for gallery in all_of_them.subfigs] == [3, 2, 0]


def test_without_suspects_there_are_empty_galleries() -> None:
    figure = figures.suspect_labels(IMAGES, CATAIDS, ranking(0), NAMES[2:], n_galaxies=8)
    assert "Labelled Star: the 0 most suspicious of 0 suspects" in texts(figure)
    assert not shown_in(figure.subfigs[0])


def test_cutouts_that_are_read_from_disk_are_shown_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    on_disk = np.load(tmp_path / "a.npy", mmap_mode="r")
    figure = figures.suspect_labels(on_disk, CATAIDS, ranking(), NAMES, n_galaxies=1)
    first = CATAIDS.tolist().index(500)
    shown = shown_in(figure.subfigs[0])[0]
    np.testing.assert_array_equal(shown.images[0].get_array(), IMAGES[first])


def of(is_wrong: list[int], n_suspected: int, *, simulated: bool = True) -> tuple[Any, Any]:
    """A ranking with known wrong labels, and its scores as the pipeline has them."""
    wrong = np.array(is_wrong, bool)
    scores = suspect_scores(wrong, np.arange(len(wrong)) < n_suspected, share=0.5, confidence=0.95)
    return wrong, {"simulated": simulated, **scores}


def test_what_is_found_is_drawn_as_it_is_counted() -> None:
    wrong, scores = of([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], 2)
    figure = figures.suspects_found(wrong, scores)
    lines = figure.axes[0].lines
    recall, precision, *points, by_chance = (np.asarray(line.get_xydata()) for line in lines)
    share = np.arange(1, 11) / 10
    found = np.array([1, 2, 2, 3, 3, 3, 3, 3, 3, 3])
    np.testing.assert_allclose(recall, np.stack([share, found / 3], axis=1))
    np.testing.assert_allclose(precision, np.stack([share, found / (10 * share)], axis=1))
    np.testing.assert_array_equal(by_chance, [[0, 0], [1, 1]])
    # The two suspects, then the first half: each with its recall and its precision.
    np.testing.assert_allclose(
        np.concatenate(points), [[0.2, 2 / 3], [0.2, 1], [0.5, 1], [0.5, 3 / 5]]
    )
    colours = [line.get_color() for line in lines]
    assert colours[2:6] == colours[:2] * 2
    words = texts(figure)
    for part in (
        "recall: of the 3 wrong labels, found",
        "suspects: recall 0.667",
        "suspects: precision 1.000",
        "first 50%: recall 1.000",
        "first 50%: precision 0.600",
    ):
        assert part in words


def test_what_is_undefined_is_left_out() -> None:
    no_wrong_labels = figures.suspects_found(*of([0] * 10, 3))
    assert "suspects: recall" not in texts(no_wrong_labels)
    assert "suspects: precision 0.000" in texts(no_wrong_labels)
    assert np.isfinite(np.asarray(no_wrong_labels.axes[0].lines[0].get_xydata())).all()
    no_suspects = figures.suspects_found(*of([0, 1] * 5, 0))
    assert "suspects: recall 0.000" in texts(no_suspects)
    assert "suspects: precision" not in texts(no_suspects)


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_galaxies_are_said_to_be(simulated: bool) -> None:
    suspects = ranking(simulated=simulated)
    for figure in (
        figures.suspect_labels(IMAGES, CATAIDS, suspects, NAMES, n_galaxies=2),
        figures.suspects_found(*of([1, 0], 1, simulated=simulated)),
    ):
        assert ("simulated galaxies" in texts(figure)) == simulated
