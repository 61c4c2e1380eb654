"""Fixtures of the tests of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Run
from conftest import MakePicture
from odd_pictures import write_odd_photos


@pytest.fixture
def locate(run: Run) -> Run:
    """The command locate, without the reading of signs."""
    return lambda *arguments: run("locate", "--no-text", *arguments)


@pytest.fixture(scope="session")
def odd_photos(tmp_path_factory: pytest.TempPathFactory, jpeg_with_position: MakePicture) -> Path:
    """A folder of ten photos, of which three cannot be read."""
    folder = tmp_path_factory.mktemp("odd")
    write_odd_photos(folder)
    jpeg_with_position(folder / "rotated.heic", 10.0, 20.0, orientation=6)
    return folder


@pytest.fixture
def file_in_the_way(tmp_path: Path) -> Path:
    """Where a folder should be: tests that run as root may write to any folder."""
    path = tmp_path / "file"
    path.write_text("in the way")
    return path
