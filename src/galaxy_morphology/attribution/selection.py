"""Which galaxies to explain: the telling ones to look at, and some by lot to measure on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from galaxy_morphology.identifiers import Identifier


def select_galaxies(
    predictions: pd.DataFrame,
    *,
    split: str,
    galaxies_per_group: int,
    cataids: Sequence[Identifier] = (),
) -> pd.DataFrame:
    """Choose galaxies of each class, right and wrong, confident and borderline.

    Args:
        predictions: Columns ``cataid``, ``split``, ``class_name``, ``correct`` and
            ``probability_<class>``.
        split: The part of the galaxies to choose from.
        galaxies_per_group: For each class, how many of the most confident and how many of the
            most borderline, among the right and among the wrong classifications. Groups with
            fewer galaxies give what they have.
        cataids: Galaxies to explain besides, of whatever split. Numbers that are asked for as
            texts, and texts as numbers, are understood.

    Returns:
        The rows of ``predictions`` chosen, those named in ``cataids`` first, each galaxy once,
        with a column ``chosen_as`` such as "wrong, confident".

    Raises:
        ValueError: A CATAID is not among the predictions, or the split holds no galaxy.
    """
    by_text = {str(cataid): cataid for cataid in predictions["cataid"].tolist()}
    unknown = sorted({str(cataid) for cataid in cataids} - set(by_text))
    if unknown:
        raise ValueError(
            f"Cannot explain CATAID {', '.join(unknown)}: not among the "
            f"{len(predictions):,} classified galaxies. Check `explained_galaxies.cataids`, and "
            "whether rejected_galaxies says why it was left out."
        )
    candidates = predictions[predictions["split"] == split]
    if not cataids:
        _check_split(predictions, split)
    asked_for = [by_text[str(cataid)] for cataid in cataids]
    named = predictions.set_index("cataid", drop=False).loc[asked_for]
    groups = [named.assign(chosen_as="named")]
    certainty = candidates.filter(like="probability_").max(axis=1)
    for (_, is_wrong), group in candidates.groupby(["class_name", ~candidates["correct"]]):
        # A stable sort: equal certainties keep the order of the table.
        order = group.iloc[np.argsort(-certainty[group.index], kind="stable")]
        word = "wrong" if is_wrong else "correct"
        if len(order) == 1:  # neither the most nor the least certain of several
            groups.append(order.assign(chosen_as=word))
            continue
        groups.append(order.head(galaxies_per_group).assign(chosen_as=f"{word}, confident"))
        groups.append(order.tail(galaxies_per_group).assign(chosen_as=f"{word}, borderline"))
    return pd.concat(groups).drop_duplicates("cataid").reset_index(drop=True)


def random_galaxies(predictions: pd.DataFrame, *, split: str, n: int, seed: int) -> pd.DataFrame:
    """Draw galaxies by lot, in the proportions of the classes.

    What is measured on them holds for the split, as it does not for galaxies that were chosen for
    being typical, or wrong.

    Args:
        predictions: Columns ``cataid``, ``split`` and ``class_name``.
        split: The part of the galaxies to draw from.
        n: How many; all there are where these are fewer. Each class gets its share of them,
            rounded by the method of the largest remainder.
        seed: Seeds the lot.

    Returns:
        The rows of ``predictions`` drawn, in their order there.

    Raises:
        ValueError: The split holds no galaxy.
    """
    _check_split(predictions, split)
    candidates = predictions[predictions["split"] == split]
    sizes = candidates["class_name"].value_counts().sort_index()
    shares = sizes * min(n, len(candidates)) / len(candidates)
    counts = shares.astype(int)
    remainders = (shares - counts).sort_values(ascending=False, kind="stable")
    counts[remainders.index[: min(n, len(candidates)) - counts.sum()]] += 1
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(candidates["class_name"] == name), count, replace=False)
        for name, count in counts.items()
    ]
    return candidates.iloc[np.sort(np.concatenate(drawn))].reset_index(drop=True)


def _check_split(predictions: pd.DataFrame, split: str) -> None:
    if not (predictions["split"] == split).any():
        raise ValueError(
            f"There is no galaxy in split {split!r} to explain; the splits are "
            f"{sorted(predictions['split'].unique())}. Set `explained_galaxies.split`."
        )
