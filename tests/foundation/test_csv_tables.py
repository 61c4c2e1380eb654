"""The one reader of CSV: any table of text is read back as it was written; no file ends in a traceback."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from whereshot.foundation.csv_tables import numbers, read
from whereshot.foundation.errors import InputError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=8)
TABLES = st.lists(TEXT.filter(str.strip), min_size=1, max_size=5, unique=True).flatmap(
    lambda names: st.tuples(st.just(names), st.lists(st.tuples(*[TEXT] * len(names)), max_size=6))
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for all examples, each of which replaces it."""
    return tmp_path_factory.mktemp("csv") / "t.csv"


@settings(max_examples=300, deadline=None)
@given(
    table=TABLES,
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_table_of_text_is_read_back(
    table: tuple[list[str], list[tuple[str, ...]]],
    delimiter: str,
    line_end: str,
    encoding: str,
    path: Path,
) -> None:
    names, rows = table
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *rows])
    path.write_bytes(out.getvalue().encode(encoding))
    found = read(path)
    assert found.columns.column_names == names
    assert [tuple(row.values()) for row in found.columns.to_pylist()] == rows
    assert (found.broken, found.note) == ({}, None)
    assert set(found.columns.schema.types) == {pa.string()}


@settings(max_examples=200, deadline=None)
@example(data=b'a\r"\r"\r,')  # a closed quotation mark, then a row of another width
@given(data=st.binary(max_size=60) | st.text(alphabet='ab,;\t\r\n"', max_size=60).map(str.encode))
def test_any_file_is_a_table_or_one_line(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    try:
        found = read(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
        return
    assert len(found.numbers) == len(found.columns)


def test_a_broken_last_row_leaves_the_row_before_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'id,text\n1,"two\nlines"\n2,b,c\n')
    found = read(path)
    assert found.columns.to_pylist() == [{"id": "1", "text": "two\nlines"}]
    assert found.broken == {2: "3 fields where 2 were expected: '2,b,c'"}
    assert found.numbers.tolist() == [1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty table; the first line must name the columns"),
        (b"\nid,lat\n", "an empty table; the first line must name the columns"),
        (b"id,lat,id\n", "more than one column is called 'id'; rename all but one"),
        (
            "id,lat\na,1\n".encode("utf-16-le"),
            "not a table of text: it holds zero bytes; save it as CSV in UTF-8",
        ),
    ],
)
def test_files_that_are_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {reason}"


@pytest.mark.parametrize("content", [b"id,lat", b"id,lat\n", b"id,lat\r\n", b"id,lat\r"])
def test_a_header_alone_is_a_table_without_rows(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    found = read(tmp_path / "t.csv")
    assert (found.columns.column_names, len(found.columns)) == (["id", "lat"], 0)


def test_ragged_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('id,lat\na,1,\nb,2\nc\nd,"4\ne,5\n')
    found = read(tmp_path / "t.csv")
    assert (found.columns["id"].to_pylist(), found.numbers.tolist()) == (["b"], [2])
    assert dict(found.broken) == {
        1: "3 fields where 2 were expected: 'a,1,'",
        3: "1 fields where 2 were expected: 'c'",
        4: "a quotation mark is not closed: 'd,4\\ne,5\\n'",
    }


def test_old_spreadsheets(tmp_path: Path) -> None:
    """Windows-1252, in the header or in a row far behind it, with a note: the guess may be wrong."""
    for content in ("länge;x\n1;€\n", "id;x\n" + "1;a\n" * 500_000 + "1;€\n"):
        (tmp_path / "t.csv").write_bytes(content.encode("cp1252"))
        found = read(tmp_path / "t.csv")
        assert found.columns["x"].to_pylist()[-1] == "€"
        assert found.note == "t.csv: it is not UTF-8: read as Windows-1252 text"


def test_numbers_of_text() -> None:
    texts = ["1", " 2.5 ", "3,5", "+4", "-5e-1", "", "nan", "inf", "1,234,567", "x", None, "0x10", "1_000"]
    values, odd = numbers(pa.chunked_array([texts]))
    np.testing.assert_array_equal(values, [1, 2.5, 3.5, 4, -0.5, *[np.nan] * 2, np.inf, *[np.nan] * 5])
    assert odd.tolist() == [8, 9, 11, 12]


def test_a_comma_that_may_part_thousands_is_no_number_where_commas_delimit(tmp_path: Path) -> None:
    """A spreadsheet in English writes "1,234" for 1234, another one for 1.234; 0,234 and 1,23 are decimals alone."""
    path = tmp_path / "t.csv"
    path.write_text('id,views\na,"1,234"\nb,12\nc,"-12,000"\nd,"1,234.5"\n')
    table = read(path)
    assert table.delimiter == ","
    values, odd = numbers(table.columns["views"], commas_delimit=True)
    np.testing.assert_array_equal(values, [np.nan, 12, np.nan, np.nan])
    assert odd.tolist() == [0, 2, 3]
    for other in ("1,5", "0,234", "1234,567"):
        values, odd = numbers(pa.chunked_array([["1,234", other]]), commas_delimit=True)
        assert (values.tolist(), odd.tolist()) == ([1.234, float(other.replace(",", "."))], [])
    path.write_text("id;views\na;1,234\n")
    table = read(path)
    assert table.delimiter == ";"
    assert numbers(table.columns["views"], commas_delimit=table.delimiter == ",")[0].tolist() == [1.234]


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=9))
def test_numbers_are_read_back_to_the_bit(values: list[float]) -> None:
    for mark in (".", ","):
        found, odd = numbers(pa.chunked_array([[repr(value).replace(".", mark) for value in values]], pa.string()))
        assert found.tolist() == values
        assert len(odd) == 0
