"""The page: what it is given is on it, and none of it is markup."""

import hashlib
import re
from base64 import b64decode, b64encode
from io import BytesIO

import pandas as pd
from markup import Elements, png_of
from PIL import Image

from galaxy_morphology.report import Picture, Table, page, section

EVIL = "<script>alert(1)</script>"
PNG = png_of(12, 8)


def policy_of(page: Elements) -> str:
    """What a page may load and run."""
    (policy,) = (one["content"] for one in page.all("meta") if "http-equiv" in one)
    return policy or ""


def test_a_picture_is_inside_the_page_and_says_what_it_shows() -> None:
    found = Elements(section("ROC curves", [Picture(PNG, "Curves", "Read them so.")]))
    (shown,) = found.all("img")
    assert shown["alt"] == "Curves. Read them so."
    kind, content = (shown["src"] or "").split(";base64,")
    with Image.open(BytesIO(b64decode(content))) as picture:
        assert (kind, picture.size) == (f"data:image/{picture.format}".lower(), (12, 8))
    assert (shown["width"], shown["height"]) == ("12", "8")
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
        EVIL,
        [Picture(PNG, EVIL, EVIL, {"title": EVIL})],
        [Table(pd.DataFrame({EVIL: [EVIL]}), EVIL, EVIL)],
        markdown=f"{EVIL}\n\n[link](javascript:alert(1))",
    )
    found = Elements(page(EVIL, [given]))
    assert [one for one in found.all("script") if "src" in one] == []
    assert EVIL not in found.scripts
    assert [one for one in found.all("a") if not (one["href"] or "").startswith("#")] == []
    assert EVIL in found.text


def test_headings_of_a_text_stand_below_those_of_the_page() -> None:
    found = Elements(section("Model card", markdown="# Model card\n\n## Data\n\n| a |\n|---|\n|1|"))
    assert [tag for tag, _ in found.found if tag[0] == "h"] == ["h2", "h3", "h4"]
    assert len(found.all("td")) == 1


def test_the_page_needs_no_other_file_and_is_allowed_no_network() -> None:
    found = Elements(page("Galaxies", [section("Data")]))
    assert found.all("html") == [{"lang": "en"}]
    needed = [one.get("src") or one.get("href") for _, one in found.found]
    assert [each for each in needed if each and not each.startswith(("data:", "#"))] == []
    policy = policy_of(found)
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_the_page_allows_its_own_scripts_by_their_checksums() -> None:
    html = page("Galaxies", [section("Data", [Picture(PNG, "", "", {"mark": "point"})])])
    policy = policy_of(Elements(html))
    scripts = re.findall(r"<script(?: type=.text/plain. id=.charting.)?>(.*?)</script>", html, re.S)
    assert len(scripts) == 3  # the charting library, the gallery and the charts
    for script in scripts:
        checksum = b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{checksum}'" in policy


def test_contents_name_every_section() -> None:
    found = Elements(page("Galaxies", [section("Data") + section(f"Scores of {EVIL}")]))
    (nav,) = found.all("nav")
    assert nav["aria-label"] == "Contents"
    links = [link["href"] for link in found.all("a") if link.get("class") != "skip"]
    assert links == [f"#{one['id']}" for one in found.all("section")]
    assert found.text.count(EVIL) == 2


def test_the_page_says_when_galaxies_are_simulated() -> None:
    assert "SIMULATED" in Elements(page("Galaxies", [], simulated=True)).text
    assert "SIMULATED" not in Elements(page("Galaxies", [])).text
