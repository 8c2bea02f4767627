"""Printing the scores, and where to look."""

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline


class ScoresHook:
    """Prints the scores that a run made as a table, and the addresses of its pages."""

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the metrics of the run, and where its pages lie."""
        from galaxy_morphology.datasets.page import PageDataset

        outputs = pipeline.all_outputs()
        if "metrics" in outputs:
            from galaxy_morphology.evaluation import format_metrics

            metrics: dict[str, Any] = catalog.load("metrics")
            print(f"\n{format_metrics(metrics)}\n")
        for name in sorted(outputs):
            page = catalog.get(name)
            if isinstance(page, PageDataset):
                print(f"Open {Path(page._filepath).as_uri()}\n")
