"""Tables of every kind say the same, in all their digits."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxy_morphology.sources import tables
from galaxy_morphology.sources.tables import read_table


def as_csv(columns: dict[str, list[Any]]) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


def as_json_lines(columns: dict[str, list[Any]]) -> bytes:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet(columns: dict[str, list[Any]]) -> bytes:
    file = BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def as_fits(columns: dict[str, list[Any]]) -> bytes:
    file = BytesIO()
    Table({name: np.array(values) for name, values in columns.items()}).write(file, format="fits")
    return file.getvalue()


def as_votable(columns: dict[str, list[Any]]) -> bytes:
    file = BytesIO()
    Table({name: np.array(values) for name, values in columns.items()}).write(
        file, format="votable"
    )
    return file.getvalue()


WRITERS: dict[str, Callable[[dict[str, list[Any]]], bytes]] = {
    "t.csv": as_csv,
    "t.jsonl": as_json_lines,
    "t.parquet": as_parquet,
    "t.fits": as_fits,
    "t.vot": as_votable,
}
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**63 - 1),
        st.text("ABJ0123456789.+-_", min_size=1, max_size=30),
        st.integers(-(2**31), 2**31),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25)
@given(rows=ROWS)
def test_no_digit_and_no_letter_is_lost(name: str, rows: list[tuple[int, str, int]]) -> None:
    names = ("objid", "iauname", "label")
    columns: dict[str, list[Any]] = dict(
        zip(names, map(list, zip(*rows, strict=True)), strict=True)
    )
    content = WRITERS[name]({"other": [0.5] * len(rows), **columns})
    table, found = read_table(BytesIO(content), name, names, {"objid", "iauname"})
    assert {column: table[column].tolist() for column in names} == {
        column: [str(value) for value in values] for column, values in columns.items()
    }
    assert set(found) == {"other", *names}


@pytest.mark.parametrize("name", ["t.parquet", "t.fits", "t.vot", "t.jsonl"])
@pytest.mark.parametrize(
    ("value", "text"),
    [(287931.0, "287931"), (2.0**53, None), (1.5, None), (587722981736120347.0, None)],
)  # fmt: skip
def test_identifiers_that_were_floats_are_refused_where_digits_are_lost(
    name: str, value: float, text: str | None
) -> None:
    content = WRITERS[name]({"objid": [value]})
    if text is None:
        with pytest.raises(ValueError, match=f"{name} cannot be read: of the number .* lost"):
            read_table(BytesIO(content), name, ["objid"], {"objid"})
        assert read_table(BytesIO(content), name, ["objid"])[0]["objid"].notna().all()
    else:
        table, _ = read_table(BytesIO(content), name, ["objid"], {"objid"})
        assert table["objid"].tolist() == [text]


@pytest.mark.parametrize("name", ["t.parquet", "t.fits", "t.vot"])
def test_short_floats_lose_digits_sooner(name: str) -> None:
    def content(value: int) -> bytes:
        column = np.array([value], np.float32)
        return WRITERS[name]({"objid": column if name != "t.parquet" else pa.array(column)})  # type: ignore[dict-item]

    table, _ = read_table(BytesIO(content(2**24 - 1)), name, ["objid"], {"objid"})
    assert table["objid"].tolist() == [str(2**24 - 1)]
    with pytest.raises(ValueError, match="digits are lost"):
        read_table(BytesIO(content(2**24)), name, ["objid"], {"objid"})


def test_unsigned_numbers_and_masked_cells_of_fits_and_votable() -> None:
    table = Table({"u": np.array([2**63 - 1, 5], np.uint64), "s": ["a", "b"]}, masked=True)
    table["s"].mask = [False, True]
    for name, kind in (("t.fits", "fits"), ("t.vot", "votable")):
        if kind == "votable":
            table["u"] = table["u"].astype(np.int64)
        file = BytesIO()
        table.write(file, format=kind)
        found, _ = read_table(BytesIO(file.getvalue()), name, ["u", "s"], {"u"})
        assert found.to_dict("list") == {"u": [str(2**63 - 1), "5"], "s": ["a", ""]}


def test_missing_cells_are_empty_texts() -> None:
    columns: dict[str, list[Any]] = {"a": ["x", None], "b": [1.5, None]}
    for name in ("t.csv", "t.jsonl", "t.parquet"):
        table, _ = read_table(BytesIO(WRITERS[name](columns)), name, ["a", "b"])
        assert table.to_dict("list") == {"a": ["x", ""], "b": ["1.5", ""]}


def test_long_csv_files_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_A_TIME", 3)
    lines = ["a, b ,c", *(f"{i},0{i},x" for i in range(10)), "", "7,8,9"]
    table, _ = read_table(BytesIO("\n".join(lines).encode()), "t.csv", ["b"])
    assert table["b"].tolist() == [*(f"0{i}" for i in range(10)), "", "8"]
    assert table.index.tolist() == list(range(12))
    lines[8] = "1,2,3,4"
    with pytest.raises(ValueError, match=r"t.csv cannot be read.*line 9"):
        read_table(BytesIO("\n".join(lines).encode()), "t.csv", ["b"])


def test_json_lines_with_different_keys() -> None:
    content = b'\xef\xbb\xbf{"file_name": "1.png"}\n\n{"label": 3, "file_name": "2.png"}\n'
    table, found = read_table(BytesIO(content), "metadata.jsonl", ["file_name", "label"])
    assert table.to_dict("list") == {"file_name": ["1.png", "", "2.png"], "label": ["", "", "3"]}
    assert found == ["file_name", "label"]


# ------------------------------------------------------------------ damaged and hostile

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<VOTABLE><DESCRIPTION>&b;</DESCRIPTION></VOTABLE>"""
ELSEWHERE = b"""<?xml version="1.0"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="objid" datatype="long"/><DATA><BINARY>
<STREAM href="file:///etc/passwd"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>"""
NESTED = b'{"objid": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "No columns"),
        ("t.csv", "objid\né".encode("latin-1"), "utf-8.*saved as UTF-8"),
        ("t.csv", b"objid,objid\n1,2", "it has 2 columns named objid"),
        ("t.jsonl", b"[1, 2]", "line 1 is no object"),
        ("t.jsonl", b'{"objid": 1', "Expecting"),
        ("t.jsonl", b'{"objid": {"a": 1}}', "neither a number nor a text"),
        ("t.jsonl", NESTED, "."),
        ("t.jsonl", b'{"objid": ' + b"9" * 10_000 + b"}", "digits"),
        ("t.parquet", b"no Parquet", "."),
        ("t.parquet", as_parquet({"objid": [[1, 2]]}), "neither a number nor a text"),
        ("t.fits", b"\x1f\x8b" + b"x" * 99, "does not begin like a FITS file"),
        ("t.fits", b"SIMPLE  =" + b"x" * 2871, "."),
        ("t.fits", as_fits({"objid": [[1, 2], [3, 4]]}), "several values in each row"),
        ("t.vot", BOMB, "entities of its own"),
        ("t.vot", ELSEWHERE, "its data lie elsewhere, at file:///etc/passwd"),
        ("t.vot", ELSEWHERE.decode().encode("utf-16"), "data lie elsewhere"),
        ("t.vot", b"\x1f\x8b" + b"x" * 99, "."),
        ("t.xlsx", b"", "no table of a known kind. Expected one of .csv"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_no_table_is_refused_in_a_sentence(name: str, content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=f"{name} (cannot be read: .*|is .*){words}"):
        read_table(BytesIO(content), name, ["objid"], {"objid"})


def test_tables_that_are_too_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAXIMUM_ROWS", 4)
    for name in ("t.parquet", "t.fits"):
        content = WRITERS[name]({"objid": list(range(5))})
        with pytest.raises(ValueError, match="it says that it has 5 rows, more than 4"):
            read_table(BytesIO(content), name, ["objid"])


def test_a_fits_image_is_no_table(tmp_path: Path) -> None:
    file = BytesIO()
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(file)
    with pytest.raises(ValueError, match="it holds no table"):
        read_table(BytesIO(file.getvalue()), "t.fits", ["objid"])
