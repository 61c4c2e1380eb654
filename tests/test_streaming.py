"""Portions: every row once, in order; repeated ids; folders that know what they were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whereshot.errors import InputError, OutputError
from whereshot.records import Records, rejects_table
from whereshot.streaming import Output, Source


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Two shards of different columns; "b" stands three times."""
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"id": ["a", "b", "c", "b", "d"], "latitude": [1, 2, 3, 4, 5]}), folder / "part-0.parquet")
    pq.write_table(pa.table({"id": ["e", "b"], "url": ["http://a.org", None]}), folder / "part-1.parquet")
    return folder


def test_every_row_is_in_one_portion(records: Path) -> None:
    source = Source(records, 3)
    portions = list(source.portions())
    assert [portion.number for portion in portions] == [0, 1, 2]
    assert [portion.records.strings("id") for portion in portions] == [["a", "b", "c"], ["b", "d"], ["e", "b"]]
    assert np.concatenate([portion.repeats for portion in portions]).tolist() == [False] * 3 + [True] + [False] * 2 + [
        True
    ]
    assert portions[1].records.numbers("latitude").tolist() == [4, 5]
    assert source.rows == 7
    assert source.has_column("url") and not source.has_column("image")


def test_one_file_is_a_source_too(records: Path) -> None:
    assert [len(portion.records) for portion in Source(records / "part-0.parquet", 2).portions()] == [2, 2, 1]


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
            Source(tmp_path / name, 3)


def test_an_output_goes_on_and_counts(records: Path, tmp_path: Path) -> None:
    source = Source(records, 3)
    output = Output(tmp_path / "out", source, size=3)
    (output.partial / "left").touch()
    for portion in source.portions():
        assert not output.is_done(portion.number)
        if portion.number < 2:
            rejects = [("x", None, "gone", "gone away")] * portion.number
            output.finish(portion.number, portion.records.table, rejects_table(rejects))
    again = Output(tmp_path / "out", source, size=3)
    assert not list(again.partial.iterdir())
    assert [again.is_done(number) for number in range(3)] == [True, True, False]
    assert again.counted() == (5, {"gone": 1})
    again.close()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "part-00000.parquet",
        "part-00001.parquet",
        "rejects",
    ]
    assert Records.read(tmp_path / "out").strings("id") == ["a", "b", "c", "b", "d"]


def test_an_output_of_another_job_is_left_alone(records: Path, tmp_path: Path) -> None:
    source = Source(records, 3)
    output = Output(tmp_path / "out", source, size=3)
    output.finish(0, next(source.portions()).records.table, rejects_table([]))
    for other in (Output(tmp_path / "out", source, size=4), Output(tmp_path / "out", Source(records, 2), size=3)):
        with pytest.raises(OutputError, match="made from other records or with other settings; name another folder"):
            other.is_done(0)
    pq.write_table(pa.table({"id": ["new"]}), records / "part-2.parquet")
    with pytest.raises(OutputError, match="made from other records"):
        Output(tmp_path / "out", Source(records, 3), size=3).is_done(0)
    with pytest.raises(OutputError, match="these are the records themselves; name another folder"):
        Output(records, source)


def test_a_broken_shard_is_made_again(records: Path, tmp_path: Path) -> None:
    source = Source(records, 3)
    output = Output(tmp_path / "out", source)
    (tmp_path / "out" / "part-00000.parquet").write_bytes(b"PAR1")
    assert not output.is_done(0)
