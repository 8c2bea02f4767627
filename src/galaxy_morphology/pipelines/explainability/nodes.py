"""Nodes of explainability."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology.pipelines.explainability.options import (
    ExplainedGalaxiesOptions,
    GradCamOptions,
    IntegratedGradientsOptions,
    LimeOptions,
    OcclusionOptions,
)
from galaxy_morphology.pipelines.options import Classes
from galaxy_morphology.typing import Attribution, Figure, Images, IntArray, KerasModel

METHODS = {
    "grad_cam": "Grad-CAM",
    "integrated_gradients": "Integrated Gradients",
    "lime": "LIME",
    "occlusion": "Occlusion",
}


def choose_galaxies(
    predictions: pd.DataFrame,
    galaxies: pd.DataFrame,
    images: Images,
    options: ExplainedGalaxiesOptions,
) -> tuple[pd.DataFrame, Images]:
    """Choose the galaxies to explain: of each class, right and wrong, confident and borderline.

    Args:
        predictions: A row per classified galaxy.
        galaxies: A row per image.
        images: uint8 [N, height, width, 3], RGB.
        options: Which and how many.

    Returns:
        Their rows of ``predictions`` with a column ``chosen_as``, and their cut-outs.

    Raises:
        ValueError: The predictions are of other galaxies than the images.
    """
    from galaxy_morphology import attribution

    if not predictions["cataid"].equals(galaxies["cataid"]):
        raise ValueError(
            f"The predictions are of {len(predictions):,} galaxies, the images of "
            f"{len(galaxies):,}, and not of the same ones: classify these first, with "
            "`kedro run --pipelines modelling,evaluation`."
        )
    explained = attribution.select_galaxies(predictions, **options.model_dump())
    rows = pd.Index(galaxies["cataid"]).get_indexer(explained["cataid"])
    return explained, np.asarray(images[rows])


def explain_with_grad_cam(
    classifier: KerasModel,
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    options: GradCamOptions,
) -> Attribution:
    """Map where the last convolution saw evidence for the predicted class.

    Args:
        classifier: The network to explain.
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        classes: The classes in order.
        options: Of the method.
    """
    from galaxy_morphology import attribution

    return attribution.grad_cam(
        classifier, cutouts, predicted_codes(explained_galaxies, classes), **options.model_dump()
    )


def explain_with_integrated_gradients(
    classifier: KerasModel,
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    options: IntegratedGradientsOptions,
) -> Attribution:
    """Map what each pixel adds to the logit of the predicted class.

    Args:
        classifier: The network to explain.
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        classes: The classes in order.
        options: Of the method.
    """
    from galaxy_morphology import attribution

    by_channel = attribution.integrated_gradients(
        classifier, cutouts, predicted_codes(explained_galaxies, classes), **options.model_dump()
    )
    return by_channel._replace(maps=by_channel.maps.sum(axis=-1))


def explain_with_lime(
    classifier: KerasModel,
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    options: LimeOptions,
) -> Attribution:
    """Map which patches the logit of the predicted class hangs on.

    Args:
        classifier: The network to explain.
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        classes: The classes in order.
        options: Of the method.
    """
    from galaxy_morphology import attribution

    return attribution.lime(
        classifier, cutouts, predicted_codes(explained_galaxies, classes), **options.model_dump()
    )


def explain_with_occlusion(
    classifier: KerasModel,
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    options: OcclusionOptions,
) -> Attribution:
    """Map how much the logit of the predicted class falls when a patch is hidden.

    Args:
        classifier: The network to explain.
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        classes: The classes in order.
        options: Of the method.
    """
    from galaxy_morphology import attribution

    return attribution.occlusion(
        classifier, cutouts, predicted_codes(explained_galaxies, classes), **options.model_dump()
    )


def collect_attributions(
    explained_galaxies: pd.DataFrame,
    grad_cam: Attribution,
    integrated_gradients: Attribution,
    lime: Attribution,
    occlusion: Attribution,
) -> tuple[dict[str, NDArray[Any]], pd.DataFrame]:
    """Put the maps of all methods together with the CATAIDs they belong to.

    Args:
        explained_galaxies: A row per map.
        grad_cam: Maps [n, height, width], not negative.
        integrated_gradients: Signed maps.
        lime: Signed maps.
        occlusion: Signed maps.

    Returns:
        Arrays ``cataid`` int64 [n] and, by method, float32 [n, height, width]; and a table with
        a row per galaxy and method and a column per measure of the method's own reliability.
    """
    by_method = dict(zip(METHODS, (grad_cam, integrated_gradients, lime, occlusion), strict=True))
    cataids = explained_galaxies["cataid"].to_numpy()
    attributions = {name: attribution.maps for name, attribution in by_method.items()}
    quality = pd.concat(
        [
            pd.DataFrame(
                {
                    "cataid": cataids,
                    "simulated": explained_galaxies["simulated"],
                    "method": name,
                    **attribution.quality,
                }
            )
            for name, attribution in by_method.items()
        ],
        ignore_index=True,
    )
    return {"cataid": cataids, **attributions}, quality


def draw_explanations(
    cutouts: Images,
    explained_galaxies: pd.DataFrame,
    attributions: dict[str, NDArray[Any]],
    explanation_quality: pd.DataFrame,
    segmentation: NDArray[np.uint8],
) -> tuple[Figure, Figure, Figure, Figure, Figure]:
    """Draw the maps over the galaxies: all methods side by side, and each on a sheet of its own.

    Args:
        cutouts: uint8 [n, height, width, 3], RGB.
        explained_galaxies: A row per cut-out.
        attributions: Maps by method.
        explanation_quality: A row per galaxy and method.
        segmentation: uint8 [n, height, width]: sky, target and neighbours.

    Returns:
        The page with all methods, then a sheet for each of ``METHODS``.
    """
    from galaxy_morphology import figures

    maps = {title: attributions[name] for name, title in METHODS.items()}
    notes = pd.DataFrame(
        {
            title: figures.reliability_notes(
                explanation_quality[explanation_quality["method"] == name]
            )
            for name, title in METHODS.items()
        }
    )
    page = figures.explanation_page(cutouts, explained_galaxies, maps, notes, segmentation)
    grad_cam, integrated_gradients, lime, occlusion = (
        figures.attribution_sheet(
            cutouts, explained_galaxies, title, maps[title], notes, segmentation
        )
        for title in METHODS.values()
    )
    return page, grad_cam, integrated_gradients, lime, occlusion


def predicted_codes(explained_galaxies: pd.DataFrame, classes: Classes) -> IntArray:
    """Index of the predicted class of each galaxy, int32 [n].

    Args:
        explained_galaxies: With their ``predicted_class``.
        classes: The classes in order.
    """
    names = explained_galaxies["predicted_class"]
    return np.asarray(pd.Categorical(names, categories=classes.names).codes, np.int32)
