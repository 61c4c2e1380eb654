"""APIs like Street View and Mapillary for tests, and addresses to ask for."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from api_server import Answer, as_json
from faulty_server import picture
from waiting import PATIENCE_S
from whereshot.photos.fetch import Manners

HASTY = Manners(allow_private=True, back_off_s=0.01, timeout_s=PATIENCE_S, attempts=3, redirects=0)
STREETVIEW_KEY = "AIza/street+key"
MAPILLARY_TOKEN = "MLY|123|se cret"
SMALL = ["cells=region", "units=city", "size=128", "margin=24", "per_cell=10"]


def address(number: int, **changed: Any) -> dict[str, Any]:
    made = {
        "LON": f"{16 + number / 1000:.6f}",
        "LAT": "48.2",
        "NUMBER": str(number),
        "STREET": "Hauptstraße",
        "UNIT": "",
        "CITY": "Ober" if number % 4 else "Unter",
        "DISTRICT": "",
        "REGION": "east" if number % 2 else "west",
        "POSTCODE": "1010",
        "ID": "",
        "HASH": f"{number:016x}",
    }
    return {**made, **changed}


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(address(0)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_features(path: Path, rows: list[dict[str, Any]]) -> Path:
    """OpenAddresses as it is published today: one feature a line, gzipped."""
    lines = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {name.lower(): value for name, value in row.items() if name not in ("LON", "LAT")},
                "geometry": {"type": "Point", "coordinates": [float(row["LON"]), float(row["LAT"])]},
            }
        )
        for row in rows
    ]
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def framed(side: int, margin: int, colour: tuple[int, int, int]) -> bytes:
    """A picture with the provider's mark all around."""
    pixels = np.full((side, side, 3), 255, np.uint8)
    pixels[margin:-margin, margin:-margin] = colour
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


class Streets:
    """The two endpoints. Panoramas stand every 0.002 degrees; there are none where ``nothing`` says so."""

    def __init__(self, nothing: float = 0.0) -> None:
        self.nothing = nothing
        self.pictures: Counter[str] = Counter()

    def __call__(self, path: str, asked: dict[str, str], headers: dict[str, str]) -> Answer:
        if asked.get("key") != STREETVIEW_KEY:
            return as_json({"status": "REQUEST_DENIED", "error_message": f"The key {asked.get('key')} is invalid."})
        if path.endswith("/metadata"):
            latitude, longitude = map(float, asked["location"].split(","))
            number = round(longitude / 0.002)
            if random.Random(number).random() < self.nothing:
                return as_json({"status": "ZERO_RESULTS"})
            place = {"lat": latitude, "lng": number * 0.002}
            return as_json(
                {"status": "OK", "pano_id": f"pano{number}", "location": place, "date": "2019-08", "copyright": "© G"}
            )
        self.pictures[asked["pano"]] += 1
        side = int(asked["size"].split("x")[0])
        return 200, framed(side, 20, (40, 120, 60)), "image/jpeg"


class Graph:
    """The graph: a picture every 0.001 degrees, a panorama beside each; no token where pictures are."""

    def __init__(self) -> None:
        self.url = ""
        self.empty = False

    def __call__(self, path: str, asked: dict[str, str], headers: dict[str, str]) -> Answer:
        if path.startswith("/cdn/"):
            assert "authorization" not in headers and MAPILLARY_TOKEN not in str(asked)
            return 200, picture(int(path.rpartition("/")[2]), 64), "image/jpeg"
        if path == "/robots.txt":
            return 404, b"", "text/plain"
        if headers.get("authorization") != f"OAuth {MAPILLARY_TOKEN}":
            return as_json({"error": {"message": "Invalid OAuth access token", "code": 190}}, 401)
        if path == "/images":
            west, south, east, north = map(float, asked["bbox"].split(","))
            assert (east - west) * (north - south) < 0.01  # degrees squared, as the API demands
            numbers = range(int(west * 1000) - 1, int(east * 1000) + 2)
            near = [n for n in numbers if west <= n / 1000 <= east and south <= 48.2 <= north and not self.empty]
            return as_json({"data": [one for n in near for one in (self.image(n), self.image(n, is_pano=True))]})
        number = int(path[1:])
        return as_json({"id": path[1:], "thumb_1024_url": f"{self.url}/cdn/{number}?ttl=1"})

    def image(self, number: int, is_pano: bool = False) -> dict[str, Any]:
        return {
            "id": str(number + 10**6 * is_pano),
            "geometry": {"type": "Point", "coordinates": [0, 0]},
            "computed_geometry": {"type": "Point", "coordinates": [number / 1000, 48.2]},
            "captured_at": 1_507_560_881_000,
            "sequence": f"seq{number // 100}",
            "creator": {"username": "ann", "id": "7"},
            "is_pano": is_pano,
            "compass_angle": 93.5,
        }
