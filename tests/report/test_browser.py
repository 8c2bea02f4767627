"""The page in a real browser: it is looked through, searched, shared, printed, and easy to read."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markup import png_of
from playwright.sync_api import expect, sync_playwright

from galaxy_morphology.pipelines.comparison import nodes
from galaxy_morphology.pipelines.comparison.options import ComparisonOptions, NetworkEntry
from galaxy_morphology.pipelines.comparison.page import write_comparison_page
from galaxy_morphology.report import Picture, Table, charts, page, section, summary, survey_summary

from .conclusions import comparison_of, conclusion_of
from .galaxies import CLASSES, gallery_of, survey_gallery_of, survey_of, table_of
from .test_summary import RATES, SUSPECTS, scores
from .test_survey_summary import COUNTS, SHARES, SHIFTS, given

N = 200
EVIL = CLASSES[1]
MARKDOWN_TABLE = f"| a | b |\n|---|---|\n| 1 | {'0.911 (0.867-0.942) ' * 4}|"
LONG_LISTING = "\n".join(["```yaml", *(f"line_{i}: {i}" for i in range(100)), "```"])
SMOOTH = 2000  # milliseconds to the first view


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium of the system."""
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    path = next(filter(None, found), None)
    if path is None:
        pytest.skip("there is no Chromium: install it with `sudo apt-get install chromium`")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with everything on it."""
    return write(tmp_path_factory.mktemp("page") / "report.html", gallery_of(N))


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page on a comparison, one entry of which has an evil name."""
    table = comparison_of(["plain", "wide", EVIL, "random_forest_both"], ["1", "2", "ensemble"])
    table = table.assign(n_weights=5e5, training_seconds=61.5, galaxies_per_second=1234.5)
    options = ComparisonOptions(
        reference="plain",
        seeds=(1, 2),
        networks={name: NetworkEntry() for name in ("plain", "wide", EVIL)},
        baselines=("random_forest",),
        feature_sets=("both",),
        n_folds=5,
    )
    html = write_comparison_page(
        table, nodes.summarise_entries(table), conclusion_of(n=40), png_of(400, 300), options
    )
    path = tmp_path_factory.mktemp("comparison") / "comparison.html"
    path.write_text(html, encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page on a survey."""
    path = tmp_path_factory.mktemp("page") / "survey.html"
    summarised = survey_summary(COUNTS, SHARES, SHIFTS, **given())
    sections = [summarised, survey_gallery_of(N, n_all=10 * N), section("What was read")]
    path.write_text(page("A survey", sections), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab that has seen no error when it is closed."""
    yield from tab_of(browser, width=1440, scheme="light")


def tab_of(browser: Any, *, width: int, scheme: str) -> Iterator[Any]:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    opened = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    context.close()
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def write(path: Path, gallery: str) -> str:
    curve = pd.DataFrame({"kept": [0.5, 1.0], "threshold": 0.7, "accuracy": [0.9, 0.8],
                          "low": [0.8, 0.7], "high": [1.0, 0.9]})  # fmt: skip
    chart = charts.selective_accuracy({"validation": curve, "test": curve})
    sections = [
        summary(scores(), RATES, SUSPECTS),
        gallery,
        section("Scores", [Picture(png_of(400, 300), "Curve", "Read it so.", chart)]),
        section("Data", tables=[Table(pd.DataFrame({CLASSES[1]: [1, 2]}), "Counts", "How many.")]),
        section("Model card", markdown=f"# Model card\n\n{MARKDOWN_TABLE}\n\n{LONG_LISTING}"),
    ]
    path.write_text(page(CLASSES[1], sections, simulated=True), encoding="utf-8")
    return path.as_uri()


def found(tab: Any) -> int:
    return int(tab.locator("#found").inner_text().split()[0].replace(",", ""))


def first(tab: Any) -> str:
    return str(tab.locator('#gallery [data-place="0"]').get_attribute("aria-label"))


def test_filters_order_and_search_show_the_galaxies_they_should(tab: Any, report: str) -> None:
    tab.goto(report)
    table = table_of(N)
    test = table[table["split"] == "test"]
    assert found(tab) == len(test)
    tab.get_by_label("Result").select_option("wrong")
    assert found(tab) == (~test["correct"]).sum()
    tab.get_by_label("Split").select_option("all")
    assert found(tab) == (~table["correct"]).sum()
    tab.get_by_label("Marked").select_option(label="label to doubt")
    assert found(tab) == (table["suspected"] & ~table["correct"]).sum()
    tab.get_by_role("button", name="Show all scored").click()
    assert found(tab) == len(test)
    tab.locator("[name=label]").select_option(label=CLASSES[1])
    assert found(tab) == (test["class_name"] == CLASSES[1]).sum()
    tab.get_by_role("button", name="Show all scored").click()
    tab.locator("[name=least]").fill("90")
    certainty = test.filter(like="probability_").max(axis=1)
    assert found(tab) == (certainty >= 0.9).sum()
    tab.locator("[name=search]").fill("1199")
    tab.locator("[name=least]").fill("")
    assert found(tab) == 1
    assert first(tab).startswith("CATAID 1199")


def test_galaxies_are_sorted(tab: Any, report: str) -> None:
    tab.goto(report)
    test = table_of(N).query("split == 'test'")
    certainty = test.filter(like="probability_").max(axis=1)
    expected = {"surest first": certainty.max(), "least sure first": certainty.min(),
                "CATAID": certainty.iloc[0]}  # fmt: skip
    for order, sure in expected.items():
        tab.get_by_label("Sort by").select_option(label=order)
        shown = int(first(tab).split()[1].rstrip(","))
        assert certainty[test["cataid"] == shown].item() == sure
    assert shown == test["cataid"].min()


def test_a_galaxy_opens_and_its_maps_fade(tab: Any, report: str) -> None:
    tab.goto(report + "#galaxy=1000")
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("heading", name="CATAID 1000").wait_for()
    assert dialog.get_by_text(f"Classified {CLASSES[1]}, labelled {CLASSES[0]}").is_visible()
    overlays = dialog.locator(".overlay")
    assert overlays.count() == 2
    slider = dialog.get_by_role("slider", name="Map over the picture")
    slider.fill("25")
    assert overlays.first.evaluate("each => getComputedStyle(each).opacity") == "0.25"
    slider.press("ArrowRight")
    assert overlays.first.evaluate("each => getComputedStyle(each).opacity") == "0.26"
    assert dialog.get_by_text("faithfulness 0.50").count() == 2
    assert dialog.get_by_role("row").count() == 1 + 2  # a heading and two measures
    assert dialog.get_by_text("not measured").is_visible()
    dialog.get_by_role("link", name="labelled").first.click()
    dialog.get_by_role("heading", name="CATAID 1001").wait_for()
    assert tab.url.endswith("#galaxy=1001")


def test_the_address_keeps_the_view(tab: Any, report: str) -> None:
    tab.goto(report)
    tab.get_by_label("Result").select_option("wrong")
    tab.get_by_label("Sort by").select_option(label="surest first")
    whose = first(tab).split()[1].rstrip(",")
    tab.locator('#gallery [data-place="0"]').click()
    tab.get_by_role("dialog").wait_for()
    address = tab.url
    assert address.endswith(f"#result=wrong&sort=sure&galaxy={whose}")
    tab.go_back()
    tab.get_by_role("dialog").wait_for(state="hidden")
    assert tab.get_by_label("Result").input_value() == "wrong"
    for name in ("Sort by", "Result"):
        tab.go_back()
        expect(tab.get_by_label(name)).to_have_value("")
    tab.goto("about:blank")
    tab.goto(address)
    tab.get_by_role("heading", name=f"CATAID {whose}").wait_for()
    tab.keyboard.press("Escape")
    tab.wait_for_url(lambda url: url.endswith("#result=wrong&sort=sure"))
    assert found(tab) == (~table_of(N).query("split == 'test'")["correct"]).sum()


def test_the_keyboard_is_enough(tab: Any, report: str) -> None:
    tab.goto(report)
    tab.locator('#gallery [data-place="0"]').focus()
    for key in ("ArrowRight", "ArrowDown", "End", "Home", "ArrowRight"):
        tab.keyboard.press(key)
    assert tab.evaluate("document.activeElement.dataset.place") == "1"
    tab.keyboard.press("End")
    last = int(tab.evaluate("document.activeElement.dataset.place"))
    assert last == found(tab) - 1
    tab.keyboard.press("Enter")
    tab.get_by_role("dialog").wait_for()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Escape")
    tab.wait_for_function(f"document.activeElement.dataset.place === '{last - 1}'")


def test_numbers_of_the_summary_lead_to_the_galaxies_they_are_about(tab: Any, report: str) -> None:
    tab.goto(report)
    tab.get_by_role("link", name="30", exact=True).click()
    expect(tab.get_by_label("Classified as")).to_have_value("0")
    expect(tab.locator("[name=label]")).to_have_value("1")
    tab.get_by_role("navigation", name="Contents").get_by_role("link", name="Scores").click()
    tab.wait_for_url(lambda url: url.endswith("#scores"))


def test_galaxies_of_a_survey_are_filtered_and_sorted(tab: Any, survey: str) -> None:
    tab.goto(survey)
    table = survey_of(N)
    certainty = table.filter(like="probability_").astype(float).max(axis=1)
    is_rejected = table["rejected"].notna()
    assert found(tab) == N
    for label in ("Split", "Label", "Result"):
        assert tab.get_by_label(label, exact=True).count() == 0
    tab.get_by_label("Classified as").select_option(label=CLASSES[1])
    assert found(tab) == (table["predicted_class"] == CLASSES[1]).sum()
    tab.get_by_label("Group").select_option(label="worth a label")
    in_group = np.arange(N) % 6 == 0
    assert found(tab) == (in_group & (table["predicted_class"] == CLASSES[1])).sum()
    tab.get_by_role("button", name="Show all").click()
    tab.locator("[name=least]").fill("90")
    assert found(tab) == (certainty >= 0.9).sum()
    tab.locator("[name=least]").fill("")
    tab.locator("[name=most]").fill("60")
    assert found(tab) == (certainty <= 0.6).sum()  # and none without a probability
    tab.locator("[name=most]").fill("")
    for order, place in {
        "most unlike the training galaxies first": int(table["distance"].argmax()),
        "most like the training galaxies first": 0,
    }.items():
        tab.get_by_label("Sort by").select_option(label=order)
        assert first(tab).startswith(f"CATAID {1000 + place},")
    tab.get_by_label("Flag").select_option(label="not classified")
    assert found(tab) == is_rejected.sum()
    assert first(tab) == f"CATAID {1000 + int(is_rejected.argmax())}, not classified"
    assert tab.locator("#gallery .missing").count() == is_rejected.sum()


def test_a_galaxy_of_a_survey_opens(tab: Any, survey: str) -> None:
    tab.goto(survey + "#marked=unlike_them&galaxy=1160")
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("heading", name="CATAID 1160").wait_for()
    for words in (
        f"Classified {survey_of(N)['predicted_class'][160]}", "unlike them", "a/1160.png",
        "310.00000°, -1.50000° (right ascension, declination)",
        "0.8 from the training galaxies; unlike them beyond 0.8",
    ):  # fmt: skip
        assert dialog.get_by_text(words, exact=True).is_visible(), words
    assert dialog.get_by_role("img", name="Cut-out of galaxy 1160").is_visible()
    assert dialog.get_by_text("Measures").count() == 0
    tab.goto(survey + "#galaxy=1009")
    dialog.get_by_role("heading", name="CATAID 1009").wait_for()
    for words in ("no picture", "it cannot be decoded: <b>"):
        assert dialog.get_by_text(words, exact=True).is_visible()
    tab.keyboard.press("Escape")
    tab.get_by_role("link", name="100", exact=True).click()
    expect(tab.get_by_label("Group")).to_have_value("worth_a_label")


def test_names_are_text_and_no_markup(tab: Any, report: str) -> None:
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", refuse)
    tab.goto(report + "#galaxy=1001")
    assert tab.get_by_role("heading", level=1).inner_text() == CLASSES[1]
    assert tab.title() == f"SIMULATED: {CLASSES[1]}"
    assert tab.get_by_role("dialog").get_by_text(CLASSES[1]).first.is_visible()
    assert asked == []


def test_a_figure_becomes_a_chart_with_values_under_the_pointer(tab: Any, report: str) -> None:
    tab.goto(report)
    figure = tab.locator("figure.chart")
    assert not tab.evaluate("'vegaEmbed' in window")  # not before it is needed
    figure.scroll_into_view_if_needed()
    tab.locator("figure.drawn svg").wait_for()
    assert not figure.locator("> img").is_visible()
    box = figure.locator("svg").bounding_box()
    tab.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.4 * box["height"])
    tab.locator("#vg-tooltip-element.visible").wait_for()
    assert "accuracy" in tab.locator("#vg-tooltip-element").inner_text()


def test_it_prints_with_pictures_and_without_what_only_a_screen_can_show(
    tab: Any, report: str
) -> None:
    tab.goto(report)
    tab.locator("figure.chart").scroll_into_view_if_needed()
    tab.locator("figure.drawn svg").wait_for()
    tab.emulate_media(media="print")
    assert tab.locator("figure.chart > img").is_visible()
    assert not tab.locator("figure.chart svg").is_visible()
    assert not tab.locator("#gallery").is_visible()
    assert tab.pdf()[:5] == b"%PDF-"


def test_a_reader_chooses_the_measure_and_the_seeds_of_a_comparison(
    tab: Any, comparison: str
) -> None:
    tab.goto(comparison)
    figure = tab.locator("figure.chart")
    figure.scroll_into_view_if_needed()
    figure.locator("svg").wait_for()
    points = figure.locator(".mark-symbol.role-mark path")
    assert points.count() == 4 * 3
    scores = {"ROC AUC": "0.5;", "Brier score": "0.9;"}
    for measure, score in scores.items():
        figure.get_by_label("Measure").select_option(measure)
        expect(points.first).to_have_attribute("aria-label", re.compile(f"value: {score}"))
    assert points.count() == 4 * 3
    figure.locator(".role-legend-symbol path").first.click()  # the ensemble alone
    faint = figure.locator('.mark-symbol.role-mark path[opacity="0.12"]')
    expect(faint).to_have_count(4 * 2)
    points.first.hover(force=True)
    tab.locator("#vg-tooltip-element.visible").wait_for()
    for words in ("trained with", "difference from the reference", "difference, low"):
        assert words in tab.locator("#vg-tooltip-element").inner_text()
    assert tab.get_by_role("cell", name=EVIL.replace("_", " ")).count() > 2


def test_a_comparison_prints_whole_and_without_what_only_a_screen_can_show(
    tab: Any, comparison: str
) -> None:
    tab.goto(comparison)
    tab.locator("figure.chart").scroll_into_view_if_needed()
    tab.locator("figure.drawn svg").wait_for()
    tab.set_viewport_size({"width": 718, "height": 1000})  # of A4 between its margins
    tab.emulate_media(media="print")
    assert tab.locator("figure.chart > img").is_visible()
    for on_screen in (tab.locator("figure.chart svg"), tab.get_by_label("Measure")):
        assert not on_screen.is_visible()
    for table in tab.locator("table").all():
        box = table.bounding_box()
        assert box["x"] + box["width"] <= 718


@pytest.mark.slow
def test_five_thousand_galaxies_are_smooth(
    browser: Any, tmp_path: Path, record_property: Any
) -> None:
    address = write(tmp_path / "report.html", gallery_of(5000))
    for tab in tab_of(browser, width=1440, scheme="light"):
        tab.goto(address)
        seen = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        record_property("first_view_ms", tab.evaluate(seen))
        assert tab.evaluate(seen) < SMOOTH
        tab.get_by_label("Split").select_option("all")
        assert found(tab) == 5000
        assert tab.locator("#gallery li").count() < 200
        times = tab.evaluate(
            """async () => {
                const gallery = document.getElementById("gallery");
                const times = [];
                for (let i = 1; i <= 40; i += 1) {
                    const start = performance.now();
                    gallery.scrollTop = i * gallery.scrollHeight / 41;
                    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
                    times.push(performance.now() - start);
                }
                return times;
            }"""
        )
        record_property("median_frame_ms", float(np.median(times)))
        assert np.median(times) < 200
        assert all(
            tab.locator("#gallery li img").evaluate_all("some => some.map(e => e.src != '')")
        )


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(
    browser: Any, report: str, survey: str, comparison: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for tab in tab_of(browser, width=width, scheme=scheme):
        pages = [report, report + "#galaxy=1000", survey, survey + "#galaxy=1160"]
        for address in [*pages, survey + "#marked=not_classified&galaxy=1009", comparison]:
            tab.goto("about:blank")
            tab.goto(address)
            if address in (report, comparison):
                tab.locator("figure.chart").scroll_into_view_if_needed()
                tab.locator("figure.drawn svg").wait_for()
            faults = Axe().run(tab).response["violations"]
            grave = [one for one in faults if one["impact"] in ("serious", "critical")]
            assert [(one["id"], one["nodes"][0]["html"]) for one in grave] == []
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
