"""A whole survey, drawn on all cores: the same galaxies whatever their number."""

from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from galaxy_morphology.progress import progress_bar
from galaxy_morphology.simulation.observation import Light, Observation, observe
from galaxy_morphology.spool import SpooledImages
from galaxy_morphology.typing import SimulatedArchive

GALAXIES_AT_A_TIME = 16


def draw_survey(
    truth: pd.DataFrame,
    observation: Mapping[str, Any],
    *,
    seed: int,
    side: int,
    n_processes: int = -1,
) -> tuple[SimulatedArchive, SpooledImages]:
    """Draw the cut-out of every galaxy of a survey.

    Args:
        truth: What ``draw_truth`` returns.
        observation: What is common to all cut-outs.
        seed: Of the survey.
        side: Width and height of the frame of the structure in pixels.
        n_processes: How many processes draw, -1 for one on each core. It changes nothing
            but the time.

    Returns:
        The archive: encoded cut-outs by CATAID, and the list of the labels given. And the
        structure, uint8 [N, side, side, 3], a row per galaxy of ``truth``; its planes are what
        :func:`structure_planes` returns.
    """
    cutouts: dict[int, bytes] = {}
    structure = SpooledImages(side)
    for cataid, encoded, planes in _draw_side_by_side(truth, observation, seed, side, n_processes):
        cutouts[cataid] = encoded
        structure.append(planes)
    labels = pd.DataFrame({"CATAID": truth["cataid"], "TARGET": truth["given_target"]})
    return SimulatedArchive(cutouts, labels), structure


def structure_planes(observation: Observation, side: int) -> NDArray[np.uint8]:
    """Where in the frame of an image the structure of a galaxy lies, and whose light is where.

    Args:
        observation: A cut-out and the light in it.
        side: Width and height of the image that the cut-out becomes, in pixels.

    Returns:
        uint8 [side, side, 3]. First, the share of the galaxy's light in the i band that comes
        from arms, bar and knots, 255 for all of it, where there is a galaxy; then masks, 0 or
        255, of the pixels where the galaxy, and where neighbours and stars, are brighter in the
        i band than one standard deviation of the sky's noise.
    """

    def resized(light: Light) -> NDArray[np.float64]:
        image = light["i"]
        shrinks = len(image) > side
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(image, (side, side), interpolation=method), np.float64)

    target, neighbours = resized(observation.target), resized(observation.neighbours)
    noise = observation.sky_noise["i"]
    bright = target > noise
    share = np.where(bright, resized(observation.structure) / np.where(bright, target, 1), 0)
    planes = [np.clip(share, 0, 1), bright, neighbours > noise]
    return np.asarray(np.rint(255 * np.stack(planes, axis=-1)), np.uint8)


def _draw_side_by_side(
    truth: pd.DataFrame,
    observation: Mapping[str, Any],
    seed: int,
    side: int,
    n_processes: int,
) -> Iterator[tuple[int, bytes, NDArray[np.uint8]]]:
    """Each galaxy in order: CATAID, encoded cut-out, planes of its structure."""
    galaxies = [
        {name: value for name, value in row.items() if pd.notna(value)}
        for row in truth.to_dict("records")
    ]
    # loky starts processes that know nothing of this one: no fork of TensorFlow's threads, and
    # no second import of the program that runs here.
    workers = Parallel(n_processes, return_as="generator", batch_size=GALAXIES_AT_A_TIME)
    drawn = workers(delayed(_draw_one)(galaxy, observation, seed, side) for galaxy in galaxies)
    yield from progress_bar(drawn, total=len(galaxies), desc="Drawing galaxies", unit="galaxy")


def _draw_one(
    galaxy: Mapping[str, Any], observation: Mapping[str, Any], seed: int, side: int
) -> tuple[int, bytes, NDArray[np.uint8]]:
    seen = observe(galaxy, observation, seed)
    encoded = cv2.imencode(".png", cv2.cvtColor(seen.cutout, cv2.COLOR_RGB2BGR))[1]
    return int(galaxy["cataid"]), encoded.tobytes(), structure_planes(seen, side)
