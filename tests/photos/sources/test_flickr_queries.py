"""Queries to Flickr: the shipped preset, files of keywords and places, and the questions that they become."""

from __future__ import annotations

from pathlib import Path

import pytest

from whereshot.foundation.errors import InputError
from whereshot.photos.sources import flickr_queries


def test_the_preset_is_that_of_im2gps() -> None:
    search = flickr_queries.load(Path("im2gps"))
    assert search.without == ("birthday", "concert", "abstract", "cameraphone")
    assert {"Europe", "Austria", "Nevada", "Tokyo", "Pisa", "Nikko", "Orlando"} <= set(search.keywords)
    assert len(search.keywords) == len(set(search.keywords)) == len(flickr_queries.questions(search))
    assert flickr_queries.load(Path("im2gps"), ["accuracy=16"]).accuracy == 16
    with pytest.raises(InputError) as caught:
        flickr_queries.load(Path("im2gsp"))
    assert str(caught.value) == "im2gsp: no such file; or a preset: did you mean 'im2gps'?"
