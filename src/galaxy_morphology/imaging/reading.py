"""A whole archive of cut-outs, decoded on all cores in memory that does not grow with it."""

import hashlib
import logging
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.identifiers import Identifier
from galaxy_morphology.imaging.colours import WHITE, FitsColours
from galaxy_morphology.imaging.cutouts import (
    AS_THEY_COME,
    Cutout,
    UnknownWhiteLevelError,
    flat_channels,
    prepare_cutout,
    read_cutout,
)
from galaxy_morphology.imaging.decoding import UnusableCutoutError
from galaxy_morphology.imaging.labels import summarise
from galaxy_morphology.progress import progress_bar
from galaxy_morphology.spool import SpooledImages
from galaxy_morphology.typing import Cutouts, IntArray

GALAXIES_AHEAD = 256

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def read_cutouts(
    archive: Cutouts,
    labelled_galaxies: pd.DataFrame,
    *,
    side: int,
    minimum_side: int,
    maximum_side: int,
    white_level: int | None = None,
    arcsec_per_pixel: float | None = None,
    crop_arcsec: float | None = None,
    crop_radii: float | None = None,
    channels: Sequence[str | int] | None = None,
    channel_unit: float = 1.0,
    fits: FitsColours = AS_THEY_COME,
) -> tuple["CutoutRows", pd.DataFrame, pd.DataFrame]:
    """Read the cut-out of every labelled galaxy, on all cores, in the order in which they lie.

    One picture for galaxies of different classes, as where it stands for missing ones, shows
    none of them: all of these are rejected. Pictures are compared at the size of the images.

    Args:
        archive: Encoded image, or its pixels, by CATAID.
        labelled_galaxies: One row per galaxy, with column ``cataid``, ``class_name`` where
            classes matter, and where they are known ``radius`` in arcsec and ``scale`` in arcsec
            per pixel, NaN for some.
        side: Width and height of the images wanted, in pixels.
        minimum_side: Smaller cut-outs are rejected, in pixels.
        maximum_side: Larger cut-outs are rejected before they are decoded, in pixels.
        white_level: The value that is white in cut-outs of 16 bits a channel. None for the
            largest that fits into as many bits as the largest value of all of them needs: 4095
            for data of twelve bits. They are then decoded twice.
        arcsec_per_pixel: Scale of the cut-outs as they come, None where it is not known. Of FITS
            files that tell their own that counts, else the ``scale`` of the galaxy.
        crop_arcsec: Width and height of the middle of the cut-outs that is used, None for all.
            Smaller cut-outs are rejected.
        crop_radii: The same, in radii of each galaxy, in place of ``crop_arcsec``.
        channels: Bands of FITS files that networks see instead of the images, by name or number;
            None for the images.
        channel_unit: What in the files is 1 in these bands.
        fits: How the bands of FITS files become colours.

    Returns:
        The images, uint8 [N, side, side, 3], RGB, and with them the ``bands``; the galaxies that
        have one, in the same order, with these columns added; and the rejected ones (``cataid``,
        ``reason``).

        - ``width``, ``height``: of the cut-out as it came, or of what is used of it, px;
        - ``arcsec_per_pixel``: of the cut-out as it came, NaN where it is not known;
        - ``white_level``: the value of the cut-out that is 255 in the image;
        - ``transparent``: whether it was so in parts, which now show its sky;
        - ``masked_share``: of its pixels, how many were masked in a band, and show its sky;
        - ``channel_without_signal``: whether a channel or band has one value everywhere;
        - ``duplicate_of``: CATAID of the first galaxy with the same pixels, missing where there
          is none;
        - ``checksum``: of the pixels, and of the bands.

    Raises:
        ValueError: No galaxy has a usable cut-out; says why, with examples. Or radii matter and
            are not known.
    """
    bands_wanted: dict[str, Any] = {"channels": channels, "channel_unit": channel_unit}
    how: dict[str, Any] = {
        "minimum_side": minimum_side,
        "maximum_side": maximum_side,
        "fits": fits,
    }
    angles_of = angles_by_galaxy(
        labelled_galaxies, arcsec_per_pixel=arcsec_per_pixel, crop_arcsec=crop_arcsec,
        crop_radii=crop_radii,
    )  # fmt: skip
    labelled_galaxies = labelled_galaxies.drop(columns="scale", errors="ignore")
    rows = {cataid: row for row, cataid in enumerate(labelled_galaxies["cataid"].tolist())}
    there = dict.fromkeys(cataid for cataid in archive if cataid in rows)
    in_order = [*there, *(cataid for cataid in rows if cataid not in there)]

    def how_of(cataid: Identifier) -> dict[str, Any]:
        return how | angles_of(cataid)

    def read_all(white_level: int | None) -> tuple[_Spooled, pd.DataFrame, pd.DataFrame]:
        def prepare(
            cataid: Identifier, encoded: bytes | NDArray[Any]
        ) -> tuple[Cutout, dict[str, object]]:
            options = bands_wanted | how_of(cataid)
            cutout = prepare_cutout(encoded, side=side, white_level=white_level, **options)
            return cutout, facts_of(cutout)

        images = SpooledImages(side)
        bands = None if channels is None else SpooledImages(side, len(channels), np.float16)
        found: list[dict[str, Any]] = []
        rejected: list[dict[str, Any]] = []
        for cataid, outcome in side_by_side(archive, in_order, prepare, "Reading cut-outs"):
            if isinstance(outcome, UnusableCutoutError):
                rejected.append({"cataid": cataid, "reason": str(outcome)})
            else:
                cutout, facts = outcome
                found.append({"cataid": cataid, **facts, "place": len(found)})
                images.append(cutout.pixels)
                if bands is not None and cutout.bands is not None:
                    bands.append(cutout.bands)
        rejected.sort(key=lambda one: rows[one["cataid"]])
        columns = ["cataid", "reason"]
        return (images, bands), pd.DataFrame(found), pd.DataFrame(rejected, columns=columns)

    try:
        (images, bands), found, rejected = read_all(white_level)
    except UnknownWhiteLevelError:
        (images, bands), found, rejected = read_all(_white_level(archive, in_order, how_of))

    if len(found):
        galaxies = labelled_galaxies.merge(found, on="cataid")
        shared = _one_picture_for_different_classes(galaxies)
        kept = ~galaxies["cataid"].isin(shared["cataid"]).to_numpy()
        rejected = pd.concat([rejected, shared], ignore_index=True) if len(shared) else rejected
    if not len(found) or not kept.any():
        raise ValueError(
            f"None of the {len(labelled_galaxies)} labelled galaxies has a usable cut-out: "
            f"{summarise(rejected)}."
        )
    galaxies = galaxies[kept].reset_index(drop=True)
    galaxies["duplicate_of"] = _duplicates(galaxies)
    places = galaxies.pop("place").to_numpy()
    in_bands = None if bands is None else CutoutRows(bands, places)
    return CutoutRows(images, places, in_bands), galaxies, rejected


_Spooled = tuple[SpooledImages, SpooledImages | None]  # pictures, and bands


class CutoutRows:
    """Some images of many, in an order of their own, read one by one.

    Args:
        images: All of them.
        places: Which of them in which order, [N].
        bands: The bands of the same galaxies, where networks see these instead.
    """

    def __init__(
        self, images: SpooledImages, places: IntArray, bands: "CutoutRows | None" = None
    ) -> None:
        self._images, self._places = images, places
        self.bands = bands
        self.dtype = images.dtype
        self.shape = (len(places), *images.shape[1:])

    def those(self, kept: NDArray[np.bool_]) -> "CutoutRows":
        """Some of them.

        Args:
            kept: Whether a row is one of them, [N].
        """
        bands = None if self.bands is None else self.bands.those(kept)
        return CutoutRows(self._images, self._places[kept], bands)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self._images[place] for place in self._places.tolist())


def angles_by_galaxy(
    galaxies: pd.DataFrame,
    *,
    arcsec_per_pixel: float | None,
    crop_arcsec: float | None,
    crop_radii: float | None,
) -> Callable[[Identifier], dict[str, float | None]]:
    """Scale of the cut-out of each galaxy, and width of what is used of it.

    Args:
        galaxies: A row for each, with ``cataid`` and, where they are known, ``scale`` in arcsec
            per pixel and ``radius`` in arcsec.
        arcsec_per_pixel: See :func:`read_cutouts`.
        crop_arcsec: See :func:`read_cutouts`.
        crop_radii: See :func:`read_cutouts`.

    Returns:
        The options ``arcsec_per_pixel`` and ``crop_arcsec`` of :func:`prepare_cutout` by CATAID.
        It raises :class:`UnusableCutoutError` where they follow from a radius that is not known.

    Raises:
        ValueError: Radii matter, and those of no galaxy are known.
    """
    angles = np.empty((len(galaxies), 2))  # infinite for all there is, NaN for not known
    angles[:, 0] = np.nan if arcsec_per_pixel is None else arcsec_per_pixel
    if "scale" in galaxies:
        angles[:, 0] = galaxies["scale"].fillna(pd.Series(angles[:, 0], galaxies.index))
    angles[:, 1] = np.inf if crop_arcsec is None else crop_arcsec
    if crop_radii is not None and "radius" not in galaxies:
        raise ValueError(
            f"cutouts.crop_radii is {crop_radii:g}, but no radius of a galaxy is known. Set "
            "`columns.radius` in globals.yml to the column with their radii in arcsec, or "
            "cutouts.crop_radii to null."
        )
    if crop_radii is not None:
        angles[:, 1] = crop_radii * galaxies["radius"]
    rows = {cataid: row for row, cataid in enumerate(galaxies["cataid"].tolist())}

    def angles_of(cataid: Identifier) -> dict[str, float | None]:
        scale, crop = angles[rows[cataid]].tolist()
        if np.isnan(crop):
            raise UnusableCutoutError(
                "its radius is no number above 0, so that it cannot be cropped (cutouts.crop_radii)"
            )
        return {
            "arcsec_per_pixel": None if np.isnan(scale) else scale,
            "crop_arcsec": None if np.isinf(crop) else crop,
        }

    return angles_of


def _white_level(
    archive: Cutouts, cataids: list[Identifier], how_of: Callable[[Identifier], dict[str, Any]]
) -> int:
    """The largest value of as many bits as the cut-outs of 16 bits a channel use."""

    def largest_value(cataid: Identifier, encoded: bytes | NDArray[Any]) -> int:
        try:
            read_cutout(encoded, **how_of(cataid))
        except UnknownWhiteLevelError as unknown:
            return unknown.largest
        return 0  # of eight bits

    outcomes = side_by_side(archive, cataids, largest_value, "Finding the white level")
    largest = {cataid: value for cataid, value in outcomes if isinstance(value, int) and value}
    brightest = max(largest, key=lambda cataid: largest[cataid])
    white = max(WHITE, (1 << largest[brightest].bit_length()) - 1)
    logger.info(
        "%s cut-outs have 16 bits a channel. Their largest value is %s (CATAID %s), so they are "
        "taken for data of %d bits, with %s as white. Set `cutouts.white_level` if it is another.",
        f"{len(largest):,}", f"{largest[brightest]:,}", brightest, white.bit_length(), f"{white:,}",
    )  # fmt: skip
    return white


def side_by_side(
    archive: Cutouts,
    cataids: Sequence[Identifier],
    function: Callable[[Identifier, bytes | NDArray[Any]], Result],
    description: str | None = None,
    *,
    n_threads: int | None = None,
) -> Iterator[tuple[Identifier, Result | UnusableCutoutError]]:
    """Each galaxy in order with what comes of its cut-out, or why it cannot be used.

    Threads suffice: zlib, Pillow and OpenCV let go of the interpreter while they work. They go on
    while whoever asks does something else, but are never more than a few galaxies ahead.

    Args:
        archive: Encoded image, or its pixels, by CATAID.
        cataids: Which galaxies, in which order.
        function: Given a CATAID and its cut-out as it lies there.
        description: What to call the progress bar; none is shown when None.
        n_threads: How many work at a time, None for as many as there are cores.

    Yields:
        The CATAID, and what the function returns or why there is nothing.
    """

    def read(cataid: Identifier) -> Result | UnusableCutoutError:
        try:
            return function(cataid, archive[cataid])
        except KeyError:
            return UnusableCutoutError("no cut-out in the archive")
        except UnusableCutoutError as error:
            return error
        except ValueError as error:
            return UnusableCutoutError(str(error))

    waiting: deque[tuple[Identifier, Future[Result | UnusableCutoutError]]] = deque()
    with (
        ThreadPoolExecutor(n_threads or os.cpu_count()) as pool,
        progress_bar(
            total=len(cataids), desc=description, unit="galaxy", disable=description is None
        ) as progress,
        warnings.catch_warnings(),
    ):
        # What they warn of is rejected with a reason, or does not matter to the pixels.
        warnings.filterwarnings("ignore", module="PIL|astropy")
        coming = iter(cataids)
        try:
            for cataid in islice(coming, GALAXIES_AHEAD):
                waiting.append((cataid, pool.submit(read, cataid)))
            while waiting:
                cataid, outcome = waiting.popleft()
                found = outcome.result()
                for following in islice(coming, 1):
                    waiting.append((following, pool.submit(read, following)))
                yield cataid, found
                progress.update()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def facts_of(cutout: Cutout) -> dict[str, object]:
    """How a cut-out came, and what its pixels say about their quality and identity.

    Args:
        cutout: At the size of the network.

    Returns:
        Columns of the table of galaxies, see :func:`read_cutouts`.
    """
    is_flat = bool(flat_channels(cutout.pixels).any())
    checksum = hashlib.blake2b(cutout.pixels.data, digest_size=16)
    if cutout.bands is not None:
        is_flat |= bool((cutout.bands == cutout.bands[0, 0]).all(axis=(0, 1)).any())
        checksum.update(np.ascontiguousarray(cutout.bands).data)
    return {
        "width": cutout.width,
        "height": cutout.height,
        "white_level": cutout.white_level,
        "arcsec_per_pixel": np.nan if cutout.arcsec_per_pixel is None else cutout.arcsec_per_pixel,
        "transparent": cutout.transparent,
        "masked_share": cutout.masked_share,
        "channel_without_signal": is_flat,
        "checksum": checksum.hexdigest(),
    }


def _one_picture_for_different_classes(galaxies: pd.DataFrame) -> pd.DataFrame:
    """Galaxies whose pixels are also those of one of another class; ``cataid`` and ``reason``."""
    if "class_name" not in galaxies:
        return pd.DataFrame(columns=["cataid", "reason"])
    pictures = galaxies.groupby("checksum", sort=False)
    some = galaxies[pictures["class_name"].transform("nunique") > 1]
    reasons = {
        checksum: f"one picture for {len(those)} galaxies with different labels, e.g. CATAID "
        + " and ".join(
            f"{cataid} ({name})"
            for cataid, name in those.drop_duplicates("class_name")[["cataid", "class_name"]]
            .head(2)
            .itertuples(index=False, name=None)
        )
        for checksum, those in some.groupby("checksum")
    }
    return pd.DataFrame({"cataid": some["cataid"], "reason": some["checksum"].map(reasons)})


def _duplicates(galaxies: pd.DataFrame) -> pd.Series:
    """CATAID of the first galaxy with the same pixels, missing for the first itself."""
    first = galaxies.groupby("checksum")["cataid"].transform("first")
    first = first.astype("Int64") if first.dtype == np.int64 else first
    duplicate_of = first.mask(first == galaxies["cataid"])
    if len(copies := duplicate_of.dropna()):
        original = copies.value_counts().index[0]
        sharing = galaxies.loc[first == original, "cataid"].tolist()
        logger.warning(
            "%s cut-outs have the same pixels as an earlier one; they stay in its split. The most "
            "frequent picture is shared by %s galaxies, e.g. CATAID %s and %s.",
            f"{len(copies):,}", f"{len(sharing):,}", *sharing[:2],
        )  # fmt: skip
    return duplicate_of
