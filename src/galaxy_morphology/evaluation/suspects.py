"""Labels that a classifier has reason to doubt."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.evaluation.intervals import wilson_interval
from galaxy_morphology.evaluation.predictions import class_codes
from galaxy_morphology.typing import FloatArray


def cross_validated_probabilities(
    measures: pd.DataFrame,
    truth: NDArray[np.int_],
    groups: pd.Series,
    n_classes: int,
    *,
    n_trees: int,
    n_folds: int,
    seed: int,
) -> NDArray[np.float64]:
    """Probabilities from a random forest that has not seen the label it speaks about.

    The galaxies are dealt into folds; each fold is judged by a forest (Breiman 2001) grown on
    the others.

    Args:
        measures: What the forest sees of each galaxy, numbers; missing ones become the median.
        truth: Index of each galaxy's class as it is labelled, [N].
        groups: Galaxies of equal value, such as copies of one cut-out, stay in one fold.
        n_classes: The number of classes K.
        n_trees: Trees in a forest.
        n_folds: Folds.
        seed: Seeds folds and forests.

    Returns:
        float64 [N, K], rows that sum to 1. A class that no forest saw has probability 0.
    """
    from joblib import Parallel, delayed
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline

    values = measures.to_numpy(np.float64)

    def judge(learned: NDArray[np.int_], judged: NDArray[np.int_]) -> NDArray[np.float64]:
        forest = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True),
            RandomForestClassifier(
                n_trees, min_samples_leaf=3, class_weight="balanced", random_state=seed
            ),
        )
        forest.fit(values[learned], truth[learned])
        probability = np.zeros((len(judged), n_classes))
        probability[:, forest.classes_] = forest.predict_proba(values[judged])
        return probability

    # A class is in no more folds than it has galaxies that are not copies of each other.
    rarest = int(groups.groupby(truth).nunique().min())
    n_parts = max(2, min(n_folds, rarest))
    folds = StratifiedGroupKFold(n_parts, shuffle=True, random_state=seed)
    parts = list(folds.split(values, truth, groups))
    judged = Parallel(-1)(delayed(judge)(learned, some) for learned, some in parts)
    probability = np.empty((len(truth), n_classes))
    for (_, some), of_fold in zip(parts, judged, strict=True):
        probability[some] = of_fold
    return probability


def rank_suspects(
    galaxies: pd.DataFrame, probability: FloatArray, class_names: list[str]
) -> pd.DataFrame:
    """Rank galaxies by how much their label is to be doubted (Northcutt et al. 2021).

    Confident learning counts as suspects those that are likelier of another class than galaxies
    of that class usually are; the ranking is by the probability of the label as it is given. Where
    all labels are of one class there is nothing to compare with, and nobody is suspected.

    Args:
        galaxies: Columns ``cataid``, ``simulated``, ``split`` and ``class_name``, as labelled.
        probability: Of each class, [N, K], from a classifier that has not seen the label.
        class_names: The K classes in the order of the columns.

    Returns:
        All galaxies, the most suspicious first: ``rank`` from 1, those columns,
        ``suggested_class``, ``label_quality`` (probability of the label given) and ``suspected``.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given = class_codes(galaxies["class_name"], class_names)
    table = galaxies[["cataid", "simulated", "split", "class_name"]].reset_index(drop=True)
    table["suggested_class"] = np.array(class_names)[probability.argmax(axis=1)]
    table["label_quality"] = get_label_quality_scores(given, probability, method="self_confidence")
    table["suspected"] = len(np.unique(given)) > 1 and find_label_issues(
        given, probability, n_jobs=1
    )
    table = table.sort_values(
        ["suspected", "label_quality"], ascending=[False, True], kind="stable", ignore_index=True
    )
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def suspect_scores(
    is_wrong: NDArray[np.bool_], suspected: NDArray[np.bool_], *, share: float, confidence: float
) -> dict[str, dict[str, Any]]:
    """How many wrong labels a ranking finds, where they are known.

    Args:
        is_wrong: Whether each label is wrong, the most suspicious first, [N].
        suspected: Whether each is on the list of suspects, [N].
        share: Of the ranking that is looked at besides the list.
        confidence: Level of the intervals (Wilson).

    Returns:
        ``suspected`` and ``top``, each with ``precision`` (share of it that is wrong),
        ``recall`` (share of the wrong labels that it holds) and ``n``.
    """
    n_top = round(share * len(is_wrong))
    lists = {"suspected": suspected, "top": np.arange(len(is_wrong)) < n_top}
    return {
        name: {
            "precision": wilson_interval(int(is_wrong[on].sum()), int(on.sum()), confidence),
            "recall": wilson_interval(int(is_wrong[on].sum()), int(is_wrong.sum()), confidence),
            "n": int(on.sum()),
        }
        for name, on in lists.items()
    }
