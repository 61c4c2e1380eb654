"""The parts of a step: a photo whose file is read once, and what a reject holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from curating import picture, saved
from whereshot.foundation.errors import ImageError
from whereshot.photos.curate import CuratedPhoto


def test_a_photo_is_read_once(tmp_path: Path) -> None:
    row = saved(tmp_path / "a.jpg", picture(1))
    photo = CuratedPhoto(row)
    first = photo.picture(64)
    (tmp_path / "a.jpg").unlink()
    assert photo.picture(64) is first and photo.picture(None).size == (160, 120)
    with pytest.raises(ImageError, match="the record names no image file"):
        CuratedPhoto({"id": "x", "image": None}).picture(64)
