"""Cut-outs of single galaxies of a survey, as its classifier saw them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galaxy_morphology.identifiers import Identifier
from galaxy_morphology.imaging import Cutout
from galaxy_morphology.options import CutoutOptions
from galaxy_morphology.sources import Archives
from galaxy_morphology.survey.catalogue import facts_of, read_shards, shard_files
from galaxy_morphology.survey.shards import OpenArchive


class SurveyCutouts(Mapping[Identifier, NDArray[np.uint8]]):
    """The cut-outs of all galaxies that are in a catalogue, read when they are asked for.

    Args:
        folder: Of the catalogue, which says in which archive a galaxy is.
        archives: How archives are opened.
        options: How cut-outs are prepared.
    """

    def __init__(self, folder: Path, archives: Archives, options: CutoutOptions) -> None:
        self._folder, self._archives, self._options = folder, archives, options

    def __getitem__(self, identifier: Identifier) -> NDArray[np.uint8]:
        """The cut-out of one galaxy, uint8 [side, side, 3], RGB.

        Raises:
            KeyError: There is no such galaxy.
            UnusableCutoutError: It was rejected; says why.
        """
        return self.read([identifier])[identifier].pixels

    def read(self, identifiers: Iterable[Identifier]) -> dict[Identifier, Cutout]:
        """The cut-outs of some galaxies; every archive that they are in is opened once.

        Raises:
            KeyError: There is no such galaxy.
            UnusableCutoutError: It was rejected; says why.
        """
        found = dict(self.each(wanted := list(dict.fromkeys(identifiers))))
        return {identifier: found[identifier] for identifier in wanted}

    def each(self, wanted: list[Identifier]) -> Iterator[tuple[Identifier, Cutout]]:
        """The same one by one, in the order in which they lie in their archives."""
        by_archive: dict[str, list[Identifier]] = {}
        for identifier, archive in self._places(wanted).items():
            by_archive.setdefault(archive, []).append(identifier)
        for archive, some in by_archive.items():
            opened = OpenArchive(self._archives, archive)
            prepare = opened.preparing(self._options)
            is_wanted = set(some)
            for identifier in filter(is_wanted.__contains__, opened.identifiers):
                yield identifier, prepare(identifier, opened.cutouts[identifier])

    def _places(self, wanted: list[Identifier]) -> dict[Identifier, str]:
        """The archive of each galaxy."""
        places: dict[Identifier, str] = {}
        for file in shard_files(self._folder):
            there = pq.read_table(
                file, columns=["cataid"], filters=[("cataid", "in", wanted)], partitioning=None
            )
            if len(there) and (facts := facts_of(file)):
                places |= dict.fromkeys(there["cataid"].to_pylist(), facts.archive)
        if missing := [identifier for identifier in wanted if identifier not in places]:
            raise KeyError(missing[0])
        return places

    def __iter__(self) -> Iterator[Identifier]:
        for table in read_shards(self._folder, ["cataid"]):
            yield from table["cataid"].tolist()

    def __len__(self) -> int:
        return sum(map(len, read_shards(self._folder, ["cataid"])))
