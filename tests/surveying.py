"""A survey without Kedro: a small network that has learned nothing, and archives to classify.

``python surveying.py FOLDER [WHERE]`` classifies ``FOLDER/a.zip``, on a cluster where one is named.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import yaml

from galaxy_morphology import survey
from galaxy_morphology.networks import NETWORKS
from galaxy_morphology.options import (
    Classes,
    ClassificationOptions,
    CutoutOptions,
    PredictionOptions,
)
from galaxy_morphology.sources import Archives, Layout

SIDE = 32
CONF = Path(__file__).parents[1] / "conf" / "base"


def archives_in(folder: Path, **layout: Any) -> Archives:
    """Archives whose galaxies have no labels."""
    return Archives(
        str(folder), Layout(**layout, labelled=False).without_labels(), 64 * 2**20, fs_args={}
    )


def recipe(**changes: Any) -> survey.Recipe:
    """The shipped parameters for small cut-outs; changes are of the recipe itself."""
    shipped: dict[str, Any] = {}
    for name in ("data_processing", "evaluation", "modelling"):
        shipped |= yaml.safe_load((CONF / f"parameters_{name}.yml").read_text(encoding="utf-8"))
    made = survey.Recipe(
        Classes({0: "Elliptical", 1: "Other"}),
        ClassificationOptions(**shipped["classification"]),
        PredictionOptions(**shipped["prediction"] | {"batch_size": 8}),
        CutoutOptions(**shipped["cutouts"] | {"side": SIDE}),
        temperature=1.5,
        threshold=0.5,
    )
    return made._replace(**changes)


def small_network(seed: int = 1) -> Any:
    keras.utils.set_random_seed(seed)
    return NETWORKS["compact"]((SIDE, SIDE, 3), 2, filters=(4, 8))


def training() -> survey.TrainingFeatures:
    features = np.random.default_rng(0).random((20, 8), dtype=np.float32)
    return survey.TrainingFeatures(
        features / np.linalg.norm(features, axis=1, keepdims=True), 3, 0.4
    )


def classifier(
    network: Any = None, *, is_text: bool = False, **changes: Any
) -> survey.SurveyClassifier:
    return survey.SurveyClassifier(
        network or small_network(), recipe(**changes), training(), is_text=is_text
    )


def classify(
    folder: Path, archives: Archives, source: str, able: survey.SurveyClassifier, size: int = 7
) -> pd.DataFrame:
    """Classify in this process into ``folder/catalogue``; returns the manifest."""
    one_by_one = survey.one_after_another(folder / "catalogue", archives, able, 2)
    return make(folder, archives, source, able, size, one_by_one)


def classify_on(
    where: str, folder: Path, archives: Archives, source: str, able: survey.SurveyClassifier,
    size: int = 7,
) -> pd.DataFrame:  # fmt: skip
    """The same on a Dask cluster, with two workers where it is local."""
    cluster = survey.Cluster(where, 2, 1, "2GB")
    on_it = survey.on_cluster(folder / "catalogue", archives, able, cluster)
    return make(folder, archives, source, able, size, on_it)


def make(
    folder: Path, archives: Archives, source: str, able: survey.SurveyClassifier, size: int,
    how: Any,
) -> pd.DataFrame:  # fmt: skip
    plan = survey.plan_survey(archives, source, size)
    return survey.make_catalogue(folder / "catalogue", folder / "seconds.csv", plan, able, how)


def catalogue_of(folder: Path) -> pd.DataFrame:
    return pd.concat(survey.read_shards(folder / "catalogue"), ignore_index=True)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every shard by name."""
    return {file.name: file.read_bytes() for file in (folder / "catalogue").glob("*.parquet")}


def main(folder: str, where: str = "") -> None:
    run: Any = partial(classify_on, where) if where else classify
    run(Path(folder), archives_in(Path(folder)), "a.zip", classifier(), size=5)


if __name__ == "__main__":
    main(*sys.argv[1:])
