"""What happens around a run: parameters are checked before it, scores printed after it."""

from difflib import get_close_matches
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

CATALOG_PARAMETERS = {"data_root"}
"""Parameters that the catalog reads, not a pipeline."""


class ParameterNamesHook:
    """Refuses parameters that nothing reads, which are misspelt ones."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Compare the names of the parameters with those that the pipelines read.

        Asking the context for them checks the values of all, those of pipelines that are not run
        too: Kedro itself would ignore a misspelt ``training.epoch`` there.

        Raises:
            ValueError: A parameter is read by no pipeline; names it and the closest that is.
        """
        from kedro.framework.project import pipelines

        known = CATALOG_PARAMETERS | {
            name.removeprefix("params:").split(".")[0]
            for pipeline in dict(pipelines).values()
            for name in pipeline.inputs()
            if name.startswith("params:")
        }
        for name in context.params:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise ValueError(
                    f"Unknown parameter {name!r}.{hint} Known are {', '.join(sorted(known))}."
                )


class WritableArchiveHook:
    """Refuses to simulate a survey that could not be saved, before anything is drawn."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Ask the archive whether it may be written, where a pipeline writes it.

        Raises:
            DatasetError: It may not; says why and what to do.
        """
        if "galaxy_archive" in pipeline.all_outputs():
            archive: Any = catalog["galaxy_archive"]
            archive.check_writable()


class ScoresHook:
    """Prints the scores as a table at the end of a run that made them."""

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the metrics of the run."""
        if "metrics" in pipeline.all_outputs():
            from galaxy_morphology.evaluation import format_metrics

            metrics: dict[str, Any] = catalog.load("metrics")
            print(f"\n{format_metrics(metrics)}\n")
