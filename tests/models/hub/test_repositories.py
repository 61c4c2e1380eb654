"""Repositories of the hub become model folders, or are refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch

from file_server import COMMIT, FileServer
from hub_requests import files_of, refused
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.models import catalog, hub, model_folder, networks
from whereshot.models.card import missing_sections
from whereshot.photos.sources import SOURCES
from whereshot.training.learn import learn

OTHER = "f" * 40


def test_a_model_folder_from_the_hub(server: FileServer, tiny_model: Path, tiny: Path) -> None:
    server.add_repository("me/tiny", files_of(tiny_model))
    server.faults.extend(["cut", "fine", "cut"])
    said: list[str] = []
    folder = hub.get("hf:me/tiny@main", say=said.append)
    assert folder == catalog.user_models() / f"hf--me--tiny--{COMMIT[:12]}"
    assert said[0].startswith(f"fetching {len(files_of(tiny_model)) - 2} files (") and said[0].endswith(
        f" MB) from me/tiny at {COMMIT[:12]}; licence: mit"
    )
    source = hub.source_of(model_folder.ModelFolder(folder))
    assert source == {"repository": "me/tiny", "revision": COMMIT, "asked": "main", "licence": "mit"}
    photo = str(tiny / "lima-0.png")
    one, other = (Geolocator.load(name, "cpu").posterior(photo)[0] for name in (tiny_model, "hf:me/tiny"))
    np.testing.assert_array_equal(one.log_mass, other.log_mass)
    assert not list(catalog.downloads().glob("*"))
    assert refused("hf:me/tiny") == f"{folder}: exists already; choose another --out, or give --overwrite"
    asked = len(server.asked)
    assert "exists already" in refused(f"hf:me/tiny@{COMMIT}")  # pinned: no question is needed
    assert len(server.asked) == asked
    assert hub.get("hf:me/tiny", overwrite=True) == folder


def test_repositories_that_are_refused(server: FileServer, tiny_model: Path) -> None:
    good = files_of(tiny_model)

    def add(name: str, **changes: bytes) -> None:
        files = {file.replace("__", "."): data for file, data in changes.items()}
        server.add_repository(name, good | files)

    server.add_repository("me/pickled", {"pytorch_model.bin": b"x", "config.json": b"{}"})
    assert refused("hf:me/pickled") == (
        "hf:me/pickled: its weights are pickled (pytorch_model.bin), which can run code when they are opened; "
        "ask its authors for safetensors"
    )
    server.add_repository("me/texts", {"README.md": b"x"})
    assert refused("hf:me/texts") == ("hf:me/texts: has neither a whereshot model (manifest.json) nor a timm network")
    add("me/changed", weights__safetensors=b"other")
    assert "weights.safetensors is not what was published (its SHA-256 is not" in refused("hf:me/changed")
    manifest = json.loads(good["manifest.json"])
    for file in ("../evil.toml", "evil.pt", ".hidden.toml", "a/b.toml"):
        more = manifest | {"sha256": manifest["sha256"] | {file: "0" * 64}}
        add("me/evil", manifest__json=json.dumps(more).encode())
        assert (
            refused("hf:me/evil")
            == f"hf:me/evil: has {file!r}, which does not belong in a model folder; nothing was fetched"
        )
    add("me/lacking", manifest__json=json.dumps({"format": 1, "sha256": {"gone.toml": "0" * 64}}).encode())
    assert refused("hf:me/lacking") == "hf:me/lacking: its manifest names gone.toml, which is not there"
    add("me/newer", manifest__json=json.dumps({"format": 9, "sha256": {}}).encode())
    assert refused("hf:me/newer") == "hf:me/newer: is of model format 9; this version reads 1"
    add("me/broken", manifest__json=b"[]")
    assert refused("hf:me/broken") == "hf:me/broken: its manifest.json is not that of a whereshot model"
    server.add_repository("me/moved", good, commit=OTHER)
    server.files[f"/api/models/me/moved/revision/{COMMIT}"] = server.files["/api/models/me/moved"]
    assert refused(f"hf:me/moved@{COMMIT}") == f"hf:me/moved@{COMMIT}: the hub answers with another commit ({OTHER})"
    for told in (
        b'["something"]',
        b"{}",
        b'{"sha": "x", "siblings": [7]}',
        b'{"sha": 1, "siblings": [{"rfilename": []}]}',
    ):
        server.files["/api/models/me/odd"] = told
        assert refused("hf:me/odd") == "hf:me/odd: the hub's description of it cannot be understood"
    assert refused("hf:me/none").endswith(" does not have it (status 404)")
    assert not catalog.user_models().exists()


def test_a_network_of_timms_to_learn_with(server: FileServer, tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs onnx (extra export)")
    backbone = networks.create(networks.BackboneSettings(name="test_efficientnet"), seed=3)
    weights = safetensors.torch.save(backbone.network.state_dict())
    described = {
        "architecture": "test_efficientnet",
        "pretrained_cfg": {"input_size": [3, 64, 64], "mean": [0.4, 0.5, 0.6], "std": [0.5, 0.5, 0.5]},
    }
    config = json.dumps(described).encode()
    server.add_repository("timm/tiny", {"config.json": config, "model.safetensors": weights, "pytorch_model.bin": b"x"})
    folder = hub.get("hf:timm/tiny", tmp_path / "features")
    assert not [path for path, _ in server.asked if path.endswith(".bin")]
    made = model_folder.ModelFolder(folder)
    assert made.description.preprocess.mean == (0.4, 0.5, 0.6) and made.description.preprocess.size == 64
    assert missing_sections(hub.card_of(made)) == []
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    learned = learn(records, tmp_path / "mine", model=folder, workers=1, cache=tmp_path / "cache")
    (prediction,) = Geolocator.load(learned.folder).locate([str(tiny / "lima-0.png")], text=False)
    assert abs(prediction.latitude + 12.05) < 0.5
    one = catalog.known()["dinov2-small"]
    server.add_repository(one.repository, {"config.json": config, "model.safetensors": weights}, commit=one.revision)
    assert "(its SHA-256 is not 04d27f3400d0...)" in refused("dinov2-small")  # whatever the hub says of its hash
    server.add_repository("timm/odd", {"config.json": b'{"architecture": "nothing"}', "model.safetensors": weights})
    assert refused("hf:timm/odd").startswith("no backbone 'nothing' in timm; ")
    server.add_repository("timm/other", {"config.json": b"{}", "model.safetensors": weights})
    assert refused("hf:timm/other") == "hf:timm/other: its config.json is not that of a timm network"
