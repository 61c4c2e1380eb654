"""Portions: every row once, in order; repeated ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whereshot.foundation.errors import InputError, OutputError
from whereshot.photos.record_stream import RecordFiles


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Two shards of different columns; "b" stands three times."""
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"id": ["a", "b", "c", "b", "d"], "latitude": [1, 2, 3, 4, 5]}), folder / "part-0.parquet")
    pq.write_table(pa.table({"id": ["e", "b"], "url": ["http://a.org", None]}), folder / "part-1.parquet")
    return folder


def test_every_row_is_in_one_portion(records: Path) -> None:
    source = RecordFiles(records, 3)
    portions = list(source.portions())
    assert [portion.unit for portion in portions] == ["00000", "00001", "00002"]
    assert [portion.records.strings("id") for portion in portions] == [["a", "b", "c"], ["b", "d"], ["e", "b"]]
    assert np.concatenate([portion.repeats for portion in portions]).tolist() == [False] * 3 + [True] + [False] * 2 + [
        True
    ]
    assert portions[1].records.numbers("latitude").tolist() == [4, 5]
    assert source.rows == 7
    assert source.has_column("url") and not source.has_column("image")


def test_one_file_is_a_source_too(records: Path) -> None:
    assert [len(portion.records) for portion in RecordFiles(records / "part-0.parquet", 2).portions()] == [2, 2, 1]


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.parquet").write_text("text")
    pq.write_table(pa.table({"name": ["a"]}), tmp_path / "nameless.parquet")
    for name, message in (
        ("none", "no such file or folder"),
        ("empty", "a folder without .parquet shards; make records with: whereshot ingest"),
        ("text.parquet", "not a readable Parquet file"),
        ("nameless.parquet", "records need a column 'id'; make them with: whereshot ingest"),
    ):
        with pytest.raises(InputError, match=message):
            RecordFiles(tmp_path / name, 3)


def test_an_output_is_not_where_the_records_are(records: Path, tmp_path: Path) -> None:
    for path in (records, records / "part-0.parquet"):
        with pytest.raises(OutputError, match="in: the records themselves are there; name another folder"):
            RecordFiles(path, 3).check_apart(records)
    RecordFiles(records, 3).check_apart(tmp_path / "out")
