"""Nodes of evaluation: what another mix of classes changes, and what it does not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

from galaxy_morphology.options import Classes, ClassificationOptions, EvaluationOptions
from galaxy_morphology.pipelines.comparison.nodes import score_entries
from galaxy_morphology.pipelines.comparison.options import ComparisonOptions
from galaxy_morphology.pipelines.modelling import evaluation as nodes
from galaxy_morphology.pipelines.modelling.options import SuspectOptions

CLASSES = Classes({0: "Elliptical", 1: "Other"})
EVALUATION = EvaluationOptions(confidence=0.95, n_resamples=100, seed=0, n_mistakes=3)
PRIOR = {"Elliptical": 0.1, "Other": 0.9}


def options(prior: dict[str, float] | None) -> ClassificationOptions:
    return ClassificationOptions(
        calibrate=True, class_prior=prior, accuracy_wanted=0.95, accuracy_confidence=0.95
    )


def perfect_logits(n: int = 8000) -> pd.DataFrame:
    """As many galaxies of each class, half of them for validation, with perfect logits."""
    truth = np.arange(n) % 2
    return pd.DataFrame(
        {
            "cataid": np.arange(n),
            "simulated": False,
            "split": np.where(np.arange(n) < n // 2, "validation", "test"),
            "target": truth,
            "class_name": np.array(CLASSES.names)[truth],
            "logit": 2 * np.random.default_rng(0).normal(2 * truth - 1, 1),
        }
    )


def evaluated(prior: dict[str, float] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    logits = perfect_logits()
    calibration = nodes.calibrate_classifier(logits, CLASSES, options(prior))
    predictions = nodes.predict_classes(logits, calibration, CLASSES, options(prior))
    return calibration, nodes.score_classifier(
        predictions, calibration, CLASSES, EVALUATION, options(prior)
    )["test"]


def test_perfect_probabilities_for_another_mix_are_found_to_be_so() -> None:
    calibration, scores = evaluated(PRIOR)
    assert calibration["temperature"] == pytest.approx(1, rel=0.1)
    # Without weights it was 0.987, which keeps 30 %; at 0.732 and more, 95 % are right.
    assert calibration["threshold"] == pytest.approx(0.76, abs=0.04)
    assert scores["selection"]["kept"]["value"] > 0.85
    assert scores["selection"]["accuracy"]["value"] > 0.95
    after = scores["calibration"]["after"]
    assert after["calibration_error"]["value"] < after["calibration_error_if_perfect"]["high"]
    assert after["calibration_error"]["value"] < 0.02  # without weights 0.2
    # Two normal distributions, the border between them moved by log(9) / 2.
    assert scores["accuracy"]["value"] == pytest.approx(0.9 * 0.982 + 0.1 * 0.461, abs=0.01)
    assert scores["class_prior"] == PRIOR
    assert scores["class_shares"] == pytest.approx(PRIOR)
    assert scores["n"] == 4000
    assert scores["n_effective"] == pytest.approx(2000 * (1 + 1 / 9))


def test_equal_shares_of_equally_many_galaxies_are_no_other_mix() -> None:
    _, plain = evaluated(None)
    _, equal = evaluated({"Elliptical": 3, "Other": 3})
    assert equal.pop("class_prior") is not plain.pop("class_prior")
    assert pd.json_normalize(plain).shape == pd.json_normalize(equal).shape
    assert equal["accuracy"] == pytest.approx(plain["accuracy"])
    assert equal["n_effective"] == plain["n_effective"] == 4000
    assert equal["selection"]["threshold"] == pytest.approx(plain["selection"]["threshold"])


def test_a_mix_of_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\['Elliptical', 'Spiral'\], but the classes are"):
        options({"Elliptical": 0.3, "Spiral": 0.7}).prior(CLASSES)


def test_labels_are_not_doubted_for_being_rare_elsewhere() -> None:
    logits = perfect_logits(200)
    galaxies = logits.drop(columns="logit").assign(group=logits["cataid"])
    measures = np.random.default_rng(1).normal(size=(200, 3))
    features = pd.DataFrame(measures, columns=["a", "b", "c"]).assign(
        cataid=logits["cataid"], simulated=False, half_light_radius_arcsec=np.nan
    )
    forest = SuspectOptions(n_trees=10, n_folds=2, seed=0, n_shown=3)
    calibration: dict[str, float | None] = {"temperature": 1.0, "threshold": None}
    with parallel_config(backend="sequential"):
        one, other = (
            nodes.find_suspect_labels(
                galaxies,
                features,
                nodes.predict_classes(logits, calibration, CLASSES, options(prior)),
                calibration,
                CLASSES,
                forest,
            )
            for prior in (None, PRIOR)
        )
    pd.testing.assert_frame_equal(one, other)
    assert one["suspected"].any()


def test_a_comparison_with_soft_labels_goes_by_the_class_with_the_most_votes() -> None:
    """Its temperature is that of the classifier, which fits the fractions."""
    logits = perfect_logits(2000)
    fraction = 1 / (1 + np.exp(-2 * logits["logit"]))
    second = fraction > 0.5
    soft = logits.assign(
        fraction_Elliptical=1 - fraction, fraction_Other=fraction, n_votes=40.0,
        clear=(fraction - 0.5).abs() > 0.3, target=second.astype(int),
        class_name=np.where(second, "Other", "Elliptical"),
    )  # fmt: skip
    calibration = nodes.calibrate_classifier(soft, CLASSES, options(None))
    assert calibration["temperature"] == pytest.approx(0.5, rel=1e-3)
    predictions = nodes.predict_classes(soft, calibration, CLASSES, options(None))
    scores = nodes.score_classifier(
        predictions, calibration, CLASSES, EVALUATION, options(None)
    )["test"]  # fmt: skip
    assert scores["accuracy"]["value"] == scores["votes"]["accuracy"]["value"] == 1
    assert scores["votes"]["brier"]["value"] == pytest.approx(0, abs=1e-6)
    assert scores["votes"]["n_clear"] == soft.loc[soft["split"] == "test", "clear"].sum()
    assert scores["calibration"]["after"]["brier"] == scores["votes"]["brier"]

    entries = {"compact-1": {"logits": soft[["logit"]].to_numpy()}}
    compared = ComparisonOptions(
        reference="compact", seeds=(1,), networks={"compact": {}}, baselines=(),  # type: ignore[dict-item]
        feature_sets=(), n_folds=2,
    )  # fmt: skip
    row = score_entries(
        entries, {}, soft.drop(columns="logit"), CLASSES, compared, options(None), EVALUATION
    ).iloc[0]  # fmt: skip
    for name in ("accuracy", "macro_f1", "roc_auc"):
        assert row[name] == pytest.approx(scores[name]["value"])
    said = predictions[predictions["split"] == "test"]
    errors = (said["probability_Other"] - (said["class_name"] == "Other")) ** 2
    assert row["brier"] == pytest.approx(errors.mean())


def test_a_comparison_is_scored_for_the_same_mix_as_the_classifier() -> None:
    logits = perfect_logits()
    entries = {"compact-1": {"logits": logits[["logit"]].to_numpy()}}
    compared = ComparisonOptions(
        reference="compact", seeds=(1,), networks={"compact": {}}, baselines=(),  # type: ignore[dict-item]
        feature_sets=(), n_folds=2,
    )  # fmt: skip
    galaxies = logits.drop(columns="logit")
    row = score_entries(
        entries, {}, galaxies, CLASSES, compared, options(PRIOR), EVALUATION
    ).iloc[0]  # fmt: skip
    _, scores = evaluated(PRIOR)
    for name in ("accuracy", "macro_f1", "roc_auc"):
        found = [row[name], row[f"{name}_low"], row[f"{name}_high"]]
        assert found == pytest.approx(list(scores[name].values()))
    brier = scores["calibration"]["after"]["brier"]
    assert row["brier"] == pytest.approx(brier["value"])
