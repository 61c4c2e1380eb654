"""GeoCLIP from the hub: its tower is fetched once, and the model answers as its authors state."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from file_server import FileServer
from whereshot.locate.geolocator import Geolocator
from whereshot.models import catalog, hub, model_folder
from whereshot.models.card import missing_sections
from whereshot.models.hub.base import Fetching
from whereshot.models.networks import geoclip
from whereshot.photos.preprocess import load

SMALL = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 224}


def test_the_pinned_tower_once(
    server: FileServer, tower: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = tower.read_bytes()
    small = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    one = catalog.known()["geoclip"].model_copy(update=small)
    monkeypatch.setitem(catalog.known(), "geoclip", one)
    server.files[f"/{one.repository}/resolve/{one.revision}/{one.file}"] = content
    server.faults.append("cut")
    said: list[str] = []
    fetched = hub.geoclip.fetch_tower(Fetching(say=said.append))
    assert fetched.read_bytes() == content
    assert said == ["fetching 0.0 GB from openai/clip-vit-large-patch14 at 32bd64288804"]
    before = len(server.asked)
    assert before == 2 and hub.geoclip.fetch_tower(Fetching(say=said.append)) == fetched and len(said) == 1
    assert len(server.asked) == before
    snapshot = tmp_path / "hub" / "models--openai--clip-vit-large-patch14" / "snapshots" / one.revision
    snapshot.mkdir(parents=True)
    shutil.copy(tower, snapshot / one.file)  # where the hub's own client keeps it
    assert hub.geoclip.fetch_tower() == snapshot / one.file


def test_geoclip_answers_as_its_authors_say(package: Path, tower: Path, tmp_path: Path) -> None:
    """Softmax over the gallery of the scaled cosines between the picture's and the places' encodings."""
    out = tmp_path / "models" / "geoclip"
    hub.geoclip.make(out, hub.describe("geoclip").to_markdown(), Fetching(tower), options=SMALL, places=400)
    photos = []
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (240, 300, 3), dtype=np.uint8)
        photos.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(photos[-1])
    locator = Geolocator.load(out)
    posterior, rows, _ = locator.posterior(photos)
    assert list(rows) == [0, 1, 2]

    folder = model_folder.ModelFolder(out)
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
    assert "arXiv 2309.16020" in hub.card_of(folder) and missing_sections(hub.card_of(folder)) == []
    predictions = locator.locate(photos, text=False)
    assert all(prediction.error is None for prediction in predictions)
