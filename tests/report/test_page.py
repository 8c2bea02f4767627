"""The page: what it is given is on it, and none of it is markup."""

from base64 import b64decode
from html.parser import HTMLParser
from typing import Any

import pandas as pd

from galaxy_morphology.report import Picture, Table, page, section

EVIL = "<script>alert(1)</script>"


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def scores(*, simulated: bool = False, classes: tuple[str, ...] = ("Elliptical", "Other")) -> Any:
    score = {"value": 0.875, "low": 0.85, "high": 0.9}
    return {
        "validation": {},
        "test": {
            "n": 1234, "classes": {name: {} for name in classes}, "simulated": simulated,
            "confidence": 0.95, "accuracy": score, "roc_auc": score, "macro_f1": score,
        },
    }  # fmt: skip


def test_a_picture_is_inside_the_page_and_says_what_it_shows() -> None:
    found = Elements(section("ROC curves", [Picture(b"\x89PNG", "Curves", "Read them so.")]))
    (image,) = found.all("img")
    assert image["alt"] == "Curves. Read them so."
    assert b64decode((image["src"] or "").removeprefix("data:image/png;base64,")) == b"\x89PNG"
    assert found.all("section") == [{"id": "roc-curves", "aria-labelledby": "roc-curves-title"}]


def test_a_table_has_a_cell_for_every_value() -> None:
    rows = pd.DataFrame({"reason": ["no image", EVIL], "count": [3, 1]})
    found = Elements(section("Data", tables=[Table(rows, "Left out", "Why.")]))
    assert len(found.all("th")) == 2
    assert len(found.all("td")) == 4
    assert EVIL in found.text


def test_an_empty_table_says_so() -> None:
    html = section("Data", tables=[Table(pd.DataFrame({"reason": []}), "Left out", "Why.")])
    assert "None." in html
    assert "<table" not in html


def test_nothing_that_is_given_becomes_markup() -> None:
    given = section(
        EVIL, [Picture(b"", EVIL, EVIL)], [Table(pd.DataFrame({EVIL: [EVIL]}), EVIL, EVIL)],
        markdown=f"{EVIL}\n\n[link](javascript:alert(1))",
    )  # fmt: skip
    found = Elements(page(scores(classes=(EVIL, "Other")), [given]))
    assert found.all("script") == []
    assert found.all("a") == []
    assert EVIL in found.text


def test_headings_of_a_text_stand_below_those_of_the_page() -> None:
    found = Elements(section("Model card", markdown="# Model card\n\n## Data\n\n| a |\n|---|\n|1|"))
    assert [tag for tag, _ in found.found if tag[0] == "h"] == ["h2", "h3", "h4"]
    assert len(found.all("td")) == 1


def test_the_page_begins_with_the_scores_of_the_last_split() -> None:
    found = Elements(page(scores(), [section("Data")]))
    assert "Of 1,234 test galaxies" in found.text
    assert "0.875 (0.850-0.900)" in found.text
    assert "SIMULATED" not in found.text
    assert found.all("html") == [{"lang": "en"}]
    needed = [one.get("src") or one.get("href") for _, one in found.found]
    assert [address for address in needed if address and not address.startswith("data:")] == []


def test_the_page_begins_with_the_scores_against_votes_where_there_are_such() -> None:
    given = scores()
    assert "votes" not in Elements(page(given, [])).text
    score = {"value": 0.25, "low": 0.2, "high": 0.3}
    given["test"]["votes"] = {
        "n_clear": 567, "brier": score, "cross_entropy": score | {"value": 0.5},
        "accuracy": score | {"value": 0.75},
    }  # fmt: skip
    words = " ".join(Elements(page(given, [])).text.split())
    assert "Of the 567 whose votes are clear it classifies 0.750 (0.200-0.300) correctly" in words
    assert "Brier score against the votes of all is 0.250" in words
    assert "its cross-entropy with them 0.500" in words


def test_the_page_says_when_galaxies_are_simulated() -> None:
    assert "SIMULATED" in Elements(page(scores(simulated=True), [])).text
