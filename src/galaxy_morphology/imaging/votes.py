"""Labels from votes: the class that most people see, or how many of them see each."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.identifiers import Identifiers
from galaxy_morphology.imaging.labels import (
    BESIDES,
    check_some_are_usable,
    join_rejected,
    named_rows,
    split_faults,
)
from galaxy_morphology.typing import FloatArray

Kind = Literal["fractions", "counts"]
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
ROUNDING = 1e-9
OF_DECIMALS = 0.01
"""So much may fractions that were rounded sum to above 1."""


def clean_votes(
    labels: pd.DataFrame,
    classes: Mapping[int, str],
    identifiers: Identifiers = "integer",
    *,
    columns: Mapping[int, Sequence[str]],
    kind: Kind,
    total: str | None,
    minimum_votes: int,
    minimum_fraction: float,
    margin: float,
    soft: bool,
    identifier_column: str = "CATAID",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn a list of votes as found into one row per galaxy, and a list of what was left out.

    A galaxy's class is the one with the largest fraction of its votes. It is clear where that is
    large enough, and far enough above the next. Without soft labels galaxies of no clear class
    are left out. With them they are used, and of equal fractions the first counts.

    Galaxies most of whose votes are for answers that are no class are left out either way.

    Args:
        labels: The list, every cell as text: CATAID, the columns of votes, and where they are known
            ``split``, ``group``, ``ra``, ``dec``, ``radius`` and ``scale``, as for
            ``clean_labels``.
        classes: Class name by number.
        identifiers: What the CATAIDs are.
        columns: By the number of each class, the columns with its votes, which are added.
        kind: Whether these are fractions of all votes, 0 to 1, or numbers of votes.
        total: The column with the number of all votes, also of those for no class. Where there is
            none, fractions of counted votes are of those for the classes.
        minimum_votes: Galaxies with fewer votes in all are left out, where numbers are known.
        minimum_fraction: The least fraction of all votes that is a clear majority.
        margin: The least difference from the next class that is one. Equal fractions never are.
        soft: Whether fractions are kept.
        identifier_column: What the column CATAID is called where it comes from, for messages.

    Returns:
        The labelled galaxies in the order of the list: ``cataid`` int64 or str, ``target`` int64,
        ``class_name`` and what else is known; with soft labels also ``fraction_<class>``, of the
        votes for the classes, which sum to 1, ``n_votes``, their number, NaN where it is not
        known, and whether the class is ``clear``. And the rejected ones: ``cataid``, missing where
        none could be read, ``reason``, and their ``votes`` in words.

    Raises:
        ValueError: A column is missing or there twice, or no row is usable; says what was found.
    """
    targets = sorted(classes)
    names = [classes[target] for target in targets]
    of_classes = [list(columns[target]) for target in targets]
    of_kind: dict[str, Kind] = {column: kind for some in of_classes for column in some}
    of_kind |= {total: "counts"} if total else {}
    texts, nameless = named_rows(labels, list(of_kind), identifiers, identifier_column)
    numbers = pd.DataFrame({column: _numbers(texts[column]) for column in of_kind})
    n_different = numbers.groupby(texts["cataid"]).nunique(dropna=False).max(axis=1)
    faults = split_faults(texts)
    first = ~texts.duplicated("cataid")
    texts, numbers, faults = texts[first], numbers[first], faults[first]

    fractions, n_votes = _fractions(numbers, of_classes, kind, total)
    in_all, clear = fractions.sum(axis=1), _are_clear(fractions, minimum_fraction, margin)
    unsound = {
        "named more than once, with different votes": texts["cataid"].map(n_different) > 1,
        **_unsound_cells(texts, numbers, of_kind),
        "no votes": (n_votes == 0) | (in_all == 0),
        "more votes for the classes than there are": in_all > 1 + OF_DECIMALS,
    }
    undecided = {
        f"fewer than {minimum_votes} votes": n_votes < minimum_votes,
        "most votes are for none of the classes": in_all < 0.5 - ROUNDING,
        "no clear majority": ~clear & (not soft),
    }
    reason = _first_reason(unsound | undecided, len(texts))
    reason = np.where(reason == "", faults.to_numpy(object), reason)
    is_sound = _first_reason(unsound, len(texts)) == ""
    usable = reason == ""

    chosen = fractions[usable].argmax(axis=1)
    labelled = texts.loc[usable, ["cataid"]].assign(
        target=np.array(targets, np.int64)[chosen], class_name=np.array(names, object)[chosen]
    )
    besides = [name for name in BESIDES if name in texts]
    labelled[besides] = texts.loc[usable, besides]
    if soft:
        of_all = in_all[usable]
        labelled[[f"fraction_{name}" for name in names]] = fractions[usable] / of_all[:, None]
        labelled["n_votes"] = np.round(n_votes[usable] * of_all, 6)
        labelled["clear"] = clear[usable]
    left_out = pd.DataFrame({"cataid": texts["cataid"], "reason": reason})[~usable]
    cells = texts[list(of_kind)]
    left_out["votes"] = [
        _in_words(names, fractions[i], n_votes[i]) if is_sound[i] else _cells(cells.iloc[i])
        for i in np.flatnonzero(~usable).tolist()
    ]
    rejected = join_rejected(nameless.assign(votes=""), left_out)
    check_some_are_usable(
        labelled,
        rejected,
        f"a row per galaxy with its {identifier_column}, and {kind} of votes in the columns that "
        "`columns.votes` in globals.yml names",
    )
    return labelled.reset_index(drop=True), rejected


def _fractions(
    numbers: pd.DataFrame, of_classes: Sequence[Sequence[str]], kind: Kind, total: str | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fraction of all votes that each class has, [N, K], and their number, [N], NaN if unknown."""
    votes = np.stack(
        [numbers[list(some)].sum(axis=1, skipna=False).to_numpy() for some in of_classes], axis=1
    )
    if total:
        n_votes = numbers[total].to_numpy()
    else:
        n_votes = votes.sum(axis=1) if kind == "counts" else np.full(len(votes), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return votes / n_votes[:, None] if kind == "counts" else votes, n_votes


def _are_clear(fractions: FloatArray, minimum_fraction: float, margin: float) -> NDArray[np.bool_]:
    """Whether the largest fraction of each row is a clear majority, [N]."""
    next_one, largest = np.sort(fractions, axis=1)[:, -2:].T
    lead = largest - next_one
    is_enough = (largest >= minimum_fraction - ROUNDING) & (lead >= margin - ROUNDING)
    return np.asarray(is_enough & (lead > ROUNDING))


def _unsound_cells(
    texts: pd.DataFrame, numbers: pd.DataFrame, of_kind: Mapping[str, Kind]
) -> dict[str, pd.Series]:
    """By what is wrong with a cell, the rows in which it is."""
    wrong = {}
    for column, kind in of_kind.items():
        number = numbers[column]
        is_blank = texts[column].str.strip().str.lower().isin(["", "nan", "null"])
        if kind == "fractions":
            is_right, expected = number.between(0, 1 + ROUNDING), "fraction from 0 to 1"
        else:
            is_right = (number >= 0) & (number == np.floor(number)) & np.isfinite(number)
            expected = "whole number of votes"
        wrong[f"no value in {column}"] = is_blank
        wrong[f"{column} is no {expected}"] = ~is_right
    return wrong


def _first_reason(
    reasons: Mapping[str, pd.Series | NDArray[np.bool_]], n_rows: int
) -> NDArray[np.object_]:
    """The first reason that holds for each row, or an empty text."""
    first = np.full(n_rows, "", object)
    for reason, holds in reversed(list(reasons.items())):
        first[np.asarray(holds, bool)] = reason
    return first


def _numbers(texts: pd.Series) -> pd.Series:
    """The numbers that texts write, NaN where they write none."""
    stripped = texts.str.strip()
    return stripped.where(stripped.str.fullmatch(NUMBER)).astype(np.float64)


def _in_words(names: Sequence[str], fractions: FloatArray, n_votes: float) -> str:
    parts = [f"{fraction:.3g} {name}" for name, fraction in zip(names, fractions, strict=True)]
    return ", ".join([*parts, *([f"of {n_votes:.0f} votes"] if np.isfinite(n_votes) else [])])


def _cells(row: pd.Series) -> str:
    return ", ".join(f"{column} {text[:40]!r}" for column, text in row.items())
