"""Queries to Flickr: the shipped preset, files of keywords and places, and the queries_of that they become."""

from __future__ import annotations

from pathlib import Path

import pytest

from whereshot.foundation.errors import ConfigError, InputError
from whereshot.photos.sources import flickr_queries


def test_the_preset_is_that_of_im2gps() -> None:
    search = flickr_queries.load(Path("im2gps"))
    assert search.without == ("birthday", "concert", "abstract", "cameraphone")
    assert {"Europe", "Austria", "Nevada", "Tokyo", "Pisa", "Nikko", "Orlando"} <= set(search.keywords)
    assert len(search.keywords) == len(set(search.keywords)) == len(flickr_queries.queries_of(search))
    assert flickr_queries.load(Path("im2gps"), ["accuracy=16"]).accuracy == 16
    with pytest.raises(InputError) as caught:
        flickr_queries.load(Path("im2gsp"))
    assert str(caught.value) == "im2gsp: no such file; or a preset: did you mean 'im2gps'?"


def write_queries(path: Path, text: str) -> Path:
    path.write_text(text + "\nmin_upload = 2010-01-01\nmax_upload = 2011-01-01\n")
    return path


def test_one_question_for_each_keyword_and_place(tmp_path: Path) -> None:
    text = """keywords = ["old town", "sea"]
without = ["concert", "party"]
places = [{ name = "box", bbox = [-1, -2, 3, 4.5] }, { name = "id", place_id = "abc" }, { name = "woe", woe_id = 7 }]"""
    search = flickr_queries.load(write_queries(tmp_path / "q.toml", text), ["accuracy=16"])
    shared = {"has_geo": "1", "accuracy": "16", "media": "photos"}
    without = "-concert -party"
    assert flickr_queries.queries_of(search) == [
        ("old town", {**shared, "text": f"old town {without}"}),
        ("sea", {**shared, "text": f"sea {without}"}),
        ("box", {**shared, "text": without, "bbox": "-2.0,-1.0,4.5,3.0"}),
        ("id", {**shared, "text": without, "place_id": "abc"}),
        ("woe", {**shared, "text": without, "woe_id": "7"}),
    ]


def test_a_place_alone_has_no_text(tmp_path: Path) -> None:
    text = 'places = [{ name = "woe", woe_id = 7 }]'
    (query,) = flickr_queries.queries_of(flickr_queries.load(write_queries(tmp_path / "q.toml", text)))
    assert query.parameters == {"has_geo": "1", "accuracy": "11", "media": "photos", "woe_id": "7"}


def test_days_that_end_before_they_begin(tmp_path: Path) -> None:
    path = write_queries(tmp_path / "q.toml", 'keywords = ["sea"]')
    with pytest.raises(ConfigError, match="min_upload must be before max_upload"):
        flickr_queries.load(path, ["min_upload=2011-01-01"])
    with pytest.raises(ConfigError, match="a place needs one of bbox, place_id and woe_id"):
        flickr_queries.load(
            write_queries(tmp_path / "two.toml", 'places = [{ name = "a", woe_id = 7, place_id = "b" }]')
        )
