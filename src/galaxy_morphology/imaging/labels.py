"""The label list: which galaxies it names, and which of its rows cannot be believed."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from galaxy_morphology.identifiers import (
    Identifier,
    Identifiers,
    column_type,
    digits_of,
    read_cell,
    read_number,
)
from galaxy_morphology.imaging.split import SPLITS

HIGHEST = {"ra": 360.0, "dec": 90.0}
"""Degrees."""
LENGTHS = ("radius", "scale")
"""Of a galaxy in arcsec, and of its cut-out in arcsec per pixel."""
BESIDES = ("split", "group", *HIGHEST, *LENGTHS)
"""What a label list may say besides."""
OTHER_SPLITS = "named more than once, with different splits"

logger = logging.getLogger(__name__)


def clean_labels(
    labels: pd.DataFrame,
    classes: Mapping[int, str],
    identifiers: Identifiers = "integer",
    *,
    identifier_column: str = "CATAID",
    label_column: str = "TARGET",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn a label list as found into one row per galaxy, and a list of what was left out.

    Headers may be surrounded by spaces, and integers written as ``287931.0``. A galaxy named
    twice with one label is one galaxy; with two labels, or in two splits, it is left out.

    Args:
        labels: The list, every cell as text: columns CATAID and TARGET, and where they are known
            ``split``, ``group``, ``ra`` and ``dec`` in degrees, ``radius`` in arcsec and ``scale``
            in arcsec per pixel; others are ignored.
        classes: Class name by value of TARGET. The names themselves are understood too.
        identifiers: What the CATAIDs are.
        identifier_column: What the column CATAID is called where it comes from, for messages.
        label_column: The same of TARGET.

    Returns:
        The labelled galaxies in the order of the list (``cataid`` int64 or str, ``target`` int64,
        ``class_name``, and what else is known), and the rejected ones (``cataid``, missing where
        none could be read, and ``reason``).

    Raises:
        ValueError: A required column is missing or there twice, or no row is usable; says what
            was found.
    """
    rows, nameless = named_rows(labels, ["TARGET"], identifiers, identifier_column)
    rows["target"] = pd.array([_target(text, classes) for text in rows["TARGET"]], dtype="Int64")
    n_targets = rows.groupby("cataid")["target"].transform("nunique", dropna=False)
    expected = ", ".join(f"{target} ({name})" for target, name in classes.items())
    reasons = pd.Series(
        [f"{label_column} {text[:40]!r} is none of {expected}" for text in rows["TARGET"]],
        index=rows.index,
        dtype=object,
    ).mask(rows["target"].isin(list(classes)), "")
    faults = split_faults(rows)
    reasons = reasons.mask((reasons == "") | (faults == OTHER_SPLITS), faults)
    reasons[n_targets > 1] = f"named more than once, with different values of {label_column}"

    first = ~rows.duplicated("cataid")
    usable = first & (reasons == "")
    labelled = rows[usable].drop(columns="TARGET").astype({"target": "int64"})
    labelled.insert(1, "target", labelled.pop("target"))
    labelled.insert(2, "class_name", labelled["target"].map(classes))
    unlabelled = pd.DataFrame({"cataid": rows["cataid"], "reason": reasons})[first & ~usable]
    rejected = join_rejected(nameless, unlabelled)
    check_some_are_usable(
        labelled,
        rejected,
        f"a row per galaxy with its {identifier_column} and a {label_column} that `classes` in the "
        "parameters lists",
    )
    return labelled.reset_index(drop=True), rejected


def named_rows(
    labels: pd.DataFrame,
    columns: Sequence[str],
    identifiers: Identifiers,
    identifier_column: str = "CATAID",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a label list that name a galaxy, and why others do not.

    Args:
        labels: The list, every cell as text.
        columns: The columns that are needed, besides CATAID.
        identifiers: What the CATAIDs are.
        identifier_column: What the column CATAID is called where it comes from.

    Returns:
        The rows in the order of the list, ``cataid`` (int64 or str), the columns as they are, and
        where they are known ``split`` and ``group`` as they are, and ``ra``, ``dec``, ``radius``
        and ``scale`` as numbers; and the rejected ones (``cataid``, which is missing, and
        ``reason``). Empty rows are in neither.

    Raises:
        ValueError: A required column is missing or there twice; says what was found.
    """
    labels = labels.rename(columns=lambda name: str(name).strip())
    for column in ("CATAID", *columns):
        if (labels.columns == column).sum() != 1:
            raise ValueError(
                f"The label list needs exactly one column {column}; its columns are "
                f"{list(labels.columns)[:20]}. Expected a table with a header row, of which "
                "`columns` in globals.yml names those to read."
            )
    labels = labels[(labels != "").any(axis=1)]
    read = [_cataid(text, identifiers) for text in labels["CATAID"]]
    why_not = pd.Series([why for _, why in read], index=labels.index, dtype=object)
    is_named = why_not == ""
    unread = labels.loc[~is_named, "CATAID"]
    nameless = pd.DataFrame(
        {
            "cataid": pd.Series([pd.NA] * len(unread), dtype=column_type(identifiers)),
            "reason": [
                f"{identifier_column} {text[:40]!r} (row {row + 2}) {why}"
                for row, text, why in zip(unread.index, unread, why_not[~is_named], strict=True)
            ],
        }
    )
    besides = [name for name in BESIDES if name in labels]
    rows = labels.loc[is_named, [*columns, *besides]].reset_index(drop=True)
    cataids = [cataid for cataid, why in read if not why]
    rows.insert(0, "cataid", pd.Series(cataids, dtype=column_type(identifiers)))
    if identifiers == "integer":
        rows = rows.astype({"cataid": "int64"})
    for name in HIGHEST:
        if name in rows:
            rows[name] = _degrees(rows[name], HIGHEST[name])
    for name in LENGTHS:
        if name in rows:
            numbers = pd.to_numeric(rows[name], errors="coerce").astype(np.float64)
            rows[name] = numbers.where((numbers > 0) & np.isfinite(numbers))
    return rows, nameless


def split_faults(rows: pd.DataFrame) -> pd.Series:
    """Why the split that a list gives a galaxy cannot be kept, for each row; empty where it can.

    Args:
        rows: As of :func:`named_rows`.
    """
    if "split" not in rows:
        return pd.Series("", rows.index, dtype=object)
    wrong = [f"split {text[:40]!r} is none of {', '.join(SPLITS)}" for text in rows["split"]]
    faults = pd.Series(wrong, rows.index, dtype=object).mask(rows["split"].isin(SPLITS), "")
    n_splits = rows.groupby("cataid")["split"].transform("nunique", dropna=False)
    return faults.mask(n_splits > 1, OTHER_SPLITS)


def join_rejected(*parts: pd.DataFrame) -> pd.DataFrame:
    """Lists of rejected galaxies as one.

    Args:
        parts: Columns ``cataid``, of the type that the first has, and ``reason``, and whatever
            else is known.
    """
    types = {"cataid": parts[0]["cataid"].dtype, "reason": str}
    return pd.concat([part.astype(types) for part in parts], ignore_index=True).astype(types)


def check_some_are_usable(labelled: pd.DataFrame, rejected: pd.DataFrame, expected: str) -> None:
    """Refuse a label list of which nothing is left.

    Args:
        labelled: The galaxies that can be used.
        rejected: Those that cannot, with the ``reason``.
        expected: What the list should have.

    Raises:
        ValueError: None can be used; says why.
    """
    if labelled.empty:
        raise ValueError(
            f"The label list names no usable galaxy: {summarise(rejected) or 'it has no rows'}. "
            f"Expected {expected}."
        )


def summarise(rejected: pd.DataFrame) -> str:
    """The five most common reasons with their counts, and an example each."""
    reasons = rejected.groupby("reason", sort=False)["cataid"].agg(["size", "first"])
    return "; ".join(
        f"{count} × {reason}" + ("" if pd.isna(example) else f" (e.g. CATAID {example})")
        for reason, count, example in reasons.nlargest(5, "size").itertuples(name=None)
    )


def _cataid(text: str, identifiers: Identifiers) -> tuple[Identifier | None, str]:
    """The identifier that a text stands for (``7``, ``7.0``, `` 7 ``), or None and why not."""
    try:
        return read_cell(text, identifiers), ""
    except ValueError as error:
        return None, str(error)


def _target(text: str, classes: Mapping[int, str]) -> int | None:
    """The class that a text stands for, by number or name; None where it is none."""
    by_name = {name: target for target, name in classes.items()}
    digits = digits_of(text)
    try:
        number = read_number(digits.removeprefix("-"))
    except ValueError:
        return by_name.get(text.strip())
    number = -number if digits.startswith("-") else number
    return number if number in classes else by_name.get(text.strip(), number)


def _degrees(texts: pd.Series, highest: float) -> pd.Series:
    """A coordinate as numbers, missing where it is none."""
    degrees = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    degrees = degrees.where(degrees.abs() <= highest)
    unread = texts[degrees.isna() & (texts.str.strip() != "")]
    if len(unread):
        logger.warning(
            "%s positions are not known: %s is %r, and not a number of degrees up to %g.",
            f"{len(unread):,}", texts.name, unread.iloc[0], highest,
        )  # fmt: skip
    return degrees
