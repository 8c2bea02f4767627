"""What a catalogue says: counts, distributions, and the galaxies that stand out, in one pass."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray, IntArray

N_BINS = 50
"""Of the histograms of probabilities."""
ROWS_AT_A_TIME = 32_768
FLAGS = ("keep", "unlike_training", "channel_without_signal")
KINDS = {
    "most certain": ("certainty", False),
    "least certain": ("certainty", True),
    "most unlike the training galaxies": ("distance", False),
}
"""The kinds of notable galaxies: by which column, and whether the lowest or the highest of it."""
MARKS = ("unlike_training", "channel_without_signal", "duplicate", "rejected")
"""What may be the matter with a galaxy."""


class Overview(NamedTuple):
    """What a catalogue says.

    Attributes:
        counts: ``galaxies``, ``classified``, ``rejected``, ``duplicates`` and each of the flags;
            ``simulated``, whether any is; ``predicted`` and ``kept`` by ``classes``; and
            ``probabilities`` by class, numbers of galaxies in equal bins from 0 to 1.
        notable: A row for each galaxy that stands out: ``kind``, and columns of the catalogue.
        marked: Random galaxies of each of :data:`MARKS`, which is their ``kind``.
        sample: Random galaxies that could be classified, with their ``certainty``, the highest
            probability, and ``margin``, by how much it is above the next.
    """

    counts: dict[str, Any]
    notable: pd.DataFrame
    marked: pd.DataFrame
    sample: pd.DataFrame


def columns_read(class_names: Sequence[str]) -> list[str]:
    """The columns of a catalogue that an overview needs.

    Args:
        class_names: The classes in order.
    """
    return [
        "cataid", "ra", "dec", *(f"probability_{name}" for name in class_names),
        "predicted_class", *FLAGS, "simulated", "distance", "duplicate_of", "rejected", "width",
        "height", "file",
    ]  # fmt: skip


def look_over(
    tables: Iterable[pd.DataFrame],
    class_names: Sequence[str],
    *,
    n_notable: int,
    n_marked: int,
    n_sample: int,
) -> Overview:
    """Go through a catalogue once, and keep of it what does not grow with it.

    Which galaxies are kept depends on the galaxies alone and not on the order in which they come.
    Random ones are those whose identifiers have the lowest hashes; of galaxies that are equally
    notable, those count that come first by their identifiers.

    Args:
        tables: Rows of the catalogue, some at a time, with the columns of :func:`columns_read`.
        class_names: The classes in order.
        n_notable: Galaxies of each kind and class to keep.
        n_marked: Galaxies of each of :data:`MARKS` to keep.
        n_sample: Random galaxies to keep.

    Returns:
        The overview.
    """
    probability_columns = [f"probability_{name}" for name in class_names]
    totals = dict.fromkeys(("galaxies", "classified", "rejected", "duplicates", *FLAGS), 0)
    by_class = {name: {"predicted": 0, "kept": 0} for name in class_names}
    simulated = False
    histograms = np.zeros((len(class_names), N_BINS), np.int64)
    notable = {
        (kind, name): _Foremost(n_notable, *by)
        for kind, by in KINDS.items()
        for name in class_names
    }
    marked = {mark: _Foremost(n_marked, "hash", True) for mark in MARKS}
    sample = _Foremost(n_sample, "hash", True)
    for table in _portions(tables):
        table = table.assign(hash=pd.util.hash_array(table["cataid"].to_numpy()))
        some = table[table["predicted_class"].notna()].astype(dict.fromkeys(FLAGS, bool))
        probability = some[probability_columns].to_numpy(np.float64)
        highest = np.sort(probability, axis=1)
        some = some.assign(
            certainty=highest[:, -1],
            margin=highest[:, -1] - highest[:, -2],
        )
        totals["galaxies"] += len(table)
        totals["classified"] += len(some)
        totals["rejected"] += int(table["rejected"].notna().sum())
        simulated |= bool(table["simulated"].any())
        totals["duplicates"] += int(some["duplicate_of"].notna().sum())
        for flag in FLAGS:
            totals[flag] += int(some[flag].sum())
        histograms += histogram_of(probability)
        once = some[some["duplicate_of"].isna()]
        sample.add(some)
        for mark, rows in marked.items():
            candidates = table if mark == "rejected" else some
            rows.add(candidates[has_mark(candidates, mark)])
        for name in class_names:
            is_class = some["predicted_class"] == name
            by_class[name]["predicted"] += int(is_class.sum())
            by_class[name]["kept"] += int((is_class & some["keep"]).sum())
            of_class = once[once["predicted_class"] == name]
            for kind in KINDS:
                notable[kind, name].add(of_class)
    counts = {
        **totals,
        "simulated": simulated,
        "classes": by_class,
        "probabilities": dict(zip(class_names, histograms.tolist(), strict=True)),
    }
    shown = [found.rows().assign(kind=kind) for (kind, _), found in notable.items()]
    listed = [found.rows().assign(kind=mark) for mark, found in marked.items()]
    return Overview(
        counts,
        pd.concat(shown, ignore_index=True),
        pd.concat(listed, ignore_index=True),
        sample.rows(),
    )


def has_mark(galaxies: pd.DataFrame, mark: str) -> NDArray[np.bool_]:
    """Which galaxies have one of :data:`MARKS`, bool [N].

    Args:
        galaxies: Rows of the catalogue.
        mark: Which.
    """
    missing = {"duplicate": "duplicate_of", "rejected": "rejected"}
    if mark in missing:
        return galaxies[missing[mark]].notna().to_numpy()
    return galaxies[mark].to_numpy(bool)


def histogram_of(probability: FloatArray) -> IntArray:
    """Numbers of galaxies by probability of each class, int [K, N_BINS].

    Args:
        probability: [N, K], 0 to 1.
    """
    n_classes = probability.shape[1]
    bins = np.minimum((probability * N_BINS).astype(int), N_BINS - 1) + N_BINS * np.arange(
        n_classes
    )
    return np.bincount(bins.ravel(), minlength=n_classes * N_BINS).reshape(n_classes, N_BINS)


def _portions(tables: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Small tables together, until there are enough rows to be worth the while."""
    waiting: list[pd.DataFrame] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= ROWS_AT_A_TIME:
            yield pd.concat(waiting, ignore_index=True)
            waiting = []
    if waiting:
        yield pd.concat(waiting, ignore_index=True)


class _Foremost:
    """The rows that come first by a column, and then by identifier, of all that are added.

    Args:
        n_rows: Of them.
        by: The column.
        lowest: Whether the lowest of it come first.
    """

    def __init__(self, n_rows: int, by: str, lowest: bool) -> None:
        self._n_rows, self._by, self._lowest = n_rows, by, lowest
        self._parts: list[pd.DataFrame] = []
        self._n_waiting = 0
        self._last: Any = None  # of what is kept, where that is full

    def add(self, table: pd.DataFrame) -> None:
        """Look at more rows; those without a value do not count."""
        table = table[table[self._by].notna()]
        if self._last is not None:
            values = table[self._by].to_numpy()
            table = table[values <= self._last if self._lowest else values >= self._last]
        if len(table) > self._n_rows:
            table = self._first(table)
        if len(table) or not self._parts:
            self._parts.append(table)
            self._n_waiting += len(table)
        if self._n_waiting > 2 * self._n_rows:
            self._parts = [self.rows()]
            self._n_waiting = len(self._parts[0])
            self._last = self._parts[0][self._by].iloc[-1]

    def rows(self) -> pd.DataFrame:
        """Those that come first, in that order."""
        return self._first(pd.concat(self._parts, ignore_index=True))

    def _first(self, table: pd.DataFrame) -> pd.DataFrame:
        ordered = table.sort_values([self._by, "cataid"], ascending=[self._lowest, True])
        return ordered.head(self._n_rows)
