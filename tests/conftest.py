"""What the tests share: where things lie, and small runs of the whole project."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from filelock import FileLock

os.environ.setdefault("DO_NOT_TRACK", "1")  # before Kedro loads its plugins

from kedro.framework.project import configure_project
from survey import write_survey

import galaxy_morphology.settings  # noqa: F401 - sets up the environment of TensorFlow
from galaxy_morphology.options import VoteOptions
from galaxy_morphology.typing import KerasModel

# Some examples start slowly on a busy machine; what they show does not depend on it.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# Kedro sets up logging here, and takes away what a test listens with if it does so during one.
configure_project("galaxy_morphology")

PROJECT = Path(__file__).parents[1]
SHARED = PROJECT.parent / "shared"

TINY: dict[str, Any] = {
    "cutouts.side": 32,
    "network.options.compact.filters": [4, 8, 8],
    "network.options.three_block.filters": [4, 8, 8],
    "network.options.three_block.dense_units": 16,
    "training.epochs": 2,
    "training.batch_norm_galaxies": 64,
    "evaluation.n_resamples": 50,
    "suspects.n_trees": 20,
    "explanations.options.lime.n_samples": 40,
    "explanations.options.lime.n_segments": 12,
    "explanations.options.integrated_gradients.steps": 4,
    "explanations.options.integrated_gradients.maximum_steps": 8,
    "explanations.again.lime.n_samples": 20,
    "explanations.again.integrated_gradients.steps": 2,
    "explanations.again.integrated_gradients.maximum_steps": 2,
    "explained_galaxies.galaxies_per_group": 1,
    "explained_galaxies.n_measured": 8,
    "checks.steps": 4,
    "checks.n_skies": 1,
    "checks.n_changed": 2,
    "checks.n_randomised": 2,
}
"""Parameters of a run that takes seconds."""

Run = Callable[..., dict[str, Any]]
BuildSmall = Callable[..., KerasModel]
"""Takes the name of a network, the number of classes and ``colour``."""


def run_project(
    data_root: Path,
    *pipelines: str,
    env: str | None = None,
    conf: Path | None = None,
    only_missing_outputs: bool = False,
    changes: dict[str, Any] | None = None,
) -> None:
    """Run pipelines of the project as ``kedro run`` does, with everything under ``data_root``.

    With another ``conf`` than that of the project where one is given.
    """
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    parameters: dict[str, Any] = {"data_root": str(data_root)}
    for name, value in (TINY | (changes or {})).items():
        group = parameters
        *path, last = name.split(".")
        for step in path:
            group = group.setdefault(step, {})
        group[last] = value
    bootstrap_project(PROJECT)
    source = str(conf) if conf else None
    with KedroSession.create(
        PROJECT, env=env, conf_source=source, runtime_params=parameters
    ) as session:
        session.run(  # type: ignore[call-arg]
            pipeline_names=list(pipelines) or None, only_missing_outputs=only_missing_outputs
        )


def no_votes() -> VoteOptions:
    """The shipped parameters of votes, by which labels are classes."""
    shipped = yaml.safe_load((PROJECT / "conf/base/parameters.yml").read_text(encoding="utf-8"))
    return VoteOptions(**(shipped["votes"] | {"columns": {}, "total": None}))


def adopt(data_root: Path, path: str) -> None:
    """Record a file that a test has changed as if a run had made it so."""
    from galaxy_morphology.hooks.records import checksum_of_file

    lineage = data_root / "lineage.json"
    text = lineage.read_text(encoding="utf-8")
    records = {name.split(".")[-1]: record for name, record in json.loads(text).items()}
    recorded = records[Path(path).stem]["checksum"]
    lineage.write_text(text.replace(recorded, checksum_of_file(data_root / path)), encoding="utf-8")


@pytest.fixture
def project() -> Path:
    """The root of the project."""
    return PROJECT


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a finished run on a small survey. Not to be written to."""
    base = tmp_path_factory.getbasetemp()
    # The processes that share the tests have a folder each, and share the run.
    data_root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "small_run"
    finished = data_root.with_suffix(".finished")
    with FileLock(data_root.with_suffix(".lock")):
        if not finished.exists():
            shutil.rmtree(data_root, ignore_errors=True)
            write_survey(data_root / "01_raw" / "GALAXIES.zip", 80, n_damaged=1)
            run_project(data_root)
            finished.touch()
    return data_root


@pytest.fixture(scope="session")
def exported_run(small_run: Path) -> Path:
    """The same with the classifier exported. Not to be written to either."""
    data_root = small_run.with_name("exported_run")
    finished = data_root.with_suffix(".finished")
    with FileLock(data_root.with_suffix(".lock")):
        if not finished.exists():
            shutil.rmtree(data_root, ignore_errors=True)
            shutil.copytree(small_run, data_root)
            run_project(data_root, "export")
            finished.touch()
    return data_root


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small network for photographs without a head, its first layers in another."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    inputs = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    stem = [layers.Conv2D(4, 3, 2, "same", use_bias=False), layers.BatchNormalization()]
    x = keras.Sequential([keras.Input((None, None, 3)), *stem], name="stem")(x)
    x = layers.ReLU(name="scale")(x)  # a name that the classifier needs itself
    x = x + layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(layers.Conv2D(6, 3, 2, "same")(x))
    path = tmp_path_factory.mktemp("backbone") / "tiny.keras"
    keras.Model(inputs, layers.ReLU(name="last_conv")(x)).save(path)
    return path


@pytest.fixture(scope="session")
def build_small(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> BuildSmall:
    """Builds a small network of any name for cut-outs of 32 px; members of ensembles too."""
    import keras

    from galaxy_morphology.networks import NETWORKS

    folder = tmp_path_factory.mktemp("members")
    options: dict[str, dict[str, Any]] = {
        "three_block": {"filters": (2, 3, 4)},
        "compact": {"filters": (2, 3, 4, 5)},
        "transfer": {"backbone": str(tiny_backbone)},
    }

    def build(name: str, n_classes: int = 2, *, colour: bool = True) -> KerasModel:
        if name != "ensemble":
            keras.utils.set_random_seed(4)
            return NETWORKS[name]((32, 32, 3), n_classes, colour=colour, **options[name])
        members = [folder / f"{one}_{n_classes}_{colour}.keras" for one in ("compact", "transfer")]
        for path in members:
            build(path.stem.split("_")[0], n_classes, colour=colour).save(path)
        return NETWORKS[name]((32, 32, 3), n_classes, members=[str(path) for path in members])

    return build


@pytest.fixture
def gama_labels() -> Path:
    """The label list of the real archive, where it lies beside the project."""
    path = SHARED / "gama_labels" / "2class_list.csv"
    if not path.is_file():
        pytest.skip(f"the real label list is not at {path}")
    return path


@pytest.fixture(scope="session")
def real_galaxies() -> Path:
    """The folder of real galaxies, where it lies beside the project."""
    path = SHARED / "real_galaxies"
    if not (path / "build_zip.py").is_file():
        pytest.skip(f"the real galaxies are not at {path}")
    return path
