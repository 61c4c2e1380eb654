"""Jobs: the answer of a query in shards, rows that are kept and rows that are rejected."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from whereshot.foundation.errors import InputError
from whereshot.foundation.jobs import (
    Shards,
    write_table,
)
from whereshot.foundation.jobs.engine import separated, shards_of
from whereshot.foundation.tables import REJECTS
from whereshot.photos.records import Records


def kept(*ids: str) -> pa.Table:
    return pa.table({"id": list(ids)})


def test_an_answer_in_shards(tmp_path: Path) -> None:
    with Shards(tmp_path, "query", {}) as shards:
        write_table(kept("1", "2"), shards)
        assert shards.summary()["kept"] == 2
    with Shards(tmp_path, "query", {}) as shards:
        write_table(kept("1", "2"), shards)
        assert shards.summary()["kept"] == 2
    assert Records.read(tmp_path).strings("id") == ["1", "2"]


def rows_with_reasons() -> pa.Table:
    return pa.table(
        {
            "id": ["a", "b", "c"],
            "reject_reason": [None, "no position", None],
            "reject_detail": [None, "latitude is missing", None],
        }
    )


def test_rows_with_a_reason_are_rejects() -> None:
    found, rejected = separated(rows_with_reasons())
    assert found.to_pydict() == {"id": ["a", "c"]}
    assert rejected.to_pylist() == [
        {"id": "b", "image": None, "reason": "no position", "detail": "latitude is missing"}
    ]


def test_a_failed_row_may_stay_among_the_answers() -> None:
    found, rejected = separated(rows_with_reasons(), failures_stay=True)
    assert found.to_pydict() == {"id": ["a", "b", "c"]}
    assert rejected["id"].to_pylist() == ["b"]


def test_rows_without_reasons_are_all_kept() -> None:
    found, rejected = separated(kept("1", "2"))
    assert found["id"].to_pylist() == ["1", "2"]
    assert len(rejected) == 0 and rejected.schema == REJECTS


def test_a_folder_without_shards_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder without \.parquet shards; make records with: whereshot ingest$"):
        shards_of(tmp_path)
