"""Nodes of the comparison with the truth."""

from typing import Any

import numpy as np
import pandas as pd

from galaxy_morphology import attribution, evaluation, figures
from galaxy_morphology.options import (
    Classes,
    EvaluationOptions,
    ExplanationOptions,
    PredictionOptions,
)
from galaxy_morphology.pipelines.truth.options import TruthOptions
from galaxy_morphology.typing import Figure, Images, KerasModel, NetworkImages
from galaxy_morphology.views import mean_over_views


def find_population_error_rates(
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    simulated_truth: pd.DataFrame,
    classes: Classes,
    options: TruthOptions,
    evaluation_options: EvaluationOptions,
) -> pd.DataFrame:
    """Find the error rate against the true class, for every population and by what was drawn.

    Args:
        predictions: A row per galaxy.
        metrics: Scores by split; the last of them is looked at.
        simulated_truth: A row per galaxy.
        classes: Class name by value of TARGET.
        options: Which quantities, and how many bins.
        evaluation_options: Level of the intervals.

    Returns:
        A row per bin of each quantity.

    Raises:
        ValueError: A quantity is not part of the truth, or galaxies are missing from it.
    """
    truth = _with_derived_quantities(simulated_truth)
    unknown = sorted(set(options.quantities) - set(truth))
    if unknown:
        raise ValueError(
            f"truth.quantities names {', '.join(unknown)}, which simulated_truth does not hold. "
            f"Known are {', '.join(map(str, truth))}."
        )
    split = list(metrics)[-1]
    some = predictions[predictions["split"] == split]
    true_class = _of_galaxies(truth, some)["true_target"].map(classes.root)
    judged = some.assign(correct=some["predicted_class"].to_numpy() == true_class.to_numpy())
    rates = evaluation.error_rates(
        judged,
        truth,
        options.quantities,
        n_bins=options.n_bins,
        confidence=evaluation_options.confidence,
    )
    return rates.assign(split=split, simulated=True)


def draw_population_error_rates(
    population_error_rates: pd.DataFrame, metrics: dict[str, Any]
) -> Figure:
    """Draw the error rate against the true class.

    Args:
        population_error_rates: A row per bin of each quantity.
        metrics: Scores by split, for the mix of classes.
    """
    rates = population_error_rates
    of_one = rates[rates["quantity"] == rates["quantity"].iloc[0]]
    of_all = float(np.average(of_one["error_rate"], weights=of_one["n_effective"]))
    return figures.error_rates(rates, of_all, against="true class", metrics=metrics)


def score_suspects(
    suspect_labels: pd.DataFrame,
    simulated_truth: pd.DataFrame,
    options: TruthOptions,
    evaluation_options: EvaluationOptions,
) -> dict[str, Any]:
    """Score the list of suspect labels by the labels that were flipped.

    Args:
        suspect_labels: A row per galaxy, the most suspicious first.
        simulated_truth: A row per galaxy.
        options: The share of the ranking to look at.
        evaluation_options: Level of the intervals.

    Returns:
        Precision and recall of those that are ``suspected`` and of the ``top`` of the ranking.
    """
    truth = _of_galaxies(_with_derived_quantities(simulated_truth), suspect_labels)
    scores = evaluation.suspect_scores(
        truth["label_is_wrong"].to_numpy(),
        suspect_labels["suspected"].to_numpy(),
        share=options.share_of_suspects,
        confidence=evaluation_options.confidence,
    )
    return {
        "simulated": True,
        "n": len(truth),
        "n_wrong": int(truth["label_is_wrong"].sum()),
        "share": options.share_of_suspects,
        **scores,
    }


def draw_suspects_found(
    suspect_labels: pd.DataFrame, simulated_truth: pd.DataFrame, suspect_scores: dict[str, Any]
) -> Figure:
    """Draw how many of the wrong labels are found how far down the ranking.

    Args:
        suspect_labels: A row per galaxy, the most suspicious first.
        simulated_truth: A row per galaxy.
        suspect_scores: Precision and recall of the list.
    """
    truth = _of_galaxies(_with_derived_quantities(simulated_truth), suspect_labels)
    return figures.suspects_found(truth["label_is_wrong"].to_numpy(), suspect_scores)


def measure_structure(
    classifier: KerasModel,
    images: NetworkImages,
    predictions: pd.DataFrame,
    metrics: dict[str, Any],
    simulated_truth: pd.DataFrame,
    simulated_structure: Images,
    classes: Classes,
    options: TruthOptions,
    evaluation_options: EvaluationOptions,
    prediction: PredictionOptions,
    explanations: ExplanationOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Explain spirals, and find how far maps lie on their true arms, bars and knots.

    Args:
        classifier: The network to explain.
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        predictions: A row per image.
        metrics: Scores by split; spirals are taken from the last of them.
        simulated_truth: A row per galaxy.
        simulated_structure: uint8 [N, height, width, 3], a row per galaxy of the truth.
        classes: The classes in order.
        options: How many spirals, and what counts as structure.
        evaluation_options: Level of the intervals.
        prediction: Of how many views the mean is explained.
        explanations: Which methods, and how.

    Returns:
        A row per spiral and method, those of the controls included: the share of the attribution
        on structure, the share of the pixels, and how often structure is ranked above the rest
        of its ring. And a row per measure and method with the mean and its interval.

    Raises:
        ValueError: There is no spiral to explain.
    """
    truth = _of_galaxies(simulated_truth, predictions)
    is_spiral = (truth["population"] == "spiral").to_numpy()
    in_split = (predictions["split"] == list(metrics)[-1]).to_numpy()
    rows = np.flatnonzero(is_spiral & in_split)[: options.n_spirals]
    if len(rows) == 0:
        raise ValueError(
            "There is no simulated spiral in the split that is scored. Simulate more galaxies "
            "(`simulation.n_galaxies`), or a larger share of spirals (`populations.spiral.share`)."
        )
    galaxies, cutouts = predictions.iloc[rows], images[rows]
    places = pd.Index(simulated_truth["cataid"]).get_indexer(galaxies["cataid"])
    structure = np.asarray(simulated_structure[places])
    codes = evaluation.class_codes(galaxies["predicted_class"], classes.names)
    classifier = mean_over_views(classifier, prediction.views)
    explainers = explanations.explainers()
    maps = {name: explain(classifier, cutouts, codes) for name, explain in explainers.items()}
    maps |= attribution.control_maps(cutouts, options.seed)
    known = galaxies[["cataid", "simulated", "correct"]].reset_index(drop=True)
    tables = [
        known.assign(
            method=name,
            **attribution.agreement_with_structure(
                of_method, structure, threshold=options.structure_share
            ),
        )
        for name, of_method in maps.items()
    ]
    agreement = pd.concat(tables, ignore_index=True)
    return agreement, _summarise_structure(agreement, evaluation_options.confidence)


def draw_structure(
    structure_agreement: pd.DataFrame,
    structure_summary: pd.DataFrame,
    attribution_reliability: pd.DataFrame,
) -> Figure:
    """Draw how far explanations of spirals lie on their structure.

    Args:
        structure_agreement: A row per spiral and method.
        structure_summary: A row per measure and method.
        attribution_reliability: With the titles of the methods.
    """
    titles = attribution.titles_of(attribution_reliability)
    return figures.structure(structure_agreement, structure_summary, titles)


def _summarise_structure(agreement: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The mean of each measure of each method over the spirals, with its interval."""
    rows = []
    for method, of_method in agreement.groupby("method", sort=False):
        for measure in ("ranking", "share_on_structure", "structure_area"):
            values = of_method[measure].dropna().to_numpy(float)
            if len(values):
                mean = evaluation.mean_interval(values, confidence, within=(0.0, 1.0))
                rows.append({"measure": measure, "method": method, "n": len(values), **mean})
    return pd.DataFrame(rows).assign(simulated=True)


def _with_derived_quantities(simulated_truth: pd.DataFrame) -> pd.DataFrame:
    """The truth, whether the label is wrong, and the size of its larger component (arcsec)."""
    # A survey need not have both.
    radii = simulated_truth.filter(["bulge_half_light_radius", "disc_half_light_radius"])
    return simulated_truth.assign(
        label_is_wrong=simulated_truth["true_target"] != simulated_truth["given_target"],
        largest_half_light_radius=radii.max(axis=1),
    )


def _of_galaxies(truth: pd.DataFrame, galaxies: pd.DataFrame) -> pd.DataFrame:
    """The rows of the truth for some galaxies, in their order."""
    unknown = sorted(set(galaxies["cataid"]) - set(truth["cataid"]))
    if unknown:
        raise ValueError(
            f"simulated_truth does not hold CATAID {unknown[0]} and {len(unknown) - 1} others: it "
            "belongs to another survey. Run the pipelines simulation, data_processing, "
            "morphology, modelling and evaluation again, or `demo` as a whole."
        )
    return truth.set_index("cataid").loc[galaxies["cataid"]].reset_index()
