"""The label list: which galaxies it names, and which of its rows cannot be believed."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from galaxy_morphology.identifiers import read_identifier

INTEGER = re.compile(r"\+?(-?[0-9]+)(?:\.0*)?", re.ASCII)


def clean_labels(
    labels: pd.DataFrame, classes: Mapping[int, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn a label list as found into one row per galaxy, and a list of what was left out.

    Headers may be surrounded by spaces, and integers written as ``287931.0``. A galaxy named
    twice with one label is one galaxy; with two labels it is left out.

    Args:
        labels: The list, every cell as text; columns CATAID and TARGET, others are ignored.
        classes: Class name by value of TARGET.

    Returns:
        The labelled galaxies in the order of the list (``cataid`` int64, ``target`` int64,
        ``class_name``), and the rejected ones (``cataid`` Int64, missing where none could be
        read, and ``reason``).

    Raises:
        ValueError: A required column is missing or there twice, or no row is usable; says what
            was found.
    """
    rows, nameless = named_rows(labels, "CATAID", ["TARGET"])
    rows["target"] = pd.array([_target(text) for text in rows["TARGET"]], dtype="Int64")
    first = rows.drop_duplicates("cataid").set_index("cataid", drop=False)
    n_targets = rows.groupby("cataid")["target"].nunique(dropna=False)
    contradictory = n_targets.reindex(first.index) > 1
    known = first["target"].isin(list(classes))
    expected = ", ".join(f"{target} ({name})" for target, name in classes.items())
    reasons = pd.Series(
        [f"TARGET {text[:40]!r} is none of {expected}" for text in first["TARGET"]],
        index=first.index,
    ).mask(contradictory, "named more than once, with different values of TARGET")

    usable = known & ~contradictory
    labelled = first.loc[usable, ["cataid", "target"]].astype("int64").reset_index(drop=True)
    labelled["class_name"] = labelled["target"].map(classes)
    unlabelled = pd.DataFrame({"cataid": first["cataid"], "reason": reasons})[~usable]
    rejected = join_rejected(nameless, unlabelled)
    check_some_are_usable(
        labelled,
        rejected,
        "a row per galaxy with its CATAID and a TARGET that `classes` in the parameters lists",
    )
    return labelled, rejected


def named_rows(
    labels: pd.DataFrame, identifier: str, columns: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a label list that name a galaxy, and why others do not.

    Args:
        labels: The list, every cell as text.
        identifier: The column that names galaxies.
        columns: Other columns that are needed.

    Returns:
        The rows in the order of the list, ``cataid`` (int64) and the columns as they are; and the
        rejected ones (``cataid``, which is missing, and ``reason``). Empty rows are in neither.

    Raises:
        ValueError: A required column is missing or there twice; says what was found.
    """
    labels = labels.rename(columns=lambda name: str(name).strip())
    for column in (identifier, *columns):
        if (labels.columns == column).sum() != 1:
            raise ValueError(
                f"The label list needs exactly one column {column}; its columns are "
                f"{list(labels.columns)[:20]}. Expected a comma-separated file with a header row."
            )
    labels = labels[(labels != "").any(axis=1)]
    read = [_cataid(text) for text in labels[identifier]]
    why_not = pd.Series([why for _, why in read], index=labels.index, dtype=object)
    is_named = why_not == ""
    nameless = pd.DataFrame(
        {
            "cataid": pd.NA,
            "reason": [
                f"{identifier} {text[:40]!r} (row {row + 2}) {why}"
                for row, text, why in zip(
                    labels.index[~is_named],
                    labels.loc[~is_named, identifier],
                    why_not[~is_named],
                    strict=True,
                )
            ],
        }
    )
    rows = labels.loc[is_named, list(columns)].reset_index(drop=True)
    cataids = np.array([cataid for cataid, why in read if not why], np.int64)
    rows.insert(0, "cataid", cataids)
    return rows, nameless


def join_rejected(*parts: pd.DataFrame) -> pd.DataFrame:
    """Lists of rejected galaxies as one.

    Args:
        parts: Columns ``cataid`` and ``reason``, and whatever else is known.
    """
    joined = pd.concat(
        [part.astype({"cataid": "Int64", "reason": str}) for part in parts], ignore_index=True
    )
    return joined.astype({"cataid": "Int64", "reason": str})


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


def _cataid(text: str) -> tuple[int | None, str]:
    """The identifier that a text stands for (``7``, ``7.0``, `` 7 ``), or None and why not."""
    try:
        return read_identifier(_integer(text)), ""
    except ValueError as error:
        return None, str(error)


def _target(text: str) -> int | None:
    """The class that a text stands for, or None where it is none that fits into 64 bits."""
    digits = _integer(text)
    try:
        number = read_identifier(digits.removeprefix("-"))
    except ValueError:
        return None
    return -number if digits.startswith("-") else number


def _integer(text: str) -> str:
    """The digits of an integer, also of one that is written as a decimal; else the text."""
    written = INTEGER.fullmatch(text.strip())
    return written.group(1) if written else text
