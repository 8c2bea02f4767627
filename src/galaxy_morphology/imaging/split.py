"""Training, validation and an independent test set."""

import math

import pandas as pd

SPLITS = ("training", "validation", "test")


def split_galaxies(
    galaxies: pd.DataFrame,
    class_names: list[str],
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> pd.DataFrame:
    """Assign every galaxy to training, validation or test, keeping the class mix in each.

    Galaxies with the same pixels go where the first of them goes, so that no split holds a
    picture that another one holds.

    Args:
        galaxies: One row per usable galaxy, with columns ``cataid``, ``class_name`` and
            ``duplicate_of``.
        class_names: The classes that every split must hold.
        validation_fraction: Share of the whole for validation.
        test_fraction: Share of the whole for the test set; 0 leaves it out.
        seed: Seeds the shuffling.

    Returns:
        ``galaxies`` with a column ``split`` of "training", "validation" or "test".

    Raises:
        ValueError: A class has too few galaxies to appear in every split; names the class
            and its count.
    """
    from sklearn.model_selection import train_test_split

    originals = galaxies[galaxies["duplicate_of"].isna()].set_index("cataid")["class_name"]
    fractions = {"test": test_fraction, "validation": validation_fraction}
    wanted = ["training", *(name for name, fraction in fractions.items() if fraction > 0)]
    counts = originals.value_counts().reindex(class_names, fill_value=0)
    too_few = (
        f"A class has too few galaxies to appear in each of {', '.join(wanted)}: there are "
        + ", ".join(f"{count} {name}" for name, count in counts.items())
        + " (exact duplicates not counted). Add galaxies, or change the fractions of `split`."
    )

    split = pd.Series("training", index=originals.index)
    left = originals
    for name, fraction in fractions.items():
        if fraction == 0:
            continue
        try:
            rest, chosen = train_test_split(
                left.index,
                # Of the whole, rounded up as scikit-learn does: 0.15 of 100 is 15 both times.
                test_size=math.ceil(round(fraction * len(originals), 6)),
                stratify=left,
                random_state=seed,
            )
        except ValueError as error:  # scikit-learn's words do not say which class
            raise ValueError(too_few) from error
        split[chosen] = name
        left = left[rest]
    held = pd.crosstab(originals, split).reindex(index=class_names, columns=wanted, fill_value=0)
    if (held == 0).any(axis=None):
        raise ValueError(too_few)

    original = galaxies["duplicate_of"].fillna(galaxies["cataid"])
    return galaxies.assign(split=original.map(split).to_numpy())
