"""Kedro's own datasets of tables, JSON and text, written whole or not at all, and in UTF-8."""

from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from kedro_datasets import json, pandas, text

from galaxy_morphology.datasets.atomic import replacing

WRITTEN_IN_UTF_8 = {"open_args_save": {"mode": "w", "encoding": "utf-8"}}
IN_UTF_8 = WRITTEN_IN_UTF_8 | {"open_args_load": {"mode": "r", "encoding": "utf-8"}}


class Whole:
    """Comes before a dataset with a ``filepath`` among the bases of a class, and saves it whole.

    Only on local disks, and without versions: elsewhere the dataset saves as it always does.
    """

    def save(self: Any, data: Any) -> None:
        """Write to a path beside the file or folder, and rename that."""
        if self._protocol != "file" or self._version:
            super().save(data)  # type: ignore[misc]
            return
        with replacing(Path(self._filepath)) as part:
            beside = self._copy(_filepath=PurePosixPath(part))
            super(Whole, beside).save(data)  # type: ignore[misc]


class CSVDataset(Whole, pandas.CSVDataset):
    """A table in a CSV file, where what is missing is empty, and NA, nan and null are words.

    Args:
        identifiers: Whether a column ``cataid`` is of numbers ("integer") or of texts ("text"),
            which may look like numbers.
        load_args: Of pandas.
        kwargs: See Kedro's dataset.
    """

    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"keep_default_na": False, "na_values": [""]}
    DEFAULT_FS_ARGS = WRITTEN_IN_UTF_8  # pandas reads UTF-8 anyway

    def __init__(
        self,
        *,
        identifiers: str = "integer",
        load_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        load_args = load_args or {}
        if identifiers == "text":
            load_args = {**load_args, "dtype": {**load_args.get("dtype", {}), "cataid": "str"}}
        super().__init__(load_args=load_args, **kwargs)


class ParquetDataset(Whole, pandas.ParquetDataset):
    """A table in a Parquet file."""


class JSONDataset(Whole, json.JSONDataset):
    """What JSON can hold, with its letters as they are."""

    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {"indent": 2, "ensure_ascii": False}
    DEFAULT_FS_ARGS = IN_UTF_8


class TextDataset(Whole, text.TextDataset):
    """A text."""

    DEFAULT_FS_ARGS = IN_UTF_8
