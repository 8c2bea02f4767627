"""Nodes that measure explanations, after those that make them."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.attribution import Explain
from galaxy_morphology.pipelines.evaluation.options import EvaluationOptions
from galaxy_morphology.pipelines.explainability.nodes import METHODS, predicted_codes
from galaxy_morphology.pipelines.explainability.options import (
    CheckOptions,
    GradCamOptions,
    IntegratedGradientsOptions,
    LimeOptions,
    OcclusionOptions,
)
from galaxy_morphology.pipelines.options import Classes
from galaxy_morphology.typing import Figure, Images, KerasModel

Attributions = dict[str, NDArray[Any]]


def segment_cutouts(cutouts: Images) -> NDArray[np.uint8]:
    """Tell galaxies from sky and neighbours.

    Args:
        cutouts: uint8 [n, height, width, 3], RGB.

    Returns:
        uint8 [n, height, width]: 0 sky, 1 target, 2 neighbours.
    """
    from galaxy_morphology import morphology

    return np.stack([morphology.segment(cutout) for cutout in cutouts])


def measure_faithfulness(
    classifier: KerasModel,
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    attributions: Attributions,
    classes: Classes,
    options: CheckOptions,
) -> tuple[pd.DataFrame, Attributions]:
    """Hide and show what the maps of every method, and of two controls, find important.

    Args:
        classifier: The network that is explained.
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        attributions: Maps by method.
        classes: The classes in order.
        options: Steps of the curves, and what is hidden with.

    Returns:
        A row per galaxy and method with the areas under both curves and the probability that
        is left when all is hidden, and the curves.
    """
    from galaxy_morphology import attribution

    maps = {name: attributions[name] for name in METHODS}
    maps |= attribution.control_maps(cutouts.shape[:3], options.seed)
    tables: list[pd.DataFrame] = []
    curves: Attributions = {}
    for name, of_method in maps.items():
        found = attribution.deletion_and_insertion(
            classifier,
            cutouts,
            of_method,
            predicted_codes(explained_galaxies, classes),
            steps=options.steps,
            hide_with=options.hide_with,
        )
        curves |= {
            "shares": found.shares,
            f"{name}_deletion": found.deletion,
            f"{name}_insertion": found.insertion,
        }
        areas = {
            "deletion_area": found.deletion_area,
            "insertion_area": found.insertion_area,
            "empty_probability": found.insertion[:, 0],
        }
        tables.append(_table(explained_galaxies, name, areas))
    table = pd.concat(tables, ignore_index=True)
    table["faithfulness"] = table["insertion_area"] - table["deletion_area"]
    return table, curves


def measure_place(
    explained_galaxies: pd.DataFrame,
    attributions: Attributions,
    segmentation: NDArray[np.uint8],
    options: CheckOptions,
) -> pd.DataFrame:
    """Find where the attribution lies: on the galaxy, its neighbours or the sky.

    Args:
        explained_galaxies: A row per map.
        attributions: Maps by method.
        segmentation: uint8 [n, height, width].
        options: With the seed of the controls.

    Returns:
        A row per galaxy and method, those of two controls included.
    """
    from galaxy_morphology import attribution

    maps = {name: attributions[name] for name in METHODS}
    maps |= attribution.control_maps(segmentation.shape, options.seed)
    tables = []
    for name, of_method in maps.items():
        shares = attribution.shares_by_part(of_method, segmentation)
        renamed = {
            part if part.endswith("_area") else f"{part}_share": values
            for part, values in shares.items()
        }
        pointing = {"pointing": attribution.pointing_game(of_method, segmentation)}
        tables.append(_table(explained_galaxies, name, renamed | pointing))
    return pd.concat(tables, ignore_index=True)


def measure_stability(
    classifier: KerasModel,
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    attributions: Attributions,
    classes: Classes,
    options: CheckOptions,
    grad_cam: GradCamOptions,
    integrated_gradients: IntegratedGradientsOptions,
    lime: LimeOptions,
    occlusion: OcclusionOptions,
) -> pd.DataFrame:
    """Explain the galaxies turned, mirrored and with more noise, and LIME's with other seeds.

    Args:
        classifier: The network that is explained.
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        attributions: Maps by method.
        classes: The classes in order.
        options: Scale of the comparison, seeds, and the samples of LIME.
        grad_cam: Of the method.
        integrated_gradients: Of the method.
        lime: Of the method.
        occlusion: Of the method.

    Returns:
        A row per galaxy and method: mean rank correlation with the maps of ``turned`` galaxies
        and that with more ``noise``; for LIME, ``top_overlap`` of its first superpixels.
    """
    from galaxy_morphology import attribution

    codes = predicted_codes(explained_galaxies, classes)
    tables = []
    for name, explain in _quick_explainers(
        options, grad_cam, integrated_gradients, lime, occlusion
    ).items():
        # Maps are compared with some of equal effort, not with those of more samples or steps.
        is_quicker = name in ("integrated_gradients", "lime")
        maps = explain(classifier, cutouts, codes) if is_quicker else attributions[name]
        arguments = (explain, classifier, cutouts, codes, maps)
        measures = {
            "turned": attribution.agreement_when_turned(*arguments, cells=options.cells),
            "noise": attribution.agreement_under_noise(
                *arguments, seed=options.seed, cells=options.cells
            ),
        }
        if name == "lime":
            measures["top_overlap"] = attribution.lime_stability(
                classifier,
                cutouts,
                codes,
                seeds=options.lime_seeds,
                n_top=options.n_top,
                **lime.model_dump(exclude={"seed"}),
            )
        tables.append(_table(explained_galaxies, name, measures))
    return pd.concat(tables, ignore_index=True)


def check_sanity(
    classifier: KerasModel,
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    options: CheckOptions,
    grad_cam: GradCamOptions,
    integrated_gradients: IntegratedGradientsOptions,
    lime: LimeOptions,
    occlusion: OcclusionOptions,
) -> pd.DataFrame:
    """Let the network forget what it learned, layer by layer, and see whether maps change.

    Args:
        classifier: The network that is explained.
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out; every few of them are looked at.
        classes: The classes in order.
        options: How many galaxies, the scale of the comparison, and the seed.
        grad_cam: Of the method.
        integrated_gradients: Of the method.
        lime: Of the method.
        occlusion: Of the method.

    Returns:
        A row per method, depth and galaxy: rank correlation with the map of the network as it is.
    """
    from galaxy_morphology import attribution

    n = len(cutouts)
    rows = np.unique(np.linspace(0, n - 1, min(n, options.n_randomised)).round().astype(int))
    some, galaxies = cutouts[rows], explained_galaxies.iloc[rows]
    codes = predicted_codes(galaxies, classes)
    tables = []
    for name, explain in _quick_explainers(
        options, grad_cam, integrated_gradients, lime, occlusion
    ).items():
        maps = explain(classifier, some, codes)
        table = attribution.agreement_after_randomising(
            explain, classifier, some, codes, maps, seed=options.seed, cells=options.cells
        )
        table["cataid"] = galaxies["cataid"].to_numpy()[table["index"]]
        table["simulated"] = galaxies["simulated"].to_numpy()[table["index"]]
        tables.append(table.drop(columns="index").assign(method=name))
    return pd.concat(tables, ignore_index=True)


def measure_agreement(
    explained_galaxies: pd.DataFrame, attributions: Attributions, options: CheckOptions
) -> pd.DataFrame:
    """Compare the maps of every two methods.

    Args:
        explained_galaxies: A row per map.
        attributions: Maps by method.
        options: Scale of the comparison.

    Returns:
        A row per galaxy and pair of methods with their rank correlation.
    """
    from itertools import combinations

    from galaxy_morphology import attribution

    known = explained_galaxies[["cataid", "simulated", "correct"]].reset_index(drop=True)
    return pd.concat(
        [
            known.assign(
                one=one,
                other=other,
                rank_correlation=attribution.rank_correlation(
                    attributions[one], attributions[other], cells=options.cells
                ),
            )
            for one, other in combinations(METHODS, 2)
        ],
        ignore_index=True,
    )


def collect_quality(
    attribution_reliability: pd.DataFrame,
    faithfulness: pd.DataFrame,
    place: pd.DataFrame,
    stability: pd.DataFrame,
    explanation_sanity: pd.DataFrame,
    explained_galaxies: pd.DataFrame,
    options: EvaluationOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put all measures of every map together, and summarise them.

    Args:
        attribution_reliability: What the methods say of themselves.
        faithfulness: Areas under deletion and insertion curves.
        place: Where the attribution lies.
        stability: Agreement with maps of changed galaxies.
        explanation_sanity: Agreement with maps of a network that forgot what it learned.
        explained_galaxies: Which galaxies were classified correctly.
        options: Level and kind of the intervals.

    Returns:
        A row per galaxy and method, and a row per measure, method and group of galaxies (all,
        correct, wrong) with the mean and its interval.
    """
    from galaxy_morphology import evaluation

    keys = ["cataid", "simulated", "method"]
    quality = faithfulness
    forgot_all = explanation_sanity["depth"] == explanation_sanity["depth"].max()
    randomised = explanation_sanity.loc[forgot_all, [*keys, "rank_correlation"]]
    randomised = randomised.rename(columns={"rank_correlation": "randomised"})
    for table in (place, stability, randomised, attribution_reliability):
        quality = quality.merge(table, on=keys, how="left", validate="1:1")
    right = explained_galaxies[["cataid", "correct"]]
    quality = quality.merge(right, on="cataid", validate="m:1")
    intervals = options.model_dump(exclude={"n_mistakes"})
    return quality, evaluation.summarise_quality(quality, **intervals)


def draw_checks(
    explanation_quality: pd.DataFrame,
    explanation_summary: pd.DataFrame,
    faithfulness_curves: Attributions,
    explanation_sanity: pd.DataFrame,
    explanation_agreement: pd.DataFrame,
) -> tuple[Figure, Figure, Figure, Figure, Figure, Figure]:
    """Draw what was measured, a figure for each question.

    Args:
        explanation_quality: A row per galaxy and method.
        explanation_summary: A row per measure, method and group.
        faithfulness_curves: Deletion and insertion curves by method.
        explanation_sanity: A row per method, depth and galaxy.
        explanation_agreement: A row per galaxy and pair of methods.

    Returns:
        Faithfulness, reliability of the methods, place, stability, sanity, agreement.
    """
    from galaxy_morphology import figures

    return (
        figures.faithfulness(faithfulness_curves, explanation_summary),
        figures.reliability(explanation_quality),
        figures.place(explanation_summary, explanation_quality),
        figures.stability(explanation_quality),
        figures.sanity(explanation_sanity, list(METHODS)),
        figures.agreement(explanation_agreement),
    )


def _quick_explainers(
    options: CheckOptions,
    grad_cam: GradCamOptions,
    integrated_gradients: IntegratedGradientsOptions,
    lime: LimeOptions,
    occlusion: OcclusionOptions,
) -> dict[str, Explain]:
    """The methods with fewer samples, and without more steps where a map is not complete."""
    quick = integrated_gradients.model_copy(update={"maximum_steps": integrated_gradients.steps})
    fewer = lime.model_copy(update={"n_samples": min(lime.n_samples, options.lime_samples)})
    return explainers_of(grad_cam, quick, fewer, occlusion)


def explainers_of(
    grad_cam: GradCamOptions,
    integrated_gradients: IntegratedGradientsOptions,
    lime: LimeOptions,
    occlusion: OcclusionOptions,
) -> dict[str, Explain]:
    """Every method as a function of network, images and classes to maps [n, height, width].

    Args:
        grad_cam: Of the method.
        integrated_gradients: Of the method.
        lime: Of the method.
        occlusion: Of the method.
    """
    from galaxy_morphology import attribution

    return {
        "grad_cam": lambda *of: attribution.grad_cam(*of, **grad_cam.model_dump()).maps,
        "integrated_gradients": lambda *of: attribution.integrated_gradients(
            *of, **integrated_gradients.model_dump()
        ).maps.sum(axis=-1),
        "lime": lambda *of: attribution.lime(*of, **lime.model_dump()).maps,
        "occlusion": lambda *of: attribution.occlusion(*of, **occlusion.model_dump()).maps,
    }


def _table(
    explained_galaxies: pd.DataFrame, method: str, measures: dict[str, NDArray[Any]]
) -> pd.DataFrame:
    known = explained_galaxies[["cataid", "simulated"]].reset_index(drop=True)
    return known.assign(method=method, **measures)
