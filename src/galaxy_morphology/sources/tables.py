"""Tables in the formats that catalogues come in, every cell as text, so that no digit is lost."""

import json
import warnings
from collections.abc import Callable, Collection
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO, Any

import numpy as np
import pandas as pd

ROWS_AT_A_TIME = 20_000
MAXIMUM_ROWS = 100_000_000
FITS = b"SIMPLE  ="

Choose = Callable[[list[str]], list[int]]
"""Given the names of all columns, the places of those to read."""


def read_table(
    file: IO[bytes], name: str, wanted: Collection[str], exact: Collection[str] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Read columns of a table as texts: CSV, JSON lines, Parquet, FITS or VOTable, by its name.

    What is missing is an empty text. Of JSON lines, columns are those of all rows together.

    Args:
        file: Open for reading.
        name: Of the file, for its suffix and for errors.
        wanted: Columns to read, where they are there.
        exact: Those of them of which every digit counts, as of identifiers.

    Returns:
        Texts in the columns that were found, and the names of all columns there are.

    Raises:
        ValueError: It is no such table, a column is there twice, or is of numbers that have lost
            digits.
    """
    suffix = PurePosixPath(name).suffix.lower()
    names: list[str] = []

    def choose(found: list[str]) -> list[int]:
        names.extend(text.strip() for text in found)
        for column in wanted:
            if names.count(column) > 1:
                raise ValueError(f"it has {names.count(column)} columns named {column}")
        return [i for i, column in enumerate(names) if column in wanted]

    try:
        read = READERS[suffix]
    except KeyError:
        raise ValueError(
            f"{name} is no table of a known kind. Expected one of {', '.join(READERS)}."
        ) from None
    try:
        columns = read(file, choose)
        table = pd.DataFrame(
            {column: texts_of(values, exact=column in exact) for column, values in columns.items()},
            dtype=str,
        )
    except Exception as error:  # parsers raise whatever they like
        reason = str(error).strip() or type(error).__name__
        raise ValueError(
            f"{name} cannot be read: {reason}. Expected a table with the columns "
            f"{', '.join(wanted)}{', saved as UTF-8' if suffix in TEXTS else ''}."
        ) from error
    return table, names


def _csv(file: IO[bytes], choose: Choose) -> dict[str, Any]:
    # The header is read as a row: else pandas takes a row with more cells than it for one with an
    # index, and renames the second of two equal columns.
    rows = pd.read_csv(
        file,
        header=None,
        dtype=str,
        keep_default_na=False,
        skipinitialspace=True,
        skip_blank_lines=False,
        encoding="utf-8-sig",
        chunksize=ROWS_AT_A_TIME,
    )
    header: list[str] = []
    chosen: list[int] = []
    parts = []
    for part in rows:
        if not header:
            header = [str(text) for text in part.iloc[0].fillna("")]
            chosen = choose(header)
            part = part[1:]
        parts.append(part[chosen].fillna(""))
    table = pd.concat(parts, ignore_index=True)
    return {header[place].strip(): table[place] for place in chosen}


def _json_lines(file: IO[bytes], choose: Choose) -> dict[str, Any]:
    rows = []
    for number, line in enumerate(file, start=1):
        row = json.loads(line.decode("utf-8-sig")) if line.strip() else {}
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is no object")
        rows.append(row)
    header = list(dict.fromkeys(key for row in rows for key in row))
    return {
        header[place].strip(): [row.get(header[place]) for row in rows] for place in choose(header)
    }


def _parquet(file: IO[bytes], choose: Choose) -> dict[str, Any]:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)
    _check_length(table.metadata.num_rows)
    header = [str(name) for name in table.schema_arrow.names]
    chosen = [header[place] for place in choose(header)]
    columns: dict[str, list[Any]] = {name.strip(): [] for name in chosen}
    for part in table.iter_batches(ROWS_AT_A_TIME, columns=chosen) if chosen else ():
        for name in chosen:
            columns[name.strip()] += _of_arrow(part.column(name))
    return columns


def _of_arrow(array: Any) -> list[Any]:
    import pyarrow as pa

    values: list[Any] = array.to_pylist()
    if pa.types.is_floating(array.type) and array.type != pa.float64():
        return [None if value is None else np.float32(value) for value in values]
    return values


def _fits(file: IO[bytes], choose: Choose) -> dict[str, Any]:
    from astropy.io import fits

    start = file.read(len(FITS))
    file.seek(0)
    if start != FITS:  # astropy would unpack what is compressed, however large
        raise ValueError("it does not begin like a FITS file")
    with fits.open(file) as hdus:
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
        if not tables:
            raise ValueError("it holds no table")
        _check_length(tables[0].header["NAXIS2"])
        header = tables[0].columns.names
        return {header[place]: _of_numpy(tables[0].data.field(place)) for place in choose(header)}


def _votable(file: IO[bytes], choose: Choose) -> dict[str, Any]:
    from astropy.io import votable

    content = file.read()
    _check_xml(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what does not quite follow the standard
        table = votable.parse(BytesIO(content), verify="ignore").get_first_table().to_table()
    header = table.colnames
    return {header[place]: _of_numpy(table.columns[place]) for place in choose(header)}


def _check_xml(content: bytes) -> None:
    """Refuse XML that names other files, which astropy would fetch, or expands."""
    from xml.parsers import expat

    def check(name: str, attributes: dict[str, str]) -> None:
        if "href" in attributes and name.rpartition(":")[2].upper() == "STREAM":
            raise ValueError(f"its data lie elsewhere, at {attributes['href']}: save them with it")

    def refuse(*_: Any) -> None:
        raise ValueError("it defines entities of its own, which may expand to anything")

    parser = expat.ParserCreate()
    parser.StartElementHandler = check
    parser.EntityDeclHandler = refuse
    parser.Parse(content, True)


def _of_numpy(column: Any) -> list[Any]:
    array = np.ma.asanyarray(column)
    if array.ndim > 1:
        raise ValueError("a column holds several values in each row")
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        return [None if value is np.ma.masked else np.float32(value) for value in array]
    values: list[Any] = array.tolist()
    return values


def _check_length(n_rows: int) -> None:
    if n_rows > MAXIMUM_ROWS:
        raise ValueError(f"it says that it has {n_rows:,} rows, more than {MAXIMUM_ROWS:,}")


def texts_of(values: Any, *, exact: bool = False) -> Any:
    """The cells of a column as texts.

    Args:
        values: Numbers, texts, bytes or None; a Series holds texts already.
        exact: Whether every digit counts.

    Raises:
        ValueError: A cell holds something else, or a number of which digits are lost that count.
    """
    return (
        values if isinstance(values, pd.Series) else [_text(cell, exact=exact) for cell in values]
    )


def _text(value: Any, *, exact: bool) -> str:
    """A cell as text: whole numbers in all their digits, also where they are stored as floats."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.rstrip("\0 ")
    if isinstance(value, bytes):
        return value.decode("utf-8").rstrip("\0 ")
    if isinstance(value, bool | int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return ""
        digits = 24 if isinstance(value, np.float32) else 53
        if abs(value) < 2**digits and value == int(value):
            return str(int(value))
        if exact:
            raise ValueError(
                f"of the number {value!r} digits are lost, since it is stored as one with a "
                "decimal point: store identifiers as whole numbers of 64 bits or as text"
            )
        return str(value)
    raise ValueError(f"a cell holds {str(value)[:40]!r}, which is neither a number nor a text")


READERS: dict[str, Callable[[IO[bytes], Choose], dict[str, Any]]] = {
    ".csv": _csv,
    ".txt": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
    ".fits": _fits,
    ".fit": _fits,
    ".vot": _votable,
    ".votable": _votable,
    ".xml": _votable,
}
"""By the suffix of a file, what reads its columns."""
TEXTS = {".csv", ".txt", ".jsonl"}
