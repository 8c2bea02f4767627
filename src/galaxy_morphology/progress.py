"""How far long work has come."""

import io
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 30.0


def in_notebook() -> bool:
    """Whether IPython runs the program, and not only somebody's tests have loaded it."""
    ipython: Any = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def progress_bar(
    iterable: Iterable[Any] | None = None,
    *,
    desc: str | None = None,
    unit: str = "galaxy",
    total: int | None = None,
    leave: bool = True,
    disable: bool = False,
    rate: bool = False,
) -> "tqdm[Any]":
    """A bar in a terminal or notebook; elsewhere a line now and then, and one at the end.

    Args:
        iterable: What is gone through; None where the caller says how far it is.
        desc: What the work is called.
        unit: What it goes through, one.
        total: How many there are, where the iterable does not say so.
        leave: Whether anything is left of it when the work is done.
        disable: Whether to show nothing.
        rate: Whether lines tell how many a second; bars always do.
    """
    options: dict[str, Any] = {
        "desc": desc, "unit": unit, "total": total, "leave": leave, "disable": disable,
    }  # fmt: skip
    if sys.stderr.isatty() or in_notebook():
        return tqdm(iterable, **options)
    return _Lines(
        iterable,
        **options,
        mininterval=SECONDS_BETWEEN_LINES,
        maxinterval=SECONDS_BETWEEN_LINES,
        bar_format="{desc}: {n_fmt} of {total_fmt}, {elapsed} passed, {remaining} to go"
        + (", {rate_fmt}" if rate else ""),
    )


class _Lines(tqdm):  # type: ignore[type-arg]
    """For what cannot be overwritten: a file, a pipe."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        if self.n:  # else nothing has been done yet
            self.fp.write(f"{self}\n")

    def close(self) -> None:
        if not self.disable and self.leave:
            self.display()
        self.fp = io.StringIO()  # tqdm now clears its bar
        super().close()
