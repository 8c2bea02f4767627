"""What figures look like does not hang on their user's settings, nor on the names of classes."""

import io
import logging
import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest

from galaxy_morphology import figures
from galaxy_morphology.figures import style
from galaxy_morphology.typing import Figure

ODD_NAMES = ["E|S0", "_irregular", "$x_1$", "50 % <b>*&\\", "Σπειροειδής", "Эллиптическая"]
SPOILT = {
    "axes.facecolor": "red", "font.size": 30, "font.family": "serif", "savefig.dpi": 20,
    "savefig.facecolor": "green", "savefig.bbox": "tight", "lines.linewidth": 9,
    "legend.loc": "center", "text.parse_math": True, "figure.constrained_layout.use": False,
}  # fmt: skip


def counts_of(names: list[str]) -> Figure:
    galaxies = pd.DataFrame({"class_name": names * 3, "split": "train", "simulated": False})
    return figures.class_counts(galaxies, names)


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def test_figures_are_the_same_whatever_is_set_for_matplotlib() -> None:
    expected = png(counts_of(ODD_NAMES))
    with matplotlib.rc_context(SPOILT):  # type: ignore[arg-type]
        assert png(counts_of(ODD_NAMES)) == expected
        assert matplotlib.rcParams["font.size"] == 30  # what the user has set stays


def test_figures_leave_matplotlib_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    png(counts_of(["a", "b"]))
    assert dict(matplotlib.rcParams) == before


def test_every_class_is_in_the_legend_as_it_is_written() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = counts_of(ODD_NAMES)
        png(figure)
    legend = figure.axes[0].get_legend()
    assert legend is not None
    texts = legend.get_texts()
    assert [text.get_text().lstrip("\N{ZERO WIDTH SPACE}") for text in texts] == ODD_NAMES
    assert not any(text.get_parse_math() for text in texts)


def test_a_dollar_is_drawn_as_one() -> None:
    def drawn(name: str) -> np.ndarray:
        return np.frombuffer(png(counts_of([name, "b"])), np.uint8)

    assert not np.array_equal(drawn("$x$"), drawn("x"))


def test_letters_without_a_glyph_are_said_to_be_missing_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galaxy_morphology.figures import styled

    monkeypatch.setattr(styled, "_families", lambda: (styled.FONT,))
    styled._say_that_letters_are_missing.cache_clear()
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            png(counts_of(["椭圆", "ทรงรี"]))
    assert caplog.text.count("Boxes stand in figures") == 1


def test_fonts_of_other_scripts_are_taken_where_they_are_installed() -> None:
    from matplotlib import font_manager

    from galaxy_morphology.figures import styled

    installed = font_manager.get_font_names()
    families = styled._families()
    assert families[0] == styled.FONT
    assert set(families) == set(installed) & {styled.FONT, *styled.FONTS_OF_OTHER_SCRIPTS}


def test_labels_of_legends() -> None:
    assert style.legend_label("Other") == "Other"
    assert not style.legend_label("_other").startswith("_")
