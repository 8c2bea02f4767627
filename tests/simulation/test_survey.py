"""Whole surveys: the same whoever draws them, and planes of structure worked out by hand."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from galaxy_morphology.simulation import (
    BANDS,
    Observation,
    draw_survey,
    draw_truth,
    observe,
    structure_planes,
)
from galaxy_morphology.typing import SimulatedArchive
from simulation.hand_made import ELLIPTICAL, FRAME, SPIRAL, Array

SEED = 3
SIDE = 32


@pytest.fixture
def small_frames(observation: dict[str, Any]) -> dict[str, Any]:
    """Frames that are drawn fast."""
    return observation | {"minimum_side": 40, "maximum_side": 56}


@pytest.fixture
def truth(populations: dict[str, Any], small_frames: dict[str, Any]) -> pd.DataFrame:
    return draw_truth(populations, small_frames, n_galaxies=24, label_error_rate=0.3, seed=SEED)


def drawn(
    truth: pd.DataFrame, observation: dict[str, Any], n_processes: int = 1
) -> tuple[SimulatedArchive, NDArray[np.uint8]]:
    archive, structure = draw_survey(
        truth, observation, seed=SEED, side=SIDE, n_processes=n_processes
    )
    assert structure.shape == (len(truth), SIDE, SIDE, 3)
    return archive, np.stack(list(structure))


def test_a_survey_is_the_same_however_many_processes_draw_it(
    truth: pd.DataFrame, small_frames: dict[str, Any]
) -> None:
    alone, structure_alone = drawn(truth, small_frames)
    together, structure_together = drawn(truth, small_frames, n_processes=2)
    assert list(alone.cutouts) == list(together.cutouts)
    assert dict(alone.cutouts) == dict(together.cutouts)
    np.testing.assert_array_equal(structure_alone, structure_together)


def test_a_galaxy_is_drawn_the_same_in_any_company(
    truth: pd.DataFrame, small_frames: dict[str, Any]
) -> None:
    few = truth.iloc[[7, 2]]
    archive, structure = drawn(few, small_frames)
    one, its_structure = drawn(truth.iloc[[2]], small_frames)
    cataid = int(truth["cataid"][2])
    assert archive.cutouts[cataid] == one.cutouts[cataid]
    # Rows of structure come in the order of the truth.
    np.testing.assert_array_equal(structure[1], its_structure[0])
    assert not np.array_equal(structure[0], its_structure[0])


def test_the_archive_holds_what_was_observed(
    truth: pd.DataFrame, small_frames: dict[str, Any]
) -> None:
    few = truth.head(4)
    archive, structure = drawn(few, small_frames)
    assert list(archive.cutouts) == few["cataid"].tolist()
    assert archive.labels["CATAID"].tolist() == few["cataid"].tolist()
    for row, planes in zip(few.to_dict("records"), structure, strict=True):
        galaxy = {str(name): value for name, value in row.items() if pd.notna(value)}
        expected = observe(galaxy, small_frames, SEED)
        # Pillow decodes to RGB, as OpenCV does not.
        image = np.asarray(Image.open(io.BytesIO(archive.cutouts[row["cataid"]])))
        assert image.shape == (row["side"], row["side"], 3)
        np.testing.assert_array_equal(image, expected.cutout)
        np.testing.assert_array_equal(planes, structure_planes(expected, SIDE))


def test_labels_are_the_ones_given(truth: pd.DataFrame, small_frames: dict[str, Any]) -> None:
    wrong = truth["given_target"] != truth["true_target"]
    few = pd.concat([truth[wrong].head(2), truth[~wrong].head(2)])
    assert wrong[few.index].tolist() == [True, True, False, False]
    archive, _ = drawn(few, small_frames)
    assert archive.labels["TARGET"].tolist() == few["given_target"].tolist()


def hand_made(target: Array, structure: Array, neighbours: Array) -> Observation:
    """Light that counts in the i band alone."""
    target_light, structure_light, neighbours_light = (
        {band: light if band == "i" else np.zeros_like(light) for band in BANDS}
        for light in (target, structure, neighbours)
    )
    return Observation(
        cutout=np.zeros((*target.shape, 3), np.uint8),
        target=target_light,
        structure=structure_light,
        neighbours=neighbours_light,
        sky_noise={"h": 0.0, "i": 2.0, "g": 0.0},
    )


def test_planes_of_structure_are_the_ones_worked_out_by_hand() -> None:
    target = np.array([[8.0, 4.0], [3.0, 1.0]])
    structure = np.array([[2.0, 4.0], [1.5, 1.0]])
    neighbours = np.array([[0.0, 1.9], [2.1, 9.0]])
    planes = structure_planes(hand_made(target, structure, neighbours), 2)
    # A quarter and a half of 255 are 63.75 and 127.5; the last pixel is fainter than the noise.
    np.testing.assert_array_equal(planes[..., 0], [[64, 255], [128, 0]])
    np.testing.assert_array_equal(planes[..., 1], [[255, 255], [255, 0]])
    np.testing.assert_array_equal(planes[..., 2], [[0, 0], [255, 255]])


def test_a_larger_frame_is_shrunk_light_by_light() -> None:
    # Each pixel becomes the mean of four; the share is that of the light in all four of them.
    target = np.kron(np.array([[4.0, 8.0], [16.0, 0.0]]), [[1.0, 0.0], [1.0, 2.0]])
    structure = np.kron(np.array([[0.0, 8.0], [4.0, 0.0]]), [[1.0, 0.0], [0.0, 0.0]])
    planes = structure_planes(hand_made(target, structure, 0 * target), 2)
    np.testing.assert_array_equal(planes[..., 0], [[0, 64], [16, 0]])
    np.testing.assert_array_equal(planes[..., 1], [[255, 255], [255, 0]])
    assert (planes[..., 2] == 0).all()


def test_only_a_galaxy_with_structure_has_some(small_frames: dict[str, Any]) -> None:
    smooth, spiral = (
        observe(FRAME | galaxy, small_frames, SEED) for galaxy in (ELLIPTICAL, SPIRAL)
    )
    assert (structure_planes(smooth, SIDE)[..., 0] == 0).all()
    planes = structure_planes(spiral, FRAME["side"])  # as it is, without a change of size
    target, structure = spiral.target["i"], spiral.structure["i"]
    visible = target > spiral.sky_noise["i"]
    np.testing.assert_allclose(
        planes[visible, 0], 255 * structure[visible] / target[visible], atol=0.51
    )
    in_arms = structure > 0.8 * target
    assert (visible & in_arms).sum() > 20
    assert planes[visible & in_arms, 0].min() >= 0.8 * 255 - 1


def test_masks_show_the_galaxy_and_its_neighbours(small_frames: dict[str, Any]) -> None:
    alone = structure_planes(observe(FRAME | ELLIPTICAL, small_frames, SEED), SIDE)
    with_stars = observe(FRAME | ELLIPTICAL | {"n_stars": 3}, small_frames, SEED)
    crowded = structure_planes(with_stars, SIDE)
    for planes in (alone, crowded):
        assert set(np.unique(planes[..., 1:])) == {0, 255}
        assert planes[SIDE // 2, SIDE // 2, 1] == 255
        # A galaxy of some arcsec in a frame of 27.
        assert 0.02 < np.mean(planes[..., 1] == 255) < 0.9
    np.testing.assert_array_equal(alone[..., 1], crowded[..., 1])
    assert (alone[..., 2] == 0).all()
    assert (crowded[..., 2] == 255).any()
    assert crowded[SIDE // 2, SIDE // 2, 2] == 0
