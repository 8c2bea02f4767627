"""What kedro-viz makes of the project: its graph, and previews of what a run left on disk."""

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from galaxy_morphology.pipeline_registry import register_pipelines

ROOT = Path(__file__).parents[1]
PREVIEWS = {
    ".png": "ImagePreview",
    ".csv": "TablePreview",
    ".parquet": "TablePreview",
    ".json": "JSONPreview",
}
"""What kedro-viz should show of a dataset, by the suffix of its file."""


@pytest.fixture(scope="module")
def graph(small_run: Path) -> Iterator[Any]:
    """The graph of ``__default__`` as kedro-viz sends it to the browser, for a finished run."""
    from kedro_viz.api.rest.responses.pipelines import get_pipeline_response
    from kedro_viz.data_access import data_access_manager
    from kedro_viz.server import load_and_populate_data

    data_access_manager.reset_fields()  # kedro-viz keeps its graph in a global
    load_and_populate_data(ROOT, extra_params={"data_root": str(small_run)})
    yield get_pipeline_response("__default__")
    data_access_manager.reset_fields()


@pytest.fixture(scope="module")
def datasets(graph: Any) -> dict[str, dict[str, Any]]:
    """By name, what the panel of each dataset is sent, after a round trip through JSON."""
    from kedro_viz.api.rest.responses.nodes import get_node_metadata_response
    from kedro_viz.api.rest.responses.utils import get_encoded_response

    return {
        node.name: json.loads(get_encoded_response(get_node_metadata_response(node.id)))
        | {"layer": node.layer}
        for node in graph.nodes
        if node.type == "data"
    }


def stored(datasets: dict[str, dict[str, Any]], *suffixes: str) -> dict[str, dict[str, Any]]:
    """The datasets whose files have one of these suffixes."""
    some = {
        name: dataset
        for name, dataset in datasets.items()
        if dataset.get("filepath") and Path(dataset["filepath"]).suffix in suffixes
    }
    assert some, f"no dataset is stored as {suffixes}"
    return some


def test_tasks_and_pipelines_are_those_of_the_registry(graph: Any) -> None:
    registry = register_pipelines()
    tasks = {node.full_name for node in graph.nodes if node.type == "task"}
    assert tasks == {node.name for node in registry["__default__"].nodes}
    assert {pipeline.id for pipeline in graph.pipelines} == set(registry)


def test_every_task_is_in_the_box_of_its_stage(graph: Any) -> None:
    stages = {
        "data_processing": {"reading", "measuring"},
        "modelling": {"training", "evaluation", "card"},
        "explainability": {"attribution", "checks"},
    }
    boxes = {f"{stage}.{box}" for stage, some in stages.items() for box in some}
    assert set(graph.modular_pipelines) == {*stages, *boxes, "__root__"}
    for task in graph.nodes:
        if task.type == "task" and task.name != "write_report":
            *_, box = sorted(task.modular_pipelines, key=len)
            assert box in boxes
            assert task.full_name.startswith(f"{box}.")


def test_the_first_view_is_three_boxes_and_few_datasets(graph: Any) -> None:
    names = {node.id: node.name for node in graph.nodes}
    first_view = graph.modular_pipelines["__root__"].children
    seen = {
        kind: {names.get(child.id, child.id) for child in first_view if child.type == kind}
        for kind in ("modularPipeline", "task", "data")
    }
    assert seen["modularPipeline"] == {"data_processing", "modelling", "explainability"}
    assert seen["task"] == {"write_report"}
    assert {"galaxy_archive", "images", "classifier", "predictions", "report"} <= seen["data"]
    assert len(seen["data"]) <= 20


def test_figures_are_seen_in_the_boxes_that_draw_them(graph: Any) -> None:
    names = {node.id: node.name for node in graph.nodes}
    for box, contents in graph.modular_pipelines.items():
        for child in contents.children:
            name = names.get(child.id, "")
            if name.endswith("_figure"):
                assert name.startswith(f"{box}.")


def test_layers_run_from_raw_data_to_reports(
    graph: Any, datasets: dict[str, dict[str, Any]]
) -> None:
    assert graph.layers == ["raw", "model_input", "models", "model_output", "reporting"]
    without = [
        name for name, data in datasets.items() if data.get("filepath") and not data["layer"]
    ]
    assert without == []


def test_every_figure_table_and_json_offers_its_preview(
    datasets: dict[str, dict[str, Any]],
) -> None:
    previewed = {
        name: dataset.get("preview_type") if dataset.get("preview") else None
        for name, dataset in stored(datasets, *PREVIEWS).items()
    }
    assert previewed == {
        name: PREVIEWS[Path(dataset["filepath"]).suffix]
        for name, dataset in stored(datasets, *PREVIEWS).items()
    }


def test_previewed_pictures_are_the_figures_of_the_run(
    datasets: dict[str, dict[str, Any]], small_run: Path
) -> None:
    outputs = register_pipelines()["__default__"].all_outputs()
    pictures = stored(datasets, ".png")
    assert set(pictures) == {name for name in outputs if name.endswith("_figure")}
    for dataset in pictures.values():
        file = Path(dataset["filepath"])
        assert file.is_relative_to(small_run)
        assert b64decode(dataset["preview"]) == file.read_bytes()


def test_previewed_tables_are_those_of_the_run(datasets: dict[str, dict[str, Any]]) -> None:
    for name, dataset in stored(datasets, ".csv", ".parquet").items():
        file = Path(dataset["filepath"])
        table = pd.read_csv(file) if file.suffix == ".csv" else pd.read_parquet(file)
        assert dataset["preview"]["columns"] == list(table.columns), name
        assert bool(dataset["preview"]["data"]) == bool(len(table)), name


def test_previewed_json_is_that_of_the_run(datasets: dict[str, dict[str, Any]]) -> None:
    for name, dataset in stored(datasets, ".json").items():
        file = Path(dataset["filepath"])  # one of them is optional
        content = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
        assert json.loads(dataset["preview"]) == content, name


def test_label_list_in_the_archive_is_previewed(datasets: dict[str, dict[str, Any]]) -> None:
    preview = datasets["galaxy_labels"]["preview"]
    assert {"CATAID", "TARGET"} <= set(preview["columns"])
    assert preview["data"]


def test_of_the_report_its_summary_is_previewed(datasets: dict[str, dict[str, Any]]) -> None:
    report = datasets["report"]
    assert report["preview_type"] == "HTMLPreview"
    assert "How far to trust it" in report["preview"]
    assert report["filepath"] in report["preview"]
    assert len(report["preview"]) < 20_000
    for word in ("<script", "href", "<img"):
        assert word not in report["preview"]
