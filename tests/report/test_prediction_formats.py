"""What a person reads: words that claim no more than they know, tables and maps that other programs can read."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.geometry
from PIL import Image

from conftest import MakePicture
from waiting import PATIENCE_S
from whereshot.earth import sphere
from whereshot.locate import words
from whereshot.locate.geolocator import Geolocator, Located
from whereshot.locate.options import LocateOptions
from whereshot.locate.prediction import Candidate, Evidence, Place, Prediction, ReadLine, SureOf, WithinProbabilities
from whereshot.report import prediction_formats

FRANCE = Place(country="France", country_code="FR")
SURE = Prediction(
    id="a.jpg",
    path="a.jpg",
    latitude=48.86092,
    longitude=2.334406,
    radius_km=7.25,
    level=0.9,
    within=WithinProbabilities({1: 0.2, 25: 0.931, 200: 0.95, 750: 0.9961, 2500: 0.999}),
    confident_to="city",
    place=FRANCE,
    countries=(("FR", 0.97), ("BE", 0.02)),
    candidates=(Candidate(48.86092, 2.334406, 0.931, FRANCE), Candidate(10.0, -40.0, 0.004, Place())),
    sure_of=SureOf("city", "Paris", "FR", 0.931),
)
UNSURE = replace(
    SURE,
    id='b, "b".jpg',
    path=None,
    confident_to=None,
    sure_of=None,
    radius_km=9876.5,
    within=WithinProbabilities({1: 0.001, 25: 0.005, 200: 0.05, 750: 0.1, 2500: 0.3}),
    countries=(("US", 0.3), ("FR", 0.1), ("CI", 0.06), ("JP", 0.05)),
    recorded=(48.0, 2.0),
)
FAILED = Prediction(id="c.jpg", path="c.jpg", error="c.jpg: no such file")


# --- words


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "over 99 %"),
        (0.995, "over 99 %"),
        (0.9949, "99 %"),
        (0.5, "50 %"),
        (0.01, "1 %"),
        (0.0099, "under 1 %"),
        (0.0, "under 1 %"),
    ],
)
def test_percent(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("km", "said"),
    [
        (0.0, "0 m"),
        (0.3456, "346 m"),
        (1.0, "1.0 km"),
        (9.87, "9.9 km"),
        (10.0, "10 km"),
        (123.4, "120 km"),
        (4567.0, "4,600 km"),
        (20015.0, "20,000 km"),
    ],
)
def test_distance_words(km: float, said: str) -> None:
    assert words.distance_words(km) == said


def test_a_sure_answer_in_words() -> None:
    assert SURE.in_words() == [
        "48.8609, 2.3344 (France)",
        "Sure of the city: Paris, France (93 %).",
        "93 % within 25 km, 95 % within 200 km, over 99 % within 750 km; 90 % within 7.2 km.",
    ]


def test_an_unsure_answer_in_words() -> None:
    off = words.distance_words(float(sphere.distance_km(np.array([48.0, 2.0]), np.array([48.86092, 2.334406]))))
    assert UNSURE.in_words() == [
        "48.8609, 2.3344 (France)",
        "Not sure. By country: United States 30 %, France 10 %, Côte d’Ivoire 6 %.",
        "under 1 % within 25 km, 5 % within 200 km, 10 % within 750 km; 90 % within 9,900 km.",
        f"Recorded by the camera: 48.00000, 2.00000 ({off} from this answer, and not used for it).",
    ]
    assert replace(UNSURE, countries=(), recorded=None).in_words()[1] == "Not sure."
    assert replace(SURE, place=Place()).in_words()[0] == "48.8609, 2.3344 (at sea)"


def test_a_failure_in_words() -> None:
    assert FAILED.in_words() == ["c.jpg: no such file"]


# --- CSV


def test_csv_is_read_back() -> None:
    rows = list(csv.DictReader(io.StringIO(prediction_formats.to_csv([SURE, UNSURE, FAILED]))))
    where = ["id", "path", "latitude", "longitude", "radius_km", "level"]
    shares = ["within_1", "within_25", "within_200", "within_750", "within_2500"]
    rest = ["confident_to", "place", "country_code", "recorded_latitude", "recorded_longitude", "error"]
    sure = ["sure_of_level", "sure_of_name", "sure_of_country_code", "sure_of_probability"]
    assert [*rows[0]] == [*where, *shares, *rest, *sure]
    assert [rows[0][name] for name in sure] == ["city", "Paris", "FR", "0.931"]
    assert [rows[1][name] for name in sure] == [""] * 4
    for row, prediction in zip(rows, (SURE, UNSURE), strict=False):
        assert row["id"] == prediction.id
        numbers = {key: float(row[key]) for key in ("latitude", "longitude", "radius_km", "level")}
        assert numbers == {key: getattr(prediction, key) for key in numbers}
        assert [float(row[name]) for name in shares] == [*prediction.within.values()]
        assert (row["place"], row["country_code"], row["error"]) == ("France", "FR", "")
    assert (rows[0]["confident_to"], rows[1]["confident_to"]) == ("city", "")
    assert (rows[0]["recorded_latitude"], rows[1]["recorded_latitude"]) == ("", "48.0")
    assert {key: value for key, value in rows[2].items() if value} == {
        "id": "c.jpg",
        "path": "c.jpg",
        "error": "c.jpg: no such file",
    }


# --- GeoJSON


def test_geojson() -> None:
    document = json.loads(json.dumps(prediction_formats.to_geojson([SURE, FAILED]), allow_nan=False))
    answer, region, failed = document["features"]
    assert document["type"] == "FeatureCollection"
    assert answer["geometry"] == {"type": "Point", "coordinates": [2.334406, 48.86092]}
    kept = {key: answer["properties"][key] for key in ("kind", "id", "radius_km", "error")}
    assert kept == {"kind": "answer", "id": "a.jpg", "radius_km": 7.25, "error": None}
    assert region["properties"] == {"kind": "region", "id": "a.jpg", "level": 0.9, "radius_km": 7.25}
    shape = shapely.geometry.shape(region["geometry"])
    assert shape.is_valid
    assert shape.contains(shapely.Point(2.334406, 48.86092))
    assert failed["geometry"] is None
    assert failed["properties"]["error"] == "c.jpg: no such file"


# --- HTML


EVIL = "</script><b>.jpg"


@pytest.fixture(scope="module")
def located(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[list[str], list[Located]]:
    """A photo of an evil name, one with a recorded position that is the same in all but EXIF, and a broken one."""
    evil = tmp_path_factory.mktemp("html") / EVIL
    evil.parent.mkdir()
    shutil.copy(tiny / "lima-0.png", evil)
    broken = evil.parent / "broken.jpg"
    broken.write_text("no picture")
    photos = [str(evil), str(tiny / "tokyo-0.png"), str(broken)]
    return photos, list(Geolocator.load().locate_each(photos, LocateOptions(text=False)))


@pytest.fixture(scope="module")
def page(located: tuple[list[str], list[Located]]) -> str:
    photos, answers = located
    return prediction_formats.to_html(
        [one.prediction for one in answers], [one.posterior for one in answers], "prior", photos, only_prior=True
    )


def data_of(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    return json.loads(text)


def test_html_asks_for_nothing_else(page: str) -> None:
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": "'unsafe-inline'",
        "img-src": "data:",
    }
    assert not re.findall(r"https?://|//[a-z]+\.[a-z]", page)
    assert not re.findall(r"""\b(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert not re.findall(r"@import|url\(", page)


def test_html_holds_every_photo(page: str, located: tuple[list[str], list[Located]]) -> None:
    photos, answers = located
    data = data_of(page)
    assert [photo["id"] for photo in data["photos"]] == photos
    assert data["note"] == words.PRIOR_NOTE
    first, _, broken = data["photos"]
    assert first["lines"] == answers[0].prediction.in_words()
    assert len(first["candidates"]) == 5
    assert first["countries"][0][0] == "United States"
    assert broken["error"] == answers[2].prediction.error
    assert "lines" not in broken
    masses = [mass for _, _, mass, _ in first["places"]]
    assert 100 < len(masses) <= prediction_formats.PLACES_DRAWN
    assert masses == sorted(masses, reverse=True)
    assert len(data["borders"]) > 200


def test_html_thumbnails_tell_nothing_about_the_photographer(
    located: tuple[list[str], list[Located]], jpeg_with_position: MakePicture, tmp_path: Path
) -> None:
    photo = jpeg_with_position(tmp_path / "own.jpg", 48.0, 2.0, make="SecretCamera")
    with Image.open(photo) as image:
        image.resize((900, 600)).save(tmp_path / "large.jpg", exif=image.getexif(), comment=b"secret words")
    answer = located[1][0]
    page = prediction_formats.to_html([answer.prediction], [answer.posterior], "prior", [str(tmp_path / "large.jpg")])
    address = data_of(page)["photos"][0]["thumbnail"]
    assert address.startswith("data:image/jpeg;base64,")
    content = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
    assert b"secret" not in content.lower()
    with Image.open(io.BytesIO(content)) as thumbnail:
        assert thumbnail.size == (360, 240)
        assert not thumbnail.getexif()


def test_a_name_cannot_break_out(page: str) -> None:
    assert EVIL not in page
    assert "<b>" not in page
    assert page.count("</script>") == 2  # the data's own and the program's
    assert data_of(page)["photos"][0]["id"].endswith(EVIL)


def test_html_of_a_model_names_it(located: tuple[list[str], list[Located]]) -> None:
    answer = located[1][0]
    page = prediction_formats.to_html([answer.prediction], [answer.posterior], "<i>m</i>", [])
    assert data_of(page)["note"].startswith("Model: <i>m</i>.")
    assert "<i>" not in page
    assert data_of(page)["photos"][0]["thumbnail"] is None


def browse(page: str, folder: Path) -> tuple[str, str]:
    """The document as a browser builds it from the page, and what it logs."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium to open the page")
    path = folder / "page.html"
    path.write_text(page, "utf-8")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    more = "--disable-component-update --disable-sync --virtual-time-budget=4000 --enable-logging=stderr --dump-dom"
    command = [chromium, *flags.split(), *more.split(), f"--user-data-dir={folder / 'profile'}", path.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert result.returncode == 0, result.stderr
    return result.stdout, "\n".join(line for line in result.stderr.splitlines() if "CONSOLE" in line)


def test_html_opens_in_a_browser(page: str, located: tuple[list[str], list[Located]], tmp_path: Path) -> None:
    document, console = browse(page, tmp_path)
    assert console == ""
    shown = document[: document.index('<script type="application/json"')]
    for line in located[1][0].prediction.in_words():
        assert f"<p>{line}</p>" in shown
    assert "<b>" not in shown
    assert shown.count("<option") == 3
    assert "script&gt;&lt;b&gt;.jpg</option>" in shown  # its folder is called "<"
    assert "Likely places" in shown


def test_words_of_other_scripts_have_their_own_direction_and_language(
    located: tuple[list[str], list[Located]], tmp_path: Path
) -> None:
    lines = [("Arabic", "شارع 12"), ("Thai", "ร้านอาหาร"), ("Kana", "カフェ"), ("Odia", "ଓଡ଼ିଆ")]
    read = tuple(ReadLine(script, text, 0.9, (0, 0, 9, 9)) for script, text in lines)
    item = Evidence("text/place", "გორი", "გორი (gori): the town Gori, Georgia", 3.0)
    shown = replace(located[1][0].prediction, writing=read, evidence=(item,))
    document, console = browse(prediction_formats.to_html([shown], [located[1][0].posterior], "m"), tmp_path)
    assert console == ""
    for tag, text in (("und-Arab", "شارع 12"), ("th", "ร้านอาหาร"), ("ja", "カフェ"), ("or", "ଓଡ଼ିଆ")):
        assert f'"<bdi lang="{tag}">{text}</bdi>".</p>' in document
    assert 'Read "<bdi lang="ka">გორი</bdi>": <bdi lang="ka">გორი</bdi> (gori): the town Gori' in document


def test_the_look_at_the_browsers_log_sees(page: str, tmp_path: Path) -> None:
    """Were the log not read, the test above would pass on any page."""
    broken = page.replace('"use strict";', '"use strict"; const nothing = null; nothing.length;')
    document, console = browse(broken, tmp_path)
    assert "Uncaught TypeError" in console
    assert "Likely places" not in document[: document.index('<script type="application/json"')]
    foreign = page.replace("<body>", '<body><img src="https://127.0.0.1:9/x.png">')
    assert "Content Security Policy" in browse(foreign, tmp_path)[1]


# --- evidence in words


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (
            Evidence("text/word", "Stadt", "a German authority", 2.5),
            'Read "Stadt": a German authority; made the answer 12',
        ),
        (Evidence("text/word", "Stadt", "a German authority", -0.7), "made the answer 2.0 times less likely."),
        (Evidence("text/word", "Stadt", "a German authority", -0.01), "did not move the answer."),
        (Evidence("exif", "1, 2", "the position", 9.0), 'Recorded "1, 2": the position; made the answer 8,000 times'),
        (
            Evidence("exif", "", "the recorded position cannot be used: x", 0.0),
            "The recorded position cannot be used: x.",
        ),
        (
            Evidence("picture", "", "this looks like a drawing", 0.0),
            "This looks like a drawing; the answer is only where",
        ),
    ],
)
def test_evidence_in_words(evidence: Evidence, said: str) -> None:
    (line,) = replace(SURE, evidence=(evidence,)).evidence_words(all_evidence=True)
    assert said in line
    assert "nats" not in line


# --- what a spreadsheet would take for a formula


@pytest.mark.parametrize("name", ["=1+1.jpg", "+cmd.jpg", "-2.jpg", "@sum.jpg", "\tx.jpg"])
def test_csv_cells_are_no_formulas(name: str) -> None:
    (row,) = csv.DictReader(io.StringIO(prediction_formats.to_csv([replace(SURE, id=name, path=name, latitude=-12.5)])))
    assert row["id"].startswith("'")
    assert row["id"] == row["path"]
    assert float(row["latitude"]) == -12.5
