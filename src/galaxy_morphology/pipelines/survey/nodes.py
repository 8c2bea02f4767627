"""Nodes of a survey."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from galaxy_morphology import survey
from galaxy_morphology.options import (
    Classes,
    ClassificationOptions,
    CutoutOptions,
    PredictionOptions,
)
from galaxy_morphology.pipelines.survey.options import SurveyOptions
from galaxy_morphology.sources import Archives
from galaxy_morphology.typing import Checkpoint, KerasModel, NetworkImages

logger = logging.getLogger(__name__)

CATALOGUE, JOURNAL = "catalogue", "seconds.csv"


def measure_training_features(
    classifier: KerasModel,
    images: NetworkImages,
    galaxies: pd.DataFrame,
    checkpoint: Checkpoint,
    prediction: PredictionOptions,
    options: SurveyOptions,
) -> survey.TrainingFeatures:
    """Learn what the training galaxies look like to the classifier, once for each.

    Args:
        classifier: Takes 0 to 255 RGB.
        images: uint8 [N, height, width, 3], RGB, or float16 [N, height, width, bands].
        galaxies: A row per image.
        checkpoint: Where it is kept: measured again on another machine, it could differ in its
            last digit, and the whole survey would be classified anew.
        prediction: What the classifier is asked.
        options: How many are compared with, and how many of the validation galaxies are flagged.
    """
    how = {
        **options.model_dump(include={"n_training", "neighbours", "flagged_share", "seed"}),
        **prediction.model_dump(),
    }
    return survey.training_features(classifier, images, galaxies, checkpoint, **how)


def classify_survey(
    archives: Archives,
    folder: Path,
    classifier: KerasModel,
    training_features: survey.TrainingFeatures,
    galaxies: pd.DataFrame,
    calibration: dict[str, float | None],
    classes: Classes,
    classification: ClassificationOptions,
    prediction: PredictionOptions,
    cutouts: CutoutOptions,
    options: SurveyOptions,
) -> tuple[Path, pd.DataFrame, survey.SurveyCutouts, dict[str, tuple[int, str]]]:
    """Classify what is not classified yet of a survey.

    Args:
        archives: How archives are found and opened.
        folder: Of the survey: in it, the catalogue grows.
        classifier: Takes 0 to 255 RGB.
        training_features: What its training galaxies look like to it.
        galaxies: Those, with the value that was white in their cut-outs.
        calibration: Temperature and threshold.
        classes: The classes in order.
        classification: For the mix of classes.
        prediction: What the classifier is asked.
        cutouts: How cut-outs are prepared.
        options: What is classified, and where.

    Returns:
        The folder of the catalogue, its manifest, its cut-outs by identifier, and how many images
        had no identifier, with an example, by archive.

    Raises:
        ValueError: There is nothing to classify, or the classifier does not fit; says which.
        RuntimeError: Shards failed; lists them.
    """
    if not options.source:
        raise ValueError(
            "Say what to classify, as in `--params survey.source=tiles/*.zip`: a zip or tar file, "
            f"a folder, an HDF5 file or a pattern; paths start in {archives.folder}."
        )
    cutouts = _as_in_training(cutouts, galaxies)
    recipe = survey.Recipe(
        classes, classification, prediction, cutouts,
        calibration["temperature"] or 1.0, calibration["threshold"],
    )  # fmt: skip
    able = survey.SurveyClassifier(
        classifier, recipe, training_features, is_text=archives.layout.identifiers == "text"
    )
    plan = survey.plan_survey(archives, options.source, options.shard_size)
    logger.info(
        "%s galaxies in %s shards.", f"{plan.n_galaxies:,}", f"{len(plan.shards):,}",
    )  # fmt: skip
    catalogue = folder / CATALOGUE
    if options.dask:
        cluster = survey.Cluster(
            options.dask, options.workers, options.threads_per_worker, options.memory_per_worker
        )
        classify = survey.on_cluster(catalogue, archives, able, cluster)
    else:
        classify = survey.one_after_another(catalogue, archives, able, options.threads)
    manifest = survey.make_catalogue(catalogue, folder / JOURNAL, plan, able, classify)
    return catalogue, manifest, survey.SurveyCutouts(catalogue, archives, cutouts), plan.nameless


def _as_in_training(cutouts: CutoutOptions, galaxies: pd.DataFrame) -> CutoutOptions:
    """The options with the white level that the training galaxies of 16 bits turned out to have."""
    if cutouts.white_level is not None:
        return cutouts
    deep = galaxies.loc[galaxies["white_level"] > 255, "white_level"]
    return cutouts.model_copy(update={"white_level": int(deep.iloc[0])}) if len(deep) else cutouts


def summarise_survey(
    catalogue: Path, manifest: pd.DataFrame, nameless: dict[str, tuple[int, str]]
) -> dict[str, Any]:
    """Count what is in the catalogue, and compare with the manifest.

    Args:
        catalogue: Its folder.
        manifest: A row per shard.
        nameless: How many images had no identifier, with an example, by archive.
    """
    return survey.summarise(catalogue, manifest, nameless)
