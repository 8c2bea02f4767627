"""Classifying a survey: the plain way of Keras, this project in one process, and on Dask.

All read the same folder of PNG files of 256 px, in which a few hundred galaxies come again and
again under new names, by links. Every function is measured in a process of its own.
"""

import os
import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.measure import timed
from galaxy_morphology.datasets.cutout_archive import CutoutArchiveDataset
from galaxy_morphology.networks import Precision

SIDE, NETWORK_SIDE = 256, 128
IN_A_FOLDER, IN_A_SHARD, BATCH = 10_000, 1_000, 128
N_DIFFERENT = 500
N_TRAINING = 2_500
"""Galaxies that distances are measured to."""


def lay_out(archive: Path, folder: Path, n_galaxies: int) -> None:
    """Write ``<n_galaxies>/tile-<number>/<CATAID>_giH.png``, the files of which are links.

    Args:
        archive: Where the galaxies come from; brought to 256 px where they have other sizes.
        folder: Gets the folders, and ``different`` with the files that are linked to.
        n_galaxies: How many names there are.
    """
    different = folder / "different"
    if not different.exists():
        different.mkdir()
        cutouts = CutoutArchiveDataset(filepath=str(archive)).load()
        for cataid in islice(cutouts, N_DIFFERENT):
            image = cv2.imdecode(np.frombuffer(bytes(cutouts[cataid]), np.uint8), cv2.IMREAD_COLOR)
            if image is not None:
                square = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
                cv2.imwrite(str(different / f"{cataid}.png"), square)
    files = sorted(different.iterdir())
    for number in range(n_galaxies):
        tile = folder / str(n_galaxies) / f"tile-{number // IN_A_FOLDER:05d}"
        if number % IN_A_FOLDER == 0:
            tile.mkdir(parents=True)
        os.link(files[number % len(files)], tile / f"{number + 1}_giH.png")


def plain(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """``image_dataset_from_directory`` and ``model.predict``, as shipped."""
    import keras

    network = _network()
    started = time.perf_counter()
    images = keras.utils.image_dataset_from_directory(
        folder / str(n_galaxies), labels=None, image_size=(NETWORK_SIDE, NETWORK_SIDE),
        batch_size=BATCH, shuffle=False,
    )  # fmt: skip
    probability = network.predict(images, verbose=0)
    assert len(probability) == n_galaxies
    return {"seconds": [time.perf_counter() - started]}


def one_process(folder: Path, n_galaxies: int, precision: Precision = "float32") -> dict[str, Any]:
    """The survey in this process."""
    return _survey(folder, n_galaxies, workers=0, precision=precision)


def dask(folder: Path, n_galaxies: int, workers: int) -> dict[str, Any]:
    """The survey on local workers, which share the cores; with their start."""
    return _survey(folder, n_galaxies, workers)


def _survey(
    folder: Path, n_galaxies: int, workers: int, precision: Precision = "float32"
) -> dict[str, Any]:
    import galaxy_morphology.settings  # noqa: F401 - the libraries as every run has them
    from galaxy_morphology import survey

    target, archives, able = folder / "survey", _archives(folder), _classifier(precision)
    shutil.rmtree(target, ignore_errors=True)
    if workers:
        cluster = survey.Cluster("local", workers, None, "auto")
        classify = survey.on_cluster(target / "catalogue", archives, able, cluster)
    else:
        classify = survey.one_after_another(target / "catalogue", archives, able, None)
    target.mkdir()
    started = time.perf_counter()
    plan = survey.plan_survey(archives, f"{n_galaxies}/tile-*", IN_A_SHARD)
    planned = time.perf_counter()
    manifest = survey.make_catalogue(
        target / "catalogue", target / "seconds.csv", plan, able, classify
    )
    made = time.perf_counter()
    summary = survey.summarise(target / "catalogue", manifest, plan.nameless)
    assert summary["galaxies"]["classified"] == n_galaxies
    return {
        "seconds": [time.perf_counter() - started],
        "planning": planned - started,
        "shards": float(manifest["seconds"].sum()),
        "summing_up": time.perf_counter() - made,
    }


def decoding(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Only reading and preparing cut-outs, on all cores."""
    from galaxy_morphology.imaging import side_by_side
    from galaxy_morphology.survey.shards import OpenArchive

    opened = OpenArchive(_archives(folder), str(next((folder / str(n_galaxies)).iterdir())))
    prepare = opened.preparing(_recipe().cutouts)

    def work() -> None:
        for _ in side_by_side(opened.cutouts, opened.identifiers, prepare):
            pass

    return {**timed(work), "galaxies": len(opened.identifiers)}


def network(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Only the network, on cut-outs that are ready."""
    import galaxy_morphology.settings  # noqa: F401 - the libraries as every run has them
    from galaxy_morphology.networks import ask_about_batches

    model = _network()
    batch = np.random.default_rng(0).integers(0, 256, (BATCH, NETWORK_SIDE, NETWORK_SIDE, 3))
    ready = batch.astype(np.uint8)
    n_batches = max(1, min(n_galaxies, IN_A_FOLDER) // BATCH)
    ask_about_batches(model, [ready], features=True)  # compiles

    def work() -> None:
        ask_about_batches(model, (ready for _ in range(n_batches)), features=True)

    return {**timed(work), "galaxies": n_batches * BATCH}


def many_rows(folder: Path, n_galaxies: int) -> dict[str, Any]:
    """Manifest, duplicates and summary of a catalogue, whose shards hold rows of no galaxies."""
    import pyarrow as pa

    from galaxy_morphology.survey import catalogue, summarise
    from galaxy_morphology.survey.run import facts_of_shards
    from galaxy_morphology.survey.shards import Shard

    size, target = 1_000, folder / f"rows_{n_galaxies}"
    rng = np.random.default_rng(0)
    schema = catalogue.schema_of(["Elliptical", "Other"], is_text=False)
    target.mkdir()

    def shards() -> Iterator[Shard]:
        for number, first in enumerate(range(0, n_galaxies, size)):
            yield Shard(f"rows-{number:06d}", "rows.zip", first, first + size, "", False)

    started = time.perf_counter()
    for shard in shards():
        known: dict[str, Any] = {field.name: pa.nulls(size, field.type) for field in schema}
        probability = rng.random(size)
        checksums = rng.integers(0, 2**62, (size, 2))
        checksums[rng.random(size) < 0.01] = 7  # one picture for many
        known |= {
            "cataid": pa.array(np.arange(shard.first, shard.last)),
            "probability_Elliptical": pa.array(1 - probability),
            "probability_Other": pa.array(probability),
            "predicted_class": pa.array(np.where(probability > 0.5, "Other", "Elliptical")),
            "checksum": pa.array([f"{one:016x}{other:016x}" for one, other in checksums]),
            **{name: pa.array(rng.random(size) < 0.02) for name in
               ("keep", "unlike_training", "channel_without_signal")},
            "archive": pa.array(["rows.zip"] * size),
        }  # fmt: skip
        facts = catalogue.Facts("rows.zip", "", "", "", size, size, 0, True)
        table = pa.table([known[name] for name in schema.names], schema=schema)
        catalogue.write_shard(target / f"{shard.name}.parquet", table, facts)
    written = time.perf_counter()
    n_duplicates = catalogue.mark_duplicates(target)
    marked = time.perf_counter()
    manifest = facts_of_shards(target, list(shards())).assign(seconds=1.0)
    summary = summarise(target, manifest, {})
    assert summary["galaxies"]["read"] == n_galaxies
    assert summary["flags"]["duplicates"] == n_duplicates > 0
    return {
        "seconds": [time.perf_counter() - started],
        "writing": written - started,
        "marking": marked - written,
        "summing_up": time.perf_counter() - marked,
    }


def _network() -> Any:
    import keras

    from galaxy_morphology.networks import compact_cnn

    keras.utils.set_random_seed(1)
    return compact_cnn((NETWORK_SIDE, NETWORK_SIDE, 3), 2)


def _archives(folder: Path) -> Any:
    from galaxy_morphology.sources import Archives, Layout

    layout = Layout(labelled=False).without_labels()
    return Archives(str(folder), layout, 64 * 2**20, fs_args={})


def _recipe(precision: Precision = "float32") -> Any:
    from galaxy_morphology import survey
    from galaxy_morphology.options import (
        Classes,
        ClassificationOptions,
        CutoutOptions,
        PredictionOptions,
    )

    return survey.Recipe(
        Classes({0: "Elliptical", 1: "Other"}),
        ClassificationOptions(
            calibrate=True, class_prior=None, accuracy_wanted=0.95, accuracy_confidence=0.95
        ),
        PredictionOptions(batch_size=BATCH, precision=precision, views=1),
        CutoutOptions(
            side=NETWORK_SIDE, minimum_side=16, maximum_side=4096, white_level=None,
            arcsec_per_pixel=None,
        ),
        temperature=1.0,
        threshold=0.9,
    )  # fmt: skip


def _classifier(precision: Precision) -> Any:
    from galaxy_morphology import survey

    network = _network()
    n_features = network.get_layer("logit").input.shape[-1]
    features = np.random.default_rng(0).random((N_TRAINING, n_features), dtype=np.float32)
    directions = features / np.linalg.norm(features, axis=1, keepdims=True)
    training = survey.TrainingFeatures(directions, 50, 0.5)
    return survey.SurveyClassifier(network, _recipe(precision), training, is_text=False)
