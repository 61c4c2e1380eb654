"""Shards: what is done stays done, and nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whereshot.foundation.errors import OutputError
from whereshot.foundation.jobs import (
    Shards,
    write_unit,
)
from whereshot.foundation.jobs.base import leave_mark
from whereshot.foundation.tables import rejects_table
from whereshot.photos.records import Records


def kept(*ids: str) -> pa.Table:
    return pa.table({"id": list(ids)})


def rejects(*ids: str, reason: str = "no position") -> pa.Table:
    return rejects_table([(name, None, reason, "latitude is missing") for name in ids])


def open_shards(folder: Path, **changes: object) -> Shards:
    return Shards(folder, **{"job": "clean", "settings": {"least": 3}, "inputs": [], **changes})


def test_shards_go_on_where_they_stopped(tmp_path: Path) -> None:
    with open_shards(tmp_path / "out") as shards:
        assert shards.pending(["a", "b", "c"]) == ["a", "b", "c"]
        shards.write("b", kept("3", "4"), rejects("5"))
        write_unit(shards.folder, "a", kept("half"), rejects("half"))  # killed before its line: not done
    with open_shards(tmp_path / "out") as shards:
        assert shards.pending(["a", "b", "c"]) == ["a", "c"]
        shards.write("a", kept("1", "2"), rejects())
        shards.write("c", kept(), rejects("6", "7", reason="too small"))
        summary = shards.summary()
    assert summary.pop("seconds") >= 0
    assert summary == {"rows": 7, "kept": 4, "rejected": {"too small": 2, "no position": 1}}
    assert Records.read(tmp_path / "out").strings("id") == ["1", "2", "3", "4"]
    told = pq.read_table(tmp_path / "out" / "rejects")
    assert sorted(told["id"].to_pylist()) == ["5", "6", "7"]  # the rejects of the killed attempt are gone


def test_half_a_line_in_the_manifest_is_not_done(tmp_path: Path) -> None:
    with open_shards(tmp_path) as shards:
        shards.write("a", kept("1"), rejects())
    manifest = tmp_path / "_manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b'{"unit": "b", "kep')
    (tmp_path / ".part-b.parquet.12345678").write_bytes(b"PAR1")
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == ["b"]
        assert not list(tmp_path.glob(".part-*"))
        shards.write("b", kept("2"), rejects())
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"job": "fetch"}, "it is of 'clean', this is 'fetch'"),
        ({"settings": {"least": 4}}, "least was 3, is 4"),
        ({"settings": {}}, "least was 3, is None"),
        ({"inputs": ["s3://b/x"]}, "input s3://b/x was not there"),
    ],
)
def test_another_job_is_refused_and_may_overwrite(tmp_path: Path, changes: dict, told: str) -> None:
    with open_shards(tmp_path) as shards:
        shards.write("a", kept("1"), rejects("2"))
    with pytest.raises(OutputError) as caught:
        open_shards(tmp_path, **changes)
    assert str(caught.value) == (
        f"{tmp_path}: begun by another job ({told}); choose another --out, or start again with --overwrite"
    )
    with open_shards(tmp_path, **changes, overwrite=True) as shards:
        assert shards.pending(["a"]) == ["a"]
        assert not list(tmp_path.rglob("*.parquet"))


def test_a_changed_input_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.tsv"
    source.write_text("one")
    open_shards(tmp_path / "out", inputs=[source]).close()
    open_shards(tmp_path / "out", inputs=[source]).close()
    source.write_text("another")
    with pytest.raises(OutputError, match=r"in\.tsv has changed"):
        open_shards(tmp_path / "out", inputs=[source])


def test_files_of_others_are_not_mixed_in(tmp_path: Path) -> None:
    pq.write_table(kept("1"), tmp_path / "mine.parquet")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"mine\.parquet is not a shard of a job; choose another"):
            open_shards(tmp_path, overwrite=overwrite)


def test_records_of_another_command_are_only_overwritten_when_told(tmp_path: Path) -> None:
    Records(kept("1")).write(tmp_path)
    with pytest.raises(OutputError, match="has records of a job that cannot continue; choose another --out, or"):
        open_shards(tmp_path)
    with open_shards(tmp_path, overwrite=True) as shards:
        shards.write("a", kept("2"), rejects())
    assert Records.read(tmp_path).strings("id") == ["2"]


def test_one_job_at_a_time(tmp_path: Path) -> None:
    with open_shards(tmp_path), pytest.raises(OutputError, match="another whereshot process writes there"):
        open_shards(tmp_path)
    open_shards(tmp_path).close()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="a file is in the way; name a folder"):
        open_shards(tmp_path / "out")


def test_marks_of_a_driver_that_was_killed_count(tmp_path: Path) -> None:
    open_shards(tmp_path).close()
    leave_mark(tmp_path, write_unit(tmp_path, "a", kept("1"), rejects("2")))
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == ["b"]
        assert not list(tmp_path.glob(".done-*"))
    with open_shards(tmp_path) as shards:
        assert shards.pending(["a", "b"]) == ["b"]
