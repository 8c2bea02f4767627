"""Training, validation and an independent test set."""

import logging
import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SPLITS = ("training", "validation", "test")
MOST_NEAR_PAIRS = 200_000_000
"""What is held in memory for 3 GB."""

logger = logging.getLogger(__name__)


def split_galaxies(
    galaxies: pd.DataFrame,
    class_names: list[str],
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    group_within_arcsec: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assign every galaxy to training, validation or test, keeping the class mix in each.

    Galaxies of one group go into one split: those with the same pixels, with the same ``group``,
    or near to each other on the sky. Fractions are of groups, and of a group its first galaxy
    stands for its class. A split that is given is kept; one that is not given to any galaxy is cut
    from those that are to be trained on.

    Where the splits that are given divide a group, its test galaxies stay, or its validation
    galaxies where there is no test galaxy among them. The others are left out: no galaxy is judged
    by a network that knows its copy or neighbour.

    Args:
        galaxies: One row per usable galaxy, with columns ``cataid``, ``class_name`` and
            ``duplicate_of``, and where they are known ``split``, ``group`` (empty for none), and
            ``ra`` and ``dec`` in degrees.
        class_names: The classes that every split must hold.
        validation_fraction: Share of the whole for validation.
        test_fraction: Share of the whole for the test set; 0 leaves it out.
        seed: Seeds the shuffling.
        group_within_arcsec: Galaxies nearer to each other than this are of one group, and so are
            those that are linked by others in between; None where place does not matter.

    Returns:
        The galaxies that are used, with a column ``split`` of "training", "validation" or "test",
        and with the CATAID of the first galaxy of its group as ``group``; and those that are left
        out, ``cataid`` and ``reason``.

    Raises:
        ValueError: A class has too few galaxies to appear in every split; names the class
            and its count. Or places matter and are not known.
    """
    from sklearn.model_selection import train_test_split

    galaxies = galaxies.assign(group=_groups(galaxies, group_within_arcsec))
    galaxies, left_out = _undivided(galaxies)
    split = galaxies.get("split", pd.Series("training", galaxies.index)).to_numpy(object)
    fractions = {
        name: fraction
        for name, fraction in (("test", test_fraction), ("validation", validation_fraction))
        if fraction > 0 and not (split == name).any()
    }
    wanted = [name for name in SPLITS if name in {*split, *fractions, "training"}]
    units = galaxies.drop_duplicates("group")
    counts = units["class_name"].value_counts().reindex(class_names, fill_value=0)
    too_few = (
        f"A class has too few galaxies to appear in each of {', '.join(wanted)}: there are "
        + ", ".join(f"{count} {name}" for name, count in counts.items())
        + " (copies and others that stay together counted once). Add galaxies, or change the "
        "fractions of `split`."
    )
    left = units[~units["group"].isin(galaxies["group"][split != "training"])]
    for name, fraction in fractions.items():
        try:
            rest, chosen = train_test_split(
                np.arange(len(left)),
                # Of the whole, rounded up as scikit-learn does: 0.15 of 100 is 15 both times.
                test_size=math.ceil(round(fraction * len(units), 6)),
                stratify=left["class_name"],
                random_state=seed,
            )
        except ValueError as error:  # scikit-learn's words do not say which class
            raise ValueError(too_few) from error
        split[galaxies["group"].isin(left["group"].iloc[chosen])] = name
        left = left.iloc[rest]
    held = pd.crosstab(galaxies["class_name"], split)
    if (held.reindex(index=class_names, columns=wanted, fill_value=0) == 0).any(axis=None):
        raise ValueError(too_few)
    return galaxies.assign(split=split.astype(str)), left_out


def _groups(galaxies: pd.DataFrame, within_arcsec: float | None) -> pd.Series:
    """CATAID of the first galaxy of each group: groups that share a galaxy are one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = pd.Series(np.arange(len(galaxies)), galaxies.index)
    original = galaxies["duplicate_of"].fillna(galaxies["cataid"])
    pairs = [np.stack([rows, pd.Index(galaxies["cataid"]).get_indexer(original)])]
    if "group" in galaxies:
        names = galaxies["group"].str.strip()
        named = rows[names != ""]
        pairs.append(np.stack([named, named.groupby(names).transform("first")]))
    if within_arcsec is not None:
        pairs.append(_near_pairs(galaxies, within_arcsec))
    one, other = np.concatenate(pairs, axis=1)
    n = len(galaxies)
    _, number = connected_components(coo_array((np.ones(len(one), bool), (one, other)), (n, n)))
    return galaxies["cataid"].groupby(number).transform("first")


def _near_pairs(galaxies: pd.DataFrame, within_arcsec: float) -> NDArray[np.int_]:
    """Rows of galaxies nearer to each other than an angle, [2, n]."""
    from scipy.spatial import KDTree

    if not {"ra", "dec"} <= set(galaxies):
        raise ValueError(
            f"split.group_within_arcsec is {within_arcsec:g}, but it is not known where galaxies "
            "are. Set `columns.ra` and `columns.dec` in globals.yml to the columns of their "
            "coordinates in degrees, or split.group_within_arcsec to null."
        )
    known = np.flatnonzero(galaxies[["ra", "dec"]].notna().all(axis=1))
    if len(known) < len(galaxies):
        logger.warning(
            "%s galaxies have no position: which of them are near to others is not known.",
            f"{len(galaxies) - len(known):,}",
        )
    ra, dec = np.radians(galaxies[["ra", "dec"]].to_numpy(np.float64)[known]).T
    directions = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], 1)
    chord = 2 * np.sin(np.radians(within_arcsec / 3600) / 2)
    tree = KDTree(directions)
    if tree.count_neighbors(tree, chord) > MOST_NEAR_PAIRS:
        raise ValueError(
            f"split.group_within_arcsec is {within_arcsec:g}, which is so far that nearly all "
            "galaxies are near to each other. Set it to a smaller angle."
        )
    pairs = tree.query_pairs(chord, output_type="ndarray")
    return np.asarray(known[pairs.T], np.int_)


def _undivided(galaxies: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Galaxies of which no group is in two splits that are given, and those left out for it."""
    if "split" not in galaxies:
        return galaxies, pd.DataFrame(columns=["cataid", "reason"])
    place = galaxies["split"].map(SPLITS.index)
    last = place.groupby(galaxies["group"]).transform("max")
    stays = (place == last).to_numpy()
    judged = galaxies[stays].drop_duplicates("group").set_index("group")
    left_out = galaxies[~stays]
    of_group = judged.loc[left_out["group"], ["cataid", "split"]].itertuples(index=False)
    reasons = [
        f"given for {split}, but CATAID {other} of its group is given for {of_other}, and the same "
        "pixels, the same `group` or nearly the same place must not be in both"
        for split, (other, of_other) in zip(left_out["split"], of_group, strict=True)
    ]
    if reasons:
        logger.warning(
            "%s galaxies are left out, since the splits that are given divide their groups, e.g. "
            "CATAID %s: %s.",
            f"{len(reasons):,}", left_out["cataid"].iloc[0], reasons[0],
        )  # fmt: skip
    left_out = pd.DataFrame({"cataid": left_out["cataid"], "reason": reasons})
    return _without(galaxies, stays), left_out.reset_index(drop=True)


def _without(galaxies: pd.DataFrame, stays: NDArray[np.bool_]) -> pd.DataFrame:
    """Some galaxies, with the first of those that are left as what copies and groups name."""
    kept = galaxies[stays].reset_index(drop=True)
    original = kept["duplicate_of"].fillna(kept["cataid"])
    first = kept.groupby(original)["cataid"].transform("first")
    return kept.assign(
        group=kept.groupby("group")["cataid"].transform("first"),
        duplicate_of=first.astype(kept["duplicate_of"].dtype).mask(first == kept["cataid"]),
    )
