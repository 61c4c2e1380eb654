"""A gallery folder as the server reads it: only what its index names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from whereshot.foundation.errors import InputError
from whereshot.report.photo_gallery import ENTRIES, FORMAT, INDEX, PHOTOS
from whereshot.server.gallery import ServedGallery


def written(folder: Path, **index: Any) -> Path:
    """A gallery of two photos, and a third that its index does not name."""
    for name in ("00000", "00001", "00002"):
        for place, ending in ((ENTRIES, "json"), (PHOTOS, "jpg")):
            (folder / place).mkdir(parents=True, exist_ok=True)
            (folder / place / f"{name}.{ending}").write_text(f"{place} {name}")
    document = {"format": FORMAT, "model": "compact", "photos": ["00000", "00001"], "scores": {"photos": 2}} | index
    (folder / INDEX).write_text(json.dumps(document))
    return folder


def test_only_the_photos_of_the_index_are_read(tmp_path: Path) -> None:
    gallery = ServedGallery(written(tmp_path))
    assert gallery.listed() == {"model": "compact", "photos": [{"id": "00000"}, {"id": "00001"}]}
    assert (gallery.entry("00001"), gallery.photo("00001")) == (b"entries 00001", b"photos 00001")
    for name in ("00002", "../gallery", "1", ""):
        assert gallery.entry(name) is None and gallery.photo(name) is None


def test_some_photos_by_chance(tmp_path: Path) -> None:
    gallery = ServedGallery(written(tmp_path))
    assert len(gallery.listed(1)["photos"]) == 1
    assert len(gallery.listed(50)["photos"]) == 2


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"photos": []}, "there is no photo in this gallery"),
        ({"photos": ["../../etc/passwd"]}, "not a gallery"),
        ({"photos": ["7"]}, "photo 00007 is missing"),
        ({"format": FORMAT + 1}, f"names format {FORMAT + 1}; this version reads {FORMAT}"),
    ],
)
def test_what_is_no_gallery_is_refused(tmp_path: Path, index: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ServedGallery(written(tmp_path, **index))


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make one with: whereshot gallery RECORDS"):
        ServedGallery(tmp_path)
