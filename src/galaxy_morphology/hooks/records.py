"""What is on disk, and what it was made from."""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, TypedDict

from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic import BaseModel

from galaxy_morphology.datasets.atomic import BEING_WRITTEN

logger = logging.getLogger(__name__)

Lineage = dict[str, str]
"""Checksum of every dataset and parameter that something was made from, by name."""


class Record(TypedDict):
    """What is known of a stored dataset since a run made it.

    Attributes:
        made_by: The node.
        bytes: Size of the file, or of all files of a folder.
        modified: When it was written, in nanoseconds since 1970.
        checksum: Of its content.
        made_from: Its lineage, through everything that was only in memory.
    """

    made_by: str
    bytes: int
    modified: int
    checksum: str
    made_from: Lineage


class Records:
    """The records of all datasets that the pipelines make, in the dataset ``lineage``.

    What the pipelines only read is no part of it: checkpoints are caches, and the software changes
    nothing. The archive is, since a simulation can make it; but the default pipeline is given it,
    so that it needs no record.

    Args:
        catalog: Where everything lies.
        pipelines: All that are registered.
        parameters: Typed ones by name, which stand for those of the catalog.
    """

    def __init__(
        self,
        catalog: DataCatalog,
        pipelines: Mapping[str, Pipeline],
        parameters: Mapping[str, Any],
    ) -> None:
        nodes = [node for pipeline in pipelines.values() for node in pipeline.nodes]
        self.makers: dict[str, Node] = {name: node for node in nodes for name in node.outputs}
        self._catalog = catalog
        made = {name for name in self.makers if not self.is_optional(name)}
        self.given = pipelines["__default__"].inputs() & made
        self._pipelines = pipelines
        self._typed = parameters
        self._parameters = {
            name for node in nodes for name in node.inputs if name.startswith("params:")
        }
        self._given_checksums: dict[str, str | None] = {}
        self._updating = Lock()

    def read(self) -> dict[str, Record]:
        """Read all records; none where there is no readable file."""
        file: Any = self._catalog["lineage"]
        if not file.exists():
            return {}
        try:
            records: dict[str, Record] = file.load()
            return records
        except DatasetError as error:
            logger.warning("The lineage is damaged and not used: %s", error)
            return {}

    def forget(self, names: Iterable[str]) -> None:
        """Remove the records of what is about to be replaced."""
        stored = [name for name in names if self.is_stored(name)]
        for name in stored:
            self._given_checksums.pop(name, None)
        self._update(dict.fromkeys(stored))

    def record(self, name: str, node: Node) -> None:
        """Record what a node has just made."""
        if not self.is_stored(name):
            return
        path = self._stored_path(name)
        size, modified = _size_and_time(path)
        record: Record = {
            "made_by": node.name,
            "bytes": size,
            "modified": modified,
            "checksum": self._content(name),
            "made_from": self.lineage_of(node, self.read()),
        }
        self._update({name: record})

    def lineage_of(self, node: Node, records: dict[str, Record]) -> Lineage:
        """The lineage of what a node makes: its inputs, and what these were made from."""
        before: Lineage = {}
        inputs: Lineage = {}
        for name in node.inputs:
            if self.is_left_out(name):
                continue
            if name == "parameters" or name.startswith("params:"):
                inputs |= self.parameters(name)
            elif self.is_stored(name):
                before |= self.made_from(name, records)
                checksum = self.checksum(name, records)
                inputs |= {name: checksum} if checksum else {}
            elif name in self.makers:  # only in memory
                before |= self.lineage_of(self.makers[name], records)
        return dict(sorted((before | inputs).items()))

    def made_from(self, name: str, records: dict[str, Record]) -> Lineage:
        """The recorded lineage of a stored dataset; none of an archive that was observed."""
        if name in self.given and not self.is_as_recorded(name, records):
            return {}
        return records[name]["made_from"] if name in records else {}

    def checksum(self, name: str, records: dict[str, Record]) -> str | None:
        """The checksum of a parameter, or the recorded one of a dataset; None where unknown."""
        if name.startswith("params:"):
            return self.parameters(name).get(name)
        if name not in self.given or self.is_as_recorded(name, records):
            return records[name]["checksum"] if name in records else None
        if name not in self._given_checksums:
            try:
                self._given_checksums[name] = self._content(name)
            except Exception:  # whoever loads it says what is wrong with it
                self._given_checksums[name] = None
        return self._given_checksums[name]

    def parameters(self, name: str) -> Lineage:
        """The checksum of a parameter, or of every one that a pipeline reads."""
        if name == "parameters":
            return {each: one for some in self._parameters for each, one in
                    self.parameters(some).items()}  # fmt: skip
        short = name.removeprefix("params:")
        if short in self._typed:
            return {name: _checksum_of_value(self._typed[short])}
        dataset: Any = self._catalog.get(name)
        return {name: _checksum_of_value(dataset.load())} if dataset else {}

    def stage(self, node: Node) -> str:
        """The name of the smallest pipeline that runs a node, and of those the first."""
        having = [name for name, pipeline in self._pipelines.items() if node in pipeline.nodes]
        return min(having, key=lambda name: len(self._pipelines[name].nodes))

    def is_stored(self, name: str) -> bool:
        """Whether a dataset is made by a pipeline and lies on disk."""
        return name in self.makers and self.path(name) is not None

    def is_optional(self, name: str) -> bool:
        """Whether nodes can do without a dataset."""
        return hasattr(self._catalog.get(name), "left_out")

    def is_left_out(self, name: str) -> bool:
        """Whether nodes do without a dataset in this run."""
        return bool(getattr(self._catalog.get(name), "left_out", False))

    def leave_out(self, name: str, left_out: bool) -> None:
        """Let nodes do without an optional dataset, or have it."""
        dataset: Any = self._catalog[name]
        dataset.left_out = left_out

    def path(self, name: str) -> Path | None:
        """Where a dataset lies, or will lie; None where it is only in memory."""
        path = getattr(self._catalog.get(name), "_filepath", None)
        return Path(path) if path else None

    def exists(self, name: str) -> bool:
        """Whether something lies there."""
        path = self.path(name)
        return path is not None and path.exists()

    def is_as_recorded(self, name: str, records: dict[str, Record]) -> bool:
        """Whether a dataset is on disk as it was recorded."""
        path = self.path(name)
        if name not in records or path is None or not path.exists():
            return False
        recorded = records[name]
        size, modified = _size_and_time(path)
        if (size, modified) == (recorded["bytes"], recorded["modified"]):
            return True
        try:
            return self._content(name) == recorded["checksum"]
        except Exception:  # it is damaged
            return False

    def _update(self, changes: dict[str, Record] | dict[str, None]) -> None:
        with self._updating:
            records = self.read()
            changed = {
                name: record
                for name, record in sorted({**records, **changes}.items())
                if record is not None
            }
            if changed != records:
                file: Any = self._catalog["lineage"]
                file.save(changed)

    def _stored_path(self, name: str) -> Path:
        path = self.path(name)
        assert path is not None  # noqa: S101 - it is stored
        return path

    def _content(self, name: str) -> str:
        """The checksum of what lies on disk; a dataset may know better what matters of it."""
        dataset: Any = self._catalog[name]
        if hasattr(dataset, "checksum"):
            return str(dataset.checksum())
        path = self._stored_path(name)
        if path.is_file():
            return checksum_of_file(path)
        files = {str(file.relative_to(path)): checksum_of_file(file) for file in _files(path)}
        return _checksum_of_value(files)


def checksum_of_file(path: Path) -> str:
    """Hash the bytes of a file, with BLAKE2b."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _checksum_of_value(value: Any) -> str:
    """The checksum of a value as JSON, typed or not."""
    text = json.dumps(value, sort_keys=True, default=_plain)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _size_and_time(path: Path) -> tuple[int, int]:
    states = [file.stat() for file in _files(path)]
    return sum(state.st_size for state in states), max(
        (state.st_mtime_ns for state in states), default=0
    )


def _files(path: Path) -> list[Path]:
    """A file, or all files of a folder."""
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(BEING_WRITTEN) for part in file.parts)
    )
