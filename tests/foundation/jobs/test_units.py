"""Units: every line and every row is in exactly one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import (
    Unit,
    split,
    units,
)


def texts(found: list[Unit]) -> list[bytes]:
    return [line for unit in found for batch in units.batches(unit) for line in batch["line"].to_pylist()]


@given(st.lists(st.binary(max_size=12).map(lambda text: text.replace(b"\n", b"")), max_size=30), st.booleans())
def test_every_line_is_in_one_unit(lines: list[bytes], ended: bool) -> None:
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.tsv")
        path.write_bytes(text)
        for unit_bytes in (1, 2, 5, 17, 1000):
            assert texts(split([path], unit_bytes=unit_bytes)) == text.splitlines(keepends=True) or b"\r" in text
            assert b"".join(texts(split([path], unit_bytes=unit_bytes))) == text


def test_parquet_is_cut_by_rows(tmp_path: Path) -> None:
    table = pa.table({"id": [str(number) for number in range(1000)]})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=300)
    for unit_rows in (1, 70, 300, 5000):
        found = split([tmp_path / "in.parquet"], unit_rows=unit_rows)
        assert len(found) == -(-1000 // unit_rows)
        rows = [name for unit in found for batch in units.batches(unit) for name in batch["id"].to_pylist()]
        assert rows == table["id"].to_pylist()


def test_inputs_that_cannot_be_cut(tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_text("no")
    for path, told in (("none", "no such file"), (".", "a folder; name its files"), ("in.parquet", "not a readable")):
        with pytest.raises(InputError, match=told):
            split([tmp_path / path])
