"""The answers of the server: the same as those of the geolocator, for one photo and for an album."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from http_client import (
    JPEG,
    SIGN,
    ask,
    is_problem,
    picture,
    small_sign,
)
from serving_process import Server
from whereshot.locate.geolocator import Geolocator


def test_an_answer_is_that_of_the_geolocator(server: Server) -> None:
    (expected,) = Geolocator.load("compact").locate(SIGN.read_bytes(), text=False, top=3)
    told = ask(server, SIGN.read_bytes(), top="3").json()
    (prediction,) = told["predictions"]
    drawn = prediction.pop("map")
    assert prediction == json.loads(json.dumps(expected.to_document())) | {"id": "photo-0.jpg", "path": "photo-0.jpg"}
    assert told["model"] == "compact" and told["album"] is None
    assert drawn["drawn"] == pytest.approx(1)
    assert sum(cell["properties"]["probability"] for cell in drawn["features"]) == pytest.approx(1, abs=1e-4)
    assert 100 < len(drawn["features"]) <= 1500


def test_signs_are_read(server: Server) -> None:
    (prediction,) = ask(server, small_sign(), text="true", map="false").json()["predictions"]
    assert any(item["kind"].startswith("text/") and item["box"] for item in prediction["evidence"])
    assert prediction["map"] is None


def test_one_photo_of_several_may_fail_and_the_others_make_an_album(server: Server) -> None:
    told = ask(server, JPEG, b"no picture", picture("PNG", seed=1), top="2").json()
    good, bad, other = told["predictions"]
    assert good["error"] is None and other["error"] is None and len(good["candidates"]) == 2
    assert bad["error"] == (
        "photo-1.jpg: not a picture in a known format (JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP)"
    )
    assert bad["map"] is None and bad["latitude"] is None
    assert (told["album"]["id"], told["album"]["photos"]) == ("album", 2)
    assert told["album"]["map"]["features"]


def test_geojson_where_it_is_asked_for(server: Server) -> None:
    response = ask(server, JPEG, JPEG, accept="application/geo+json;q=0.9, text/html")
    assert response.headers["content-type"] == "application/geo+json"
    kinds = [feature["properties"]["kind"] for feature in response.json()["features"]]
    assert kinds == ["answer", "region"] * 3
    is_problem(ask(server, JPEG, accept="text/html"), 406, "application/geo+json")


def test_exif_is_dropped_unless_asked_for(server: Server, jpeg_with_position: Any, tmp_path: Path) -> None:
    photo = jpeg_with_position(tmp_path / "a.jpg", 45.08, 13.64, orientation=6).read_bytes()
    dropped = ask(server, photo).json()["predictions"][0]
    assert dropped["recorded"] is None
    told = ask(server, photo, recorded="true").json()["predictions"][0]
    assert told["recorded"] == pytest.approx({"latitude": 45.08, "longitude": 13.64}, abs=1e-4)
    assert told["latitude"] == dropped["latitude"], "told, not used"
    used = ask(server, photo, use_exif="true").json()["predictions"][0]
    assert (used["latitude"], used["longitude"]) == pytest.approx((45.08, 13.64), abs=0.01)


def test_a_region_holds_the_answer(server: Server) -> None:
    told = ask(server, JPEG, region="Portugal").json()["predictions"][0]
    assert told["place"]["country_code"] == "PT"
