"""Read CSV and TSV files as text. Values stay as they are; rows with a wrong number of fields are listed.

Columns are separated by commas, semicolons, tabs or bars; lines end with LF, CR LF or CR. Text is UTF-8, UTF-16 with a
byte order mark, or else Windows-1252, as old spreadsheets write it.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from whereshot.foundation.errors import InputError, first_line, nearest_name

HEADER_BYTES = 1 << 20
"""Bytes within which the first line must end."""

BLOCK_BYTES = 4 * 1024**2
"""Text read at a time, about 10,000 rows of a wide table. Arrow reads up to 32 such blocks ahead."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_THOUSANDS_COMMA = r"^[+-]?[1-9]\d{0,2},\d{3}$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class TextTable:
    """Columns of text, and the rows that were left out, by their number in the file (1 follows the header), with
    reasons.
    """

    columns: pa.Table
    broken: Mapping[int, str]
    note: str | None = None
    """A note for the user on how the file was read."""
    delimiter: str | None = None
    """The character between two columns; None for a table that was not read from text."""

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Return the number of each row of ``columns`` in the file, (n,)."""
        if not self.broken:
            return np.arange(1, len(self.columns) + 1)
        return np.setdiff1d(np.arange(1, len(self.columns) + len(self.broken) + 1), list(self.broken))


def read(path: Path) -> TextTable:
    """Return all rows of a file. Raises InputError where it is not a table: no header, two columns of one name, no
    text.
    """
    head = _read_head(path)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _read_decoded(path, "utf-16", None)
    if b"\0" in head:
        raise InputError(f"{path}: not a table of text: it holds zero bytes; save it as CSV in UTF-8")
    try:
        delimiter, names = split_header(_decoded_head(head), path)
    except UnicodeDecodeError:
        return _read_decoded(path, "cp1252", "it is not UTF-8: read as Windows-1252 text")
    broken: dict[int, str] = {}
    try:
        return TextTable(_parse(path, names, delimiter, broken, _read_end(path)), broken, delimiter=delimiter)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            return _read_decoded(path, "cp1252", "it is not UTF-8: read as Windows-1252 text")
        raise InputError(f"{path}: not a readable table ({first_line(error)})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_header(path: Path) -> tuple[str, list[str]]:
    """Return the delimiter and the names of the columns of a UTF-8 file. Raises InputError."""
    try:
        return split_header(_decoded_head(_read_head(path)), path)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text ({error})") from error


def split_header(text: str, path: Path) -> tuple[str, list[str]]:
    """Return the delimiter and the names of the columns, from the first line of a text. Raises InputError."""
    lines = (match[0] for match in _LINE.finditer(text) if match[0])
    first = next(lines, "")
    if not first.strip():
        raise InputError(f"{path}: an empty table; the first line must name the columns")
    line = _LINE.match(_QUOTED.sub("", text))
    unquoted = "" if line is None else line[0]
    delimiter = max(",;\t|", key=unquoted.count)
    try:
        names = next(csv.reader([first, *lines], delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path}: its first line does not name columns ({error})") from error
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{path}: more than one column is called {twice[0]!r}; rename all but one")
    return delimiter, names


def resolve(
    present: Sequence[str], given: Mapping[str, str], known: Mapping[str, Sequence[str]], path: Path
) -> dict[str, str]:
    """Return the column of the table for each known column: the name that the user gave, else one of its usual names.

    Raises InputError for a given name that the table does not have.
    """
    names: dict[str, str] = {}
    for target, name in given.items():
        if name not in present:
            raise InputError(f"{path}: no column {name!r}; {nearest_name(name, present)}")
        names[target] = name
    lowered = {name.lower().strip(): name for name in reversed(present)}
    for target, aliases in known.items():
        found = next((lowered[alias] for alias in aliases if alias in lowered), None)
        if target not in names and found is not None and found not in names.values():
            names[target] = found
    return names


def options(
    names: Sequence[str],
    delimiter: str,
    note_broken: Callable[[int, str], None],
    *,
    null_values: Sequence[str] = (),
    use_threads: bool = False,
) -> tuple[pyarrow.csv.ReadOptions, pyarrow.csv.ParseOptions, pyarrow.csv.ConvertOptions]:
    """Return how Arrow reads a table as text. ``note_broken`` takes the number of each row that has a wrong number of
    fields, and the reason.

    The texts ``null_values`` become null. With ``use_threads`` rows have no numbers (-1).
    """

    def note(row: pyarrow.csv.InvalidRow) -> str:
        number = -1 if row.number is None else row.number - 1  # Arrow counts the header as row 1
        quote = "; is a quotation mark not closed?" if "\n" in row.text or "\r" in row.text else ""
        sentence = f"{row.actual_columns} fields where {row.expected_columns} were expected: {row.text[:80]!r}{quote}"
        note_broken(number, sentence)
        return "skip"

    return (
        pyarrow.csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=use_threads),
        pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=list(null_values),
            strings_can_be_null=bool(null_values),
        ),
    )


def numbers(column: pa.ChunkedArray, *, commas_delimit: bool = False) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return a column as floats (n,) and the rows whose text is not a number; these and empty fields are NaN.

    A number has a decimal point or one decimal comma; "nan" and "inf" are numbers. In a table whose columns are
    separated by commas (``commas_delimit``), "1,234" may be 1234 or 1.234: it is not a number, unless another value of
    the column, such as "1,5", has a comma that can only be a decimal comma.
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        try:
            return column.cast(pa.float64()).to_numpy().astype(np.float64), np.empty(0, np.int64)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = column.cast(pa.string())
    column = without_blanks(column)
    try:  # the usual table: nothing but plain numbers
        return column.cast(pa.float64()).to_numpy().astype(np.float64), np.empty(0, np.int64)
    except pa.ArrowInvalid:
        pass
    trimmed = without_blanks(pc.utf8_trim_whitespace(column))
    has_comma = pc.equal(pc.count_substring(trimmed, ","), 1)
    if commas_delimit:
        is_decimal = pc.match_substring_regex(trimmed, _DECIMAL_COMMA)
        is_grouped = pc.match_substring_regex(trimmed, _THOUSANDS_COMMA)
        if not pc.any(pc.and_(is_decimal, pc.invert(is_grouped))).as_py():
            has_comma = pc.and_(has_comma, pc.invert(is_grouped))
    trimmed = pc.if_else(has_comma, pc.replace_substring(trimmed, ",", "."), trimmed)
    good = pc.match_substring_regex(trimmed, _NUMBER)
    special = pc.match_substring_regex(trimmed, r"^[+-]?(nan|inf|infinity)$", ignore_case=True)
    plain = pc.replace_substring_regex(pc.if_else(good, trimmed, pa.scalar(None, pa.string())), r"^\+", "")
    values = plain.cast(pa.float64()).to_numpy().copy()
    for row in np.flatnonzero(pc.fill_null(special, False).to_numpy()):
        values[row] = float(trimmed[int(row)].as_py())
    wrong = pc.and_(pc.is_valid(trimmed), pc.invert(pc.or_(good, special)))
    return values, np.flatnonzero(pc.fill_null(wrong, False).to_numpy())


def without_blanks(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of text with null in place of ""; any other column unchanged."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    is_blank = pc.equal(column, "")
    return pc.if_else(is_blank, pa.scalar(None, column.type), column) if pc.any(is_blank).as_py() else column


def _read_head(path: Path) -> bytes:
    """Return the start of a file, with the whole first line."""
    try:
        with path.open("rb") as file:
            return file.read(HEADER_BYTES)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _decoded_head(head: bytes) -> str:
    """Return the start of a UTF-8 file as text, without a byte order mark; a character that is cut at the end is left
    out.
    """
    return codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=len(head) < HEADER_BYTES)


def _read_decoded(path: Path, encoding: str, note: str | None) -> TextTable:
    """Read a file whose encoding is not UTF-8. The whole file is in memory."""
    data = path.read_bytes()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "cp1252":
            raise InputError(f"{path}: not readable as {encoding.upper()} ({error.reason})") from error
        text = data.decode("latin-1")
    delimiter, names = split_header(text[:HEADER_BYTES], path)
    broken: dict[int, str] = {}
    try:
        encoded = text.encode()
        columns = _parse(pa.BufferReader(encoded), names, delimiter, broken, encoded[-8:])
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a readable table ({first_line(error)})") from error
    return TextTable(columns, broken, note and f"{path.name}: {note}", delimiter)


def _read_end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(-min(8, file.tell()), 2)
        return file.read()


def _parse(
    source: Path | pa.BufferReader, names: list[str], delimiter: str, broken: dict[int, str], end: bytes
) -> pa.Table:
    """Return the rows of a table. Rows with a wrong number of fields go to ``broken``. ``end`` are the last bytes."""
    try:
        table = pyarrow.csv.read_csv(source, *options(names, delimiter, broken.__setitem__, use_threads=True))
        if broken:  # rows have numbers only where they are read one after the other
            broken.clear()
            if isinstance(source, pa.BufferReader):
                source.seek(0)
            table = pyarrow.csv.read_csv(source, *options(names, delimiter, broken.__setitem__))
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise
        return pa.table({name: pa.array([], pa.string()) for name in names})  # a header without a line end
    if table.column_names != names:  # for example after a quotation mark that is not closed
        raise pa.ArrowInvalid(f"the columns {names} were expected, and {table.column_names} were found")
    last_number = len(table) + len(broken)
    last = table[-1][-1].as_py() if len(table) and last_number not in broken else ""
    if ("\n" in last or "\r" in last) and not end.rstrip(b"\r\n").endswith(b'"'):
        row = ",".join(column[-1].as_py() for column in table.columns)
        broken[last_number] = f"a quotation mark is not closed: {row[:80]!r}"
        table = table.slice(0, len(table) - 1)
    return table
