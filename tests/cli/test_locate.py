"""The command line as scripts use it: one document on stdout, the right exit code, one line for every mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from conftest import TOWNS, MakePicture
from interrupting import listen_to_control_c
from whereshot.cli import main
from whereshot.earth import partition
from whereshot.earth.countries import countries
from whereshot.photos.records import Records

COMMAND = [sys.executable, "-m", "whereshot.cli"]


class Result(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def mistake(self) -> str:
        """The one line that a refused command says, after the progress of what it did before."""
        assert (self.code, self.out) == (2, "")
        assert self.err.count("whereshot: ") == 1
        assert "Traceback" not in self.err
        last = self.err.splitlines()[-1]
        assert last.startswith("whereshot: ")
        return last.removeprefix("whereshot: ")


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, as the installed script does."""

    def run(*arguments: Any) -> Result:
        monkeypatch.setattr(sys, "argv", ["whereshot", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        return Result(int(exit.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def locate(run: Run) -> Run:
    """The command locate, without the reading of signs."""
    return lambda *arguments: run("locate", "--no-text", *arguments)


@pytest.fixture
def file_in_the_way(tmp_path: Path) -> Path:
    """Where a folder should be: tests that run as root may write to any folder."""
    path = tmp_path / "file"
    path.write_text("in the way")
    return path


# --- the program itself


def test_help_lists_the_commands() -> None:
    script = Path(sys.executable).with_name("whereshot")
    result = subprocess.run([str(script), "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    listed = set(re.findall(r"^  (\w+) ", result.stdout, flags=re.MULTILINE))
    assert {"locate", "ingest", "cells", "train", "evaluate", "models"} <= listed


def test_without_a_command_help_goes_to_stderr(run: Run) -> None:
    for group in ((), ("cells",), ("models",)):
        result = run(*group)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("Usage: ")
        assert len(result.err.splitlines()) > 5


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["locat"], "locat"),
        (["locate"], "photos"),
        (["locate", "--colour", "red", "x.jpg"], "--colour"),
        (["locate", "x.jpg", "--top", "0"], "--top"),
        (["locate", "x.jpg", "--top", "many"], "--top"),
        (["locate", "x.jpg", "--level", "high"], "--level"),
        (["locate", "x.jpg", "--format", "xml"], "--format"),
        (["ingest", "folder", "x"], "--out"),
        (["cells", "build", "x.csv"], "--out"),
        (["train", "x.toml", "--workers", "0"], "--workers"),
        (["models", "show"], "model"),
        (["models", "get"], "name"),
    ],
)
def test_usage_errors_are_one_line(run: Run, arguments: list[str], named: str) -> None:
    result = run(*arguments)
    assert named in result.mistake
    assert result.err.count("\n") == 1


def test_light_without_a_model(tiny: Path) -> None:
    code = (
        "import sys\n"
        "from whereshot.cli import main\n"
        f"sys.argv = ['whereshot', 'locate', '--no-text', {str(tiny / 'lima-0.png')!r}, '--format', 'json']\n"
        "heavy = {'torch', 'torchvision', 'timm', 'matplotlib'}\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as stop:\n"
        "    print(stop.code, *sorted(heavy & {*sys.modules}), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr == "0\n"
    assert json.loads(result.stdout)["model"] == "compact"


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_reader_that_leaves_is_no_error(tiny: Path, form: str) -> None:
    """As with ``| head -1``: the pipe is closed before anything is written, or in the midst of it."""
    command = [*COMMAND, "locate", "--no-text", str(tiny / "lima-0.png"), str(tiny / "lima-1.png"), "--format", form]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered)
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_control_c_stops_quietly(tiny: Path, tmp_path: Path) -> None:
    region = tmp_path / "region.geojson"
    os.mkfifo(region)  # the command waits for what is in it
    command = [*COMMAND, "locate", str(tiny / "lima-0.png"), "--region", str(region)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listen_to_control_c
    )
    with region.open("w"):  # opens when the command has
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


# --- locate


def test_locate_as_text(locate: Run, tiny: Path) -> None:
    result = locate(tiny / "lima-0.png", tiny / "lima-1.png", "--top", 2)
    assert result.code == 0
    first, second = result.out.strip().split("\n\n")
    lines = first.splitlines()
    assert lines[0] == str(tiny / "lima-0.png")
    assert second.splitlines()[1:] == lines[1:]  # without a model all photos have the same answer
    assert lines[1].endswith("United Kingdom)")
    assert [line[:5] for line in lines[-2:]] == ["  1. ", "  2. "]
    assert result.err.startswith("No model is loaded: ")


def test_locate_as_json(locate: Run, tiny: Path, tiny_model: Path) -> None:
    photos = [tiny / f"{town}-1.png" for town in TOWNS]
    result = locate(*photos, "--model", tiny_model, "--format", "json")
    document = result.document
    assert result.code == 0
    assert [*document] == ["model", "predictions"]
    assert document["model"] == "tiny"
    assert [one["id"] for one in document["predictions"]] == [str(photo) for photo in photos]
    assert [*document["predictions"][0]] == [
        *("id", "path", "latitude", "longitude", "radius_km", "level", "within", "confident_to", "place"),
        *("countries", "candidates", "evidence", "recorded", "error"),
    ]
    found = np.array([[one["latitude"], one["longitude"]] for one in document["predictions"]])
    np.testing.assert_allclose(found, [[latitude, longitude] for latitude, longitude, _ in TOWNS.values()], atol=0.1)


def test_locate_as_csv_and_geojson(locate: Run, tiny: Path) -> None:
    photo = tiny / "lima-0.png"
    (row,) = csv.DictReader(io.StringIO(locate(photo, "--format", "csv").out))
    assert (row["id"], row["country_code"]) == (str(photo), "GB")
    answer, region = locate(photo, "--format", "geojson", "--level", 0.3).document["features"]
    assert answer["geometry"]["coordinates"] == [float(row["longitude"]), float(row["latitude"])]
    assert (region["geometry"]["type"], region["properties"]["level"]) == ("Polygon", 0.3)


@pytest.mark.parametrize("form", ["table", "json", "geojson", "csv", "html"])
def test_locate_into_a_file(locate: Run, tiny: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"answer.{form}"
    result = locate(tiny / "lima-0.png", "--format", form, "--out", out)
    assert (result.code, result.out) == (0, "")
    assert f"wrote {out}" in result.err.splitlines()
    text = out.read_text("utf-8")
    if form == "html":
        assert text.startswith("<!doctype html>")
        (told,) = locate(tiny / "lima-0.png", "--format", "json").document["predictions"]
        assert f'"lines":["{told["latitude"]:.4f}, {told["longitude"]:.4f} (' in text
    else:
        printed = locate(tiny / "lima-0.png", "--format", form)
        assert printed.out == text


def test_locate_whole_folders(locate: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("b.png", "deep/a.png", ".hidden.png"):
        shutil.copy(tiny / "lima-0.png", tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture, and not named as one")
    result = locate(tmp_path / "in", tiny / "lima-1.png", "--format", "json")
    names = [Path(one["id"]).name for one in result.document["predictions"]]
    assert (result.code, names) == (0, ["b.png", "a.png", "lima-1.png"])


def test_locate_inside_a_region(locate: Run, tiny: Path, tmp_path: Path) -> None:
    (inside,) = locate(tiny / "lima-0.png", "--region", "New Zealand", "--format", "json").document["predictions"]
    assert inside["place"]["country_code"] == "NZ"
    assert {c["place"]["country_code"] for c in inside["candidates"]} == {"NZ"}

    square = {"type": "Polygon", "coordinates": [[[10, 45], [12, 45], [12, 47], [10, 47], [10, 45]]]}
    path = tmp_path / "square.geojson"
    path.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": square}))
    (inside,) = locate(tiny / "lima-0.png", "--region", path, "--format", "json").document["predictions"]
    for spot in (inside, *inside["candidates"]):
        assert 45 <= spot["latitude"] <= 47
        assert 10 <= spot["longitude"] <= 12

    said = locate(tiny / "lima-0.png", "--region", "Frannce").mistake
    assert said == "no country or region 'Frannce' and no such file; did you mean 'france'?"
    path.write_text("{}")
    assert locate(tiny / "lima-0.png", "--region", path).mistake == f"{path}: not GeoJSON; its type is None"


def test_locate_writes_the_whole_distribution(locate: Run, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "posterior.parquet"
    gone = tmp_path / "gone.jpg"
    photos = [tiny / "lima-0.png", gone, tiny / "paris-0.png"]
    result = locate(*photos, "--model", tiny_model, "--posterior", out, "--format", "json")
    assert result.code == 1
    answers = {one["id"]: one for one in result.document["predictions"]}
    table = pq.read_table(out)
    assert table.column_names == ["id", "latitude", "longitude", "mass", "spread_km"]
    ids = np.array(table["id"].to_pylist())
    assert {*ids} == {str(photos[0]), str(photos[2])}
    for name in {*ids}:
        mass = table["mass"].to_numpy()[ids == name]
        assert mass.sum() == pytest.approx(1)
        assert (np.diff(mass) <= 0).all()
        heaviest = table["latitude"].to_numpy()[ids == name][0]
        assert abs(heaviest - answers[name]["latitude"]) < 1

    out.unlink()
    result = locate(gone, "--posterior", out)
    assert (result.code, out.exists()) == (1, False)
    assert f"no photo could be read, so {out} was not written" in result.err
    assert (result.out + result.err).count("no such file") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--level", "2"], "level lies between 0 and 1; got 2"),
        (["--within", "0"], "within must be a positive number of km; got 0"),
        (["--within", "nan"], "within must be a positive number of km; got nan"),
        (["--posterior", "x.csv"], "--posterior writes a .parquet file; got x.csv"),
        (["--model", "nowhere"], "nowhere: no such model folder"),
    ],
)
def test_locate_refuses(locate: Run, tiny: Path, arguments: list[str], said: str) -> None:
    assert locate(tiny / "lima-0.png", *arguments).mistake == said


def test_locate_with_a_device_that_is_not_there(locate: Run, tiny: Path, tiny_model: Path) -> None:
    said = locate(tiny / "lima-0.png", "--model", tiny_model, "--device", "toaster").mistake
    assert said.startswith("device 'toaster' cannot be used here (")


def test_a_name_that_is_no_text(locate: Run, tiny: Path, tmp_path: Path) -> None:
    """An old archive's file name in Latin-1."""
    photo = tmp_path / os.fsdecode(b"caf\xe9.png")
    shutil.copy(tiny / "lima-0.png", photo)
    (one,) = locate(photo, "--format", "json").document["predictions"]
    assert (one["id"], one["error"]) == (f"{tmp_path}/caf\\udce9.png", None)
    assert locate(photo, "--posterior", tmp_path / "p.parquet").code == 0
    assert locate(photo).out.startswith(f"{tmp_path}/caf\\udce9.png\n")
    assert locate(photo, "--format", "csv", "--out", tmp_path / "out.csv").code == 0
    assert "caf\\udce9.png" in (tmp_path / "out.csv").read_text("utf-8")


def test_a_failure_is_told_once(locate: Run, tiny: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.jpg"
    result = locate(gone, tiny / "lima-0.png")
    assert (result.code, (result.out + result.err).count("no such file")) == (1, 1)
    result = locate(gone, "--out", tmp_path / "out.txt")
    assert f"failed: {gone}: no such file" in result.err.splitlines()
    assert "no such file" in (tmp_path / "out.txt").read_text()


def test_a_name_cannot_drive_the_terminal(locate: Run, tiny: Path, tmp_path: Path) -> None:
    evil = tmp_path / "a\n\x1b[2Jb.png"
    shutil.copy(tiny / "lima-0.png", evil)
    gone = tmp_path / "gone\n\x1b[2J.png"
    for form in ("table", "csv"):
        result = locate(evil, gone, "--format", form)
        assert result.code == 1
        assert "\x1b" not in result.out + result.err
        assert "a\\n\\x1b[2Jb.png" in result.out
        assert "gone\\n\\x1b[2J.png" in result.out
    (one, _) = locate(evil, gone, "--format", "json").document["predictions"]
    assert one["path"] == str(evil)
    assert "\x1b" not in locate(tiny / "lima-0.png", "--region", "a\x1b[2Jb").err


# --- the hour of taking


def test_hours_end_to_end(run: Run, jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    """Photos taken by day all round the Earth; then one of unknown place, taken at noon in UTC."""
    rng = np.random.default_rng(0)
    longitude = rng.uniform(-180, 180, 4000)
    utc = (rng.normal(13, 2.5, 4000) - longitude / 15) % 24
    start = np.datetime64("2024-05-01T00:00:00", "us")
    columns = {
        "id": [str(number) for number in range(4000)],
        "latitude": rng.uniform(-50, 60, 4000),
        "longitude": longitude,
        "taken_at": pa.array(start + (utc * 3.6e9).astype("timedelta64[us]"), pa.timestamp("us", tz="UTC")),
        "taken_at_is_local": np.arange(4000) < 100,
    }
    Records(pa.table(columns)).write(tmp_path / "records")
    out = tmp_path / "hours.toml"
    fitted = run("hours", "fit", tmp_path / "records", "--out", out)
    assert fitted.code == 0
    told = re.fullmatch(r"3900 photos; most are taken from (\d+) to (\d+) h by the sun; wrote .*\n", fitted.out)
    assert int(told[1]) in (11, 12, 13, 14)
    assert "100 photos with a local time of an unknown zone were skipped" in fitted.err
    photo = jpeg_with_position(tmp_path / "noon.jpg", taken_at="2024:05:01 12:00:00", offset="+00:00")
    located = [
        run("locate", photo, "--no-text", *hours, "--format", "json").document["predictions"][0]
        for hours in ((), ("--hours", out))
    ]
    masses = [{c["country_code"]: c["probability"] for c in one["countries"]} for one in located]
    assert masses[1]["GB"] > 2 * masses[0]["GB"]
    assert masses[1].get("JP", 0) < 0.3 * masses[0]["JP"]
    (item,) = located[1]["evidence"]
    assert (item["kind"], item["what"]) == ("time", "12:00 UTC")
    assert item["nats"] > 0.3
    assert 'Recorded "12:00 UTC": the hour of taking; made the answer ' in (
        run("locate", photo, "--no-text", "--hours", out).out
    )


def test_hours_refuse(run: Run, tiny: Path, tmp_path: Path) -> None:
    assert run("hours", "fit", tiny / "photos.csv", "--out", "x.csv").mistake == "--out names a .toml file; got x.csv"
    said = run("hours", "fit", tiny / "photos.csv", "--out", tmp_path / "x.toml").mistake
    assert said == "0 photos with a position and a UTC time; at least 200 are needed"
    gone = tmp_path / "gone.toml"
    assert run("locate", tiny / "lima-0.png", "--hours", gone).mistake == f"{gone}: no such file"


# --- photos of every kind


def huge_png(path: Path) -> None:
    """A valid header of 60,000 x 60,000 pixels over next to no data."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 1000)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.fixture(scope="module")
def odd_photos(tmp_path_factory: pytest.TempPathFactory, jpeg_with_position: MakePicture) -> Path:
    """A folder of photos, of which three cannot be read."""
    folder = tmp_path_factory.mktemp("odd")
    pixels = np.random.default_rng(2).integers(0, 255, (90, 120, 3), np.uint8)
    rgb = Image.fromarray(pixels)
    rgb.save(folder / "plain.jpg")
    (folder / "text.jpg").write_text("no picture")
    (folder / "truncated.jpg").write_bytes((folder / "plain.jpg").read_bytes()[:2500])
    huge_png(folder / "huge.png")
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 256).save(folder / "sixteen.png")
    rgb.convert("P").save(folder / "palette.png", transparency=3)
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "green", "blue")]
    for name in ("animated.gif", "animated.webp"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], duration=100)
    jpeg_with_position(folder / "rotated.heic", 10.0, 20.0, orientation=6)
    return folder


def test_locate_answers_all_that_can_be_read(locate: Run, odd_photos: Path) -> None:
    result = locate(odd_photos, "--format", "json")
    answers = {Path(one["id"]).name: one for one in result.document["predictions"]}
    assert result.code == 1
    assert len(answers) == 10
    errors = {name: one["error"] for name, one in answers.items() if one["error"] is not None}
    assert errors.keys() == {"text.jpg", "truncated.jpg", "huge.png"}
    assert errors["text.jpg"] == f"{odd_photos}/text.jpg: not a picture in a known format (JPEG, PNG, WebP, HEIC, ...)"
    assert errors["truncated.jpg"].startswith(f"{odd_photos}/truncated.jpg: the picture is damaged (")
    assert errors["huge.png"] == (f"{odd_photos}/huge.png: more than 179 megapixels, the limit; make a smaller copy")
    named = [line for line in result.err.splitlines() if line.startswith("failed: ")]
    assert sorted(named) == sorted(f"failed: {error}" for error in errors.values())
    assert answers["rotated.heic"]["recorded"] == pytest.approx({"latitude": 10.0, "longitude": 20.0}, abs=1e-4)
    assert all(one["place"]["country_code"] == "GB" for name, one in answers.items() if name not in errors)


def test_locate_with_a_model_answers_the_same_photos(locate: Run, odd_photos: Path, tiny_model: Path) -> None:
    result = locate(odd_photos, "--format", "json", "--model", tiny_model)
    failed = {Path(one["id"]).name for one in result.document["predictions"] if one["error"]}
    assert (result.code, failed) == (1, {"text.jpg", "truncated.jpg", "huge.png"})


def test_an_empty_folder(locate: Run, run: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    nothing = f"{tmp_path / 'empty'}: no pictures in this folder (looked for .avif .bmp .gif "
    assert locate(tmp_path / "empty").mistake.startswith(nothing)
    assert run("ingest", "folder", tmp_path / "empty", "--out", tmp_path / "out").mistake.startswith(nothing)
    result = locate(tmp_path / "empty", tiny / "lima-0.png", "--format", "json")
    assert (result.code, len(result.document["predictions"])) == (1, 1)
    assert result.err.startswith(f"failed: {nothing}")


# --- ingest


def rejects(path: Path) -> dict[str, str]:
    return {row["id"]: f"{row['reason']}: {row['detail']}" for row in pq.read_table(path).to_pylist()}


def test_ingest_a_folder(run: Run, odd_photos: Path, jpeg_with_position: MakePicture, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(odd_photos, tmp_path / "in"))
    unset = {ExifTags.GPS.GPSLatitude: (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))}
    jpeg_with_position(folder / "unset.jpg", 10.0, 20.0, gps=unset)
    jpeg_with_position(folder / "zero.jpg", 0.0, 0.0)
    result = run("ingest", "folder", folder, "--out", tmp_path / "records", "--format", "json")
    document = result.document
    assert result.code == 0
    assert [*document] == ["rows", "kept", "rejected", "seconds"]
    assert (document["rows"], document["kept"]) == (12, 1)
    assert document["rejected"] == {
        "no position": 8,
        "unreadable picture": 2,
        "position (0, 0)": 1,
    }
    records = Records.read(tmp_path / "records")
    assert records.strings("id") == ["rotated.heic"]
    np.testing.assert_allclose(records.points, [[10, 20]], atol=1e-4)
    told = rejects(tmp_path / "records" / "rejects" / "part-00000.parquet")
    assert len(told) == 11
    assert told["unset.jpg"] == "no position: EXIF has no position"
    assert told["text.jpg"].startswith(f"unreadable picture: {folder / 'text.jpg'}: not a picture in a known format")
    assert told["huge.png"].startswith(f"unreadable picture: {folder / 'huge.png'}: more than 179 megapixels")
    assert told["plain.jpg"] == "no position: EXIF has no position"


def test_ingest_a_table(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,LAT,LON\nok,48,2\nturned,10,200\npole,95,2\nfar,10,540\nnan,nan,2\nzero,0,0\ntext,north,2\n")
    columns = ["--column", "latitude=LAT", "--column", "longitude=LON"]
    result = run("ingest", "table", table, "--out", tmp_path / "records.parquet", *columns)
    assert result.code == 0
    lines = result.out.splitlines()
    assert re.fullmatch(rf"2 of 7 kept in {tmp_path}/records\.parquet \(\d+\.\d s\)", lines[0])
    out = tmp_path / "rejects" / "records.parquet"
    assert lines[1:] == [
        "  rejected: 3 impossible position",
        "  rejected: 1 no position",
        "  rejected: 1 position (0, 0)",
        f"  listed in {out}",
    ]
    assert Records.read(tmp_path / "records.parquet").points.tolist() == [[48, 2], [10, -160]]
    told = rejects(out)
    assert told["pole"] == "impossible position: row 3: (95, 2): latitude must lie between -90 and 90 degrees"
    assert told["far"].startswith("impossible position: row 4: (10, 540): longitude must lie between ")
    assert told["nan"] == "no position: row 5: latitude or longitude is missing"
    assert told["zero"].startswith("position (0, 0): row 6: ")
    assert told["text"] == "impossible position: row 7: latitude is not a number: 'north'"

    table.write_text("id,lat,lon\nok,48,2\n")
    result = run("ingest", "table", table, "--out", tmp_path / "records.parquet", "--format", "json")
    assert result.document["rejected"] == {}
    assert not out.exists()  # those of the earlier run


def test_ingest_without_a_usable_row(run: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(3):
        shutil.copy(tiny / f"lima-{number}.png", tmp_path / "in")
    said = run("ingest", "folder", tmp_path / "in", "--out", tmp_path / "out", "--format", "json").mistake.split("; ")
    listed = tmp_path / "out" / "rejects" / "part-00000.parquet"
    assert said[0] == "none of 3 rows can be used: 3 no position"
    assert said[1] == f"see {listed}"
    assert len(rejects(listed)) == 3


def test_ingest_refuses(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,latitude,where\na,1,2\n")
    out = ["--out", tmp_path / "out"]
    assert run("ingest", "tabel", table, *out).mistake == "no source 'tabel'; did you mean 'table'?"
    missing = f"{table}: no longitude column among id, latitude, where; name it with --column longitude=NAME"
    assert run("ingest", "table", table, *out).mistake == missing
    said = run("ingest", "table", table, *out, "--column", "longitude=LON").mistake
    assert said == f"{table}: no column 'LON'; known: id, latitude, where"
    said = run("ingest", "table", table, *out, "--column", "longitude").mistake
    assert said == "--column takes name=value; got 'longitude'"
    assert run("ingest", "table", tmp_path / "no.csv", *out).mistake == f"{tmp_path / 'no.csv'}: no such file"
    assert not (tmp_path / "out").exists()


# --- cells


def test_cells_build(run: Run, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "cells.parquet"
    settings = ["--set", "max=8", "--set", "max_level=9"]
    result = run("cells", "build", tiny / "photos.csv", "--out", out, *settings, "--format", "json")
    document = result.document
    assert (result.code, [*document]) == (0, ["kind", "cells", "photos", "photos_kept", "seconds"])
    built = partition.load(out)
    assert (document["cells"], document["photos"], document["photos_kept"]) == (len(built), 48, 48)
    points = np.array([[latitude, longitude] for latitude, longitude, _ in TOWNS.values()])
    assert len({*built.assign(points).tolist()}) == 6

    result = run("cells", "build", tiny / "photos.csv", "--out", out, "--kind", "s2-level", "--set", "level=0")
    assert re.fullmatch(rf"\d cells hold 48 of 48 photos; wrote {out} \(\d\.\d\d s\)\n", result.out)


def test_cells_of_parquet_tables(run: Run, tmp_path: Path) -> None:
    """Records as they are; with --column any Parquet table."""
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"LAT": [1.0, 2.0, None], "LON": [3.0, 4.0, 5.0]}), plain)
    out = tmp_path / "cells.parquet"
    arguments = ["--set", "max=5", "--out", out, "--format", "json"]
    assert run("cells", "build", plain, *arguments).mistake == "records need a column 'id'"
    result = run("cells", "build", plain, *arguments, "--column", "latitude=LAT", "--column", "longitude=LON")
    assert result.document["photos"] == 2
    assert result.err.splitlines()[-1] == f"{plain}: 1 of 3 rows have no usable position and are left out"
    records = Records(pa.table({"id": ["a", "b"], "latitude": [1.0, None], "longitude": [3.0, 4.0]}))
    records.write(tmp_path / "records")
    result = run("cells", "build", tmp_path / "records", *arguments)
    assert result.document["photos"] == 1
    assert result.err == f"{tmp_path / 'records'}: 1 of 2 rows have no usable position and are left out\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "max=8", "--out", "cells.csv"], "--out names a .parquet file; got cells.csv"),
        (["--kind", "s3", "--set", "max=8", "--out", "x.parquet"], "no partition kind 's3'; did you mean 's2'?"),
        (["--set", "maxi=8", "--out", "x.parquet"], "partition s2: 'max' is missing; "),
        (["--set", "max", "--out", "x.parquet"], "--set takes name=value; got 'max'"),
    ],
)
def test_cells_build_refuses(run: Run, tiny: Path, arguments: list[str], said: str) -> None:
    told = run("cells", "build", tiny / "photos.csv", *arguments).mistake
    assert told.startswith(said)
    assert told == said or said.endswith("; ")


# --- train and models


def test_train(run: Run, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    settings = ["--set", f"out={out}", "--set", "optimizer.epochs=1"]
    result = run("train", tiny / "run.toml", *settings)
    assert result.code == 0
    assert re.fullmatch(rf"{out} \(\d+ s\)\n", result.out)
    assert "48 photos; 4 / 6 cells" in result.err
    assert run("models", "show", out).code == 0
    said = run("train", tiny / "run.toml", *settings).mistake
    assert said == f"{out}: holds a model already; choose another out, or give --overwrite"
    again = run("train", tiny / "run.toml", *settings, "--resume")
    assert (again.code, again.err) == (0, f"{out} is finished already\n")


def test_train_refuses(run: Run, tiny: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.toml"
    assert run("train", gone).mistake == f"{gone}: no such file"
    wrong = tmp_path / "wrong.toml"
    wrong.write_text((tiny / "run.toml").read_text().replace("[optimizer]", "[optimiser]"))
    assert run("train", wrong).mistake == f"{wrong}: unknown key 'optimiser'; did you mean 'optimizer'?"
    said = run("train", tiny / "run.toml", "--set", "optimizer.epochs").mistake
    assert said == "--set takes section.key=value; got 'optimizer.epochs'"


def test_models(run: Run, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    listed = {one["name"]: one for one in run("models", "list", "--format", "json").document["models"]}
    assert [listed[name]["status"] for name in ("compact", "geoclip", "plonk")] == [
        "built in",
        "not fetched",
        "not to be had",
    ]
    assert listed["geoclip"]["published"][0]["accuracy_25"] == 34.5
    assert "why" in listed["plonk"]
    words = run("models", "list").out
    assert "1,710.5 MB" in words and "published on IM2GPS3k: 14.1 / 34.5 / 50.7 / 69.7 / 83.8 %" in words
    folder = Path(shutil.copytree(tiny_model, home / "whereshot" / "models" / "first"))
    tiny = run("models", "list", "--format", "json").document["models"][-1]
    assert (tiny["name"], tiny["path"], tiny["status"]) == ("tiny", str(folder), "on this machine")
    assert (tiny["photos"], tiny["backbone"], tiny["source"]) == (48, "test_efficientnet", None)
    named = [one["name"] for one in run("models", "list", folder.parent, "--format", "json").document["models"]]
    assert named == ["compact", "prior", "tiny"]

    shown = run("models", "show", folder, "--format", "json").document
    assert (shown["name"], shown["cells"], shown["head"]) == ("tiny", [4, 6], "classify")
    assert run("models", "show", folder).out == (folder / "README.md").read_text()

    said = run("models", "get", "world").mistake
    assert said.startswith("no model is published under the name 'world'; known: compact, dinov2-small, geoclip, ")
    assert said.endswith("; or give hf:owner/name, or train one with: whereshot train RUN.toml")
    card = run("models", "show", "geoclip")
    assert card.code == 0 and card.out.startswith("# geoclip\n\n## Model\n")
    assert card.err == "geoclip is not on this machine yet; fetch it with: whereshot models get geoclip\n"
    assert run("models", "show", "first").out == (folder / "README.md").read_text()  # by its name
    assert run("models", "list", tmp_path / "gone").mistake == f"{tmp_path / 'gone'}: no such folder"


def test_a_model_with_a_changed_byte(run: Run, locate: Run, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "models" / "broken"))
    content = bytearray((folder / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(content)
    said = (
        f"{folder}: weights.safetensors has been changed or damaged (its SHA-256 is not the manifest's); "
        "get or train the model again"
    )
    assert locate(tiny / "lima-0.png", "--model", folder, "--format", "json").mistake == said
    assert run("evaluate", folder, tiny / "photos.csv").mistake == said
    assert run("models", "show", folder).mistake == said
    result = run("models", "list", folder.parent, "--format", "json")
    assert (result.code, [one["name"] for one in result.document["models"]]) == (1, ["compact", "prior"])
    assert result.err == f"left out: {said}\n"


# --- outputs that cannot be written


def test_outputs_that_cannot_be_written(run: Run, locate: Run, tiny: Path, file_in_the_way: Path) -> None:
    inside = file_in_the_way / "out"
    photo = tiny / "lima-0.png"

    def not_written(path: Path) -> str:
        return f"{path}: cannot be written ({file_in_the_way} is a file); choose another place"

    assert locate(photo, "--out", inside).mistake == not_written(inside)
    assert locate(photo, "--out", file_in_the_way.parent).mistake == f"{file_in_the_way.parent}: a folder; name a file"
    parquet = file_in_the_way / "out.parquet"
    assert locate(photo, "--posterior", parquet).mistake == not_written(parquet)
    assert run("cells", "build", tiny / "photos.csv", "--set", "max=8", "--out", parquet).mistake == not_written(
        parquet
    )
    assert run("ingest", "table", tiny / "photos.csv", "--out", parquet).mistake == not_written(parquet)
    assert run("ingest", "table", tiny / "photos.csv", "--out", inside).mistake == not_written(inside)
    in_the_way = f"{file_in_the_way}: a file is in the way; name a folder"
    assert run("ingest", "table", tiny / "photos.csv", "--out", file_in_the_way).mistake == in_the_way
    assert run("evaluate", "prior", tiny / "photos.csv", "--report", file_in_the_way).mistake == in_the_way
    said = run("train", tiny / "run.toml", "--set", f"out={inside}").mistake
    assert said == not_written(inside)
    assert file_in_the_way.read_text() == "in the way"


def test_three_real_photos(locate: Run, shared: Path) -> None:
    photos = sorted((shared / "data" / "photos" / "test_a").rglob("*.jpg"))[:3]
    result = locate(*photos, "--format", "json")
    assert result.code == 0
    answers = result.document["predictions"]
    assert [one["path"] for one in answers] == [str(photo) for photo in photos]
    known = countries().by_code
    assert all(one["place"]["country"] == known[one["place"]["country_code"]].name for one in answers)


@pytest.mark.parametrize(
    "command",
    [
        "locate photo.jpg",
        "locate photo.jpg --model prior",
        "check photo.jpg --claim Paris",
        "explain photo.jpg",
        "query photo.jpg --gallery folder",
        "batch folder --out out",
        "serve",
        "gallery table.csv --out out",
        "learn folder --out out",
        "train run.toml",
        "evaluate prior table.csv",
        "calibrate model table.csv",
        "refine fit run.toml",
    ],
)
def test_a_device_that_is_not_here_is_refused_by_every_command(run: Run, command: str) -> None:
    said = run(*command.split(), "--device", "cuda:99").mistake
    assert said.startswith("device 'cuda:99' cannot be used here (") and "\n" not in said


def test_learn_runs_on_the_cpu(run: Run, tiny: Path, tmp_path: Path) -> None:
    said = run("learn", tiny / "photos.csv", "--out", tmp_path / "out", "--device", "meta").mistake
    assert said == "learn runs on the CPU only; got device 'meta'"
