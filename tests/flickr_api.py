"""An API like Flickr's search for tests: photos made by code, with the limits of the real API."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

from api_server import Answer, as_json
from waiting import PATIENCE_S
from whereshot.photos.fetch import Manners

HASTY = Manners(allow_private=True, back_off_s=0.01, timeout_s=PATIENCE_S, attempts=4, redirects=0)
SECRET = "k3y/that+nobody sees"
START = int(datetime.datetime(2010, 1, 1, tzinfo=datetime.UTC).timestamp())


def photo(number: int, **changed: Any) -> dict[str, Any]:
    made = {
        "id": str(50_000_000_000 + number),
        "owner": f"{number % 7}@N00",
        "secret": f"s{number}",
        "server": "65535",
        "title": f"Photo {number}",
        "dateupload": str(START + number * 60),
        "datetaken": "2009-12-24 18:30:00",
        "datetakengranularity": "0",
        "datetakenunknown": "0",
        "latitude": f"{48 + number % 100 / 1000}",
        "longitude": 16.4,
        "accuracy": "16",
        "license": "4",
        "tags": "vienna sunset",
        "media": "photo",
    }
    return {**made, **changed}


class Search:
    """flickr.photos.search over photos, with its limits: 250 a page, and nothing beyond the first 4,000."""

    def __init__(self, photos: dict[str, list[dict[str, Any]]]) -> None:
        self.photos = photos

    def __call__(self, path: str, asked: dict[str, str], headers: dict[str, str]) -> Answer:
        if asked.get("api_key") != SECRET:
            return as_json({"stat": "fail", "code": 100, "message": f"Invalid API Key {asked.get('api_key')}"})
        low, high = int(asked["min_upload_date"]), int(asked["max_upload_date"])
        word = asked.get("text", "").split(" ")[0] if "bbox" not in asked else asked["bbox"]
        found = [one for one in self.photos.get(word, ()) if low <= int(one["dateupload"]) <= high]
        size, page = int(asked["per_page"]), int(asked["page"])
        first = (min(page, 4000 // size) - 1) * size  # beyond the limit the last page comes again
        pages = math.ceil(len(found) / size)
        shown = found[first : first + size]
        return as_json({"stat": "ok", "photos": {"page": page, "pages": pages, "total": len(found), "photo": shown}})


def ask_for(path: Path, text: str = 'keywords = ["vienna", "austria"]') -> Path:
    path.write_text(f"min_upload = 2010-01-01\nmax_upload = 2010-02-01\n{text}\n")
    return path
