"""The command locate: its formats, its files, and one line for every mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from command_line import Run
from conftest import TOWNS
from tesseract_program import program, skip_without
from whereshot.earth.countries import countries


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


def test_locate_as_text(locate: Run, tiny: Path) -> None:
    result = locate(tiny / "lima-0.png", tiny / "lima-1.png", "--top", 2)
    assert result.code == 0
    first, second = result.out.strip().split("\n\n")
    lines = first.splitlines()
    assert lines[0] == str(tiny / "lima-0.png")
    assert second.splitlines()[1:] == lines[1:]  # without a model all photos have the same answer
    assert lines[1].endswith("United Kingdom)")
    assert [line[:5] for line in lines[-2:]] == ["  1. ", "  2. "]
    assert result.err.startswith("compact reads text and knows no sights: 2 photos have no text that tells a place")


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
        *("countries", "candidates", "evidence", "unread_scripts", "writing", "recorded", "sure_of", "error"),
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
        assert f'"position":"{told["latitude"]:.4f}, {told["longitude"]:.4f} (' in text
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
    assert said == "no country or region 'Frannce' and no such file; did you mean 'France'?"
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


def test_three_real_photos(locate: Run, shared: Path) -> None:
    photos = sorted((shared / "data" / "photos" / "test_a").rglob("*.jpg"))[:3]
    result = locate(*photos, "--format", "json")
    assert result.code == 0
    answers = result.document["predictions"]
    assert [one["path"] for one in answers] == [str(photo) for photo in photos]
    known = countries().by_code
    assert all(one["place"]["country"] == known[one["place"]["country_code"]].name for one in answers)


def test_a_reader_that_is_not_installed_is_refused(run: Run, tiny: Path, programs: Path) -> None:
    refused = run("locate", "--reader", "tesseract", tiny / "lima-0.png").mistake
    assert refused.startswith("--reader tesseract: the program tesseract is missing; install it ")


def test_data_that_a_reader_lacks_is_named_where_such_writing_was_seen(
    run: Run, tmp_path: Path, programs: Path, khmer_sign: Image.Image
) -> None:
    program(programs, "List (1):\\nGeorgian\\n")
    khmer_sign.save(tmp_path / "sign.png")
    result = run("locate", "--reader", "tesseract", "--format", "json", tmp_path / "sign.png")
    (prediction,) = result.document["predictions"]
    assert [seen["script"] for seen in prediction["unread_scripts"]] == ["Khmer"]
    assert result.err.splitlines()[-1] == (
        "tesseract has no data for Khmer; install it, as with: apt install tesseract-ocr-script-khmr"
    )


def test_what_is_read_in_another_script_is_evidence(run: Run, tmp_path: Path, thai_sign: Image.Image) -> None:
    skip_without("Thai")
    thai_sign.save(tmp_path / "sign.png")
    (read,) = run("locate", "--reader", "tesseract", "--format", "json", tmp_path / "sign.png").document["predictions"]
    assert read["unread_scripts"] == []
    assert [line["script"] for line in read["writing"]] == ["Thai", "Thai"]
    assert any(item["kind"] == "text/language" and "Thai" in item["means"] for item in read["evidence"])
    assert read["countries"][0]["country_code"] == "TH"
