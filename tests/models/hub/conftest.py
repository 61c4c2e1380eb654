"""Fixtures of the hub: a server of files, a small tower, folders of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import save_file

from clip_weights import hub_state
from file_server import FileServer
from whereshot.foundation import download
from whereshot.foundation.errors import MissingExtraError
from whereshot.models.networks import geoclip


@pytest.fixture
def package() -> Path:
    try:
        return geoclip.package_folder()
    except MissingExtraError:
        pytest.skip("needs the package geoclip (extra geoclip)")


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("WHERESHOT_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    monkeypatch.delenv(download.OFFLINE, raising=False)


@pytest.fixture
def tower(tmp_path: Path) -> Path:
    """A small CLIP of random weights, as the hub would give it."""
    save_file(hub_state(patches=256), tmp_path / "clip.safetensors")
    return tmp_path / "clip.safetensors"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with FileServer() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
