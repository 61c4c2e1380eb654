"""Fixtures of the tests of street pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from street_picture_apis import STREETVIEW_KEY, address, write_csv
from whereshot.photos.sources import streetview


@pytest.fixture
def streetview_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that the server of Street View in the tests accepts."""
    monkeypatch.setenv(streetview.KEY, STREETVIEW_KEY)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A table of 400 addresses in two regions."""
    return write_csv(tmp_path / "addresses.csv", [address(number) for number in range(400)])
