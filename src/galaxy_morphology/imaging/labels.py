"""The label list: which galaxies it names, and which of its rows cannot be believed."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import pandas as pd

REQUIRED_COLUMNS = ("CATAID", "TARGET")
LARGEST_INTEGER = 2**63 - 1


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
        ValueError: A required column is missing or there twice; says what was found.
    """
    labels = labels.rename(columns=lambda name: str(name).strip())
    for column in REQUIRED_COLUMNS:
        if (labels.columns == column).sum() != 1:
            raise ValueError(
                f"The label list needs exactly one column {column}; its columns are "
                f"{list(labels.columns)}. Expected a comma-separated file with a header row."
            )
    rows = pd.DataFrame(
        {
            "line": range(2, len(labels) + 2),
            "cataid": pd.array([_integer(text) for text in labels["CATAID"]], dtype="Int64"),
            "target": pd.array([_integer(text) for text in labels["TARGET"]], dtype="Int64"),
            "cataid_text": labels["CATAID"].to_numpy(),
            "target_text": labels["TARGET"].to_numpy(),
        }
    )
    unnamed = rows["cataid"].isna() | (rows["cataid"] < 0)
    nameless = [
        {"cataid": pd.NA, "reason": f"CATAID {row.cataid_text!r} (row {row.line}) is no integer"}
        for row in rows[unnamed].itertuples()
    ]

    first = rows[~unnamed].drop_duplicates("cataid").set_index("cataid", drop=False)
    n_targets = rows[~unnamed].groupby("cataid")["target"].nunique(dropna=False)
    contradictory = n_targets.reindex(first.index) > 1
    known = first["target"].isin(list(classes))
    expected = ", ".join(f"{target} ({name})" for target, name in classes.items())
    reasons = pd.Series(
        [f"TARGET {text!r} is none of {expected}" for text in first["target_text"]],
        index=first.index,
    ).mask(contradictory, "named more than once, with different values of TARGET")

    usable = known & ~contradictory
    labelled = first.loc[usable, ["cataid", "target"]].astype("int64").reset_index(drop=True)
    labelled["class_name"] = labelled["target"].map(classes)
    rejected = pd.concat(
        [
            pd.DataFrame(nameless, columns=["cataid", "reason"]),
            pd.DataFrame({"cataid": first["cataid"], "reason": reasons})[~usable],
        ],
        ignore_index=True,
    ).astype({"cataid": "Int64", "reason": str})
    return labelled, rejected


def _integer(text: str) -> int | None:
    """The integer that a text stands for (``7``, ``7.0``, `` 7 ``), or None."""
    try:
        # Decimal, since a float would round a long CATAID to its neighbour.
        number = Decimal(str(text).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > LARGEST_INTEGER or number != int(number):
        return None
    return int(number)
