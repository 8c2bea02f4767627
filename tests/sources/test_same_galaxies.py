"""The same galaxies are the same images and labels, whatever they came in."""

import re
from pathlib import Path
from typing import Any

import formats
import numpy as np
import pandas as pd
import pytest
from conftest import no_votes
from formats import CLASSES, SOURCES, Galaxies

from galaxy_morphology.imaging import FitsColours
from galaxy_morphology.options import Classes, CutoutOptions
from galaxy_morphology.pipelines.data_processing import reading
from galaxy_morphology.pipelines.data_processing.options import SplitOptions

N_GALAXIES = 30


@pytest.fixture(scope="module")
def galaxies() -> Galaxies:
    return formats.draw(N_GALAXIES)


def row_of(identifier: int | str) -> int:
    """Which of the galaxies it is."""
    if isinstance(identifier, str):
        found = re.fullmatch(r"J0*(\d+)\.28-005109\.6", identifier)
        assert found
        return int(found[1])
    return identifier if identifier < N_GALAXIES else (identifier - 587722981736120347) // 3


@pytest.mark.parametrize("name", SOURCES)
def test_images_and_labels_are_those_of_the_zip(
    name: str, galaxies: Galaxies, tmp_path: Path
) -> None:
    source = SOURCES[name](tmp_path / "source", galaxies)
    archive, labels = formats.load(source)
    identifiers = source.get("identifiers", "integer")
    classes = Classes(CLASSES)
    labelled, rejected_labels = reading.clean_labels(labels, classes, identifiers, no_votes())
    images, _, table, left_out, summary = reading.read_and_split_galaxies(
        archive,
        labelled,
        rejected_labels,
        classes,
        CutoutOptions(
            side=32,
            minimum_side=16,
            maximum_side=99,
            white_level=None,
            arcsec_per_pixel=None,
            fits=FitsColours(stretch="linear", scale=255.0),
        ),
        SplitOptions(validation_fraction=0.2, test_fraction=0.2, seed=1),
    )
    assert left_out.empty
    assert (summary["galaxies"], summary["rejected"]) == (N_GALAXIES, 0)
    rows = [row_of(identifier) for identifier in table["cataid"].tolist()]
    assert sorted(rows) == list(range(N_GALAXIES))
    assert table["target"].tolist() == galaxies.targets[rows].tolist()
    assert table["split"].value_counts().to_dict() == {"training": 18, "validation": 6, "test": 6}
    for row, image in zip(rows, images, strict=True):
        np.testing.assert_array_equal(image, in_reference(galaxies, row))


def in_reference(galaxies: Galaxies, row: int) -> Any:
    import cv2

    return cv2.resize(galaxies.images[row], (32, 32), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("name", SOURCES)
def test_the_summary_is_that_of_what_was_read(
    name: str, galaxies: Galaxies, tmp_path: Path
) -> None:
    source = SOURCES[name](tmp_path / "source", galaxies)
    archive, _ = formats.load(source)
    before = archive.summary()
    first = next(iter(archive))
    content = np.asarray(archive[first])
    assert archive.summary() == before
    assert np.array_equal(np.asarray(archive[first]), content)
    assert set(before) == {"file", "bytes", "sha256", "simulated"}
    assert before["bytes"] > 0
    assert before["simulated"] is False


@pytest.mark.parametrize("name", SOURCES)
def test_identifiers_are_read_whole(name: str, galaxies: Galaxies, tmp_path: Path) -> None:
    source = SOURCES[name](tmp_path / "source", galaxies)
    archive, labels = formats.load(source)
    assert sorted(map(str, archive)) == sorted(labels["CATAID"])
    assert pd.api.types.is_string_dtype(labels["CATAID"])
