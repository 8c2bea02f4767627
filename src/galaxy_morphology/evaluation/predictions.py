"""The tables of logits and predictions: what the classifier says of every galaxy."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray


def logit_table(galaxies: pd.DataFrame, logits: FloatArray, class_names: list[str]) -> pd.DataFrame:
    """Put the logits beside what is known of each galaxy.

    Args:
        galaxies: Columns ``cataid``, ``simulated``, ``split``, ``target`` and ``class_name``.
        logits: [N, 1] for two classes, [N, K] for K.
        class_names: The K classes in the order of the columns.

    Returns:
        A row per galaxy: those columns, and ``logit`` (of the second of two classes) or
        ``logit_<class>`` for each of K.
    """
    known = ["cataid", "simulated", "split", "target", "class_name"]
    table = galaxies[known].reset_index(drop=True)
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


def prediction_table(
    logits: pd.DataFrame, probability: FloatArray, class_names: list[str]
) -> pd.DataFrame:
    """Put what the classifier says beside what is known of each galaxy.

    Args:
        logits: From :func:`logit_table`.
        probability: [N, K], rows that sum to 1.
        class_names: The K classes in the order of the columns.

    Returns:
        A row per galaxy: the columns of ``logits``, ``probability_<class>`` for each class,
        ``predicted_class`` and ``correct``.
    """
    table = logits.copy()
    for name, values in zip(class_names, probability.T, strict=True):
        table[f"probability_{name}"] = values
    table["predicted_class"] = np.array(class_names)[probability.argmax(axis=1)]
    table["correct"] = table["predicted_class"] == table["class_name"]
    return table


def logit_columns(class_names: list[str]) -> list[str]:
    """The names of the columns of logits."""
    return ["logit"] if len(class_names) == 2 else [f"logit_{name}" for name in class_names]
