"""Curation as a whole: every row is kept or refused with a reason, whatever is killed, on every engine."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curating import clean, picture, rejects_of, write_records
from killing import run_killed
from whereshot.foundation.errors import InputError, OutputError
from whereshot.foundation.jobs.local import Local
from whereshot.photos.curate import curate, run
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES


def photos(folder: Path, count: int, shards: int = 1) -> Path:
    """Photos of which each tenth is a copy of one before, each tenth blank, each tenth no picture, each tenth none."""
    folder.mkdir()
    rows = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        shown = picture(number - 3 if number % 10 == 6 else number)
        shown.save(path, quality=80 if number % 10 == 6 else 95)
        if number % 10 == 7:
            path.write_bytes((folder / f"{number - 4}.jpg").read_bytes())
        elif number % 10 == 8:
            path.write_bytes(b"no picture" * 200)
        row = {"id": f"photo {number}", "image": str(path), "latitude": number % 7.0, "longitude": 2.0}
        rows.append(row | {"user": f"u{number % 3}"} | ({"image": None} if number % 10 == 9 else {}))
    part = -(-count // shards)
    for shard in range(shards):
        write_records(folder / "records" / f"part-{shard:05d}.parquet", rows[shard * part : (shard + 1) * part])
    return folder / "records"


ALL = {"verify": {}, "duplicates": {}, "one_per_user_cell": {"level": 7, "seed": 1}, "balance": {"most": 2}}


def test_every_row_is_kept_or_refused_for_its_first_reason(tmp_path: Path) -> None:
    source = photos(tmp_path / "in", 40)
    found = clean(source, tmp_path / "out", verify={}, duplicates={})
    assert found.pop("seconds") >= 0
    rejected = {"duplicate bytes": 4, "duplicate look": 4, "no image file": 4, "unreadable picture": 4}
    assert found == {"rows": 40, "kept": 24, "rejected": rejected}
    kept, why = Records.read(tmp_path / "out"), rejects_of(tmp_path / "out")
    assert kept.strings("id") == [f"photo {number}" for number in range(40) if number % 10 < 6]
    assert kept.strings("user") == [f"u{number % 3}" for number in range(40) if number % 10 < 6]
    assert {*kept.strings("id"), *why} == {f"photo {number}" for number in range(40)}
    place = tmp_path / "in"
    assert why["photo 17"][1] == f"the same bytes as 'photo 13' ({place / '13.jpg'})"
    assert why["photo 16"][1].startswith(f"looks like 'photo 13' ({place / '13.jpg'}): ")
    assert why["photo 18"][1] == f"{place / '18.jpg'}: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"
    assert why["photo 19"][1] == "the record names no image file"
    assert not list((tmp_path / "out" / ".judged").rglob("*.parquet"))
    again = clean(source, tmp_path / "out", verify={}, duplicates={})
    assert (again["rows"], again["kept"], again["rejected"]) == (40, 24, rejected)


def test_the_first_record_keeps_its_photo(tmp_path: Path) -> None:
    """Across folders: of two sources with the same photos, all of the second's are twins."""
    for name in ("a", "b"):
        photos(tmp_path / name, 6)
    found = clean([tmp_path / "b" / "records", tmp_path / "a" / "records"], tmp_path / "out", duplicates={})
    assert (found["rows"], found["kept"], found["rejected"]) == (12, 6, {"duplicate bytes": 6})
    assert all(str(tmp_path / "b") in (image or "") for image in Records.read(tmp_path / "out").strings("image"))


def outcome(out: Path) -> dict[str, list[dict]]:
    return {str(path.relative_to(out)): pq.read_table(path).to_pylist() for path in sorted(out.rglob("*.parquet"))}


def test_units_and_processes_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = photos(tmp_path / "in", 40, shards=3)
    clean(source, tmp_path / "whole", **ALL)
    monkeypatch.setattr(run, "UNIT_PHOTOS", 9)
    curate([source], tmp_path / "parts", ALL, Local(2))
    whole, parts = Records.read(tmp_path / "whole"), Records.read(tmp_path / "parts")
    assert parts.table.equals(whole.table)
    assert rejects_of(tmp_path / "parts") == rejects_of(tmp_path / "whole")
    assert 5 < len(whole) < 20


@pytest.mark.slow
def test_spark_ends_with_the_same_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``tests/foundation/jobs/test_spark.py`` holds the same of jobs of each kind, in one session of Spark."""
    pytest.importorskip("pyspark", reason="needs pyspark (extra spark)")
    import shutil

    from whereshot.foundation.jobs import ENGINES

    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("needs Java 17")
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # it starts sooner
    source = photos(tmp_path / "in", 20, shards=2)
    clean(source, tmp_path / "here", verify={}, duplicates={})
    engine = ENGINES["spark"]("local[1]")
    curate([source], tmp_path / "spark", {"verify": {}, "duplicates": {}}, engine)
    engine.session().stop()  # type: ignore[attr-defined]
    assert outcome(tmp_path / "spark") == outcome(tmp_path / "here")


SCRIPT = """
import json, sys
from whereshot.photos.curate import curate, run
from whereshot.foundation.jobs.local import Local
run.UNIT_PHOTOS = 10
curate([sys.argv[1]], sys.argv[2], json.loads(sys.argv[3]), Local(1))
"""


@pytest.mark.slow
def test_killed_at_ten_random_moments_it_ends_as_if_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "UNIT_PHOTOS", 10)
    source = photos(tmp_path / "in", 200)
    clean(source, tmp_path / "expected", **ALL)
    out, moments = tmp_path / "out", random.Random(3)
    command = [sys.executable, "-c", SCRIPT, str(source), str(out), json.dumps(ALL)]
    for _ in range(10):
        run_killed(command, out, at=moments.randrange(1, 20))
    subprocess.run(command, check=True)
    assert outcome(out) == outcome(tmp_path / "expected")
    assert clean(source, out, **ALL)["rows"] == 200


def test_killed_in_the_middle_of_writing_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The units that were judged are still there, and none is judged again."""
    monkeypatch.setattr(run, "UNIT_PHOTOS", 10)
    source = photos(tmp_path / "in", 40)
    clean(source, tmp_path / "expected", **ALL)
    write = run._write

    def stop(folder: Path, done: object, unit: str, own: range, dropped: object) -> None:
        if own.start > 10:
            raise KeyboardInterrupt
        write(folder, done, unit, own, dropped)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(run, "_write", stop)
        with pytest.raises(KeyboardInterrupt):
            clean(source, tmp_path / "out", **ALL)
    assert len(list((tmp_path / "out").glob("part-*.parquet"))) == 2
    for path in (tmp_path / "in").glob("*.jpg"):
        path.unlink()
    clean(source, tmp_path / "out", **ALL)
    assert outcome(tmp_path / "out") == outcome(tmp_path / "expected")


def test_what_cannot_be_done_is_said_before_the_work(tmp_path: Path) -> None:
    source = photos(tmp_path / "in", 2)
    bare = write_records(tmp_path / "bare.parquet", [{"id": "a", "latitude": 1.0, "longitude": 2.0}])
    for records, steps, message in (
        (source, {}, "nothing to do; give a step, as --verify or --duplicates"),
        (source, {"verfy": {}}, "no step 'verfy'; did you mean 'verify'?"),
        (bare, {"verify": {}}, f"{bare}: no column 'image' that names files; download them with: whereshot fetch"),
        (bare, {"one_per_user_cell": {"level": 9}}, "--one-per-user-cell needs a column 'user', and no record has one"),
    ):
        with pytest.raises(InputError) as caught:
            clean(records, tmp_path / "out", **steps)
        assert str(caught.value) == message
    with pytest.raises(OutputError, match="the records themselves are there"):
        clean(source, source, verify={})
    assert not (tmp_path / "out").exists()
    clean(source, tmp_path / "out", verify={})
    with pytest.raises(OutputError, match=r"begun by another job \(steps was .*; choose another --out"):
        clean(source, tmp_path / "out", verify={"min_side": 9})


def test_no_records_and_columns_of_one_source_alone(tmp_path: Path) -> None:
    Records(pa.table({"id": pa.array([], pa.string())})).write(tmp_path / "none.parquet")
    found = clean(tmp_path / "none.parquet", tmp_path / "out", balance={"most": 1})
    assert (found["rows"], found["kept"]) == (0, 0)
    one = write_records(tmp_path / "one.parquet", [{"id": "a", "latitude": 1.0, "longitude": 1.0, "user": "u"}])
    two = write_records(tmp_path / "two.parquet", [{"id": "b", "latitude": 1.0, "longitude": 1.0, "kind": "x"}])
    found = clean([one, two], tmp_path / "both", balance={"most": 1, "by": "kind"})
    assert found["kept"] == 2
    assert Records.read(tmp_path / "both").strings("kind") == [None, "x"]


def test_published_tables_load_with_users_and_scenes(shared: Path, tmp_path: Path) -> None:
    """yfcc25600_places365.csv and im2gps3k_places365.csv, and their outdoor photos."""
    from whereshot.foundation.progress import silent

    for name, count in (("yfcc25600", 25_600), ("im2gps3k", 2_997)):
        result = SOURCES["table"]([shared / "data" / "tables" / f"{name}_places365.csv"], {}, silent)
        records = result.records
        assert result.rows == count and len(records) + len(result.rejects) == count
        assert len(records) >= 0.99 * count
        assert None not in records.strings("user")
        scenes = np.stack([records.numbers(f"scene_{kind}") for kind in ("indoor", "natural", "urban")], axis=1)
        np.testing.assert_allclose(scenes.sum(axis=1), 1, atol=1e-3)
        records.write(tmp_path / name)
        found = clean(tmp_path / name, tmp_path / f"{name}-out", scene={"wanted": "outdoor"})
        outdoor = int((scenes[:, 0] < scenes[:, 1] + scenes[:, 2]).sum())
        assert found["kept"] == outdoor
        assert 0.5 < outdoor / count < 0.9
