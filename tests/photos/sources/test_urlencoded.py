"""URL-encoded columns: decoded as the standard library decodes each text."""

from __future__ import annotations

import urllib.parse

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from whereshot.photos.sources import urlencoded


@given(st.lists(st.one_of(st.none(), st.text("%+aé2Cc3A9\ufffd ", max_size=12)), max_size=8), st.integers(0, 3))
def test_decoding_is_that_of_the_standard_library(texts: list[str | None], first: int) -> None:
    column = pa.array(texts, pa.string()).slice(first)
    expected = [None if text is None else urllib.parse.unquote_plus(text) for text in texts[first:]]
    assert urlencoded.decoded(column).to_pylist() == expected
