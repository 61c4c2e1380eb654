"""Files of the hub: a fetch that was killed continues."""

from __future__ import annotations

from pathlib import Path

from file_server import FileServer
from hub_requests import files_of, refused
from whereshot.models import catalog, hub


def test_a_killed_fetch_goes_on(server: FileServer, tiny_model: Path, tmp_path: Path) -> None:
    server.add_repository("me/tiny", files_of(tiny_model))
    server.faults.extend(["fine"] * 5 + [403])
    assert "status 403" in refused("hf:me/tiny")
    assert not catalog.user_models().exists()
    first = [path for path, _ in server.asked if "/resolve/" in path]
    server.asked.clear()
    hub.get("hf:me/tiny")
    again = [path for path, _ in server.asked if "/resolve/" in path]
    assert again == sorted(again) and len(again) == len(files_of(tiny_model)) - 6  # never the private file
    assert not set(first[:-1]) & set(again)
