"""Printing the scores."""

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline


class ScoresHook:
    """Prints the scores as a table at the end of a run that made them."""

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the metrics of the run."""
        if "metrics" in pipeline.all_outputs():
            from galaxy_morphology.evaluation import format_metrics

            metrics: dict[str, Any] = catalog.load("metrics")
            print(f"\n{format_metrics(metrics)}\n")
