"""Models by name: the pinned file with a network, one line at once without; nothing that could run code; and GeoCLIP's
own answers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from file_server import FileServer
from hub_requests import refused
from waiting import PATIENCE_S
from whereshot.cli import app
from whereshot.foundation import download
from whereshot.foundation.errors import ModelError
from whereshot.models import hub
from whereshot.models.hub.base import Fetching
from whereshot.photos.records import Records

NOBODY = "http://127.0.0.1:9"
OTHER = "f" * 40


# --- GeoCLIP's tower


def test_without_a_network_one_line_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    by_hand = "; or give --tower FILE (model.safetensors of openai/clip-vit-large-patch14)"
    monkeypatch.setattr(download, "PAUSE_S", 2 * PATIENCE_S)  # before another attempt, of which there is none
    with pytest.raises(ModelError) as caught:
        hub.geoclip.fetch_tower()
    assert str(caught.value) == f"geoclip: 127.0.0.1:9 cannot be reached (Connection refused){by_hand}"
    assert refused("hf:me/tiny") == "hf:me/tiny: 127.0.0.1:9 cannot be reached (Connection refused)"
    monkeypatch.setenv(download.OFFLINE, "1")
    said: list[str] = []
    with pytest.raises(ModelError) as caught:
        hub.geoclip.fetch_tower(Fetching(say=said.append))
    line = "geoclip: WHERESHOT_OFFLINE or --offline forbids downloads; leave it out"
    assert str(caught.value) == line + by_hand
    assert said == []


# --- repositories of the hub


# --- GeoCLIP


def test_what_cannot_be_had(package: Path, tmp_path: Path) -> None:
    assert refused("geoklip").startswith("no model is published under the name 'geoklip'; did you mean 'geoclip'?; ")
    assert refused("compact") == "compact comes with whereshot: there is nothing to fetch"
    assert refused("plonk").startswith("plonk cannot be fetched: ")
    assert refused("hf:nothing") == "a model on the hub is hf:owner/name or hf:owner/name@revision; got 'hf:nothing'"
    (tmp_path / "out").mkdir()
    line = refused("geoclip", out=tmp_path / "out")
    assert line.endswith("out: exists already; choose another --out, or give --overwrite")
    gone = tmp_path / "gone.safetensors"
    assert refused("geoclip", out=tmp_path / "new", tower=gone) == f"{gone}: no such weights file"
    assert refused("mobilenetv3-large", tower=gone) == "--tower is for geoclip; mobilenetv3-large has none"
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("in the way")
    line = refused("geoclip", out=tmp_path / "file" / "model")  # before anything is fetched
    assert line.endswith(f"model: cannot be written ({tmp_path / 'file'} is a file); choose another place")


# --- no network at all


@pytest.mark.parametrize(
    "arguments", [["--offline", "models", "get", "hf:me/tiny"], ["models", "get", "--offline", "hf:me/tiny"]]
)
def test_offline_by_the_command_line(arguments: list[str], server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(download.OFFLINE, "")  # so that it is put back
    refused = CliRunner().invoke(app, arguments)
    line = "hf:me/tiny: WHERESHOT_OFFLINE or --offline forbids downloads; leave it out"
    assert str(refused.exception) == line
    assert server.asked == []


def test_offline_pictures_are_not_fetched_either(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(download.OFFLINE, "1")
    Records(pa.table({"id": ["a"], "url": [f"{server.url}/a.jpg"]})).write(tmp_path / "records")
    refused = CliRunner().invoke(app, ["fetch", str(tmp_path / "records"), "--out", str(tmp_path / "out")])
    assert str(refused.exception) == "fetch: WHERESHOT_OFFLINE or --offline forbids downloads; leave it out"
    assert server.asked == []
