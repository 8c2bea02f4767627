"""Which galaxies of a survey are classified together, and what tells whether they have changed."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.identifiers import Identifier
from galaxy_morphology.imaging import Cutout, angles_by_galaxy, named_rows, prepare_cutout
from galaxy_morphology.options import CutoutOptions
from galaxy_morphology.sources import Archives
from galaxy_morphology.survey.repeats import Repeats

logger = logging.getLogger(__name__)

LETTERS = 40
"""Of the name of an archive in those of its shards."""
UNKNOWN = (float("nan"), float("nan"))
TOLD = ("ra", "dec", "radius", "scale")
"""What a table may tell of a galaxy that matters here."""


class Shard(NamedTuple):
    """Some galaxies of an archive, which lie side by side in it.

    Attributes:
        name: Of its file, without the suffix; no two of a survey have one.
        archive: Path or address.
        first: Number of the first of its galaxies, from 0, in the order of the archive.
        last: Number of the galaxy behind its last.
        input: Hash of its galaxies: their identifiers, positions, and versions of their files.
        simulated: Whether the archive says of itself that its galaxies are simulated.
    """

    name: str
    archive: str
    first: int
    last: int
    input: str
    simulated: bool

    @property
    def n_galaxies(self) -> int:
        """How many there are in it."""
        return self.last - self.first


class Plan(NamedTuple):
    """What a survey consists of.

    Attributes:
        source: Path, address or pattern of the archives.
        shards: In the order of the archives, and in that of their galaxies.
        nameless: Why images and rows of tables have no identifier: how many of each archive, and
            the first of them in words.
    """

    source: str
    shards: list[Shard]
    nameless: dict[str, tuple[int, str]]

    @property
    def n_galaxies(self) -> int:
        """How many there are in all shards."""
        return sum(shard.n_galaxies for shard in self.shards)


class OpenArchive:
    """The galaxies of one archive.

    Args:
        archives: How it is opened.
        archive: Its path or address.

    Attributes:
        cutouts: By identifier.
        identifiers: In the order in which cut-outs lie.
        nameless: Why images and rows of its table have no identifier.
        unread_list: Name of a label list in it, which is not looked at; None for none.

    Raises:
        ValueError: It is no archive, or holds no cut-out; says what was found.
        FileNotFoundError: It is not there.
    """

    def __init__(self, archives: Archives, archive: str) -> None:
        self._archives, self.archive = archives, archive
        source = archives.open(archive)
        self.unread_list = source.unread_list
        layout = archives.layout
        self.cutouts = source.cutouts()
        self.identifiers: Sequence[Identifier] = list(self.cutouts)
        self.nameless = [
            f"the CATAID in the name {name} {why}" for name, why in self.cutouts.unnamed.items()
        ]
        self._told = pd.DataFrame(index=pd.Index(self.identifiers, name="cataid"))
        told = [name for name in TOLD if getattr(layout.columns, name)]
        if told or layout.columns.file or not layout.label_file:
            rows, unread = named_rows(source.labels(), (), layout.identifiers)
            self.nameless += unread["reason"].tolist()
            rows = rows.drop_duplicates("cataid").set_index("cataid")
            self._told = rows[[name for name in told if name in rows]].reindex(self._told.index)
        self._positions: dict[Identifier, tuple[float, float]] = {}
        if {"ra", "dec"} <= set(self._told):
            places = zip(self._told["ra"].tolist(), self._told["dec"].tolist(), strict=True)
            self._positions = dict(zip(self.identifiers, places, strict=True))

    def position_of(self, identifier: Identifier) -> tuple[float, float]:
        """Right ascension and declination in degrees; NaN where they are not known."""
        return self._positions.get(identifier, UNKNOWN)

    def preparing(
        self, options: CutoutOptions
    ) -> Callable[[Identifier, bytes | NDArray[Any]], Cutout]:
        """What makes a cut-out of what lies in the archive, as it is done for training.

        Args:
            options: How cut-outs are prepared.

        Returns:
            A function of a CATAID and the encoded image, or its pixels.
            It raises ``UnusableCutoutError`` with the reason where there can be no cut-out.

        Raises:
            ValueError: Radii matter, and those of no galaxy are known.
        """
        how: dict[str, Any] = dict(options)
        angles: dict[str, Any] = {
            name: how.pop(name) for name in ("arcsec_per_pixel", "crop_arcsec", "crop_radii")
        }
        angles_of = angles_by_galaxy(self._told.reset_index(), **angles)

        def prepare(identifier: Identifier, encoded: bytes | NDArray[Any]) -> Cutout:
            return prepare_cutout(encoded, **(how | angles_of(identifier)))

        return prepare

    def fingerprint(self, first: int, last: int) -> str:
        """Hash some galaxies: identifiers, versions of files and what a table tells of them.

        Args:
            first: Number of the first.
            last: Number of the one behind the last.
        """
        digest = hashlib.blake2b(digest_size=16)
        told = self._told.iloc[first:last].itertuples(index=False, name=None)
        for identifier, about in zip(self.identifiers[first:last], told, strict=True):
            version = self.cutouts.version_of(identifier)
            known = (identifier, self.cutouts.place_of(identifier),
                     self._stamp if version is None else version, about)  # fmt: skip
            digest.update(repr(known).encode(errors="surrogateescape"))
        return digest.hexdigest()

    @cached_property
    def _stamp(self) -> list[str]:
        """Of the archive as a file, where it does not know versions of what is in it."""
        return self._archives.stamp(self.archive)


def plan_survey(archives: Archives, source: str, shard_size: int) -> Plan:
    """Share the galaxies of all archives out to shards; one archive is open at a time.

    Args:
        archives: How they are found and opened.
        source: Path, address or pattern.
        shard_size: Galaxies in a shard, at most.

    Returns:
        The shards, and which images could not be told apart.

    Raises:
        ValueError: There is no archive, one cannot be read, or a galaxy is in several; says which.
    """
    shards: list[Shard] = []
    nameless: dict[str, tuple[int, str]] = {}
    source = archives.located(source)
    found, n_galaxies = archives.find(source), 0
    with Repeats() as repeats:
        for archive in found:
            opened = OpenArchive(archives, archive)
            shards += _shards_of(opened, shard_size)
            if len(found) > 1:
                n_more = len(opened.identifiers)
                repeats.add(_hashes(opened.identifiers), np.arange(n_galaxies, n_galaxies + n_more))
                n_galaxies += n_more
            if opened.unread_list and archive == found[0]:
                logger.info(
                    "%s has a label list, %s. It is not looked at: galaxies of a survey are "
                    "classified without regard to their labels.", archive, opened.unread_list,
                )  # fmt: skip
            if opened.nameless:
                nameless[archive] = (len(opened.nameless), opened.nameless[0])
                logger.warning(
                    "%s images or rows in %s are not classified, since nobody knows whose they "
                    "are, e.g.: %s.", f"{len(opened.nameless):,}", archive, opened.nameless[0],
                )  # fmt: skip
        for row, first in repeats.found():
            _refuse_repeated(archives, shards, row, first)
    if not shards:
        raise ValueError(f"There is no galaxy to classify at {source}.")
    return Plan(source, shards, nameless)


def _shards_of(opened: OpenArchive, shard_size: int) -> Iterator[Shard]:
    path = opened.archive.rstrip("/")
    stem = re.sub(r"[^A-Za-z0-9-]+", "_", PurePosixPath(path).stem)[:LETTERS].strip("_")
    start = f"{stem or 'archive'}-{hashlib.blake2b(path.encode(), digest_size=4).hexdigest()}"
    n_galaxies = len(opened.identifiers)
    for number, first in enumerate(range(0, n_galaxies, shard_size)):
        last = min(first + shard_size, n_galaxies)
        yield Shard(
            f"{start}-{number:05d}", opened.archive, first, last,
            opened.fingerprint(first, last), opened.cutouts.simulated,
        )  # fmt: skip


def _hashes(identifiers: Sequence[Identifier]) -> np.ndarray:
    digests = (hashlib.blake2b(str(each).encode(), digest_size=16) for each in identifiers)
    return np.frombuffer(b"".join(each.digest() for each in digests), np.uint64).reshape(-1, 2)


def _refuse_repeated(archives: Archives, shards: list[Shard], row: int, first: int) -> None:
    starts = np.cumsum([0, *(shard.n_galaxies for shard in shards)])
    where = [shards[np.searchsorted(starts, each, side="right") - 1] for each in (first, row)]
    number = row - int(starts[shards.index(where[1])]) + where[1].first
    identifier = OpenArchive(archives, where[1].archive).identifiers[number]
    raise ValueError(
        f"CATAID {identifier} is in {where[0].archive} and in {where[1].archive}: in a catalogue, "
        "each galaxy stands once. Name archives that have no galaxy in common."
    )
