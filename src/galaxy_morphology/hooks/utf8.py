"""Text in one encoding, whatever the locale."""

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline


class Utf8Hook:
    """Has text files read and written as UTF-8: names of classes are in any script."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Set the encoding of every file that would be opened as text, and names none.

        Kedro's datasets leave it to the locale, which on some machines knows Latin letters only.
        """
        for name in pipeline.datasets():
            dataset = catalog.get(name) if name in catalog else None
            for arguments in ("_fs_open_args_load", "_fs_open_args_save"):
                opening = getattr(dataset, arguments, {})
                if "mode" in opening and "b" not in opening["mode"]:
                    opening.setdefault("encoding", "utf-8")
