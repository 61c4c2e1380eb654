"""Files of the hub: a fetch that was killed continues."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from file_server import FileServer
from whereshot.foundation.errors import InputError, ModelError, OutputError
from whereshot.models import catalog, hub


def files_of(model: Path) -> dict[str, bytes]:
    """Whatever lies in the folder, as someone puts it up who left the private file in."""
    return {path.name: path.read_bytes() for path in model.iterdir()}


def refused(name: str, **settings: Any) -> str:
    with pytest.raises((ModelError, OutputError, InputError)) as caught:
        hub.get(name, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


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
