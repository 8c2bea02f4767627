"""Nodes of explainability."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from galaxy_morphology import attribution, evaluation
from galaxy_morphology.options import (
    Classes,
    ExplanationOptions,
    PredictionOptions,
)
from galaxy_morphology.pipelines.explainability.options import ExplainedGalaxiesOptions
from galaxy_morphology.typing import Images, KerasModel, NetworkImages
from galaxy_morphology.views import mean_over_views


def choose_galaxies(
    predictions: pd.DataFrame,
    galaxies: pd.DataFrame,
    images: Images,
    network_images: NetworkImages,
    options: ExplainedGalaxiesOptions,
) -> tuple[pd.DataFrame, Images, NetworkImages]:
    """Choose the galaxies to explain: telling ones to draw, and random ones to measure on.

    Args:
        predictions: A row per classified galaxy.
        galaxies: A row per image.
        images: uint8 [N, height, width, 3], RGB.
        network_images: The same, or float16 [N, height, width, bands].
        options: Which and how many.

    Returns:
        Their rows of ``predictions``, their cut-outs, and what networks see of them.
        ``chosen_as`` says why a galaxy is ``drawn``; ``measured`` are those drawn by lot, which
        alone count in the summary.

    Raises:
        ValueError: The predictions are of other galaxies than the images.
    """
    if not predictions["cataid"].equals(galaxies["cataid"]):
        raise ValueError(
            f"The predictions are of {len(predictions):,} galaxies, the images of "
            f"{len(galaxies):,}, and not of the same ones: classify these first, with "
            "`kedro run --pipelines modelling,evaluation`."
        )
    drawn = attribution.select_galaxies(
        predictions,
        split=options.split,
        galaxies_per_group=options.galaxies_per_group,
        cataids=options.cataids,
    )
    by_lot = attribution.random_galaxies(
        predictions, split=options.split, n=options.n_measured, seed=options.seed
    )
    both = pd.concat([drawn, by_lot.assign(chosen_as="by lot")])
    explained = both.drop_duplicates("cataid").reset_index(drop=True)
    explained["drawn"] = explained["cataid"].isin(drawn["cataid"])
    explained["measured"] = explained["cataid"].isin(by_lot["cataid"])
    rows = pd.Index(galaxies["cataid"]).get_indexer(explained["cataid"])
    return explained, np.asarray(images[rows]), np.asarray(network_images[rows])


def explain_galaxies(
    classifier: KerasModel,
    cutouts: NetworkImages,
    explained_galaxies: pd.DataFrame,
    classes: Classes,
    prediction: PredictionOptions,
    options: ExplanationOptions,
    channels: list[str | int] | None,
) -> tuple[dict[str, NDArray[Any]], pd.DataFrame]:
    """Map what spoke for and against the predicted class of each galaxy, by every method.

    Args:
        classifier: The network to explain.
        cutouts: uint8 [n, height, width, 3], RGB, or float16 [n, height, width, bands].
        explained_galaxies: A row per cut-out.
        classes: The classes in order.
        prediction: Of how many views the mean is explained.
        options: Which methods, and how.
        channels: Names of the bands; None where the network sees pictures.

    Returns:
        Arrays ``cataid`` [n], int64 or texts, and, by method, signed maps float32
        [n, height, width], added up over channels; where a method tells bands apart, those of each
        as well, by ``<method>/<band>``; and a table with a row per galaxy and method: the ``title``
        of the method, its ``note`` on the map, and a column per measure of its own reliability.
    """
    classifier = mean_over_views(classifier, prediction.views)
    codes = evaluation.class_codes(explained_galaxies["predicted_class"], classes.names)
    cataids = np.array(explained_galaxies["cataid"].tolist())  # texts, and no objects
    known = explained_galaxies[["cataid", "simulated"]]
    maps: dict[str, NDArray[Any]] = {}
    tables = []
    for name in options.methods:
        found = attribution.METHODS[name](classifier, cutouts, codes, **options.options[name])
        maps[name] = found.maps if found.maps.ndim == 3 else found.maps.sum(axis=-1)
        if found.maps.ndim == 4 and channels:
            by_band = np.moveaxis(found.maps, -1, 0)
            maps |= {
                f"{name}/{band}": of_band for band, of_band in zip(channels, by_band, strict=True)
            }
        said = {"method": name, "title": found.title, "note": found.notes}
        tables.append(known.assign(**said, **found.quality))
    return {"cataid": cataids, **maps}, pd.concat(tables, ignore_index=True)
