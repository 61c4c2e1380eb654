"""Mapillary at sampled addresses: the nearest picture of each, by the interface of Street View, at no price."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from api_server import Answer, ApiServer
from faulty_server import picture
from street_picture_apis import HASTY, MAPILLARY_TOKEN, Graph, address, write_csv
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.sources import mapillary
from whereshot.photos.sources.addresses import Address
from whereshot.photos.sources.base import Collected, Order

SMALL = ["cells=region", "units=city", "per_cell=4"]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mapillary.TOKEN, MAPILLARY_TOKEN)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    rows = [address(n, LON=f"{16 + n / 1000 + 0.0002:.6f}") for n in range(60)]
    return write_csv(tmp_path / "addresses.csv", rows)


def collect(server: ApiServer, inputs: Path, out: Path, *settings: str, **given: Any) -> Collected:
    if isinstance(server.respond, Graph):
        server.respond.url = server.url
    return mapillary.collect(
        Order([inputs], out, settings=[*SMALL, *settings], endpoint=server.url, manners=HASTY, **given)
    )


def test_the_nearest_picture_of_each_address(places: Path, tmp_path: Path) -> None:
    with ApiServer(Graph(), ["busy", "error", "cut", "html", "slow", "hung up", "not found"]) as server:
        collected = collect(server, places, tmp_path / "out")
    kept = Records.read(tmp_path / "out")
    assert (len(kept), collected.summary["rejected"], collected.notes) == (8, {}, ())
    for one in kept:
        number = int(one["id"])
        assert one["address"] == f"{number - 16_000:016x}"
        assert (one["latitude"], one["longitude"]) == (48.2, number / 1000)
        assert images.open_rgb(one["image"]).tobytes() == images.open_rgb(picture(number, 64)).tobytes()
        assert (one["user"], one["album"], one["heading"]) == ("ann", f"seq{number // 100}", 93.5)
        assert one["taken_at"] == datetime.datetime(2017, 10, 9, 14, 54, 41, tzinfo=datetime.UTC)
        assert (one["license"], one["source"], one["url"]) == ("CC BY-SA 4.0", "mapillary", None)
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"se cret" not in written and b"se%20cret" not in written


def test_done_is_done_and_a_failed_picture_is_asked_for_again(places: Path, tmp_path: Path) -> None:
    class Broken(Graph):
        is_broken = True

        def __call__(self, path: str, asked: dict[str, str], headers: dict[str, str]) -> Answer:
            if self.is_broken and path.startswith("/cdn/"):
                return 200, b"<html>expired</html>", "text/html"
            return super().__call__(path, asked, headers)

    graph = Broken()
    with ApiServer(graph) as server:
        first = collect(server, places, tmp_path / "out")
        assert (first.summary["kept"], first.summary["rejected"]) == (0, {"api error": 8})
        details = [row for path in (tmp_path / "out" / "rejects").glob("*") for row in pq.read_table(path).to_pylist()]
        assert "the server sends 'text/html'" in details[0]["detail"]
        graph.is_broken = False
        assert collect(server, places, tmp_path / "out").summary["kept"] == 8
        asked = len(server.asked)
        collect(server, places, tmp_path / "out")
        assert len(server.asked) == asked


def test_where_there_is_nothing(places: Path, tmp_path: Path) -> None:
    graph = Graph()
    graph.empty = True
    with ApiServer(graph) as server:
        collected = collect(server, places, tmp_path / "out")
    assert (collected.summary["kept"], set(collected.summary["rejected"])) == (0, {"no panorama"})
    assert collected.notes == ("2 of 2 cells have fewer panoramas than wanted, 8 in all",)


def test_a_picture_in_the_corner_of_the_box_is_too_far(tmp_path: Path) -> None:
    near = write_csv(tmp_path / "near.csv", [address(0, LON="16.0004", LAT="48.2003")])  # 45 m
    far = write_csv(tmp_path / "far.csv", [address(0, LON="16.0005", LAT="48.20035")])  # 54 m; the box holds it
    with ApiServer(Graph()) as server:
        assert collect(server, near, tmp_path / "a", "radius_m=50").summary["kept"] == 1
        assert collect(server, far, tmp_path / "b", "radius_m=50").summary["rejected"] == {"no panorama": 1}


def test_panoramas_if_asked_for(places: Path, tmp_path: Path) -> None:
    with ApiServer(Graph()) as server:
        collect(server, places, tmp_path / "out")
        assert all(asked.get("is_pano") == "false" for path, asked, _ in server.asked if path == "/images")
        before = len(server.asked)
        collect(server, places, tmp_path / "all", "panoramas=true")
        assert not any("is_pano" in asked for _, asked, _ in server.asked[before:])


def test_boxes_around_addresses() -> None:
    west, south, east, north = mapillary.box_around(Address("a", 60.0, 10.0), 111.2)
    assert (north - south, east - west) == (pytest.approx(0.002, rel=1e-3), pytest.approx(0.004, rel=1e-3))
    west, south, east, north = mapillary.box_around(Address("a", 90.0, 179.9999), 1000)
    assert (north, east) == (90, 180)


def test_a_wrong_token_is_told_and_hidden(places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(mapillary.TOKEN, "wrong token")
    with ApiServer(Graph()) as server, pytest.raises(InputError) as caught:
        collect(server, places, tmp_path / "out")
    assert str(caught.value).endswith("status 401: the API refuses the key in WHERESHOT_MAPILLARY_TOKEN")
    assert "wrong" not in str(caught.value)
    monkeypatch.delenv(mapillary.TOKEN)
    with ApiServer(Graph()) as server, pytest.raises(InputError, match="WHERESHOT_MAPILLARY_TOKEN is not set"):
        collect(server, places, tmp_path / "out")


def test_sizes_that_there_are_not(places: Path, tmp_path: Path) -> None:
    with ApiServer(Graph()) as server, pytest.raises(ConfigError, match="'width': input should be 256, 1024 or 2048"):
        collect(server, places, tmp_path / "out", "width=512")
