"""Many photos into a folder of predictions: the answers of locate, failures in their rows, kills, both engines."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from killing import run_killed
from whereshot import Geolocator
from whereshot.cli import app
from whereshot.evidence.neighbours import AlbumModel
from whereshot.foundation import processes
from whereshot.foundation.errors import InputError, ModelError, OutputError, WhereshotError
from whereshot.foundation.jobs import ENGINES, Engine
from whereshot.foundation.jobs.local import Local
from whereshot.locate import batch
from whereshot.locate.batch import Asked, locate_all, read_photos
from whereshot.locate.options import LocateOptions
from whereshot.photos.records import Records

QUICK = Asked(options=LocateOptions(text=False, top=2))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of twelve rows: eight photos, one of them twice under one id, one broken, one not there, one unnamed."""
    folder = tmp_path_factory.mktemp("photos")
    rows = ["id,path,latitude,longitude"]
    for number in range(8):
        Image.new("RGB", (90, 70), (20 * number, 90, 160)).save(folder / f"{number}.jpg")
        rows.append(f"p{number},{number}.jpg,{10 + number},20")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    rows += ["p0,0.jpg,10,20", "broken,broken.jpg,1,2", "gone,gone.jpg,1,2", "unnamed,,1,2"]
    (folder / "photos.csv").write_text("\n".join(rows) + "\n")
    return folder / "photos.csv"


def run(photos: Path | Records, out: Path, asked: Asked = QUICK, engine: Engine | None = None, **more: Any) -> Any:
    records = photos if isinstance(photos, Records) else read_photos(photos)
    return locate_all(records, out, asked, engine or Local(1), **{"unit_photos": 5, **more})


def rows_of(out: Path) -> list[dict[str, Any]]:
    return Records.read(out).table.to_pylist()


def shards(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("part-*.parquet")}


def test_every_photo_is_a_row(photos: Path, tmp_path: Path) -> None:
    summary = run(photos, tmp_path / "out")
    assert {**summary, "seconds": 0} == {
        "rows": 12,
        "kept": 9,
        "rejected": {"unreadable picture": 2, "no image": 1},
        "seconds": 0,
    }
    rows = rows_of(tmp_path / "out")
    assert [row["id"] for row in rows] == [*(f"p{number}" for number in range(8)), "p0", "broken", "gone", "unnamed"]
    assert [row["error"] is None for row in rows] == [True] * 9 + [False] * 3
    assert rows[10]["error"] == f"{photos.parent / 'gone.jpg'}: no such file"
    assert rows[11]["error"] == "the record names no image file"
    assert rows[11]["image"] is None
    for row in rows[9:]:
        assert {row[name] for name in ("latitude", "radius_km", "within_25", "country", "candidates")} == {None}


def test_answers_are_those_of_locate(photos: Path, tmp_path: Path, tiny: Path, tiny_model: Path) -> None:
    places = sorted(map(str, tiny.glob("*-0.png")))
    records = Records(pa.table({"id": places, "image": places}))
    asked = Asked(str(tiny_model), options=LocateOptions(text=False, level=0.8, within_km=200.0))
    run(records, tmp_path / "out", asked)
    expected = Geolocator.load(tiny_model).locate(places, text=False, level=0.8, within_km=200.0)
    rows = rows_of(tmp_path / "out")
    assert len({row["country"] for row in rows}) > 1
    for row, told in zip(rows, expected, strict=True):
        assert (row["latitude"], row["longitude"]) == pytest.approx((told.latitude, told.longitude), abs=1e-5)
        assert (row["radius_km"], row["level"]) == (pytest.approx(told.radius_km, rel=1e-3), 0.8)
        assert {f"within_{km}": pytest.approx(share, abs=2e-4) for km, share in told.within.items()}.items() <= (
            row.items()
        )
        assert (row["place"], row["country_code"]) == (told.place.name, told.place.country_code)
        assert row["countries"][0]["country_code"] == told.countries[0][0]
        assert [one["place"] for one in row["candidates"]] == [one.place.name for one in told.candidates]


def test_recorded_positions_and_signs(tmp_path: Path, jpeg_with_position: Any) -> None:
    place = str(jpeg_with_position(tmp_path / "a.jpg", -33.5, 151.25))
    records = Records(pa.table({"id": ["a"], "image": [place]}))
    run(records, tmp_path / "out", Asked(options=LocateOptions(text=False, use_exif=True)))
    (row,) = rows_of(tmp_path / "out")
    assert (row["recorded_latitude"], row["recorded_longitude"]) == pytest.approx((-33.5, 151.25), abs=1e-4)
    assert (row["latitude"], row["longitude"]) == pytest.approx((-33.5, 151.25), abs=0.1)
    assert row["evidence"][0]["kind"] == "exif"


def test_one_odd_picture_fails_alone(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from whereshot.photos import images

    usual = images.decoded

    def decoded(image: Any, name: str, *more: Any) -> Any:
        if name.endswith("3.jpg"):
            raise RuntimeError("a decoder\ncannot go on")
        return usual(image, name, *more)

    monkeypatch.setattr(images, "decoded", decoded)
    summary = run(photos, tmp_path / "out")
    assert summary["rejected"]["could not be located"] == 1
    rows = rows_of(tmp_path / "out")
    assert rows[3]["error"] == (
        f"could not be located: {photos.parent / '3.jpg'}: RuntimeError: a decoder cannot go on"
    )
    assert sum(row["error"] is not None for row in rows) == 4


def test_a_process_of_several_starts_none(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve photos would have their signs read by two processes; in a unit they have not."""
    started = []
    spread = processes.spread
    monkeypatch.setattr(processes.os, "sched_getaffinity", lambda _: range(4), raising=False)
    monkeypatch.setattr(processes, "spread", lambda *given: started.append(given) or spread(*given))
    records = read_photos(photos)[:6]
    run(Records.concat([records, records]), tmp_path / "out", Asked(), unit_photos=12)
    assert started == []
    assert processes.cores() == 4


# --- what is read


def test_a_folder_needs_no_positions(photos: Path) -> None:
    records = read_photos(photos.parent)
    assert records.strings("id") == [*(f"{number}.jpg" for number in range(8)), "broken.jpg"]
    assert records.strings("image")[0] == str(photos.parent / "0.jpg")


def test_tables(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("NAME;Path\n007;a.jpg\n;b.jpg\nlast;\n", "utf-8-sig")
    assert read_photos(table).strings("id") == ["a.jpg", "b.jpg", "list:3"]
    named = read_photos(table, {"id": "NAME"})
    assert named.strings("id") == ["007", "b.jpg", "last"]
    assert named.strings("image") == [str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg"), None]
    named.write(tmp_path / "records")
    assert read_photos(tmp_path / "records").strings("image") == named.strings("image")


def test_a_ragged_row_of_a_table_is_refused(tmp_path: Path) -> None:
    """It could name a picture that would then be missing among the answers."""
    table = tmp_path / "list.csv"
    table.write_text("id,image\ra,a.jpg\rb\r")
    with pytest.raises(InputError) as refused:
        read_photos(table)
    assert str(refused.value) == f"{table}: row 2: 1 fields where 2 were expected: 'b'"
    table.write_text("id,image\ra,a.jpg\r")
    assert read_photos(table).strings("id") == ["a"]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({}, "no column of pictures among a, b; name it: --column image=NAME"),
        ({"image": "A"}, "no column 'A'; known: a, b"),
        ({"latitude": "a"}, "--column latitude=...: only id and image are used here"),
    ],
)
def test_tables_that_name_no_pictures(columns: dict[str, str], told: str, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(InputError) as refused:
        read_photos(table, columns)
    assert told in str(refused.value)


# --- going on


def test_other_settings_photos_or_models_are_refused(photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    out = tmp_path / "out"
    run(photos, out)
    calm = shards(out)
    for asked, told in (
        (Asked(options=LocateOptions(text=False, top=3)), "top was 2, is 3"),
        (Asked(options=LocateOptions(text=False, top=2, level=0.5)), "level was 0.9, is 0.5"),
        (Asked(options=LocateOptions(top=2)), "text was False, is True"),
        (Asked(str(tiny_model), options=LocateOptions(text=False, top=2)), "model was 'compact "),
    ):
        with pytest.raises(OutputError, match=told):
            run(photos, out, asked)
    with pytest.raises(OutputError, match=r"photos was '12 photos [0-9a-f]+', is '11 photos"):
        run(read_photos(photos)[:11], out)
    with pytest.raises(OutputError, match="unit_photos was 5, is 6"):
        run(photos, out, unit_photos=6)
    assert shards(out) == calm
    assert run(photos, out, Asked(options=LocateOptions(text=False, top=3)), overwrite=True)["kept"] == 9
    assert shards(out) != calm


def test_the_hash_of_the_model_counts(photos: Path, tmp_path: Path, tiny_model: Path) -> None:
    """A model of the same name whose calibration is another is another model, also to a worker."""
    import hashlib

    other = tmp_path / "model"
    shutil.copytree(tiny_model, other)
    before = batch.identify(Geolocator.load(other))
    text = (other / "README.md").read_bytes() + b"\nchanged\n"
    (other / "README.md").write_bytes(text)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["sha256"]["README.md"] = hashlib.sha256(text).hexdigest()
    (other / "manifest.json").write_text(json.dumps(manifest))
    after = batch.identify(Geolocator.load(other))
    assert before == batch.identify(Geolocator.load(tiny_model)) != after
    rows = pa.RecordBatch.from_pylist([{"id": "a", "image": None}])
    with pytest.raises(ModelError, match="not the model that the batch was begun with"):
        batch.answer(rows, identity=before, **Asked(str(other)).settings())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (Asked(device="toaster"), "device 'toaster' cannot be used here"),
        (Asked(options=LocateOptions(album=AlbumModel())), "album cannot be used here; leave it out"),
        (Asked("nowhere"), "nowhere: no such model folder"),
    ],
)
def test_settings_are_refused_before_the_folder_is_made(asked: Asked, told: str, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(WhereshotError, match=told):
        run(photos, tmp_path / "out", asked)
    assert not (tmp_path / "out").exists()


def command(photos: Path, out: Path) -> list[str]:
    options = ["--no-text", "--unit", "2", "--top", "1", "--format", "json"]
    return [sys.executable, "-m", "whereshot.cli", "batch", str(photos), "--out", str(out), *options]


@pytest.mark.slow
def test_killed_at_random_moments(photos: Path, tmp_path: Path) -> None:
    table = tmp_path / "many.csv"
    header, *rows = photos.read_text().splitlines()
    folder = photos.parent
    again = [row.replace(",", f",{folder}/", 1) if ",," not in row else row for row in rows]
    table.write_text("\n".join([header, *(again * 8)]) + "\n")
    calm = run(table, tmp_path / "calm", Asked(options=LocateOptions(text=False, top=1)), unit_photos=2)
    expected = shards(tmp_path / "calm")
    assert calm["rows"] == 96

    moments = random.Random(20240501)
    out = tmp_path / "killed"
    manifest = out / "_manifest.jsonl"
    for _ in range(3):
        run_killed(command(table, out), out, at=moments.randrange(4, 14))
    assert 0 < manifest.read_bytes().count(b"\n") - 1 < 48
    summary = run(table, out, Asked(options=LocateOptions(text=False, top=1)), unit_photos=2)
    assert shards(out) == expected
    assert {**summary, "seconds": 0} == {**calm, "seconds": 0}
    units = [json.loads(line)["unit"] for line in manifest.read_text().splitlines()[1:]]
    assert len(units) == len(set(units)) == 48


@pytest.mark.slow
def test_spark_gives_the_same_rows(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="needs pyspark (extra spark)")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("needs Java 17")
    expected = run(photos, tmp_path / "local")
    summary = run(photos, tmp_path / "spark", engine=ENGINES["spark"]("local[2]"))
    assert {**summary, "seconds": 0} == {**expected, "seconds": 0}
    assert shards(tmp_path / "spark") == shards(tmp_path / "local")


# --- the command


def invoke(*args: str | Path) -> Result:
    return CliRunner().invoke(app, ["batch", *map(str, args)], standalone_mode=False)


def test_the_command(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke(photos, "--out", out, "--no-text", "--format", "json")
    document = json.loads(result.stdout)
    assert set(document) == {"rows", "kept", "rejected", "seconds"}
    assert (document["rows"], document["kept"], document["rejected"]["no image"]) == (12, 9, 1)
    assert "1 rows have the id of an earlier row; each is located and gets its own row" in result.stderr
    words = invoke(photos, "--out", out, "--no-text").stdout.splitlines()
    assert words[0].startswith(f"9 of 12 photos located in {out} (")
    assert words[1:] == ["  failed: 2 unreadable picture", "  failed: 1 no image", f"  listed in {out / 'rejects'}"]
    again = invoke(photos, "--out", out)
    assert isinstance(again.exception, OutputError)
    assert "text was False, is True" in str(again.exception)


def test_evaluate_reads_the_folder(photos: Path, tmp_path: Path) -> None:
    header, *rows = photos.read_text().splitlines()
    once = photos.parent / "once.csv"
    once.write_text("\n".join([header, *rows[:8], *rows[9:]]) + "\n")
    assert invoke(once, "--out", tmp_path / "out", "--no-text").exception is None
    scoring = ["evaluate", "--predictions", str(tmp_path / "out"), "--truth", str(once), "--format", "json"]
    result = CliRunner().invoke(app, scoring, standalone_mode=False)
    assert result.exception is None
    document = json.loads(result.stdout)
    assert "12" not in str(document["photos"])
    assert "11" in str(document["photos"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--engine", "flink"], "no engine 'flink'; known: local, spark"),
        (["--master", "local[2]"], "--master is for --engine spark; leave it out"),
        (["--model", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_one_line(given: list[str], told: str, photos: Path, tmp_path: Path) -> None:
    result = invoke(photos, "--out", tmp_path / "out", *given)
    assert told in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_unit_reads_its_own_rows_and_few_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many photos: else each unit would read all before it, and twice as many photos take four times as long."""
    monkeypatch.setattr(batch, "INPUT_ROWS", 3)
    photos = Records(pa.table({"id": [f"{n}" for n in range(10)], "image": pa.nulls(10, pa.string())}))
    batch.locate_all(photos, tmp_path / "out", batch.Asked(options=LocateOptions(text=False)), Local(1), unit_photos=2)
    written = pq.ParquetFile(tmp_path / "out" / batch.INPUT).metadata
    assert [written.row_group(n).num_rows for n in range(written.num_row_groups)] == [3, 3, 3, 1]
    rows = pq.ParquetDataset(sorted((tmp_path / "out").glob("part-*.parquet"))).read()
    assert rows["id"].to_pylist() == [f"{n}" for n in range(10)]
