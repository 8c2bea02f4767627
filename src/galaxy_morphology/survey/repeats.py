"""Which of very many things were there before, in memory that does not grow with their number."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

N_BUCKETS = 128
ROWS_AT_A_TIME = 1_000_000
RECORD = np.dtype([("key", np.uint64, 2), ("row", np.int64)])


class Repeats:
    """Keys that come again, found by sharing them out to files by their hash.

    All of a key are in one file, and one file is in memory at a time.
    """

    def __init__(self) -> None:
        self._files = ExitStack()
        self._buckets: list[IO[bytes]] = []

    def __enter__(self) -> "Repeats":
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> None:
        """Take note of more keys.

        Args:
            keys: Hashes of 128 bits, [n, 2].
            rows: A number for each, [n].
        """
        if not self._buckets:
            self._buckets = [
                self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - ends with us
                for _ in range(N_BUCKETS)
            ]
        records = np.empty(len(keys), RECORD)
        records["key"], records["row"] = keys, rows
        bucket = keys[:, 0] % N_BUCKETS
        order = np.argsort(bucket, kind="stable")
        ends = np.searchsorted(bucket[order], np.arange(1, N_BUCKETS))
        for file, some in zip(self._buckets, np.split(records[order], ends), strict=True):
            file.write(some.tobytes())

    def found(self) -> Iterator[tuple[int, int]]:
        """The row of every key that was there before, and the row where it first was."""
        for rows, firsts in self._by_bucket():
            yield from zip(rows.tolist(), firsts.tolist(), strict=True)

    def firsts(self, n_rows: int) -> NDArray[np.int64]:
        """By row, the lowest one with the same key; -1 where it is that itself. Lies on disk.

        Args:
            n_rows: More than the highest.
        """
        file = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - ends with us
        by_row: NDArray[np.int64] = np.memmap(file, np.int64, "w+", shape=(n_rows,))
        for start in range(0, n_rows, ROWS_AT_A_TIME):
            by_row[start : start + ROWS_AT_A_TIME] = -1
        for rows, firsts in self._by_bucket():
            by_row[rows] = firsts
        return by_row

    def _by_bucket(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        for file in self._buckets:
            file.seek(0)
            records = np.frombuffer(file.read(), RECORD)
            order = np.lexsort((records["row"], records["key"][:, 1], records["key"][:, 0]))
            keys, rows = records["key"][order], records["row"][order]
            is_new = np.append(True, (keys[1:] != keys[:-1]).any(axis=1))[: len(rows)]
            firsts = rows[is_new][np.cumsum(is_new) - 1]
            yield rows[~is_new], firsts[~is_new]
