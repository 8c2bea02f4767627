"""Classical classifiers on measured galaxies: what a network must beat."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.typing import FloatArray, IntArray

Baseline = Literal["logistic_regression", "random_forest", "gradient_boosting"]
FEATURE_SETS = {
    "colour": ["colour_red_green", "colour_green_blue", "colour_gradient_red_blue"],
    "shape": [
        "concentration", "asymmetry", "gini", "m20", "ellipticity", "half_light_radius_px",
        "surface_brightness", "magnitude",
    ],
}  # fmt: skip
"""Columns of the features by what they tell of a galaxy; brightness and size count as shape."""


def feature_columns(feature_set: Literal["colour", "shape", "both"]) -> list[str]:
    """The columns of one of the sets of features, or of both.

    Args:
        feature_set: Its name.
    """
    if feature_set == "both":
        return FEATURE_SETS["colour"] + FEATURE_SETS["shape"]
    return FEATURE_SETS[feature_set]


def tune_baseline(
    baseline: Baseline,
    measures: pd.DataFrame,
    truth: IntArray,
    groups: pd.Series,
    *,
    n_folds: int,
    seed: int,
) -> Any:
    """Fit a baseline, its one most telling option chosen by cross-validation.

    Chosen is the value with the highest ROC AUC (one class against the rest): for the logistic
    regression its regularisation, for the random forest (Breiman 2001) the smallest leaf, for
    gradient boosting (Friedman 2001) the number of leaves of a tree.

    Args:
        baseline: Its name.
        measures: Of the training galaxies; missing ones become the median.
        truth: Index of each galaxy's class.
        groups: Galaxies of equal value, such as copies of one cut-out, stay in one fold.
        n_folds: Folds of the cross-validation; fewer where a class has fewer galaxies.
        seed: Seeds folds, forest and boosting.

    Returns:
        A fitted scikit-learn classifier.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    classifiers: dict[Baseline, tuple[Any, dict[str, list[Any]]]] = {
        "logistic_regression": (
            LogisticRegression(class_weight="balanced", max_iter=2000),
            {"C": [0.01, 0.1, 1.0, 10.0, 100.0]},
        ),
        "random_forest": (
            RandomForestClassifier(500, class_weight="balanced", random_state=seed),
            {"min_samples_leaf": [1, 3, 10, 30]},
        ),
        "gradient_boosting": (
            HistGradientBoostingClassifier(
                learning_rate=0.05, max_iter=150, class_weight="balanced", random_state=seed
            ),
            {"max_leaf_nodes": [3, 7, 15, 31]},
        ),
    }
    classifier, choices = classifiers[baseline]
    steps = [
        ("median", SimpleImputer(strategy="median", keep_empty_features=True)),
        ("scale", StandardScaler()),
        ("classify", classifier),
    ]
    rarest = int(groups.groupby(truth).nunique().min())
    search = GridSearchCV(
        Pipeline(steps),
        {f"classify__{name}": values for name, values in choices.items()},
        scoring="roc_auc" if len(np.unique(truth)) == 2 else "roc_auc_ovr",
        cv=StratifiedGroupKFold(max(2, min(n_folds, rarest)), shuffle=True, random_state=seed),
        n_jobs=-1,
    )
    return search.fit(measures.to_numpy(np.float64), truth, groups=groups.to_numpy())


def baseline_logits(classifier: Any, measures: pd.DataFrame, n_classes: int) -> NDArray[np.float64]:
    """What a fitted baseline says, in the form of a network's logits.

    Args:
        classifier: From :func:`tune_baseline`.
        measures: Of any galaxies, the columns it was fitted on.
        n_classes: The number of classes K.

    Returns:
        float64 [N, 1] for two classes, [N, K] for K.
    """
    probability = np.zeros((len(measures), n_classes))
    probability[:, classifier.classes_] = classifier.predict_proba(measures.to_numpy(np.float64))
    return logits_from(probability)


def logits_from(probability: FloatArray) -> NDArray[np.float64]:
    """Logits that have these probabilities; those of 0 and 1 are moved a little inwards.

    Args:
        probability: [N, K], rows that sum to 1.

    Returns:
        float64 [N, 1] for two classes, [N, K] for K.
    """
    smallest = 1e-3  # forests of 500 trees say 0 and 1, and mean something like this
    logs = np.log(np.clip(probability, smallest, 1.0))
    return np.asarray(logs[:, 1:] - logs[:, :1] if probability.shape[1] == 2 else logs, np.float64)
