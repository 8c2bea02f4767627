"""Baselines learn what is there to learn, and say it as a network would."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxy_morphology import evaluation
from galaxy_morphology.evaluation import baseline_logits, feature_columns
from galaxy_morphology.evaluation.baselines import Baseline, logits_from
from galaxy_morphology.networks import probabilities
from galaxy_morphology.typing import IntArray

BASELINES: list[Baseline] = ["logistic_regression", "random_forest", "gradient_boosting"]


def tune_baseline(
    baseline: Baseline, measures: pd.DataFrame, truth: IntArray, groups: IntArray | None = None
) -> Any:
    of_their_own = np.arange(len(truth)) if groups is None else groups
    return evaluation.tune_baseline(
        baseline, measures, truth, pd.Series(of_their_own, measures.index), n_folds=3, seed=1
    )


def measures_of(truth: IntArray, noise: float = 1.0) -> pd.DataFrame:
    """One telling measure, one that tells nothing, some missing."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "telling": truth * 2 + rng.normal(0, noise, len(truth)),
            "idle": rng.normal(size=len(truth)),
        }
    )
    table.loc[rng.uniform(size=len(table)) < 0.05, "idle"] = np.nan
    return table


@pytest.mark.slow
@pytest.mark.parametrize("baseline", BASELINES)
def test_it_comes_close_to_the_best_that_is_possible(baseline: Baseline) -> None:
    truth = np.arange(600) % 2
    measures = measures_of(truth)
    classifier = tune_baseline(baseline, measures[:300], truth[:300])
    logits = baseline_logits(classifier, measures[300:], 2)
    assert logits.shape == (300, 1)
    # Two normal distributions two standard deviations apart: the best is right in 84 %.
    assert ((logits[:, 0] > 0) == truth[300:]).mean() > 0.84 - 3 * np.sqrt(0.84 * 0.16 / 300)
    again = tune_baseline(baseline, measures[:300], truth[:300])
    np.testing.assert_array_equal(baseline_logits(again, measures[300:], 2), logits)


@pytest.mark.slow
@pytest.mark.parametrize("baseline", BASELINES)
def test_more_classes_have_a_logit_each(baseline: Baseline) -> None:
    truth = np.arange(90) % 3
    classifier = tune_baseline(baseline, measures_of(truth, 0.1), truth)
    logits = baseline_logits(classifier, measures_of(truth, 0.1), 3)
    assert logits.shape == (90, 3)
    assert (logits.argmax(axis=1) == truth).mean() > 0.95


def test_a_class_without_training_galaxies_is_never_said() -> None:
    truth = np.arange(60) % 2
    classifier = tune_baseline("random_forest", measures_of(truth), truth)
    assert (baseline_logits(classifier, measures_of(truth), 4).argmax(axis=1) < 2).all()


@pytest.mark.slow
def test_copies_do_not_tell_how_well_a_baseline_is_tuned() -> None:
    # Labels by lot, each galaxy five times: who finds its copies knows them, nobody else does.
    rng = np.random.default_rng(2)
    kind = np.repeat(np.arange(60), 5)
    measures, truth = pd.DataFrame(rng.normal(size=(60, 4))).loc[kind], np.tile([0, 1], 30)[kind]
    by_heart = tune_baseline("gradient_boosting", measures.reset_index(drop=True), truth)
    assert by_heart.best_score_ > 0.9  # taken for galaxies of their own
    honest = tune_baseline("gradient_boosting", measures, truth, kind)
    # The standard deviation of the area of 30 against 30 is 0.075.
    assert honest.best_score_ == pytest.approx(0.5, abs=0.2)


def test_feature_sets_share_nothing_and_both_is_all_of_them() -> None:
    colour, shape = (set(feature_columns(name)) for name in ("colour", "shape"))
    assert not colour & shape
    assert set(feature_columns("both")) == colour | shape


@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5))
def test_logits_have_the_probabilities_they_are_made_from(weights: list[float]) -> None:
    probability = np.array([weights]) / np.sum(weights)
    if probability.min() > 0.002:
        np.testing.assert_allclose(probabilities(logits_from(probability)), probability, rtol=1e-9)


def test_certain_probabilities_keep_finite_logits() -> None:
    assert np.isfinite(logits_from(np.array([[0.0, 1.0], [1.0, 0.0]]))).all()
