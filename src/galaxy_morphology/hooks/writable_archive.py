"""Refusing to simulate where nothing may be written."""

from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline


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
