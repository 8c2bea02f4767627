"""Which galaxies of a survey a person is shown, where there are more than anybody looks through."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.survey.overview import KINDS, MARKS

TO_LABEL, RANDOM = "worth a label", "random"
MOST_NOTABLE = 100
"""Of each kind and class: more do not stand out."""
SHARE_TO_LABEL, SHARE_NOTABLE, SHARE_MARKED = 1 / 2, 1 / 4, 1 / 6
"""Of those that are shown, at most, where there are too many of all kinds. The rest is random."""


class Selection(NamedTuple):
    """Galaxies to show, and why.

    Attributes:
        galaxies: A row for each, with the columns of an overview.
        groups: Which of them belong to a group, bool [N], by its name: :data:`TO_LABEL`, the kinds
            of notable galaxies, and :data:`RANDOM`.
    """

    galaxies: pd.DataFrame
    groups: dict[str, NDArray[np.bool_]]


def n_notable(n_shown: int, n_classes: int) -> int:
    """Galaxies of each kind and class that there is room for.

    Args:
        n_shown: How many may be shown.
        n_classes: How many classes there are.
    """
    room = int(n_shown * SHARE_NOTABLE) // (len(KINDS) * max(1, n_classes))
    return min(max(1, room), MOST_NOTABLE)


def select_shown(
    to_label: pd.DataFrame, notable: pd.DataFrame, marked: pd.DataFrame, sample: pd.DataFrame,
    n_shown: int,
) -> Selection:  # fmt: skip
    """Choose galaxies so that each group is there; what is left is filled by random ones.

    Args:
        to_label: Those that are worth a label, the best first.
        notable: Those that stand out, by ``kind`` and class, the foremost first.
        marked: Those that something is the matter with, by ``kind``.
        sample: Random galaxies that could be classified.
        n_shown: How many to choose, at most.
    """
    to_label = to_label.head(int(n_shown * SHARE_TO_LABEL))
    by_kind = notable.groupby(["kind", "predicted_class"], sort=False)
    notable = by_kind.head(n_notable(n_shown, notable["predicted_class"].nunique()))
    by_mark = marked.groupby("kind", sort=False)
    some = by_mark.head(int(n_shown * SHARE_MARKED) // len(MARKS))
    first = _once(to_label, notable, some).head(n_shown)
    is_new = ~sample["cataid"].isin(first["cataid"]).to_numpy()
    room = n_shown - len(first)
    # All of the random ones from the first to the last: what is among them by chance counts too.
    n_random = int(np.searchsorted(is_new.cumsum(), room, side="right"))
    drawn = sample.head(n_random)
    galaxies = _once(first, drawn, marked).head(n_shown).reset_index(drop=True)
    members = {TO_LABEL: to_label["cataid"]}
    members |= {kind: notable.loc[notable["kind"] == kind, "cataid"] for kind in KINDS}
    members[RANDOM] = drawn["cataid"]
    return Selection(
        galaxies.drop(columns="kind", errors="ignore"),
        {name: galaxies["cataid"].isin(some).to_numpy() for name, some in members.items()},
    )


def _once(*tables: pd.DataFrame) -> pd.DataFrame:
    """All rows one below the other, each galaxy where it comes first."""
    some = [table for table in tables if len(table)] or [tables[0]]
    return pd.concat(some).drop_duplicates("cataid")
