"""A whole archive of cut-outs, decoded on all cores in memory that does not grow with it."""

import hashlib
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.imaging.cutouts import UnusableCutoutError, flat_channels, prepare_cutout
from galaxy_morphology.imaging.labels import summarise
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.spool import SpooledImages
from galaxy_morphology.typing import Cutouts

GALAXIES_AT_A_TIME = 256

CheckedImage = tuple[NDArray[np.uint8], dict[str, object]]
"""An image, and what its pixels say about its quality and identity."""


def read_cutouts(
    archive: Cutouts,
    labelled_galaxies: pd.DataFrame,
    *,
    side: int,
    minimum_side: int,
    maximum_side: int,
) -> tuple[SpooledImages, pd.DataFrame, pd.DataFrame]:
    """Read the cut-out of every labelled galaxy, on all cores.

    Args:
        archive: Encoded image by CATAID.
        labelled_galaxies: One row per galaxy, with column ``cataid``.
        side: Width and height of the images wanted, in pixels.
        minimum_side: Smaller cut-outs are rejected, in pixels.
        maximum_side: Larger cut-outs are rejected before they are decoded, in pixels.

    Returns:
        The images, uint8 [N, side, side, 3], RGB; the galaxies that have one, in the same
        order, with columns ``channel_without_signal``, ``duplicate_of`` (CATAID of the first
        galaxy with the same pixels, missing where there is none) and ``checksum`` (of the
        pixels) added; and the rejected ones (``cataid``, ``reason``).

    Raises:
        ValueError: No galaxy has a usable cut-out; says why, with examples.
    """
    side_limits = {"minimum_side": minimum_side, "maximum_side": maximum_side}
    images = SpooledImages(side)
    checks: list[dict[str, object]] = []
    rejected: list[dict[str, object]] = []
    for cataid, outcome in _read_side_by_side(
        archive, labelled_galaxies["cataid"].tolist(), side, side_limits
    ):
        if isinstance(outcome, UnusableCutoutError):
            rejected.append({"cataid": cataid, "reason": str(outcome)})
        else:
            image, found = outcome
            images.append(image)
            checks.append({"cataid": cataid, **found})
    rejected_galaxies = pd.DataFrame(rejected, columns=["cataid", "reason"])
    if not checks:
        raise ValueError(
            f"None of the {len(labelled_galaxies)} labelled galaxies has a usable cut-out: "
            f"{summarise(rejected_galaxies)}."
        )
    galaxies = labelled_galaxies.merge(pd.DataFrame(checks), on="cataid")
    galaxies["duplicate_of"] = _duplicates(galaxies)
    return images, galaxies, rejected_galaxies


def _read_side_by_side(
    archive: Cutouts, cataids: list[int], side: int, side_limits: dict[str, int]
) -> Iterator[tuple[int, CheckedImage | UnusableCutoutError]]:
    """Each galaxy in order with its image and what was found in it, or why there is none.

    Threads suffice: zlib and OpenCV let go of the interpreter while they work.
    """

    def read(cataid: int) -> CheckedImage | UnusableCutoutError:
        try:
            image = prepare_cutout(archive[cataid], side=side, **side_limits)
            return image, _checks(image)
        except KeyError:
            return UnusableCutoutError("no cut-out in the archive")
        except UnusableCutoutError as error:
            return error
        except ValueError as error:
            return UnusableCutoutError(str(error))

    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        progress_bar(total=len(cataids), desc="Reading cut-outs", unit="galaxy") as progress,
        warnings.catch_warnings(),
    ):
        # What Pillow warns of is rejected with a reason, or decoded by OpenCV.
        warnings.filterwarnings("ignore", module="PIL")
        for start in range(0, len(cataids), GALAXIES_AT_A_TIME):
            some = cataids[start : start + GALAXIES_AT_A_TIME]
            for cataid, outcome in zip(some, pool.map(read, some), strict=True):
                yield cataid, outcome
                progress.update()


def _checks(image: NDArray[np.uint8]) -> dict[str, object]:
    """What the pixels of an image say about its quality and identity."""
    return {
        "channel_without_signal": bool(flat_channels(image).any()),
        "checksum": hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest(),
    }


def _duplicates(galaxies: pd.DataFrame) -> pd.Series:
    """CATAID of the first galaxy with the same pixels, Int64, missing for the first itself."""
    first = galaxies.groupby("checksum")["cataid"].transform("first").astype("Int64")
    return first.mask(first == galaxies["cataid"])
