"""The search for parameters: its space, what is made of its trials, and whole runs."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, no_votes
from kedro.framework.session import KedroSession
from optuna.trial import FixedTrial
from pydantic import ValidationError

from galaxy_morphology import tuning
from galaxy_morphology.options import AugmentationOptions, Classes, NetworkOptions, TrainingOptions
from galaxy_morphology.pipelines.tuning import create_pipeline, create_worker_pipeline, nodes
from galaxy_morphology.pipelines.tuning.options import Recipe, TuningOptions
from galaxy_morphology.tuning import WorkError

SHIPPED = yaml.safe_load((PROJECT / "conf/base/parameters_tuning.yml").read_text())["tuning"]
MODELLING = yaml.safe_load((PROJECT / "conf/base/parameters_modelling.yml").read_text())
CONFIGURED = Recipe(
    NetworkOptions(**MODELLING["network"]),
    AugmentationOptions(**MODELLING["augmentation"]),
    TrainingOptions(**MODELLING["training"]),
)

RATE = {"parameter": "training.optimizer.learning_rate", "kind": "float", "low": 1e-4,
        "high": 1e-2, "log": True}  # fmt: skip
ZOOM = {"parameter": "augmentation.zoom", "kind": "float", "low": 0.0, "high": 0.3}
BATCH = {"parameter": "training.batch_size", "kind": "integer", "low": 16, "high": 64}
NAME = {"parameter": "training.optimizer.name", "kind": "categorical", "choices": ["adamw", "adam"]}
DECAY = {"parameter": "training.optimizer.weight_decay", "kind": "float", "low": 1e-5, "high": 0.1,
         "log": True, "when": {"training.optimizer.name": "adamw"}}  # fmt: skip
FILTERS = {"parameter": "network.options.compact.filters", "kind": "categorical",
           "choices": [[4, 8], [8, 16, 16]], "when": {"network.name": "compact"}}  # fmt: skip
ALL = [RATE, ZOOM, BATCH, NAME, DECAY, FILTERS]


def options(*space: dict[str, Any], **changes: Any) -> TuningOptions:
    return TuningOptions.model_validate(SHIPPED | {"space": list(space or ALL)} | changes)


# ------------------------------------------------------------------ the space


def test_what_is_shipped_is_possible_and_holds_the_default() -> None:
    shipped = TuningOptions.model_validate(SHIPPED)
    shipped.check(CONFIGURED)
    shipped.check_search(CONFIGURED)
    first = shipped.configured_values(CONFIGURED)
    assert first is not None
    assert set(first) == {dimension.parameter for dimension in shipped.space}
    assert CONFIGURED.changed(first) == CONFIGURED


def test_every_kind_of_dimension_is_suggested() -> None:
    fixed = {"training.optimizer.learning_rate": 3e-3, "augmentation.zoom": 0.1,
             "training.batch_size": 20, "training.optimizer.name": "adamw",
             "training.optimizer.weight_decay": 0.01,
             "network.options.compact.filters": "[8, 16, 16]"}  # fmt: skip
    trial = FixedTrial(fixed)
    values = options().suggest(trial, CONFIGURED)
    assert values == fixed | {"network.options.compact.filters": [8, 16, 16]}
    changed = CONFIGURED.changed(values)
    assert changed.training.optimizer.learning_rate == 3e-3
    assert changed.training.batch_size == 20
    assert changed.network.options["compact"]["filters"] == [8, 16, 16]
    assert changed.training.epochs == CONFIGURED.training.epochs
    ranges = trial.distributions
    assert ranges["training.optimizer.learning_rate"].log  # type: ignore[attr-defined]
    assert not ranges["augmentation.zoom"].log  # type: ignore[attr-defined]
    assert (ranges["training.batch_size"].low, ranges["training.batch_size"].high) == (16, 64)  # type: ignore[attr-defined]
    assert options().as_optuna_has_them(values) == fixed


def test_conditions_hang_on_what_is_searched_or_configured() -> None:
    fixed = {"training.optimizer.name": "adam", "training.optimizer.weight_decay": 0.01,
             "network.options.compact.filters": "[4, 8]"}  # fmt: skip
    space = options(NAME, DECAY, FILTERS)
    assert set(space.suggest(FixedTrial(fixed), CONFIGURED)) == {
        "training.optimizer.name", "network.options.compact.filters",
    }  # fmt: skip
    other = CONFIGURED.changed({"network.name": "three_block"})
    assert set(space.suggest(FixedTrial(fixed), other)) == {"training.optimizer.name"}
    decay = options(DECAY, RATE)  # the name is not searched
    assert CONFIGURED.training.optimizer.name == "adamw"
    assert list(decay.configured_values(CONFIGURED) or ()) == [
        "training.optimizer.weight_decay", "training.optimizer.learning_rate",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "narrow",
    [RATE | {"high": 1.5e-3}, NAME | {"choices": ["adam", "x"]}, BATCH | {"low": 40}],
)
def test_a_default_outside_the_space_is_no_trial(narrow: dict[str, Any]) -> None:
    assert options(narrow).configured_values(CONFIGURED) is None


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ([RATE | {"low": 0.1}], r"learning_rate: low 0.1 is not below high 0.01"),
        ([RATE | {"low": 0.0}], r"learning_rate: low must be above 0 where log is set"),
        ([RATE, RATE], "training.optimizer.learning_rate stands twice in the space"),
        ([BATCH | {"low": 16.5}], "valid integer"),
        ([NAME | {"choices": ["adam"]}], "at least 2 items"),
        ([NAME | {"choices": ["adam", "adam"]}], "expected each choice once"),
        ([RATE | {"kind": "log"}], "'kind' does not match any of the expected tags"),
        ([RATE | {"step": 2}], "Extra inputs are not permitted"),
        ([DECAY, NAME], "weight_decay hangs on training.optimizer.name, which must stand before"),
        (
            [RATE | {"parameter": "training.epochs"}],
            r"training.epochs is not searched: `tuning.epochs` and `tuning.finalists.epochs` set",
        ),
        ([RATE | {"parameter": "training.seed"}], "training.seed is not searched"),
    ],
)
def test_impossible_spaces(space: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        options(*space)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (
            [RATE | {"parameter": "training.learning_rate"}],
            "there is no parameter training.learning_rate of network, augmentation or training",
        ),
        ([RATE | {"parameter": "split.seed"}], "there is no parameter split.seed of network"),
        ([ZOOM | {"high": 1.5}], "augmentation.zoom=1.5: Input should be less than 1"),
        (
            [ZOOM | {"parameter": "training.batch_size", "low": 8, "high": 9}],
            "batch_size=8.3.*valid integer",
        ),
        ([NAME | {"choices": ["adam", "sgd"]}], "training.optimizer.name=sgd: .*'adam' or 'adamw'"),
        ([RATE | {"when": {"network.nme": "compact"}}], "no parameter network.nme"),
        ([RATE | {"when": {"network.name": "compct"}}], "no network is named compct"),
        (
            [
                ZOOM | {"parameter": "augmentation.hide.parts", "high": 0.5},
                ZOOM | {"parameter": "augmentation.hide.faded", "high": 0.6},
            ],
            "faded 0.6 and parts 0.5 are more than all galaxies",
        ),
    ],
)
def test_values_that_parameters_cannot_have(space: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValueError, match=rf"tuning\.space: .*{words}"):
        options(*space).check(CONFIGURED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": []}, "the space is empty: name a parameter to search"),
        ({"budget": {"trials": None, "hours": None}}, "the search would never end"),
        ({"finalists": SHIPPED["finalists"] | {"seeds": [2, 2]}}, "expected each seed once"),
        ({"epochs": 2}, "pruner.warm_up_epochs 2 leave none of the 2 epochs"),
    ],
)
def test_impossible_searches(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TuningOptions.model_validate(SHIPPED | change)


def test_searches_that_would_fail_later_are_refused() -> None:
    for space, configured, words in (
        ([RATE], CONFIGURED.changed({"network.name": "ensemble"}), "`ensemble` is not trained"),
        (
            [
                {
                    "parameter": "network.name",
                    "kind": "categorical",
                    "choices": ["compact", "ensemble"],
                }
            ],
            CONFIGURED,
            "`ensemble` is not trained",
        ),
        ([RATE], CONFIGURED.changed({"training.seed": 3}), r"finalists\.seeds has 3, which is the"),
    ):
        with pytest.raises(ValueError, match=words):
            options(*space).check_search(configured)


# ------------------------------------------------------------------ what sees which galaxies


GALAXIES = pd.DataFrame(
    {"cataid": range(8), "class_name": ["Round", "Long"] * 4, "checksum": list("abcdefgh"),
     "split": ["training", "test", "validation", "training"] * 2, "simulated": False}
)  # fmt: skip


def test_test_galaxies_are_left_out() -> None:
    images = np.arange(8 * 2 * 2 * 3, dtype=np.uint8).reshape(8, 2, 2, 3)
    rows, galaxies = nodes.leave_out_test_galaxies(images, GALAXIES)
    assert galaxies["cataid"].tolist() == [0, 2, 3, 4, 6, 7]
    assert galaxies.index.tolist() == list(range(6))
    np.testing.assert_array_equal(np.stack(list(rows)), images[[0, 2, 3, 4, 6, 7]])
    assert rows.shape == (6, 2, 2, 3)
    assert rows.dtype == np.uint8


def test_nothing_else_sees_all_galaxies() -> None:
    allowed = {"development_images", "development_galaxies", "class_weights", "tuning_study",
               "finalist_checkpoints"}  # fmt: skip
    for pipeline in (create_pipeline(), create_worker_pipeline()):
        made = pipeline.all_outputs()
        for node in pipeline.nodes:
            if node.func is nodes.leave_out_test_galaxies:
                continue
            read = {name for name in node.inputs if not name.startswith("params:")}
            assert read <= allowed | made, node.name


# ------------------------------------------------------------------ trials and finalists


Trained = Callable[..., Any]


def history_of(scores: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"epoch": range(1, len(scores) + 1), "validation_roc_auc": scores})


def trained_by(score: Callable[[Recipe], list[float]]) -> Trained:
    """In place of a training in a process of its own."""

    def run_apart(work: Any, *arguments: Any, report: tuning.Report) -> pd.DataFrame | None:
        assert work is nodes.train_and_report
        scores = score(arguments[-1])
        for epoch, one in enumerate(scores, start=1):
            if not report(epoch, one, epoch == len(scores)):
                return None
        return history_of(scores)

    return run_apart


@pytest.fixture
def images(tmp_path: Path) -> Any:
    np.save(tmp_path / "images.npy", np.zeros((6, 4, 4, 3), np.uint8))
    return np.load(tmp_path / "images.npy", mmap_mode="r")


CLASSES = Classes({0: "Round", 1: "Long"})
DEVELOPMENT = GALAXIES[GALAXIES["split"] != "test"].reset_index(drop=True)


def searched(
    folder: Path, images: Any, found: TuningOptions, configured: Recipe = CONFIGURED
) -> Any:
    return nodes.search(
        images, DEVELOPMENT, {"Round": 1.0, "Long": 1.0}, folder / "study.journal", CLASSES,
        *configured, found, no_votes(),
    )  # fmt: skip


def test_a_search_trains_and_notes_what_became_of_it(
    images: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scores(recipe: Recipe) -> list[float]:
        assert recipe.training.epochs == 3
        assert recipe.training.seed == CONFIGURED.training.seed
        rate = recipe.training.optimizer.learning_rate
        if rate == CONFIGURED.training.optimizer.learning_rate:
            return [0.7, 0.9, 0.8]
        if recipe.augmentation.zoom < 0.1:
            raise WorkError("the logits are no longer numbers", "FloatingPointError")
        if recipe.augmentation.zoom < 0.15:
            raise WorkError("there is no memory")
        return [0.6, 0.6, 0.6] if recipe.augmentation.zoom < 0.2 else [0.6, 0.95, 0.94]

    monkeypatch.setattr(tuning, "run_apart", trained_by(scores))
    few = options(
        RATE, ZOOM, epochs=3, budget={"trials": 20, "hours": None},
        pruner={"name": "median", "startup_trials": 1, "warm_up_epochs": 1},
    )  # fmt: skip
    trials, importance = searched(tmp_path, images, few)
    assert len(trials) == 20
    assert trials["is_default"].tolist() == [True] + [False] * 19
    assert trials["state"][0] == "finished"
    assert trials["validation_roc_auc"][0] == 0.9  # the best epoch is kept
    zoom, state = trials["augmentation.zoom"], trials["state"]
    others = trials.index > 0
    diverged = others & (zoom < 0.1)
    assert (state[diverged] == "pruned").all()
    assert trials["note"][diverged].str.contains("no longer numbers").all()
    assert (state[others & zoom.between(0.1, 0.15)] == "failed").all()
    assert (state[others & zoom.between(0.15, 0.2)] == "pruned").all()
    assert (trials["epochs"][others & zoom.between(0.15, 0.2)] == 2).all()
    finished = others & (zoom >= 0.2)
    assert (state[finished] == "finished").all()
    assert (trials["validation_roc_auc"][finished] == 0.95).all()
    assert set(state) == {"finished", "pruned", "failed"}
    assert not trials["simulated"].any()
    assert set(importance["parameter"]) == {RATE["parameter"], ZOOM["parameter"]}


def test_trials_of_other_galaxies_or_parameters_are_not_compared(
    images: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "run_apart", trained_by(lambda _: [0.5] * 3))
    few: dict[str, Any] = {"epochs": 3, "budget": {"trials": 1, "hours": None}}
    searched(tmp_path, images, options(RATE, **few))
    # Budget, sampler, pruner and finalists may change.
    other = few | {
        "budget": {"trials": 2, "hours": 1.0},
        "sampler": {"startup_trials": 2, "seed": 7},
        "pruner": {"name": "none", "startup_trials": 0, "warm_up_epochs": 0},
    }
    assert len(searched(tmp_path, images, options(RATE, **other))[0]) == 2
    for found, configured, words in (
        (options(ZOOM, **few), CONFIGURED, "other values in `tuning.space`"),
        (options(RATE, **few | {"epochs": 4}), CONFIGURED, "other parameters of .*`tuning.epochs`"),
        (
            options(RATE, **few),
            CONFIGURED.changed({"augmentation.zoom": 0.2}),
            "other parameters of `network`",
        ),
    ):
        with pytest.raises(ValueError, match=words):
            searched(tmp_path, images, found, configured)
    with pytest.raises(ValueError, match="made with other galaxies or classes, so"):
        nodes.search(
            images, DEVELOPMENT.assign(checksum="z"), {}, tmp_path / "study.journal", CLASSES,
            *CONFIGURED, options(RATE, **few), no_votes(),
        )  # fmt: skip


TRIALS = pd.DataFrame(
    {"trial": range(6), "state": ["finished"] * 2 + ["pruned"] + ["finished"] * 2 + ["failed"],
     "is_default": [True] + [False] * 5, "validation_roc_auc": [0.9, 0.8, 0.99, 0.95, 0.95, np.nan],
     "values": ['{"augmentation.zoom": 0.05}', '{"augmentation.zoom": 0.1}', "{}",
                '{"augmentation.zoom": 0.2, "training.batch_size": 16}',
                '{"augmentation.zoom": 0.2, "training.batch_size": 16}', "{}"]}
)  # fmt: skip


def finalists_of(
    images: Any, monkeypatch: pytest.MonkeyPatch, score: Callable[[Recipe], list[float]]
) -> pd.DataFrame:
    monkeypatch.setattr(tuning, "run_apart", trained_by(score))
    some = options(RATE, finalists={"n": 2, "seeds": [5, 6], "epochs": None})
    return nodes.train_finalists(
        images, DEVELOPMENT, {}, lambda name: name, TRIALS, CLASSES,  # type: ignore[arg-type, return-value]
        *CONFIGURED, some, no_votes(),
    )  # fmt: skip


def test_the_best_and_the_default_are_trained_again_with_other_seeds(
    images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def scores(recipe: Recipe) -> list[float]:
        zoom, seed = recipe.augmentation.zoom, recipe.training.seed
        trained.append((zoom, recipe.training.batch_size, seed))
        assert recipe.training.epochs == CONFIGURED.training.epochs
        if (zoom, seed) == (0.2, 6):
            raise WorkError("the logits are no longer numbers", "FloatingPointError")
        return [0.5, 0.5 + zoom + seed / 100, 0.4]

    table = finalists_of(images, monkeypatch, scores)
    zoom, size = CONFIGURED.augmentation.zoom, CONFIGURED.training.batch_size
    # No trial twice, and none that was ended early.
    expected = [("default", zoom, size), ("trial 3", 0.2, 16), ("trial 1", 0.1, size)]
    assert trained == [(zoom, size, seed) for _, zoom, size in expected for seed in (5, 6)]
    assert table["candidate"].tolist() == [name for name, *_ in expected for _ in range(2)]
    assert table["seed"].tolist() == [5, 6] * 3
    assert table["validation_roc_auc"].tolist() == pytest.approx(
        [0.55 + zoom, 0.56 + zoom, 0.75, np.nan, 0.65, 0.66], nan_ok=True
    )


def test_a_finalist_that_fails_otherwise_is_an_error(
    images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scores(recipe: Recipe) -> list[float]:
        raise WorkError("there is no memory")

    with pytest.raises(RuntimeError, match="The training of default-5 failed: there is no memory"):
        finalists_of(images, monkeypatch, scores)


def test_without_any_finalist_it_is_said_what_to_do(
    images: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "TRIALS", TRIALS[:1])
    with pytest.raises(ValueError, match=r"No trial but the default came .*larger budget"):
        finalists_of(images, monkeypatch, lambda _: [0.5])


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (0.02, ["The difference of +0.0200 is a gain larger than", "take them."]),
        (0.005, ["The difference of +0.0050 is no gain larger than", "keep the default."]),
        (-0.05, ["The difference of -0.0500 is no gain larger than", "keep the default."]),
    ],
)
def test_the_best_parameters_stand_below_what_is_to_be_said_of_them(
    gain: float, words: list[str]
) -> None:
    # By hand: both spread by 0.01 over the seeds, as (0.89 + 0.90 + 0.91) / 3 does.
    scores = np.array([0.89, 0.90, 0.91])
    finalists = pd.DataFrame(
        {"candidate": np.repeat(["default", "trial 1", "trial 3"], 3), "seed": [2, 3, 4] * 3,
         "epochs": 20, "validation_roc_auc": [*scores, *(scores - 0.1), *(scores + gain)]}
    )  # fmt: skip
    text = nodes.write_best_parameters(TRIALS, finalists)
    comment = " ".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    assert (
        f"trial 3 give a validation ROC AUC of {0.9 + gain:.4f} ± 0.0100 after 20 epochs" in comment
    )
    assert "with the seeds 2, 3 and 4, the default ones 0.9000 ± 0.0100." in comment
    assert "than the spread over seeds of 0.0100" in comment
    for some in words:
        assert some in comment
    assert yaml.safe_load(text) == {"augmentation": {"zoom": 0.2}, "training": {"batch_size": 16}}


def test_one_that_diverged_with_a_seed_is_not_the_best() -> None:
    finalists = pd.DataFrame(
        {"candidate": np.repeat(["default", "trial 3", "trial 1"], 2), "seed": [2, 3] * 3,
         "epochs": 20, "validation_roc_auc": [0.8, 0.8, 0.99, np.nan, 0.7, 0.7]}
    )  # fmt: skip
    assert "The parameters of trial 1 give" in nodes.write_best_parameters(TRIALS, finalists)


# ------------------------------------------------------------------ whole runs

FEW: dict[str, Any] = {
    "tuning.space": [ZOOM, NAME],
    "tuning.epochs": 1,
    "tuning.pruner.name": "none",
    "tuning.budget.trials": 4,
    "tuning.finalists": {"n": 1, "seeds": [2, 3], "epochs": 1},
    "training.xla": False,
}


def run_beside(data_root: Path, pipeline: str) -> subprocess.Popen[str]:
    """A run in another process, whose log can be read."""
    code = (
        "import sys; from pathlib import Path; from conftest import run_project\n"
        f"run_project(Path({str(data_root)!r}), {pipeline!r}, changes={FEW!r})"
    )
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code], text=True, stdout=subprocess.PIPE, cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


def read_until(words: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert any(words in line for line in process.stdout), f"the run ended before {words!r}"


@pytest.mark.slow
def test_a_search_is_killed_taken_up_shared_and_ends(small_run: Path, tmp_path: Path) -> None:
    shutil.copytree(small_run, tmp_path, dirs_exist_ok=True)
    with run_beside(tmp_path, "tuning") as first:
        read_until("Trial 1: ", first)
        first.send_signal(signal.SIGKILL)
    with run_beside(tmp_path, "tuning") as second:
        read_until("Trial 2: ", second)
        with run_beside(tmp_path, "tuning_worker") as worker:
            output = [process.communicate()[0] for process in (worker, second)]
    assert (worker.returncode, second.returncode) == (0, 0)
    assert "Trial 3: " in output[0]
    assert "Trial 3: " not in output[1]

    galaxies = pd.read_parquet(tmp_path / "05_model_input/development_galaxies.parquet")
    images = np.load(tmp_path / "05_model_input/development_images.npy")
    whole = pd.read_parquet(tmp_path / "05_model_input/galaxies.parquet")
    assert set(galaxies["split"]) == {"training", "validation"}
    assert len(images) == len(galaxies) == (whole["split"] != "test").sum()
    trials = pd.read_csv(tmp_path / "08_reporting/trials.csv")
    assert trials["state"].tolist() == ["finished", "interrupted"] + ["finished"] * 3
    assert trials["is_default"].tolist() == [True] + [False] * 4
    assert trials["validation_roc_auc"][trials["state"] == "finished"].between(0, 1).all()
    assert trials["values"][1] == trials["values"][2]  # made once more
    assert trials["values"].nunique() == 4
    finalists = pd.read_csv(tmp_path / "08_reporting/finalists.csv")
    assert finalists["seed"].tolist() == [2, 3] * 2
    best = yaml.safe_load((tmp_path / "08_reporting/best_parameters.yml").read_text())
    name = finalists["candidate"].iloc[-1]
    row = trials[trials["trial"] == int(name.removeprefix("trial "))].iloc[0]
    assert best["augmentation"]["zoom"] == pytest.approx(row["augmentation.zoom"])
    assert best["training"]["optimizer"]["name"] == row["training.optimizer.name"]
    session = KedroSession.create(PROJECT, runtime_params=best)
    assert session.load_context().params["augmentation"].zoom == best["augmentation"]["zoom"]
    for figure in ("search_history", "parameter_importance"):
        assert (tmp_path / f"08_reporting/{figure}.png").is_file()
    left = {path.name for path in (tmp_path / "06_models/tuning").iterdir()}
    assert left == {"study.journal", "finalists", ".asking"}
