"""A static site: what is written, what is refused, and that it answers as Python does, in Node and in Chromium."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from full_disk import Disk
from waiting import PATIENCE_S
from whereshot.cli import main
from whereshot.earth import place_names, sphere
from whereshot.earth.countries import countries
from whereshot.foundation import settings_file
from whereshot.foundation.errors import InputError, ModelError, OutputError
from whereshot.foundation.progress import silent
from whereshot.locate.answers import answer_rows
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import Prediction
from whereshot.models import manifest, model_folder
from whereshot.models.readout import mixture as mixture_readout
from whereshot.photos import images, preprocess
from whereshot.photos.photo import Photo
from whereshot.photos.sources import SOURCES
from whereshot.posterior import map_cells, same_place
from whereshot.posterior.base import Posterior
from whereshot.posterior.prior import density_prior
from whereshot.server import static_site
from whereshot.training import learn

WEB = Path(__file__).parents[2] / "web"
ENGINE = WEB / "node_modules" / "onnxruntime-web" / "dist" / "ort-wasm-simd-threaded.wasm"
ESBUILD = WEB / "node_modules" / ".bin" / "esbuild"
LOG_MASS = 1e-2
"""How far log masses above one in a million may differ."""

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not ENGINE.is_file() or not ESBUILD.exists(), reason="needs Node.js and `make web`"
)


def read(table: Path) -> Any:
    return SOURCES["table"]([table], {}, silent).records


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a built page has at least."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><html><head><title>whereshot</title></head></html>")
    (folder / "site.json").write_text('{"mode": "server"}')
    (folder / "assets" / "engine.wasm").write_bytes(b"1234")
    return folder


@pytest.fixture(scope="module")
def written(tiny_learned: Path, page: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return static_site.write(tiny_learned, tmp_path_factory.mktemp("written") / "site", page=page).folder


def test_a_site_is_the_page_and_the_model(written: Path, tiny_learned: Path) -> None:
    files = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    assert files == {"index.html", "site.json", "network.onnx", "tables.bin", "names.bin", "assets/engine.wasm"}
    document = json.loads((written / "site.json").read_text())
    assert (document["mode"], document["model"], document["engine_bytes"]) == ("browser", "mine", 4)
    for named in document["files"].values():
        assert (written / named["path"]).stat().st_size == named["bytes"]
    assert (written / "network.onnx").read_bytes() == (tiny_learned / "network.onnx").read_bytes()


def test_nothing_is_allowed_that_a_site_does_not_need(written: Path) -> None:
    html = (written / "index.html").read_text()
    policy = re.search(r'<head><meta http-equiv="Content-Security-Policy" content="([^"]+)">', html)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert rules["worker-src"] == "'self' blob:"
    assert "http" not in policy and "unsafe-inline" not in policy and "*" not in policy


def test_places_have_the_names_that_python_gives_them(written: Path) -> None:
    document = json.loads((written / "site.json").read_text())
    tables = gzip.decompress((written / "tables.bin").read_bytes())
    names = json.loads(gzip.decompress((written / "names.bin").read_bytes()))

    def array(name: str) -> np.ndarray:
        found = next(one for one in document["arrays"] if one["name"] == name)
        assert found["offset"] % 8 == 0
        return np.frombuffer(tables, np.dtype(found["dtype"]).newbyteorder("<"), found["length"], found["offset"])

    spots = np.stack([array("latitude"), array("longitude")], axis=1)
    assert len(names["of_place"]) == len(spots) > 20_000
    for row in (0, 3, 5_000, 20_000):
        expected = place_names.place_names(spots[row])[0]
        name, region, country = names["names"][names["of_place"][row]][:3]
        code, called = names["countries"][country][:2] if country >= 0 else (None, None)
        assert (name, region, called, code) == tuple(expected)
    np.testing.assert_array_equal(array("country"), countries().index_of(spots))
    assert array("prior_log_mass").size == len(density_prior().places)


def test_arrays_come_out_as_they_went_in() -> None:
    arrays = {
        "odd": np.arange(3, dtype=np.int16),
        "half": np.array([0.5, 2.0], np.float16),
        "big": np.eye(2, dtype=">f8"),
    }
    content, layout = static_site.packed(arrays)
    held = gzip.decompress(content)
    for described, (name, array) in zip(layout, arrays.items(), strict=True):
        found = np.frombuffer(held, f"<{array.dtype.str[1:]}", described["length"], described["offset"])
        assert described["name"] == name and described["offset"] % 8 == 0
        np.testing.assert_array_equal(found, array.ravel())


def test_what_stands_in_the_way_is_told(tiny_learned: Path, page: Path, written: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the page is not built; in a source tree run: make web$"):
        static_site.write(tiny_learned, tmp_path / "site", page=tmp_path)
    for name in ("compact", "prior"):
        with pytest.raises(InputError, match=f"^{name} uses only the text in a picture.* whereshot learn"):
            static_site.write(name, tmp_path / "site", page=page)
    with pytest.raises(OutputError, match="exists already; choose another out, or give --overwrite"):
        static_site.write(tiny_learned, written, page=page)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "diary.txt").write_text("dear diary")
    with pytest.raises(OutputError, match="exists already and is not a site; choose another out"):
        static_site.write(tiny_learned, tmp_path / "own", page=page, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/site: cannot be written \(.*file is a file\); choose another place"):
        static_site.write(tiny_learned, tmp_path / "file" / "site", page=page)
    (tmp_path / "headless").mkdir()
    (tmp_path / "headless" / "index.html").write_text("<html>")
    (tmp_path / "headless" / "engine.wasm").write_bytes(b"")
    with pytest.raises(OutputError, match="has no <head>"):
        static_site.write(tiny_learned, tmp_path / "site", page=tmp_path / "headless")
    assert not (tmp_path / "site").exists() and not list(tmp_path.glob(".site*"))


def test_an_older_site_is_replaced_where_that_is_asked_for(tiny_learned: Path, page: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    out.mkdir()
    static_site.write(tiny_learned, out, page=page)  # an empty folder is nobody's
    (out / "left.txt").write_text("over")
    said: list[str] = []
    result = static_site.write(tiny_learned, out, page=page, overwrite=True, say=said.append)
    assert not (out / "left.txt").exists() and [path.name for path in tmp_path.iterdir()] == ["site"]
    assert result.bytes == sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) > result.model_bytes
    assert "publish it only if you may publish their places" in said[0]


def test_a_readout_that_a_browser_cannot_compute_is_refused(tiny_model: Path) -> None:
    locator = Geolocator.load(tiny_model)
    folder, mixture = (
        locator.model.network_model.folder,
        locator.model.network_model.folder.calibration.mixtures["mixture"],
    )
    joined = mixture.model_copy(update={"cells": mixture.cells.model_copy(update={"position": "mean-of-best"})})
    readout = mixture_readout.mixture_of(folder.hierarchy, folder.gallery, joined, locator.prior)
    with pytest.raises(ModelError, match="cells that answer by 'mean-of-best' cannot run in a browser yet"):
        static_site.described(readout, folder)


def test_the_command_says_one_of_both(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for given, told in (([], "--onnx or --web\n"), (["--onnx", "--web"], "--onnx or --web, not both\n")):
        monkeypatch.setattr(sys, "argv", ["whereshot", "export", "compact", "--out", "nowhere", *given])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2 and capsys.readouterr().err == f"whereshot: say what to export: {told}"


# ---- the same answers: the pipeline in Node


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser's pipeline as one script for Node."""
    script = tmp_path_factory.mktemp("replay") / "replay.mjs"
    given = ["--bundle", "--format=esm", "--platform=node", "--log-level=error", f"--outfile={script}"]
    subprocess.run([ESBUILD, "local-tests/replay.ts", *given], cwd=WEB, check=True, timeout=PATIENCE_S)
    return script


def photos_in(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Pictures of every kind of coding, size and orientation that there is a way of its own for."""
    waves = np.add.outer(np.sin(np.arange(1300) / 37), np.cos(np.arange(1810) / 53))[..., None] * (60, -50, 40) + 120
    scene = np.clip(waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8)
    kinds: dict[str, tuple[tuple[int, int, int, int], str, dict[str, Any]]] = {
        "small.png": ((0, 0, 90, 64), "RGB", {}),
        "large.png": ((0, 0, 1810, 1290), "RGB", {}),
        "strip.png": ((0, 0, 1800, 90), "RGB", {}),
        "upright.png": ((0, 0, 420, 1290), "RGB", {}),
        "eighths-6.jpg": ((0, 0, 701, 455), "RGB", {"subsampling": 2}),
        "eighths-4.jpg": ((0, 0, 1003, 675), "RGB", {"subsampling": 1, "progressive": True}),
        "eighths-2.jpg": ((0, 0, 1777, 1300), "RGB", {"subsampling": 2, "progressive": True, "quality": 60}),
        "full-colour.jpg": ((0, 0, 777, 501), "RGB", {"subsampling": 0, "restart_marker_blocks": 5}),
        "grey.jpg": ((0, 0, 801, 603), "L", {"quality": 95}),
        "turned.jpg": ((0, 0, 903, 503), "RGB", {"orientation": 5}),
    }
    for name, (box, mode, options) in kinds.items():
        picture = Image.fromarray(scene).crop(box).convert(mode)
        if "orientation" in options:
            exif = Image.Exif()
            exif[0x0112] = options.pop("orientation")
            options["exif"] = exif
        picture.save(folder / name, **options)
    return [folder / name for name in kinds]


Found = dict[str, Any]


def replayed(script: Path, folder: Path, photos: list[Path], scratch: Path) -> tuple[list[Found], Found]:
    """What the pipeline makes of each photo, and of all together. What a browser would decode is given as pixels."""
    tasks = []
    least = json.loads((folder / "site.json").read_text())["preprocess"]["resize"] * 3 // 2
    for number, photo in enumerate(photos):
        place = scratch / f"{number}"
        if photo.suffix == ".jpg" and math.ceil(8 * least / min(Photo(photo).size)) <= 6:
            shutil.copyfile(photo, place)
            tasks.append({"path": str(place)})
        else:
            picture = images.open_rgb(photo)
            place.write_bytes(picture.tobytes())
            tasks.append({"path": str(place), "width": picture.width, "height": picture.height})
    listed = scratch / "tasks.json"
    listed.write_text(json.dumps(tasks))
    done = subprocess.run(["node", script, folder, ENGINE, listed], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [
        {
            "crops": np.fromfile(f"{task['path']}.crops", np.float32),
            "log_mass": np.fromfile(f"{task['path']}.mass", np.float64),
            "answer": json.loads(Path(f"{task['path']}.json").read_text())["answer"],
        }
        for task in tasks
    ]
    return found, json.loads(Path(f"{listed}.album").read_text())


def assert_answers_alike(told: Found, expected: Prediction, one: Posterior, off_km: float = 0.0) -> None:
    """All that is said of a posterior of one row, and its map; the place may be one as good, ``off_km`` away."""
    spot, other = (told["latitude"], told["longitude"]), expected.answered[:2]
    assert sphere.distance_km(spot, other) <= off_km
    if spot == other:
        named, place = told["place"], expected.place
        parts = [named[part] for part in ("name", "region", "country", "country_code")]
        assert parts == [place.name, place.region, place.country, place.country_code]
        assert told["radius_km"] == pytest.approx(expected.radius_km, rel=1e-3, abs=2e-3)
        assert told["within"] == pytest.approx(expected.within.to_document(), abs=5e-4)  # both are rounded
        assert told["confident_to"] == expected.confident_to
        ours, theirs = told["sure_of"], expected.to_document()["sure_of"]
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            assert ours.pop("probability") == pytest.approx(theirs.pop("probability"), abs=3e-4)
            assert ours == theirs
        chances = [candidate["probability"] for candidate in told["candidates"]]
        assert chances == pytest.approx([candidate.probability for candidate in expected.candidates], abs=2e-3)
    countries = {country["country_code"]: country["probability"] for country in told["countries"]}
    for code, share in expected.countries:
        assert countries.get(code, 0.0) == pytest.approx(share, abs=1.1e-3)
    if one.places.ndim == 3:
        return  # a map depends on the order of the places, which are the row's own
    drawn = {cell["properties"]["cell"]: cell for cell in json.loads(geojson(one))["features"]}
    cells = {cell["properties"]["cell"]: cell for cell in told["map"]["features"]}
    apart, same_region = 0.0, []
    for cell in drawn.keys() | cells.keys():
        ours, theirs = (of[cell]["properties"] if cell in of else {"probability": 0.0} for of in (drawn, cells))
        apart += abs(ours["probability"] - theirs["probability"]) / 2
        if len(ours) == len(theirs) == 4:
            areas = [of["probability"] / of["density_per_km2"] for of in (ours, theirs)]
            assert areas[0] == pytest.approx(areas[1], rel=2e-3)
            same_region.append(ours["region"] == theirs["region"])
            np.testing.assert_allclose(*(corners_of(of[cell]).min(axis=0) for of in (drawn, cells)), atol=1e-4)
    # a mass at the very limit gives a place one point more, or divides a cell, here and not there
    assert apart < 0.02 and np.mean(same_region) > 0.98


def geojson(one: Posterior) -> str:
    return map_cells.to_geojson(map_cells.cells_of(one))


def corners_of(cell: dict[str, Any]) -> np.ndarray:
    """All corners (m, 2) of a polygon or several."""
    geometry = cell["geometry"]
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return np.concatenate([np.array(ring) for polygon in polygons for ring in polygon])


def with_voters(trained: Path, out: Path, voters: int) -> Path:
    """The model, of whose gallery only so many photos vote."""
    folder = model_folder.ModelFolder(trained)
    few = {
        name: one.model_copy(update={"gallery": one.gallery.model_copy(update={"voters": voters})})
        for name, one in folder.calibration.mixtures.items()
    }

    def fill(beside: Path) -> None:
        for path in folder.files():
            shutil.copyfile(path, beside / path.name)
        settings_file.save(folder.calibration.model_copy(update={"mixtures": few}), beside / "calibration.toml")

    manifest.write_files(out, fill)
    return out


@needs_node
@pytest.mark.parametrize("kind", ["learned", "trained", "few voters"])
def test_the_same_answers_as_in_python(
    kind: str, tiny_learned: Path, tiny_model: Path, page: Path, replay: Path, tiny: Path, tmp_path: Path
) -> None:
    if kind != "learned":
        pytest.importorskip("onnx", reason="needs onnx (extra export)")
    models = {
        "learned": lambda: tiny_learned,
        "trained": lambda: tiny_model,
        "few voters": lambda: with_voters(tiny_model, tmp_path / "few", 5),
    }
    folder = models[kind]()
    out = static_site.write(folder, tmp_path / "site", page=page).folder
    (tmp_path / "photos").mkdir()
    photos = photos_in(tmp_path / "photos", np.random.default_rng(8))[:: {"learned": 1, "trained": 2}.get(kind, 8)]
    photos += [tiny / "lima-0.png", tiny / "tokyo-1.png"]
    found, album = replayed(replay, out, photos, tmp_path)
    locator = Geolocator.load(folder)
    posterior, rows, errors = locator.posterior([str(photo) for photo in photos])
    assert not errors and len(rows) == len(photos)
    own_places = posterior.places.ndim == 3  # those of the photos that vote
    widening = locator.model.widening()
    expected = answer_rows(posterior, widening=widening)
    for row, (photo, own) in enumerate(zip(photos, found, strict=True)):
        prepared = preprocess.load(photo, locator.model.network_model.folder.description.preprocess)
        np.testing.assert_array_equal(own["crops"], prepared.ravel(), err_msg=photo.name)  # to the bit
        log_mass = posterior.log_mass[row]
        if own_places:
            assert np.sort(own["log_mass"])[-40:] == pytest.approx(np.sort(log_mass)[-40:], abs=LOG_MASS / 5)
        else:
            likely = log_mass > math.log(1e-6)
            np.testing.assert_allclose(own["log_mass"][likely], log_mass[likely], atol=LOG_MASS / 5)
            assert own["log_mass"].argmax() == log_mass.argmax()
        assert_answers_alike(own["answer"], expected[row], posterior[row], off_km=1.0)
    if own_places:
        return  # an album draws from all places by their order
    pooled = same_place.pool([posterior[row] for row in range(len(posterior))], locator.prior)
    assert album["agreementNats"] == pytest.approx(pooled.agreement_nats, abs=0.05)
    together = answer_rows(pooled.posterior, widening=widening)[0]
    assert_answers_alike(album["answer"], together, pooled.posterior, off_km=1.0)


@needs_node
def test_an_empty_picture_is_left_to_the_prior(written: Path, tiny_learned: Path, replay: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(4).integers(0, 255, (300, 400, 3), np.uint8)
    night = Image.new("RGB", (400, 300))
    night.paste((255, 240, 200), (200, 100, 216, 116))
    photos = [tmp_path / name for name in ("black.png", "noise.png", "dot.png", "night.png")]
    pictures = (Image.new("RGB", (640, 480)), Image.fromarray(noise), Image.new("RGB", (1, 1)), night)
    for path, picture in zip(photos, pictures, strict=True):
        picture.save(path)
    found, _ = replayed(replay, written, photos, tmp_path)
    locator = Geolocator.load(tiny_learned)
    expected = list(locator.locate_each([str(photo) for photo in photos], LocateOptions(text=False)))
    for own, (prediction, posterior) in zip(found, ((one.prediction, one.posterior) for one in expected), strict=True):
        told = [(one["kind"], one["means"]) for one in own["answer"]["evidence"]]
        assert told == [(one.kind, one.means) for one in prediction.evidence]
        spots = ((of["latitude"], of["longitude"]) for of in (own["answer"], vars(prediction)))
        assert sphere.distance_km(*spots) <= 1.0
        assert own["answer"]["within"] == pytest.approx(
            prediction.within.to_document(), abs=1e-3
        )  # here all places are summed
        likely = posterior.log_mass[0] > math.log(1e-6)
        if told:
            np.testing.assert_allclose(
                own["log_mass"][-len(likely) :][likely], posterior.log_mass[0][likely], atol=1e-4
            )
    assert [len(one.prediction.evidence) for one in expected] == [1, 1, 1, 0]


@needs_node
@pytest.mark.slow
def test_a_damaged_jpeg_is_left_to_the_browser_to_judge(written: Path, replay: Path, tmp_path: Path) -> None:
    """Whatever is wrong with a file, decoding ends, either with a picture or with the one error that is expected."""
    rng = np.random.default_rng(4)
    whole = tmp_path / "whole.jpg"
    Image.fromarray(rng.integers(0, 255, (400, 600, 3), np.uint8)).resize((901, 700)).save(whole, progressive=True)
    content = whole.read_bytes()
    tasks = []
    for number in range(60):
        broken = bytearray(content[: rng.integers(1, len(content))] if number % 3 == 0 else content)
        for place in rng.integers(2, len(broken), rng.integers(1, 9)) if len(broken) > 2 else ():
            broken[place] = rng.integers(0, 256)
        (tmp_path / f"{number}.jpg").write_bytes(broken)
        tasks.append({"path": str(tmp_path / f"{number}.jpg"), "only_decode": True})
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    command = ["node", replay, written, ENGINE, tmp_path / "tasks.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(Path(f"{task['path']}.json").read_text())["decoded"] for task in tasks]
    assert set(told) <= {"a picture", "JpegError", "no JPEG"} and "JpegError" in told


# ---- the same answers: the whole site in a real browser


def chromium() -> str | None:
    """The browser of this machine, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, names) if found), None)


@pytest.fixture(scope="module")
def ten(shared: Path) -> list[Path]:
    """Ten real photos, of places that are known and of others, some of which are decoded at a reduced scale."""
    found = []
    for name, count in (("test_a", 4), ("signs_dev", 4), ("sunsets", 2)):
        found += read(shared / "data" / "photos" / f"{name}.csv").strings("image")[:count]
    return [Path(path) for path in found]


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of real photos."""
    records = read(shared / "data" / "photos" / "train.csv")
    kept = np.linspace(0, len(records) - 1, 120).astype(int)
    return learn.learn(records[kept], tmp_path_factory.mktemp("real") / "travels").folder


@pytest.fixture(scope="module")
def address(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site of that library, as a plain file server hands it out."""
    if not (WEB / "node_modules" / "@playwright").is_dir() or shutil.which("node") is None or chromium() is None:
        pytest.skip("needs Node.js, `make web` and Chromium")
    try:
        out = static_site.write(real, tmp_path_factory.mktemp("real-site") / "site").folder
    except OutputError as error:
        pytest.skip(str(error))
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            yield f"http://127.0.0.1:{re.search(r'port ([0-9]+)', server.stdout.readline())[1]}/"
        finally:
            server.terminate()


TITLES = (
    "a photo is answered on this machine, and nothing is sent",
    "on a phone several photos are answered together, and what is no picture is explained",
    "where a file of the model is missing, the page says so",
    "the answers to all photos",
)


def visit(address: str, photos: list[Path], answers: Path, *only: str) -> dict[str, Any]:
    """Playwright's report of its tests on a site. The answers to all photos are written to a file."""
    given = {"WHERESHOT_URL": address, "CHROMIUM": chromium() or "", "WHERESHOT_ANSWERS": str(answers)}
    environment = {**os.environ, **given, "WHERESHOT_PHOTOS": "\n".join(map(str, photos))}
    cli = WEB / "node_modules" / "@playwright" / "test" / "cli.js"
    command = ["node", str(cli), "test", "--config", "local.config.ts", "--reporter=json", *only]
    done = subprocess.run(command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"Playwright did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return report


@pytest.fixture(scope="module")
def visited(address: str, ten: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Playwright's tests by title: None where one passed, else what it complained of; and where the answers are."""
    answers = tmp_path_factory.mktemp("visited") / "answers.json"
    report = visit(address, ten, answers)
    specs = [spec for suite in report["suites"] for spec in suite["specs"]]
    assert sorted(spec["title"] for spec in specs) == sorted(TITLES), report["errors"]
    told = {spec["title"]: None if spec["ok"] else json.dumps(spec["tests"], indent=1)[:6000] for spec in specs}
    return told, answers


@pytest.mark.parametrize("title", TITLES)
def test_the_site_in_a_browser(visited: tuple[dict[str, Any], Path], title: str) -> None:
    assert visited[0][title] is None, visited[0][title]


def test_ten_photos_have_the_same_answers_in_a_browser(
    visited: tuple[dict[str, Any], Path], ten: list[Path], real: Path
) -> None:
    assert len(ten) == 10
    assert_answers_as_in_python(json.loads(visited[1].read_text())["predictions"], ten, real)


@pytest.mark.slow
def test_forty_photos_have_the_same_answers_in_a_browser(
    address: str, real: Path, shared: Path, tmp_path: Path
) -> None:
    tables = [shared / "data" / "photos" / f"{name}.csv" for name in ("test_a", "signs_dev", "sunsets", "scene_dev")]
    photos = [Path(path) for table in tables for path in read(table).strings("image")[20:30]]
    visit(address, photos, tmp_path / "answers.json", "--grep", "the answers to all photos")
    assert len(photos) == 40
    assert_answers_as_in_python(json.loads((tmp_path / "answers.json").read_text())["predictions"], photos, real)


def assert_answers_as_in_python(told: list[Found], photos: list[Path], real: Path) -> None:
    """Every answer of the site is that of the model in Python: in numbers, and on the map."""
    locator = Geolocator.load(real)
    posterior, _, errors = locator.posterior([str(photo) for photo in photos])
    assert not errors and len(told) == len(photos)
    expected = answer_rows(posterior, widening=locator.model.widening())
    for row, one in enumerate(told):
        assert_answers_alike(one, expected[row], posterior[row])
        cells = {cell["properties"]["cell"]: cell["properties"]["probability"] for cell in one["map"]["features"]}
        drawn = [cell["properties"] for cell in json.loads(geojson(posterior[row]))["features"]]
        alike = [
            cell["probability"]
            for cell in drawn
            if abs(math.log(cells.get(cell["cell"], 1e-300) / cell["probability"])) < LOG_MASS
        ]
        assert sum(alike) > 0.98


def test_a_full_disk_leaves_the_old_site(tiny_learned: Path, page: Path, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disk")
    try:
        out = disk.folder / "site"
        static_site.write(tiny_learned, out, page=page)
        before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
        with disk.full(), pytest.raises(OutputError) as caught:
            static_site.write(tiny_learned, out, page=page, overwrite=True)
        assert re.fullmatch(
            rf"{out}: cannot be written \((No space left|File too large).*\); [a-z ,;]+", str(caught.value)
        )
        assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
        assert [path.name for path in disk.folder.iterdir()] == ["site"]
    finally:
        disk.remove()
