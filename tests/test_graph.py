"""The graph has no hidden circles: what a node reads and writes is what the graph says."""

import inspect
from collections import Counter

from conftest import PROJECT
from kedro.config import OmegaConfigLoader

from galaxy_morphology.pipeline_registry import register_pipelines


def test_no_file_is_in_the_catalog_under_two_names() -> None:
    for env in sorted(path.parent.name for path in (PROJECT / "conf").glob("*/globals.yml")):
        loader = OmegaConfigLoader(
            str(PROJECT / "conf"),
            env=env,
            base_env="base",
            merge_strategy={"parameters": "soft"},
            runtime_params={"data_root": "data"},
        )
        places = Counter(
            place
            for name, entry in loader["catalog"].items()
            if name != "galaxy_labels"  # a view of the archive, written with it
            for place in (entry.get("filepath"), entry.get("folder"))
            if place and "{" not in place
        )
        assert len(places) > 30
        assert [place for place, n in places.items() if n > 1] == []


def test_no_two_figures_or_sections_have_one_name() -> None:
    made = {name for one in register_pipelines().values() for name in one.all_outputs()}
    names = Counter(name.split(".")[-1] for name in made if name.endswith(("_figure", "_section")))
    assert len(names) > 20
    assert [name for name, n in names.items() if n > 1] == []


def test_no_node_writes_in_parts() -> None:
    # A generator's outputs are saved while it runs: a run that stops in between leaves a part.
    nodes = {node for pipeline in register_pipelines().values() for node in pipeline.nodes}
    assert [node.name for node in nodes if inspect.isgeneratorfunction(node.func)] == []


def test_checkpoints_are_read_and_never_written_by_the_graph() -> None:
    pipelines = register_pipelines().values()
    made = {name for pipeline in pipelines for name in pipeline.all_outputs()}
    read = {name for pipeline in pipelines for name in pipeline.inputs()}
    checkpoints = {"modelling.training.checkpoint", "network_checkpoints", "baseline_checkpoints",
                   "finalist_checkpoints", "tuning_study", "training_features_checkpoint",
                   "survey_archives", "survey_folder"}  # fmt: skip
    assert checkpoints <= read - made
