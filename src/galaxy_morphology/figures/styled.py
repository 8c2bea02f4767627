"""Figures that look the same whatever a user has set for matplotlib."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from matplotlib import font_manager, rc_context, rcdefaults, rcParams
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

logger = logging.getLogger(__name__)

FONT = "DejaVu Sans"
"""Comes with matplotlib. Has Latin, Greek, Cyrillic, Armenian, Hebrew and Arabic letters."""
FONTS_OF_OTHER_SCRIPTS = (
    "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans Devanagari",
    "Noto Sans Thai", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
    "Droid Sans Fallback", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
    "Microsoft YaHei", "Malgun Gothic", "Yu Gothic", "Nirmala UI", "Leelawadee UI",
    "Arial Unicode MS",
)  # fmt: skip
_one_at_a_time = threading.RLock()  # matplotlib's settings are those of the whole process


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults, but that text is what it says and in whatever script it may be."""
    with _one_at_a_time, rc_context():
        rcdefaults()
        rcParams["font.family"] = list(_families())
        rcParams["text.parse_math"] = False  # a dollar in the name of a class is a dollar
        yield


class StyledFigure(Figure):
    """A figure that is laid out and saved in the style that it was drawn in."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw, and say once, in a sentence, that letters are missing."""
        with style(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            super().draw(renderer)
        for warning in caught:
            if "missing from font" in str(warning.message):
                _say_that_letters_are_missing()
            else:
                warnings.warn_explicit(
                    warning.message, warning.category, warning.filename, warning.lineno
                )

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save, with matplotlib's own resolution, colours and margins unless others are named."""
        with style():
            super().savefig(*args, **kwargs)


@cache
def _families() -> tuple[str, ...]:
    """What letters are looked for in, one font after the other."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return (FONT, *(name for name in FONTS_OF_OTHER_SCRIPTS if name in installed))


@cache
def _say_that_letters_are_missing() -> None:
    logger.warning(
        "Boxes stand in figures for letters that no known font on this machine has: install one "
        "for their script, such as Noto Sans CJK."
    )
