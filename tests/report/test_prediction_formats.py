"""What a person reads: words that claim no more than they know, tables and maps that other programs can read."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import shapely
import shapely.geometry

from whereshot.earth import sphere
from whereshot.locate import words
from whereshot.locate.prediction import Candidate, Evidence, Place, Prediction, SureOf
from whereshot.locate.within_probabilities import WithinProbabilities
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
