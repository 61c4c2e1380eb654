"""Manners of downloads: settings that cannot be are refused in one line."""

from __future__ import annotations

import pytest

from whereshot.foundation.errors import InputError
from whereshot.photos.fetch import Manners


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"connections": 0}, "connections must be at least 1; got 0"),
        ({"attempts": 0}, "attempts must be at least 1; got 0"),
        ({"rate_per_host": -1}, "rate_per_host must not be negative; got -1"),
        ({"timeout_s": 0}, "timeout_s must be above 0; got 0"),
        ({"user_agent": "a\r\nHost: b"}, "the user agent must be plain text; got 'a\\r\\nHost: b'"),
    ],
)
def test_manners_that_are_none(settings: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Manners(**settings)
    assert str(caught.value) == message
