"""Lines like those of the dump of YFCC100M, for tests."""

from __future__ import annotations

from whereshot.photos.sources import yfcc

REAL = {
    "photo_id": "4571314348",
    "user": "47065077@N00",
    "nickname": "savagecat",
    "taken": "2010-04-16 11:00:49.0",
    "uploaded": "1272811190",
    "camera": "Canon+EOS+400D+DIGITAL",
    "title": "On+the+Wall",
    "tags": "b%26w,black+%26+white,hadrian%27s+wall,a%2Cb",
    "longitude": "-2.335453",
    "latitude": "55.010991",
    "accuracy": "12",
    "page_url": "http://www.flickr.com/photos/47065077@N00/4571314348/",
    "url": "http://farm5.staticflickr.com/4036/4571314348_03a71b7bbb.jpg",
    "license": "Attribution License",
    "extension": "jpg",
    "marker": "0",
}
"""A line as the dump has them."""


def line(columns: tuple[str, ...] = yfcc.COLUMNS, **changes: str) -> bytes:
    return "\t".join((REAL | changes).get(name, "") for name in columns).encode()
