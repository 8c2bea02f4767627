"""Keys that come again, however many there are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology.survey.repeats import Repeats


@given(st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=5))
def test_the_first_of_each_key_is_found(parts: list[list[int]]) -> None:
    every = [key for part in parts for key in part]
    rows = np.arange(len(every)) * 3 + 7  # with gaps, as rejected galaxies leave them
    start = 0
    with Repeats() as repeats:
        for part in parts:
            keys = np.array([[key % 2, key] for key in part], np.uint64).reshape(-1, 2)
            repeats.add(keys, rows[start : start + len(part)])
            start += len(part)
        expected = {
            int(row): int(rows[every.index(key)]) for row, key in zip(rows, every, strict=True)
        }
        again = {row: first for row, first in expected.items() if row != first}
        assert dict(repeats.found()) == again
        if every:
            firsts = repeats.firsts(int(rows[-1]) + 1)
            assert {row: int(firsts[row]) for row in np.flatnonzero(firsts >= 0)} == again
