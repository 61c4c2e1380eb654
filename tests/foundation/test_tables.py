"""Columns become arrays, whatever pieces they are in, and pandas stays out of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whereshot.foundation import tables
from whereshot.foundation.errors import InputError


@pytest.mark.parametrize("kind", [pa.int8(), pa.int32(), pa.float32(), pa.float64()])
def test_numbers(kind: pa.DataType) -> None:
    whole = pa.array([1, 2, 3], kind)
    for column in (whole, whole.slice(1), pa.chunked_array([whole, whole]), pa.chunked_array([], kind)):
        values = tables.numbers(column)
        assert values.tolist() == column.to_pylist()
        assert values.dtype == kind.to_pandas_dtype()


def test_strings() -> None:
    texts = pa.array(["b", "a", "b", ""])
    for column in (texts, texts.dictionary_encode(), pa.chunked_array([texts.slice(1), texts.slice(0, 2)])):
        names, number = tables.strings(column)
        assert names[number].tolist() == column.to_pylist()


def test_without_pandas() -> None:
    pytest.importorskip("pandas", reason="needs pandas (extra spark)")
    code = (
        "import sys, pyarrow as pa; from whereshot.earth import place_names; "
        "from whereshot.posterior import prior\n"
        "place_names.place_names([[48.2, 16.4]]), prior.density_prior().support.country_index\n"
        "print('pandas' in sys.modules, 'scipy' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False False\n"


def test_nulls_are_refused() -> None:
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError, NotImplementedError)):
        tables.numbers(pa.array([1, None], pa.int32()))
    assert np.array_equal(tables.numbers(pa.array([], pa.int32())), [])


def test_a_failure_to_read_parquet_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "photos.parquet"
    path.write_text("no table")
    with pytest.raises(InputError) as caught, tables.reading_parquet(path):
        pq.read_table(path)
    assert str(caught.value).startswith(f"{path}: not a readable Parquet file (") and "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"^a: not a readable Parquet file \(OSError\)$"), tables.reading_parquet("a"):
        raise OSError
