"""The gallery: all that a galaxy's page tells is in the data of the page."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pandas as pd
from markup import Elements, data_of
from PIL import Image

from galaxy_morphology.report import Explanation, explanations

from .galaxies import CLASSES, gallery_of, survey_gallery_of, survey_of, table_of


def test_a_gallery_holds_what_is_known_of_each_galaxy() -> None:
    found, table = data_of(gallery_of(30))["galaxies-data"], table_of(30)
    assert found["cataid"] == [str(cataid) for cataid in table["cataid"]]
    assert [found["splits"][code] for code in found["split"]] == table["split"].tolist()
    for name, column in (("label", "class_name"), ("predicted", "predicted_class")):
        assert [found["classes"][code] for code in found[name]] == table[column].tolist()
    for name, shares in zip(found["classes"], found["probability"], strict=True):
        np.testing.assert_allclose(shares, table[f"probability_{name}"], atol=1e-4)
    assert found["flags"] == [
        {"key": "touches_edge", "says": "reaches the edge", "galaxies": [0, 10, 20]}
    ]
    assert [one["name"] for one in found["features"]] == ["half light radius", "gini"]
    assert found["features"][1]["values"][0] is None
    assert found["neighbours"][0] == [1, 2]


def test_each_galaxy_has_its_cut_out_and_every_map_its_method() -> None:
    found = data_of(gallery_of(10))
    assert len(found["cutouts-data"]) == 10
    with Image.open(BytesIO(b64decode(found["cutouts-data"][0]))) as picture:
        assert (picture.format, picture.size) == ("WEBP", (48, 48))
    assert found["maps-data"]["titles"] == ["A", "B"]
    (first, second) = found["maps-data"]["maps"]["1000"]
    assert (first[0], second[0]) == (0, 1)
    assert first[1] == "stable\nfaithfulness 0.50"


def test_a_map_keeps_its_colours_and_is_clear_where_nothing_speaks() -> None:
    overlay = np.zeros((16, 16, 4), np.uint8)
    overlay[:8] = (178, 24, 43, 255)
    html = explanations({"a": [Explanation("A", overlay, "")]})
    content = data_of(html)["maps-data"]["maps"]["a"][0][2]
    with Image.open(BytesIO(b64decode(content))) as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    np.testing.assert_allclose(pixels[2, 8], (178, 24, 43, 255), atol=6)
    assert pixels[13, 8, 3] == 0


def test_names_of_classes_cannot_end_the_data() -> None:
    html = gallery_of(5)
    assert CLASSES[1] not in html
    assert data_of(html)["galaxies-data"]["classes"] == CLASSES
    assert {one["type"] for one in Elements(html).all("script")} == {"application/json"}


def test_of_too_many_galaxies_the_scored_and_the_suspects_come_first() -> None:
    html = gallery_of(200, most=60)
    found, table = data_of(html)["galaxies-data"], table_of(200)
    shown = table[table["cataid"].astype(str).isin(found["cataid"])]
    assert len(shown) == 60 == len(data_of(html)["cutouts-data"])
    assert (shown["split"] == "test").sum() == 40
    assert shown["suspected"].sum() == table["suspected"].sum()
    assert "Shown are 60 of 200 galaxies" in " ".join(html.split())
    known = {int(i) for some in found["neighbours"] for i in some}
    assert known <= set(range(60))


def test_cut_outs_fit_the_bytes_they_may_take() -> None:
    from galaxy_morphology.report.pictures import cutout_files

    images = np.random.default_rng(0).integers(0, 255, (8, 200, 200, 3), np.uint8)
    sizes = {}
    for budget in (10_000_000, 60_000, 1):
        files = [b64decode(file) for file in cutout_files(images, budget=budget)]
        sizes[budget] = sum(map(len, files))
        with Image.open(BytesIO(files[0])) as picture:
            assert picture.size[0] == {10_000_000: 160, 1: 64}.get(budget, picture.size[0])
    assert sizes[60_000] <= 66_000
    assert sizes[1] < sizes[60_000] < sizes[10_000_000]


def test_texts_for_cataids_stay_texts() -> None:
    neighbours = pd.DataFrame({"cataid": [], "neighbour": [], "distance": []})
    found = data_of(gallery_of(5, neighbours=neighbours))["galaxies-data"]
    assert found["neighbours"] == [[]] * 5


def test_a_gallery_of_a_survey_holds_what_its_catalogue_says() -> None:
    html = survey_gallery_of(40, n_all=1_000_000)
    found, table = data_of(html)["galaxies-data"], survey_of(40)
    assert not {"label", "split", "suggested"} & set(found)
    classes = ["" if code is None else CLASSES[code] for code in found["predicted"]]
    assert classes == table["predicted_class"].fillna("").tolist()
    assert found["probability"][0][9] is None
    assert found["distance"][20] == 0.5
    assert [flag["key"] for flag in found["flags"]] == ["unlike_them", "not_classified"]
    assert found["groups"] == [  # and none without galaxies
        {"key": "worth_a_label", "says": "worth a label", "galaxies": list(range(0, 40, 6))}
    ]
    facts = {fact["term"]: fact["values"] for fact in found["facts"]}
    assert facts["Position"][5] == "155.00000°, -1.50000° (right ascension, declination)"
    assert facts["Position"][6] is facts["Distance"][9] is facts["Reason"][5] is None
    assert facts["Distance"][20] == "0.5 from the training galaxies; unlike them beyond 0.8"
    assert facts["Same pixels as"][3] == "CATAID 1000"
    assert facts["Reason"][9] == "it cannot be decoded: <b>"
    assert "Shown are 40 of 1,000,000 galaxies" in " ".join(html.split())


def test_cut_outs_that_come_in_another_order_are_those_of_their_galaxies() -> None:
    from galaxy_morphology.report.pictures import cutout_files_by_row

    rows = np.random.default_rng(0).permutation(np.arange(0, 200, 2))
    shades = ((int(row), np.full((16, 16, 3), row, np.uint8)) for row in rows)
    files = cutout_files_by_row(shades, 200, budget=10_000_000)
    assert files[1::2] == [None] * 100
    for row in range(0, 200, 2):
        with Image.open(BytesIO(b64decode(files[row] or ""))) as picture:
            assert abs(np.asarray(picture).mean() - row) < 2
    assert cutout_files_by_row(iter(()), 2, budget=1) == [None, None]
