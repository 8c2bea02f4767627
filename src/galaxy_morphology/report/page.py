"""The page and its sections, from templates that escape all they are given."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

from galaxy_morphology.words import format_score


class Picture(NamedTuple):
    """A figure and how to read it.

    Attributes:
        png: The file, as bytes.
        title: What it shows.
        reading: How to read it, a sentence or two.
    """

    png: bytes
    title: str
    reading: str


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
    markdown: str = "",
) -> str:
    """Lay out figures, and a text below them.

    Args:
        title: Of the section, a heading of the second level.
        pictures: Each becomes a figure with its title, the picture inside, and how to read it.
        tables: Likewise, below the pictures.
        markdown: The text; HTML in it shows as text, and its headings stand below the title.

    Returns:
        HTML.
    """
    return _render(
        "section.html.j2", title=title, pictures=pictures, tables=tables, text=_html(markdown)
    )


def page(metrics: dict[str, Any], sections: Sequence[str]) -> str:
    """Put sections below the answer: how good the classifier is.

    Args:
        metrics: Scores by split, the last being the one to go by.
        sections: From :func:`section`.

    Returns:
        A page of HTML that needs no other file and no network.
    """
    split = list(metrics)[-1]
    return _render("page.html.j2", split=split, scores=metrics[split], sections=sections)


def _html(markdown: str) -> str:
    """HTML of a text in Markdown, its headings two levels lower."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type.startswith("heading"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return str(parser.renderer.render(tokens, parser.options, {}))


def _render(template: str, **values: Any) -> str:
    return str(_templates().get_template(template).render(**values))


@cache
def _templates() -> Any:
    import jinja2

    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("galaxy_morphology.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "base64": lambda content: b64encode(content).decode("ascii"),
        "identifier": lambda title: "-".join(title.lower().split()),
        "score": format_score,
    }
    return templates
