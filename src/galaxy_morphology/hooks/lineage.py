"""Refusing to mix the results of different runs."""

import logging
from collections.abc import Collection
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from galaxy_morphology.hooks.records import Lineage, Record, Records

logger = logging.getLogger(__name__)


class LineageHook:
    """Records what every stored dataset was made from, and refuses to run on what does not fit.

    Before a run, all that it reads from disk must be as a run left it, and must be made from the
    same datasets and parameters, as far as they have any in common. The record of a dataset is
    removed before it is written and made anew afterwards: where a run was killed in between, there
    is none. ``--only-missing-outputs`` makes what is out of date again, as if it were missing.
    An optional input is left out where it does not fit; that is looked at before it is loaded, when
    all else that its node reads has been made.
    It knows of one run at a time in a process.
    """

    def __init__(self) -> None:
        self._records: Records | None = None
        self._parameters: dict[str, Any] = {}
        self._run_params: dict[str, Any] = {}
        self._parameters_read: set[str] = set()

    @hook_impl(trylast=True)  # when other hooks have put them right
    def after_context_created(self, context: KedroContext) -> None:
        """Keep the parameters with their types: the catalog types those alone that a run reads."""
        self._parameters = context.params

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Compare what the pipeline reads.

        Raises:
            ValueError: Something is missing, was changed, or was made from something else; says
                what differs, and what to run.
        """
        from kedro.framework.project import pipelines

        self._records = None
        if "lineage" not in catalog:
            return
        self._records = Records(catalog, dict(pipelines), self._parameters)
        if run_params.get("only_missing_outputs"):
            _make_again_what_is_out_of_date(self._records, pipeline, catalog)
        self._run_params = run_params
        self._parameters_read = {name for name in pipeline.inputs() if _is_parameter(name)}
        needed = {name for name in pipeline.inputs() if not self._records.is_optional(name)}
        problem = _Check(self._records, needed).problem()
        if problem:
            what, stages = problem
            raise ValueError(f"{what}. First run {_command(stages, run_params)}.")

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str, node: Node) -> None:
        """Leave out an optional dataset that is not what this run would make with its node."""
        records = self._records
        if records is None or not records.is_optional(dataset_name):
            return
        problem = _Check(records, {*node.inputs, *self._parameters_read}).problem()
        records.leave_out(dataset_name, problem is not None)
        if problem and records.exists(dataset_name):
            what, stages = problem
            command = _command(stages, self._run_params)
            logger.info("%s. It is left out; to have it, first run %s.", what, command)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Forget what the node made before: none of it is written yet, and all of it will be."""
        if self._records:
            self._records.forget(node.outputs)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Record what was written, and what it was made from."""
        if self._records:
            self._records.record(dataset_name, node)


class _Check:
    """Whether datasets on disk and parameters, all that something reads, fit together."""

    def __init__(self, records: Records, inputs: Collection[str]) -> None:
        self._records = records
        self._read = records.read()
        self._inputs = sorted(name for name in inputs if records.is_stored(name))
        self._parameters: Lineage = {}
        for name in filter(_is_parameter, inputs):
            self._parameters |= records.parameters(name)

    def problem(self) -> tuple[str, list[str]] | None:
        """What does not fit, and the stages to run again; None where all does."""
        unusable = {name: why for name in self._inputs if (why := self._why_unusable(name))}
        if unusable:
            return next(iter(unusable.values())), self._stages(set(unusable), ())
        conflicts = self._conflicts()
        if not conflicts:
            return None
        outdated = {name for name in self._inputs if self._is_outdated(name, conflicts)}
        of_some = next(name for name in conflicts)
        return self._sentence(of_some, outdated), self._stages(outdated, conflicts)

    def _why_unusable(self, name: str) -> str | None:
        path = self._records.path(name)
        if name in self._records.given:
            return None  # whoever loads it says what is wrong with it
        if not self._records.exists(name):
            return f"There is no {path}"
        if name not in self._read:
            return (
                f"It is not known what {path} was made from: an interrupted run or an earlier "
                "version left it"
            )
        if not self._records.is_as_recorded(name, self._read):
            return f"{path} was changed after {self._read[name]['made_by']} had made it"
        return None

    def _conflicts(self) -> list[str]:
        """Names of which the inputs have different checksums: inputs first, parameters last."""
        found: dict[str, set[str]] = {
            name: {checksum} for name, checksum in self._parameters.items()
        }
        for name in self._inputs:
            checksum = self._records.checksum(name, self._read)
            known = self._records.made_from(name, self._read)
            for each, one in (known | ({name: checksum} if checksum else {})).items():
                found.setdefault(each, set()).add(one)
        different = sorted(
            (name for name, checksums in found.items() if len(checksums) > 1),
            key=lambda name: (name.startswith("params:"), name not in self._inputs, name),
        )
        # Parameters that this run does not read matter only where nothing else tells runs apart.
        telling = [
            name for name in different if name in self._parameters or not name.startswith("params:")
        ]
        return telling or different

    def _is_outdated(self, name: str, conflicts: Collection[str]) -> bool:
        lineage = self._records.made_from(name, self._read)
        return any(
            lineage[each] != self._records.checksum(each, self._read)
            for each in conflicts
            if each in lineage
        )

    def _sentence(self, conflict: str, outdated: Collection[str]) -> str:
        lineages = {name: self._records.made_from(name, self._read) for name in self._inputs}
        concerned = [name for name in self._inputs if conflict in lineages[name]]
        first = next((name for name in concerned if name in outdated), concerned[0])
        path = self._records.path(first)
        if conflict in self._inputs:
            there = self._records.path(conflict)
            return f"{path} was made from another {_short(conflict)} than the one at {there}"
        what = _short(conflict)
        if conflict in self._parameters:
            return f"{path} was made with other parameters `{what}` than this run has"
        other = next(
            name for name in concerned if lineages[name][conflict] != lineages[first][conflict]
        )
        kind = f"parameters `{what}`" if conflict.startswith("params:") else what
        return f"{path} and {self._records.path(other)} were made from different {kind}"

    def _past(self, names: set[str]) -> set[str]:
        """Datasets, and all that they are made from, back to an archive that was observed."""
        past: set[str] = set()
        waiting = set(names)
        while waiting:
            name = waiting.pop()
            past.add(name)
            observed = name in self._records.given and name not in self._read
            if name in self._records.makers and not observed:
                waiting |= set(self._records.makers[name].inputs) - past
        return past

    def _stages(self, outdated: set[str], conflicts: Collection[str]) -> list[str]:
        """The stages that make what is out of date, and what of its past is too, in order."""
        makers = self._records.makers
        again = {
            name
            for name in self._past(outdated)
            if self._records.is_stored(name)
            and (name in outdated or self._why_unusable(name) or self._is_outdated(name, conflicts))
        }
        order = Pipeline(set(makers.values())).nodes
        of_again = {makers[name] for name in again}
        return list(dict.fromkeys(self._records.stage(node) for node in order if node in of_again))


def _make_again_what_is_out_of_date(
    records: Records, pipeline: Pipeline, catalog: DataCatalog
) -> None:
    """Hide from Kedro what is on disk, but not what this run would make."""
    read = records.read()
    changed: set[str] = set()
    for node in pipeline.nodes:  # in their order
        stored = [name for name in node.outputs if records.is_stored(name)]
        if not changed.isdisjoint(node.inputs) or not all(
            _is_current(name, records, read, pipeline) for name in stored
        ):
            changed |= set(node.outputs)
    again = [name for name in sorted(changed) if records.exists(name)]
    if again:
        logger.info("Out of date, and made again: %s.", ", ".join(again))
    for name in again:
        dataset: Any = catalog[name]
        dataset._exists = lambda: False


def _is_current(name: str, records: Records, read: dict[str, Record], pipeline: Pipeline) -> bool:
    """Whether a dataset is on disk as it was made, from what there is now."""
    if not records.is_as_recorded(name, read):
        return False
    parameters = pipeline.inputs()
    if "parameters" in parameters:
        parameters |= set(records.parameters("parameters"))
    return all(
        checksum == records.checksum(each, read)
        for each, checksum in read[name]["made_from"].items()
        if not each.startswith("params:") or each in parameters
    )


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _short(name: str) -> str:
    """The name of a dataset without those of its boxes, and of a parameter without its prefix."""
    return name.removeprefix("params:") if name.startswith("params:") else name.split(".")[-1]


def _command(stages: list[str], run_params: dict[str, Any]) -> str:
    env = run_params.get("env")
    of_env = f"--env {env} " if env and env not in ("base", "local") else ""
    same = ", with the same `--params`" if run_params.get("runtime_params") else ""
    return f"`kedro run {of_env}--pipelines {','.join(stages)}`{same}"
