"""The catalogue of a survey: a Parquet file for each shard, written whole or not at all."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from galaxy_morphology.datasets.atomic import replacing
from galaxy_morphology.survey.repeats import Repeats

logger = logging.getLogger(__name__)

SUFFIX = ".parquet"
FACTS = b"galaxy_morphology"
WHOLE_NUMBERS = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype()}


class Facts(NamedTuple):
    """What a shard was made from, and what came of it. It stands in its file.

    Attributes:
        archive: Path or address.
        input: Hash of its galaxies.
        classifier: Hash of the network and its weights.
        parameters: Hash of all else that shaped it.
        read: Galaxies in it.
        classified: Those of them that could be.
        rejected: Those that could not.
        simulated: Whether they are simulated.
    """

    archive: str
    input: str
    classifier: str
    parameters: str
    read: int
    classified: int
    rejected: int
    simulated: bool


def schema_of(class_names: Sequence[str], *, is_text: bool) -> pa.Schema:
    """The columns of a catalogue.

    Args:
        class_names: The classes in order.
        is_text: Whether identifiers are texts.
    """
    identifier = pa.string() if is_text else pa.int64()
    logits = ["logit"] if len(class_names) == 2 else [f"logit_{name}" for name in class_names]
    schema = pa.schema(
        [
            pa.field("cataid", identifier, nullable=False),
            ("ra", pa.float64()), ("dec", pa.float64()),
            *((name, pa.float32()) for name in logits),
            *((f"probability_{name}", pa.float64()) for name in class_names),
            ("predicted_class", pa.string()), ("keep", pa.bool_()),
            ("view_spread", pa.float32()), ("network_spread", pa.float32()),
            ("distance", pa.float32()), ("unlike_training", pa.bool_()),
            ("channel_without_signal", pa.bool_()), ("duplicate_of", identifier),
            ("rejected", pa.string()), ("width", pa.int32()), ("height", pa.int32()),
            ("checksum", pa.string()), ("file", pa.string()), ("archive", pa.string()),
            ("simulated", pa.bool_()),
        ]
    )  # fmt: skip
    # Else pandas would read whole numbers of which some are missing as floats, and round them.
    table = schema.empty_table().to_pandas(types_mapper=WHOLE_NUMBERS.get)
    table["cataid"] = table["cataid"].astype("str" if is_text else "int64")
    return schema.with_metadata(pa.Schema.from_pandas(table, preserve_index=False).metadata)


def shard_files(folder: Path) -> list[Path]:
    """The files of all shards, by name.

    Args:
        folder: Of the catalogue.
    """
    return sorted(folder.glob(f"[!._]*{SUFFIX}"))


def facts_of(file: Path) -> Facts | None:
    """What a shard says of itself; None where there is none, or something else.

    Args:
        file: Of the shard.
    """
    try:
        metadata = pq.read_metadata(file).metadata or {}
        return Facts(**json.loads(metadata[FACTS]))
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        logger.warning("%s is no shard of a survey, or damaged: %s", file, error)
        return None


def write_shard(file: Path, table: pa.Table, facts: Facts) -> None:
    """Write a shard, whole or not at all: the same bytes for the same content.

    Args:
        file: Where to.
        table: Of its galaxies.
        facts: What they were made from.

    Raises:
        OSError: There is no space left, or nothing may be written.
    """
    known = {**(table.schema.metadata or {}), FACTS: json.dumps(facts._asdict(), sort_keys=True)}
    marked = table.replace_schema_metadata(known)
    with replacing(file) as part:
        pq.write_table(marked, part, compression="zstd")


def read_shards(
    folder: Path, columns: Sequence[str] | None = None, rows_at_a_time: int = 65_536
) -> Iterator[pd.DataFrame]:
    """A catalogue in tables of some thousand rows, so that it need not fit in memory.

    Args:
        folder: Of the catalogue.
        columns: Those to read; None for all.
        rows_at_a_time: In a table, at most.

    Yields:
        Rows in the order of the shards.
    """
    for file in shard_files(folder):
        with pq.ParquetFile(file) as shard:
            for batch in shard.iter_batches(rows_at_a_time, columns=columns):
                yield batch.to_pandas()


def mark_duplicates(folder: Path) -> int:
    """Say of every galaxy which one before it in the catalogue has the same pixels.

    Shards of which that is new are written again. What is marked depends on the galaxies alone,
    not on the order in which their shards were made.

    Args:
        folder: Of the catalogue.

    Returns:
        How many galaxies have the pixels of another.
    """
    files = shard_files(folder)
    starts = np.cumsum([0, *(pq.read_metadata(file).num_rows for file in files)])
    n_duplicates = 0
    with Repeats() as repeats:
        for file, start in zip(files, starts, strict=False):
            texts = _column(file, "checksum").to_pylist()
            rows = np.flatnonzero([text is not None for text in texts])
            keys = np.frombuffer(bytes.fromhex("".join(filter(None, texts))), np.uint64)
            repeats.add(keys.reshape(-1, 2), rows + start)
        firsts = repeats.firsts(starts[-1]) if starts[-1] else np.empty(0, np.int64)
        for file, start, end in zip(files, starts, starts[1:], strict=False):
            first = np.array(firsts[start:end])
            copies = np.flatnonzero(first >= 0)
            n_duplicates += len(copies)
            marks = np.full(len(first), None, object)
            marks[copies] = _identifiers(files, starts, first[copies])
            there = _column(file, "duplicate_of")
            if not there.equals(marked := pa.array(marks, there.type)):
                _write_again(file, marked)
    return n_duplicates


def _write_again(file: Path, duplicate_of: pa.Array) -> None:
    table, facts = pq.read_table(file, partitioning=None), facts_of(file)
    assert facts is not None  # noqa: S101 - it is a shard of ours
    place = table.schema.get_field_index("duplicate_of")
    write_shard(file, table.set_column(place, table.schema.field(place), duplicate_of), facts)


def _column(file: Path, name: str) -> pa.Array:
    return pq.read_table(file, columns=[name], partitioning=None)[name].combine_chunks()


def _identifiers(files: list[Path], starts: np.ndarray, rows: np.ndarray) -> list[Any]:
    """Of the galaxies in some rows of the whole catalogue."""
    found: dict[int, Any] = {}
    unique = np.unique(rows)
    shards = np.searchsorted(starts, unique, side="right") - 1
    for shard in np.unique(shards):
        column = _column(files[shard], "cataid")
        some = unique[shards == shard]
        found |= zip(some.tolist(), column.take(some - starts[shard]).to_pylist(), strict=True)
    return [found[row] for row in rows.tolist()]
