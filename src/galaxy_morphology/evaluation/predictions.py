"""The tables of logits and predictions: what the classifier says of every galaxy."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.mix import mix_weights
from galaxy_morphology.typing import FloatArray

FRACTION = "fraction_"
"""What the names of columns of soft labels begin with; the class follows."""


def logit_table(galaxies: pd.DataFrame, logits: FloatArray, class_names: list[str]) -> pd.DataFrame:
    """Put the logits beside what is known of each galaxy.

    Args:
        galaxies: Columns ``cataid``, ``simulated``, ``split``, ``target`` and ``class_name``; and
            those of soft labels, where they have such.
        logits: [N, 1] for two classes, [N, K] for K.
        class_names: The K classes in the order of the columns.

    Returns:
        A row per galaxy: those columns, and ``logit`` (of the second of two classes) or
        ``logit_<class>`` for each of K.
    """
    known = ["cataid", "simulated", "split", "target", "class_name"]
    table = galaxies[[*known, *soft_columns(galaxies)]].reset_index(drop=True)
    table[logit_columns(class_names)] = logits
    return table


def logits_of(table: pd.DataFrame, class_names: list[str]) -> NDArray[np.float64]:
    """The logits in a table, float64 [N, 1] for two classes, [N, K] for K.

    Args:
        table: From :func:`logit_table`.
        class_names: The classes in order.
    """
    return table[logit_columns(class_names)].to_numpy(np.float64)


def probabilities_of(table: pd.DataFrame, class_names: list[str]) -> NDArray[np.float64]:
    """The probabilities in a table, float64 [N, K].

    Args:
        table: From :func:`prediction_table`.
        class_names: The classes in order.
    """
    return table[[f"probability_{name}" for name in class_names]].to_numpy(np.float64)


def fractions_of(table: pd.DataFrame, class_names: list[str]) -> NDArray[np.float64]:
    """The labels in a table as fractions of each class, float64 [N, K], rows that sum to 1.

    Args:
        table: With soft labels, else all of each galaxy is of its ``class_name``.
        class_names: The classes in order.
    """
    if has_soft_labels(table):
        return table[[f"{FRACTION}{name}" for name in class_names]].to_numpy(np.float64)
    return np.eye(len(class_names))[class_codes(table["class_name"], class_names)]


def truth_of(table: pd.DataFrame, class_names: list[str]) -> NDArray[Any]:
    """What probabilities are held against: soft labels, float64 [N, K], or class indices, int [N].

    Args:
        table: Of galaxies, logits or predictions.
        class_names: The classes in order.
    """
    if has_soft_labels(table):
        return fractions_of(table, class_names)
    return class_codes(table["class_name"], class_names)


def has_soft_labels(table: pd.DataFrame) -> bool:
    """Whether the galaxies of a table have fractions of votes as labels.

    Args:
        table: Of galaxies, logits or predictions.
    """
    return bool(soft_columns(table))


def soft_columns(table: pd.DataFrame) -> list[str]:
    """The columns of soft labels that a table has, see ``imaging.clean_votes``.

    Args:
        table: Of galaxies, logits or predictions.
    """
    of_votes = ("n_votes", "clear")
    return [name for name in map(str, table) if name.startswith(FRACTION) or name in of_votes]


def weights_of(table: pd.DataFrame) -> NDArray[np.float64]:
    """What each galaxy of a table weighs, float64 [N]; 1 where no weights are given.

    Args:
        table: With or without a column ``weight``.
    """
    return table["weight"].to_numpy(np.float64) if "weight" in table else np.ones(len(table))


def prediction_table(
    logits: pd.DataFrame,
    probability: FloatArray,
    class_names: list[str],
    *,
    prior: FloatArray | None = None,
) -> pd.DataFrame:
    """Put what the classifier says beside what is known of each galaxy.

    Args:
        logits: From :func:`logit_table`.
        probability: [N, K], rows that sum to 1.
        class_names: The K classes in the order of the columns.
        prior: Share of each class in the mix that the probabilities are for, [K]; None for that
            of the galaxies.

    Returns:
        A row per galaxy: the columns of ``logits``, ``probability_<class>`` for each class,
        ``predicted_class``, ``correct``, and the ``weight`` that gives the galaxies of each split
        that mix, see :func:`mix_weights`.
    """
    table = logits.copy()
    for name, values in zip(class_names, probability.T, strict=True):
        table[f"probability_{name}"] = values
    table["predicted_class"] = np.array(class_names)[probability.argmax(axis=1)]
    table["correct"] = table["predicted_class"] == table["class_name"]
    table["weight"] = 1.0
    for _, some in table.groupby("split"):
        truth = class_codes(some["class_name"], class_names)
        table.loc[some.index, "weight"] = mix_weights(truth, prior)
    return table


def class_codes(names: pd.Series, class_names: list[str]) -> NDArray[np.int_]:
    """Index of each name in the list of classes.

    Args:
        names: Names of classes.
        class_names: The classes in order.
    """
    return np.asarray(pd.Categorical(names, categories=class_names).codes, np.int_)


def logit_columns(class_names: list[str]) -> list[str]:
    """The names of the columns of logits."""
    return ["logit"] if len(class_names) == 2 else [f"logit_{name}" for name in class_names]
