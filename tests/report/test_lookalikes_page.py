"""The page of photos that look alike: whole in itself, whatever the photos are called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conftest import MakePicture
from html_pages import drive
from whereshot.locate import lookalikes
from whereshot.locate.lookalikes import Lookalike
from whereshot.locate.prediction import Place
from whereshot.locate.similarity import Similarity
from whereshot.report import lookalikes_page

EVIL = "</script><b>.jpg"


@pytest.fixture
def page(jpeg_with_position: MakePicture, tmp_path: Path) -> str:
    """The page of a photo and its two nearest in a folder, one of them without a position."""
    photo = jpeg_with_position(tmp_path / "asked.jpg")
    jpeg_with_position(tmp_path / "gallery" / "rovinj.jpg", 45.08, 13.64)
    jpeg_with_position(tmp_path / "gallery" / EVIL.replace("/", "_"))
    gallery = lookalikes.open_gallery(tmp_path / "gallery", None)
    return lookalikes_page.to_html(str(photo), gallery, "cosine", gallery.nearest(str(photo), 2))


def test_it_asks_for_nothing_and_no_name_breaks_it(page: str) -> None:
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)|https?://|@import", page)
    assert "<b>" not in page


def test_it_shows_each_photo_with_its_place(page: str) -> None:
    assert page.count("data:image/jpeg;base64,") == 3
    assert "position not known" in page and "Rovinj" in page
    assert "The most similar of 2 photos. A gallery of fewer than 20 photos has only distances" in page
    assert "Compared by compact." in page


def test_the_map_shows_all_photos_found(page: str, tmp_path: Path) -> None:
    found = drive(page, tmp_path, """
      const km = map.canvas.height / map.view.scale * 111 * Math.cos(unmercator(map.view.y) * Math.PI / 180);
      return { inside: onScreen([45.08, 13.64]), km, words: document.querySelector("figcaption strong").textContent };
    """)  # fmt: skip
    assert found["inside"] is True and 100 < found["km"] < 2000  # one town and its surroundings
    assert found["words"].startswith("1. Distance 0.")


def test_the_words_of_a_large_gallery() -> None:
    near = Lookalike(1, 0.01, "a", None, 45.08, 13.64, Place("Rovinj"), Similarity("very similar", 0.993))
    assert lookalikes_page._alike(near) == "very similar"
    assert (
        lookalikes_page._distance(near, "l2")
        == "99 % of pairs are less alike; 0.0100 (Euclidean distance; 0 is the same picture)"
    )


def test_the_data_is_json(page: str) -> None:
    start = page.index('{"photo":')
    data, _ = json.JSONDecoder().raw_decode(page[start:])
    assert [card["rank"] for card in data["cards"]] == [1, 2]
