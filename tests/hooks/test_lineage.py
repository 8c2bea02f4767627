"""No stage ever mixes two runs, whatever was run before it, in whatever order, and broken off.

The stages here are toys, whose results say themselves what they were made from, down to the
parameters: that is what the records of the hook are checked against.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner, ThreadRunner

from galaxy_morphology.datasets.optional import OptionalJSONDataset
from galaxy_morphology.datasets.whole import JSONDataset
from galaxy_morphology.hooks import LineageHook

STAGES = {
    "reading": {"images galaxies": "archive params:cutouts"},
    "measuring": {"features": "images galaxies"},
    "training": {
        "classifier": "images galaxies params:training",
        "in_memory": "classifier images",
        "logits": "in_memory galaxies",
    },
    "scoring": {"predictions": "logits params:scoring", "metrics": "predictions features"},
    "explaining": {"maps": "classifier images predictions"},
    "comparing": {"compared": "images galaxies features params:comparing params:training"},
    "reporting": {"card": "galaxies metrics maps compared params:scoring params:training"},
    "simulating": {"truth": "params:simulation", "archive": "truth"},
}
"""By stage, what its nodes make of what."""
PARAMETERS = ["cutouts", "training", "scoring", "comparing", "simulation"]
OPTIONAL = "compared"


def node(outputs: str, inputs: str) -> Node:
    names = outputs.split()

    def make(*values: Any) -> Any:
        made_from = dict(zip(inputs.split(), values, strict=True))
        made = [{"what": name, "made_from": made_from} for name in names]
        return made if len(made) > 1 else made[0]

    return Node(make, inputs.split(), names if len(names) > 1 else outputs,
                name=outputs.replace(" ", "_"))  # fmt: skip


def pipelines() -> dict[str, Pipeline]:
    stages = {
        stage: Pipeline(
            [node(*some) for some in nodes.items()],
            namespace=stage,
            prefix_datasets_with_namespace=False,
        )
        for stage, nodes in STAGES.items()
    }
    alone = {"simulating", "comparing"}
    survey = sum((one for name, one in stages.items() if name not in alone), Pipeline([]))
    return {**stages, "__default__": survey}


STORED = [
    name for nodes in STAGES.values() for names in nodes for name in names.split()
    if name != "in_memory"
]  # fmt: skip


class Project(NamedTuple):
    """A folder in which toy stages are run."""

    root: Path

    def run(
        self,
        *stages: str,
        stop_before: str | None = None,
        runner: Any = None,
        only_missing_outputs: bool = False,
        **parameters: int,
    ) -> None:
        """Run stages; stop when a certain dataset is to be saved."""

        class Stopping(OptionalJSONDataset if stop_before == OPTIONAL else JSONDataset):  # type: ignore[misc]
            def save(self, data: Any) -> None:
                raise KeyboardInterrupt

        kinds = dict.fromkeys([*STORED, "lineage"], JSONDataset) | {OPTIONAL: OptionalJSONDataset}
        if stop_before:
            kinds[stop_before] = Stopping
        datasets: dict[str, Any] = {
            name: kind(filepath=str(self.root / f"{name}.json")) for name, kind in kinds.items()
        }
        for name in PARAMETERS:
            datasets[f"params:{name}"] = MemoryDataset(parameters.get(name, 0))
        catalog = DataCatalog(datasets)
        registered = pipelines()
        pipeline = sum((registered[stage] for stage in stages), Pipeline([]))
        hooks = _create_hook_manager()
        hooks.register(LineageHook())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kedro.framework.project.pipelines", registered)
            hooks.hook.before_pipeline_run(
                run_params={"only_missing_outputs": only_missing_outputs},
                pipeline=pipeline,
                catalog=catalog,
            )
            (runner or SequentialRunner()).run(
                pipeline, catalog, hooks, only_missing_outputs=only_missing_outputs
            )

    def load(self, name: str) -> Any:
        return json.loads((self.root / f"{name}.json").read_text(encoding="utf-8"))

    def save(self, name: str, value: Any) -> None:
        (self.root / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder in which everything was run once."""
    some = Project(tmp_path)
    some.save("archive", "observed")
    some.run("__default__")
    return some


def ancestors(value: Any) -> Iterator[tuple[str, str]]:
    """Everything that a result says it was made from, by name."""
    for name, part in value["made_from"].items():
        yield name, json.dumps(part, sort_keys=True)
        if isinstance(part, dict):
            yield from ancestors(part)


def is_mixed(value: Any) -> bool:
    return len(set(ancestors(value))) > len(dict(ancestors(value)))


def suggested(error: ValueError) -> list[str]:
    return str(error).split("--pipelines ")[1].split("`")[0].split(",")


def follow(some: Project, stages: list[str], parameters: dict[str, Any], steps: int = 0) -> None:
    """Run stages, and before them what the error says, if there is one."""
    try:
        some.run(*stages, **parameters)
    except ValueError as error:
        assert steps < len(STAGES), "What is suggested does not mend it."
        follow(some, suggested(error), parameters, steps + 1)
        follow(some, stages, parameters, steps + 1)


RUNS = st.tuples(
    st.sampled_from([*STAGES, "__default__"]),
    st.fixed_dictionaries({}, optional={name: st.integers(0, 1) for name in PARAMETERS}),
    st.none() | st.sampled_from(STORED),
    st.booleans(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(runs=st.lists(RUNS, min_size=2, max_size=8))
def test_no_stage_mixes_runs_and_what_is_suggested_mends_it(
    tmp_path_factory: pytest.TempPathFactory, runs: list[Any]
) -> None:
    some = Project(tmp_path_factory.mktemp("project"))
    some.save("archive", "observed")
    some.run("__default__")
    for stage, parameters, stop_before, only_missing in runs:
        outputs = [name for name in pipelines()[stage].all_outputs() if name in STORED]
        try:
            some.run(stage, stop_before=stop_before, only_missing_outputs=only_missing,
                     **parameters)  # fmt: skip
        except KeyboardInterrupt:
            continue
        except ValueError as error:
            follow(some, suggested(error), parameters)
            follow(some, [stage], parameters)
        for name in outputs:
            assert not is_mixed(some.load(name)), name


def test_the_sentence_names_both_files_and_what_to_run(project: Project) -> None:
    project.run("training", training=1)
    with pytest.raises(ValueError, match="made from") as error:
        project.run("explaining")
    root = project.root
    assert str(error.value) == (
        f"{root}/predictions.json was made from another classifier than the one at "
        f"{root}/classifier.json. First run `kedro run --pipelines scoring`."
    )
    with pytest.raises(ValueError, match="made with") as error:
        project.run("reporting", scoring=3)
    assert str(error.value) == (
        f"{root}/maps.json was made with other parameters `scoring` than this run has. "
        "First run `kedro run --pipelines scoring,explaining`."
    )


def compared_in(card: dict[str, Any]) -> Any:
    return card["made_from"]["compared"]


def test_an_optional_input_is_read_where_it_fits_and_left_out_where_not(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "galaxy_morphology")
    assert compared_in(project.load("card")) is None
    project.run("comparing", comparing=1)
    project.run("reporting")
    assert compared_in(project.load("card")) == project.load("compared")
    assert project.load("lineage")["card"]["made_from"].keys() >= {"compared", "params:comparing"}
    assert "left out" not in caplog.text

    project.run("__default__", cutouts=1)  # other galaxies
    assert compared_in(project.load("card")) is None
    assert "compared" not in project.load("lineage")["card"]["made_from"]
    sentence = (
        f"{project.root}/compared.json was made from another galaxies than the one at "
        f"{project.root}/galaxies.json. "
        "It is left out; to have it, first run `kedro run --pipelines comparing`."
    )
    assert caplog.messages.count(sentence) == 1
    project.run("comparing", "reporting", cutouts=1)
    assert compared_in(project.load("card")) == project.load("compared")


def test_an_optional_input_of_other_galaxies_is_left_out_after_they_were_made(
    project: Project,
) -> None:
    project.run("comparing")
    project.save("archive", "another")
    project.run("__default__")
    assert compared_in(project.load("card")) is None
    project.save("archive", "observed")
    project.run("__default__")
    assert compared_in(project.load("card")) == project.load("compared")


@pytest.mark.parametrize("damage", ["{", '{"what": "of somebody else"}', None])
def test_an_optional_input_that_is_damaged_changed_or_gone_stops_no_run(
    project: Project, damage: str | None
) -> None:
    project.run("comparing", "reporting")
    path = project.root / "compared.json"
    path.write_text(damage, encoding="utf-8") if damage else path.unlink()
    project.run("reporting")
    assert compared_in(project.load("card")) is None
    assert "compared" not in project.load("lineage")["card"]["made_from"]


def test_what_an_optional_input_changed_is_made_again_where_it_is_out_of_date(
    project: Project,
) -> None:
    project.run("comparing", "reporting")
    project.run("comparing", comparing=1)
    project.run("__default__", only_missing_outputs=True, comparing=1)
    assert compared_in(project.load("card")) == project.load("compared")


def test_what_is_missing_changed_or_of_unknown_origin_is_refused(project: Project) -> None:
    path = project.root / "predictions.json"
    predictions = path.read_text(encoding="utf-8")
    path.write_text(predictions.replace("0", "1"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"predictions.json was changed after scoring.predictions"):
        project.run("explaining")
    path.write_text(predictions, encoding="utf-8")  # the same content, at another time
    project.run("explaining")
    path.unlink()
    with pytest.raises(ValueError, match=r"no .*predictions.json. First .*--pipelines scoring`"):
        project.run("explaining")
    (project.root / "lineage.json").unlink()
    with pytest.raises(ValueError, match=r"It is not known what .*reading,training,scoring`"):
        project.run("explaining")


def test_a_write_that_was_broken_off_leaves_no_record_of_any_output(project: Project) -> None:
    with pytest.raises(KeyboardInterrupt):
        project.run("reading", stop_before="galaxies")
    assert {"images"} == {"images", "galaxies"} & set(project.load("lineage"))
    with pytest.raises(ValueError, match=r"not known what .*galaxies.json.*--pipelines reading`"):
        project.run("measuring")


def test_a_node_that_fails_leaves_the_records_of_the_last_run(project: Project) -> None:
    before = project.load("lineage")
    with pytest.raises(Exception, match="no such"):
        project.run("measuring", runner=Failing())
    assert project.load("lineage") == before


class Failing(SequentialRunner):
    """Stops before anything is written."""

    def _run(self, *_: Any, **__: Any) -> None:
        raise ValueError("no such quantity")


def test_only_missing_outputs_makes_again_what_is_out_of_date(project: Project) -> None:
    stored = [name for name in STORED if name not in ("truth", "compared")]
    written = {name: (project.root / f"{name}.json").stat().st_mtime_ns for name in stored}
    project.run("__default__", only_missing_outputs=True, scoring=1)
    again = {
        name for name in stored
        if (project.root / f"{name}.json").stat().st_mtime_ns != written[name]
    }  # fmt: skip
    assert again == {"predictions", "metrics", "maps", "card"}
    assert dict(ancestors(project.load("card")))["params:scoring"] == "1"


def test_threads_lose_no_record(project: Project) -> None:
    (project.root / "lineage.json").unlink()
    project.run("__default__", runner=ThreadRunner())
    assert set(project.load("lineage")) == set(STORED) - {"archive", "truth", "compared"}
    assert project.load("lineage")["logits"]["made_from"].keys() == {
        "archive", "params:cutouts", "images", "galaxies", "classifier", "params:training",
    }  # fmt: skip


def test_a_damaged_lineage_is_no_lineage(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    (project.root / "lineage.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="It is not known what"):
        project.run("scoring")
    assert "The lineage is damaged" in caplog.text


def test_two_files_of_one_model_are_the_same_model(tmp_path: Path) -> None:
    import zipfile

    from galaxy_morphology.datasets.keras_model import KerasModelDataset

    def checksum(date: str, weights: bytes) -> str:
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", date)
            archive.writestr("model.weights.h5", weights)
        return KerasModelDataset(filepath=str(path)).checksum()

    assert checksum("monday", b"1") == checksum("tuesday", b"1") != checksum("tuesday", b"2")
