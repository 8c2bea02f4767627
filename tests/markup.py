"""What is in a page of HTML, for tests."""

import json
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from PIL import Image


class Elements(HTMLParser):
    """The elements of a page with their attributes, its text and its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts += data
        elif self.cdata_elem != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def png_of(width: int, height: int) -> bytes:
    """A PNG file."""
    file = BytesIO()
    Image.new("RGB", (width, height), (200, 80, 40)).save(file, "PNG")
    return file.getvalue()


def data_of(html: str) -> dict[str, Any]:
    """The data that the scripts of a page read, by name."""
    parts = html.split('<script type="application/json" id="')[1:]
    found = (part.split("</script>")[0].split('">', 1) for part in parts)
    return {name: json.loads(content) for name, content in found}


def dead_links(html: str) -> list[str]:
    """Links of a page that lead to no section of it, and to no view that its gallery has."""
    elements, data = Elements(html), data_of(html)["galaxies-data"]
    anchors = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
    choices = {
        "predicted": {str(code) for code in range(len(data["classes"]))},
        "marked": {flag["key"] for flag in data["flags"]},
        "group": {group["key"] for group in data["groups"]},
        "sort": {option.get("value") for option in elements.all("option")},
    }
    targets = {str(link["href"]).removeprefix("#") for link in elements.all("a") if "href" in link}
    return [
        target
        for target in targets - anchors
        if "=" not in target or not all(value in choices[name] for name, value in parse_qsl(target))
    ]
