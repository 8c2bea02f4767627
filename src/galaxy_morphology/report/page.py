"""The page and its sections, from templates that escape all they are given."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pandas as pd

from galaxy_morphology.report.rendering import render, source

CHART = 'class="chart"'
"""What a section with a figure to look closer at has in it."""


class Picture(NamedTuple):
    """A figure and how to read it.

    Attributes:
        png: The file, as bytes.
        title: What it shows.
        reading: How to read it, a sentence or two.
        chart: The same to look closer at, a specification for Vega-Lite; it takes the place of the
            picture where a page can run it.
    """

    png: bytes
    title: str
    reading: str
    chart: dict[str, Any] | None = None


class Table(NamedTuple):
    """A table and how to read it.

    Attributes:
        rows: A row of the table for each, and a column for each.
        title: What it shows.
        reading: How to read it, a sentence or two.
    """

    rows: pd.DataFrame
    title: str
    reading: str


def section(
    title: str,
    pictures: Sequence[Picture] = (),
    tables: Sequence[Table] = (),
    *,
    lead: str = "",
    more: Sequence[Picture] = (),
    markdown: str = "",
) -> str:
    """Lay out figures, and a text below them.

    Args:
        title: Of the section, a heading of the second level.
        pictures: Each becomes a figure with its title, the picture inside, and how to read it.
        tables: Likewise, below the pictures.
        lead: A sentence or two below the title.
        more: Pictures that a reader may want to open.
        markdown: The text; HTML in it shows as text, and its headings stand below the title.

    Returns:
        HTML.
    """
    return render(
        "section.html.j2",
        title=title,
        lead=lead,
        pictures=pictures,
        tables=tables,
        more=more,
        text=_html(markdown),
    )


def page(title: str, sections: Sequence[str], *, simulated: bool = False) -> str:
    """Put sections on a page, with a list of contents.

    Args:
        title: Of the page.
        sections: From :func:`summary`, :func:`section` or :func:`gallery`.
        simulated: Whether the galaxies are.

    Returns:
        A page of HTML that needs no other file, and is not allowed any network.
    """
    libraries = [_charting()] if any(CHART in each for each in sections) else []
    scripts = [source("gallery.js"), *([source("charts.js")] if libraries else [])]
    return render(
        "page.html.j2",
        title=title,
        sections=sections,
        contents=_Contents(sections).found,
        simulated=simulated,
        style=source("page.css"),
        libraries=libraries,
        scripts=scripts,
        allowed=" ".join(f"'sha256-{_digest(script)}'" for script in [*libraries, *scripts]),
    )


class _Contents(HTMLParser):
    """Address and title of every section, in order."""

    def __init__(self, sections: Sequence[str]) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._is_title = False
        for each in sections:
            self.feed(each)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        identifier = dict(attrs).get("id") or ""
        self._is_title = tag == "h2" and identifier.endswith("-title")
        if tag == "section" and identifier:
            self.found.append((identifier, ""))

    def handle_data(self, data: str) -> None:
        if self._is_title and self.found and not self.found[-1][1]:
            self.found[-1] = (self.found[-1][0], data)

    def handle_endtag(self, tag: str) -> None:
        self._is_title = False


@cache
def _charting() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _digest(script: str) -> str:
    """By which a page allows a script."""
    return b64encode(sha256(script.encode()).digest()).decode("ascii")


def _html(markdown: str) -> str:
    """HTML of a text in Markdown, its headings two levels lower."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    html = str(parser.renderer.render(tokens, parser.options, {}))
    for tag in ("pre", "table"):
        html = html.replace(f"<{tag}>", f'<{tag} tabindex="0">')  # so that keys can scroll it
    return html
