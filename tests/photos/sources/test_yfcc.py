"""YFCC100M: every line becomes a record or a reject; keys of the bucket; killed ten times, the same shards."""

from __future__ import annotations

import bz2
import datetime
import hashlib
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from killing import run_killed
from whereshot.cli import app
from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES, Ingested, yfcc
from yfcc_lines import REAL, line


def ingest(tmp_path: Path, *lines: bytes, end: bytes = b"\n") -> Ingested:
    path = tmp_path / "dump.tsv"
    path.write_bytes(b"".join(each + end for each in lines))
    return SOURCES["yfcc"]([path], {}, silent)


@pytest.fixture(scope="module")
def dumps() -> ModuleType:
    """The generator of the benchmark."""
    path = Path(__file__).parents[3] / "benchmarks" / "yfcc_dump.py"
    spec = importlib.util.spec_from_file_location("yfcc_dump", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_photo(tmp_path: Path) -> None:
    result = ingest(tmp_path, line())
    assert len(result.rejects) == 0
    photo = result.records[0]
    long = hashlib.md5(REAL["url"].encode()).hexdigest()
    short = "".join(f"{byte:x}" for byte in bytes.fromhex(long))
    assert len(short) < len(long)
    assert photo == {
        "id": "4571314348",
        "latitude": 55.010991,
        "longitude": -2.335453,
        "image": None,
        "url": REAL["url"],
        "user": "47065077@N00",
        "album": None,
        "taken_at": datetime.datetime(2010, 4, 16, 11, 0, 49, tzinfo=datetime.UTC),
        "taken_at_is_local": True,
        "posted_at": datetime.datetime(2010, 5, 2, 14, 39, 50, tzinfo=datetime.UTC),
        "title": "On the Wall",
        "tags": ["b&w", "black & white", "hadrian's wall", "a,b"],
        "license": "Attribution License",
        "source": "yfcc",
        "camera": "Canon EOS 400D DIGITAL",
        "machine_tags": None,
        "accuracy": 12,
        "page_url": REAL["page_url"],
        "object_key": f"data/images/{long[:3]}/{long[3:6]}/{long}.jpg",
        "object_key_short": f"data/images/{short[:3]}/{short[3:6]}/{short}.jpg",
    }


def test_the_real_row(tmp_path: Path, shared: Path) -> None:
    text = (shared / "data" / "tables" / "yfcc100m_sample_row_from_readme.txt").read_text()
    fields = [field.strip() for field in text.split("  ") if field.strip()]  # its tabs became spaces
    names = [name for name in yfcc.COLUMNS if name not in ("description", "machine_tags")]
    result = ingest(tmp_path, line(**dict(zip(names, fields, strict=True))))
    assert result.records[0]["tags"][3] == "hadrian's wall"
    assert result.records[0]["camera"] == "Canon EOS 400D DIGITAL"


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"marker": "1"}, "video", "its marker is 1"),
        ({"latitude": ""}, "no position", "latitude or longitude is missing"),
        ({"latitude": "91"}, "impossible position", "(91, -2.335453): latitude must lie between -90 and 90 degrees"),
        ({"longitude": "west"}, "impossible position", "longitude is not a number: 'west'"),
        (
            {"latitude": "0", "longitude": "0.0"},
            "position (0, 0)",
            "(0, 0) is where devices without a fix put their photos",
        ),
        ({"marker": ""}, "broken row", "marker must be 0 (a photo) or 1 (a video); it is ''"),
        ({"photo_id": "x"}, "broken row", "photo_id must be a number; it is 'x'"),
    ],
)
def test_what_is_rejected(tmp_path: Path, changes: dict[str, str], reason: str, detail: str) -> None:
    result = ingest(tmp_path, line(**changes), line(photo_id="1"))
    assert result.records.strings("id") == ["1"]
    (reject,) = result.rejects.to_pylist()
    assert (reject["reason"], reject["detail"]) == (reason, detail)
    assert reject["id"] == changes.get("photo_id", REAL["photo_id"])


def test_malformed_lines_are_rejects(tmp_path: Path) -> None:
    cut = b"\t".join(line().split(b"\t")[:7])
    result = ingest(tmp_path, line(photo_id="1"), cut, b"", line() + b"\tmore", b"\xff\xfe", line(title='"quoted'))
    assert result.records.strings("id") == ["1", "4571314348"]
    assert result.records.strings("title") == ["On the Wall", '"quoted']
    told = result.rejects.to_pylist()
    assert [row["reason"] for row in told] == ["broken row"] * 4
    assert (told[0]["id"], told[0]["detail"]) == (None, "photo_id must be a number; it is ''")  # the empty line
    assert told[1]["id"] == "4571314348"
    assert told[1]["detail"].startswith("7 fields where 23 were expected: '4571314348\\t47065077@N00")
    assert told[2]["detail"].startswith("24 fields where 23 were expected: ")
    assert told[3]["detail"] == "1 fields where 23 were expected: '\ufffd\ufffd'"


def test_odd_fields_do_not_cost_the_photo(tmp_path: Path) -> None:
    odd = [
        {"taken": "0000-00-00 00:00:00.0", "uploaded": "soon", "accuracy": "high"},
        {"taken": "2011-02-30 10:00:00.0", "uploaded": "", "accuracy": ""},
        {"taken": "2011-02-28 10:00:00.0", "longitude": "190", "title": "100%25+%zz+%E9+%"},
    ]
    result = ingest(tmp_path, *(line(photo_id=str(n), **changes) for n, changes in enumerate(odd)), end=b"\r\n")
    assert len(result.records) == 3
    for photo in (result.records[0], result.records[1]):
        assert [photo[name] for name in ("taken_at", "taken_at_is_local", "posted_at", "accuracy")] == [None] * 4
    third = result.records[2]
    assert third["taken_at"] == datetime.datetime(2011, 2, 28, 10, tzinfo=datetime.UTC)
    assert third["longitude"] == -170
    assert third["title"] == "100% %zz \ufffd %"


def test_the_release_of_25_columns(tmp_path: Path) -> None:
    long = hashlib.md5(REAL["url"].encode()).hexdigest()
    short = "".join(f"{byte:x}" for byte in bytes.fromhex(long))
    other = "0a" + "b" * 30

    def key(spelling: str) -> str:
        return f"data/images/{spelling[:3]}/{spelling[3:6]}/{spelling}.jpg"

    rows = {"1": other, "2": short, "3": "", "4": "nonsense", "5": "a" + "b" * 30}
    result = ingest(
        tmp_path,
        *(line(yfcc.RELEASE_COLUMNS, line_number="0", photo_id=number, hash=value) for number, value in rows.items()),
    )
    keys = dict(zip(result.records.strings("id"), result.records.strings("object_key"), strict=True))
    short_keys = dict(zip(result.records.strings("id"), result.records.strings("object_key_short"), strict=True))
    assert keys == {"1": key(other), "2": key(long), "3": key(long), "4": key(long), "5": key("a" + "b" * 30)}
    assert short_keys == {
        "1": key("a" + "b" * 30),
        "2": key(short),
        "3": key(short),
        "4": key(short),
        "5": key("a" + "b" * 30),
    }


def test_compressed_parts_are_the_same_rows(tmp_path: Path, dumps: ModuleType) -> None:
    lines = [each.encode() for each in dumps.lines(3000)]
    plain = ingest(tmp_path, *lines)
    for number, part in enumerate((lines[:1000], lines[1000:])):
        (tmp_path / f"part-{number}.bz2").write_bytes(bz2.compress(b"".join(each + b"\n" for each in part), 1))
    packed = SOURCES["yfcc"]([tmp_path / "part-0.bz2", tmp_path / "part-1.bz2"], {}, silent)
    assert packed.records.table.equals(plain.records.table)
    assert packed.rejects.equals(plain.rejects) is False  # a unit has its broken rows last
    assert packed.rejects.sort_by("detail")["reason"].equals(plain.rejects.sort_by("detail")["reason"])
    assert 0.4 < len(plain.records) / 3000 < 0.55


def test_columns_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--column: the columns of YFCC100M are known; leave it out"):
        SOURCES["yfcc"]([tmp_path], {"latitude": "x"}, silent)


def command(dump: Path, out: Path, *more: str) -> list[str]:
    options = ["--unit-mb", "0.02", "--format", "json", *more]
    return [sys.executable, "-m", "whereshot.cli", "ingest", "yfcc", str(dump), "--out", str(out), *options]


def finish(dump: Path, out: Path, *more: str) -> dict[str, Any]:
    result = subprocess.run(command(dump, out, *more), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def shards(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.parquet")}


@pytest.mark.slow
def test_killed_at_ten_random_moments(tmp_path: Path, dumps: ModuleType) -> None:
    dump = dumps.write(tmp_path / "dump.tsv", 4000)
    expected = finish(dump, tmp_path / "calm")
    calm = shards(tmp_path / "calm")
    assert len(calm) > 100
    assert expected["rows"] == 4000

    moments = random.Random(20240501)
    out, manifest = tmp_path / "killed", tmp_path / "killed" / "_manifest.jsonl"

    for _ in range(10):
        run_killed(command(dump, out), out, at=moments.randrange(1, 40))
    assert 0 < manifest.read_bytes().count(b"\n") < len(calm)
    summary = finish(dump, out)
    assert shards(out) == calm
    assert {**summary, "seconds": 0} == {**expected, "seconds": 0}
    units = [json.loads(row)["unit"] for row in manifest.read_text().splitlines()[1:]]
    assert len(units) == len(set(units)) == len({name for name in calm if "/" not in name})
    assert not list(out.rglob(".*"))
    assert len(Records.read(out)) == expected["kept"]


def test_a_finished_job_says_the_same_again(tmp_path: Path, dumps: ModuleType) -> None:
    dump = dumps.write(tmp_path / "dump.tsv.bz2", 500)

    def run(*more: str) -> Result:
        return CliRunner().invoke(app, [*command(dump, tmp_path / "out")[3:], *more])

    first, again = (json.loads(run("--unit-mb", "64").stdout) for _ in range(2))
    assert first["kept"] > 100
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert str(run().exception) == (
        f"{tmp_path / 'out'}: begun by another job (unit_mb was 64.0, is 0.02); "
        "choose another --out, or start again with --overwrite"
    )
    assert json.loads(run("--overwrite").stdout)["kept"] == first["kept"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["yfcc", "{dump}", "--engine", "flink"], "no engine 'flink'; known: local, spark"),
        (["yfcc", "{dump}", "--unit-mb", "0"], "--unit-mb must be more than 0; got 0"),
        (["yfcc", "{dump}", "--column", "latitude=x"], "--column: the columns of yfcc are known; leave it out"),
        (["yfcc", "{dump}.gone"], "{dump}.gone: no such file"),
        (["yfcc", "{dump}"], "none of 1 rows can be used: 1 broken row; see {out}/rejects"),
        (["table", "{dump}", "--check", "x"], "--check is for yfcc into a folder; leave it out"),
    ],
)
def test_mistakes_are_one_line(given: list[str], told: str, tmp_path: Path) -> None:
    dump, out = tmp_path / "dump.tsv", tmp_path / "out"
    dump.write_text("nothing of use\n")
    texts = [text.format(dump=dump, out=out) for text in (*given, "--out", str(out))]
    result = CliRunner().invoke(app, ["ingest", *texts])
    assert str(result.exception) == told.format(dump=dump, out=out)
