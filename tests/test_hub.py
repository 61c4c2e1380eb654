"""Models by name: one clear line at once without a network, the pinned file with one, and GeoCLIP's own answers."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from test_locations import hub_state
from whereshot import checkpoint, hub
from whereshot.cli.models import app
from whereshot.errors import InputError, MissingExtraError, ModelError, OutputError
from whereshot.geolocator import Geolocator
from whereshot.model import geoclip
from whereshot.preprocess import load

constants = pytest.importorskip("huggingface_hub.constants")
NOBODY = "http://127.0.0.1:9"
SMALL = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 224}


@pytest.fixture
def package() -> Path:
    try:
        return geoclip.package_folder()
    except MissingExtraError:
        pytest.skip("needs the package geoclip (extra geoclip)")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def tower(tmp_path: Path) -> Path:
    """A small CLIP of random weights, as the hub would give it."""
    save_file(hub_state(patches=256), tmp_path / "clip.safetensors")
    return tmp_path / "clip.safetensors"


def test_without_a_network_one_line_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        hub.fetch(hub.CLIP, name="geoclip", endpoint=NOBODY)
    assert time.perf_counter() - started < 5
    said = str(caught.value)
    assert said.startswith("geoclip: the hub cannot be reached (")
    assert said.endswith("); connect, or give --tower FILE (model.safetensors of openai/clip-vit-large-patch14)")
    assert "\n" not in said
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError) as caught:
        hub.fetch(hub.CLIP, name="geoclip")
    assert str(caught.value) == (
        "geoclip: HF_HUB_OFFLINE forbids to fetch its weights; unset it, "
        "or give --tower FILE (model.safetensors of openai/clip-vit-large-patch14)"
    )


@pytest.fixture
def small_hub(tower: Path) -> Iterator[tuple[str, list[str]]]:
    """A hub that has one file at one revision: its address, and what it was asked for."""
    asked: list[str] = []
    content = tower.read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            self.answer(True)

        def answer(self, whole: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            model = {"id": hub.CLIP.repository, "modelId": hub.CLIP.repository, "sha": hub.CLIP.revision}
            body = content if "/resolve/" in self.path else json.dumps(model).encode()
            known = hub.CLIP.revision in self.path and hub.CLIP.repository in self.path
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Repo-Commit", hub.CLIP.revision)
            self.send_header("ETag", '"0123456789"')
            self.end_headers()
            if whole:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_with_a_network_the_pinned_file_once(small_hub: tuple[str, list[str]], tower: Path) -> None:
    endpoint, asked = small_hub
    said: list[str] = []
    fetched = hub.fetch(hub.CLIP, name="geoclip", endpoint=endpoint, say=said.append)
    assert fetched.read_bytes() == tower.read_bytes()
    assert said == ["fetching 1.7 GB from openai/clip-vit-large-patch14"]
    assert all(hub.CLIP.revision in line for line in asked)
    before = len(asked)
    assert hub.fetch(hub.CLIP, name="geoclip", endpoint=endpoint) == fetched  # from the cache
    assert len(asked) == before


def test_geoclip_answers_as_its_authors_say(package: Path, tower: Path, tmp_path: Path) -> None:
    """Softmax over the gallery of the scaled cosines between the picture's and the places' encodings."""
    out = tmp_path / "models" / "geoclip"
    hub.make_geoclip(out, tower, options=SMALL, places=400)
    photos = []
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (240, 300, 3), dtype=np.uint8)
        photos.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(photos[-1])
    locator = Geolocator.load(out)
    posterior, rows, _ = locator.posterior(photos)
    assert list(rows) == [0, 1, 2]

    folder = checkpoint.ModelFolder(out)
    described = folder.description.preprocess
    assert (described.size, described.resize, described.crops) == (224, 224, 1)
    crops = torch.from_numpy(np.concatenate([load(photo, described) for photo in photos]))
    encoder = geoclip.location_encoder()
    network = folder.network()
    with torch.inference_mode():
        image = torch.nn.functional.normalize(network.backbone(crops), dim=1)
        place = torch.nn.functional.normalize(encoder(torch.from_numpy(folder.gallery.points)), dim=1)
        wanted = (geoclip.logit_scale() * image @ place.T).softmax(dim=1).numpy()
    distinct, which = np.unique(folder.gallery.points, axis=0, return_inverse=True)
    summed = np.zeros((3, len(distinct)))
    np.add.at(summed.T, which, wanted.T)
    np.testing.assert_array_equal(posterior.places[-len(distinct) :], distinct)
    np.testing.assert_allclose(posterior.mass[:, -len(distinct) :], summed, rtol=0.05, atol=1e-5)
    assert posterior.mass[:, : -len(distinct)].sum() < 1e-9  # the prior has no say
    assert "arXiv 2309.16020" in (out / "README.md").read_text()
    predictions = locator.locate(photos, text=False)
    assert all(prediction.error is None for prediction in predictions)


def test_what_cannot_be_had(package: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^no model is published under the name 'geoklip'; did you mean 'geoclip'\?;"):
        hub.get("geoklip")
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match=r"out: exists already; choose another --out, or give --overwrite$"):
        hub.get("geoclip", tmp_path / "out")
    with pytest.raises(ModelError, match=r"gone\.safetensors: no such weights file"):
        hub.get("geoclip", tmp_path / "new", tower=tmp_path / "gone.safetensors")
    assert not (tmp_path / "new").exists()
    shown = CliRunner().invoke(app, ["show", "geoclip"])
    assert str(shown.exception) == ("geoclip is not on this machine yet; fetch it with: whereshot models get geoclip")
