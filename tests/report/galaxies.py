"""Galaxies to lay out in a gallery, for tests."""

from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology.report import Explanation, explanations, gallery, survey_gallery

CLASSES = ["Elliptical", "<script>alert(1)</script>"]


def table_of(n: int) -> pd.DataFrame:
    """Galaxies 1000, 1001 …: a fifth of them test galaxies, every seventh wrong, some suspected."""
    number = np.arange(n)
    label = number % 2
    predicted = np.where(number % 7 == 0, 1 - label, label)
    probability = 0.5 + (number % 50) / 100
    return pd.DataFrame(
        {
            "cataid": 1000 + number,
            "split": np.where(number % 5 == 0, "test", "training"),
            "class_name": np.array(CLASSES)[label],
            "predicted_class": np.array(CLASSES)[predicted],
            "correct": label == predicted,
            f"probability_{CLASSES[0]}": np.where(predicted == 0, probability, 1 - probability),
            f"probability_{CLASSES[1]}": np.where(predicted == 1, probability, 1 - probability),
            "suspected": number % 14 == 0,
            "suggested_class": np.array(CLASSES)[predicted],
            "label_quality": (number % 97) / 97,
            "touches_edge": number % 10 == 0,
        }
    )


def gallery_of(n: int, **changes: Any) -> str:
    """A gallery of so many noisy galaxies, the first test galaxy with maps of two methods."""
    rng = np.random.default_rng(0)
    galaxies = table_of(n)
    training = galaxies.loc[galaxies["split"] == "training", "cataid"].to_numpy()
    features = pd.DataFrame({"half_light_radius": rng.normal(size=n), "gini": rng.random(n)})
    features.loc[0, "gini"] = np.nan
    neighbours = pd.DataFrame(
        {"cataid": np.repeat(galaxies["cataid"], 2), "neighbour": np.resize(training, 2 * n)}
    ).assign(distance=0.1)
    given: dict[str, Any] = {
        "split": "test",
        "features": features,
        "flags": {"touches_edge": "reaches the edge"},
        "neighbours": neighbours,
    }
    images = rng.integers(0, 255, (n, 48, 48, 3), np.uint8)
    overlay = np.full((48, 48, 4), 128, np.uint8)
    maps = [Explanation(title, overlay, "stable\nfaithfulness 0.50") for title in ("A", "B")]
    html = gallery(images, galaxies, CLASSES, **given | changes)
    return html + explanations({1000: maps})


def survey_of(n: int) -> pd.DataFrame:
    """Galaxies 1000, 1001 … of a survey: every tenth rejected, some unlike the training galaxies.

    Every fifth has a position; all but the first are farther from the training galaxies than the
    one before.
    """
    number = np.arange(n)
    is_known = number % 10 != 9
    table = table_of(n).drop(columns=["split", "class_name", "correct", "suspected"])
    table.loc[~is_known, table.columns.str.startswith(("probability", "predicted"))] = None
    return table.assign(
        ra=np.where(number % 5 == 0, 150.0 + number, np.nan),
        dec=np.where(number % 5 == 0, -1.5, np.nan),
        distance=np.where(is_known, number / n, np.nan),
        unlike_training=is_known & (number >= 0.8 * n),
        duplicate_of=pd.array([1000 if one == 3 else None for one in number], "Int64"),
        rejected=pd.Series("it cannot be decoded: <b>", number).mask(is_known, None),
        file=[f"a/{cataid}.png" for cataid in table["cataid"]],
    )


def survey_gallery_of(n: int, **changes: Any) -> str:
    """A gallery of such galaxies; a sixth of them is worth a label."""
    rng = np.random.default_rng(0)
    galaxies = survey_of(n)
    rows = rng.permutation(np.flatnonzero(galaxies["rejected"].isna()))
    cutouts = ((int(row), rng.integers(0, 255, (48, 48, 3), np.uint8)) for row in rows)
    given: dict[str, Any] = {
        "flags": {
            "unlike them": galaxies["unlike_training"].to_numpy(),
            "not classified": galaxies["rejected"].notna().to_numpy(),
        },
        "groups": {"worth a label": np.arange(n) % 6 == 0, "random": np.zeros(n, bool)},
        "threshold": 0.8,
        "n_all": n,
    }  # fmt: skip
    return survey_gallery(cutouts, galaxies, CLASSES, **given | changes)
