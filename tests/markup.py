"""What is in a page of HTML, for tests."""

from html.parser import HTMLParser
from io import BytesIO

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
