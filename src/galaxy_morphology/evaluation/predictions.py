"""The table of predictions: what the classifier says of every galaxy."""

import numpy as np
import pandas as pd

from galaxy_morphology.typing import FloatArray


def prediction_table(
    galaxies: pd.DataFrame, logits: FloatArray, probability: FloatArray, class_names: list[str]
) -> pd.DataFrame:
    """Put what the classifier says beside what is known of each galaxy.

    Args:
        galaxies: Columns ``cataid``, ``simulated``, ``split``, ``target`` and ``class_name``.
        logits: [N, 1] for two classes, [N, K] for K.
        probability: [N, K], rows that sum to 1.
        class_names: The K classes in the order of the columns.

    Returns:
        A row per galaxy: those, ``logit`` (of the second of two classes) or ``logit_<class>``
        for each of K, ``probability_<class>`` for each class, ``predicted_class`` and
        ``correct``.
    """
    table = galaxies[["cataid", "simulated", "split", "target", "class_name"]].reset_index(
        drop=True
    )
    one_logit = logits.shape[1] == 1
    logit_columns = ["logit"] if one_logit else [f"logit_{name}" for name in class_names]
    for column, values in zip(logit_columns, logits.T, strict=True):
        table[column] = values
    for name, values in zip(class_names, probability.T, strict=True):
        table[f"probability_{name}"] = values
    table["predicted_class"] = np.array(class_names)[probability.argmax(axis=1)]
    table["correct"] = table["predicted_class"] == table["class_name"]
    return table
