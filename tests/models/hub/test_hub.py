"""Models by name: the pinned file with a network, one line at once without; nothing that could run code; and GeoCLIP's
own answers."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import safetensors.torch
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from clip_weights import hub_state
from file_server import COMMIT, FileServer
from whereshot.cli import app
from whereshot.foundation import download
from whereshot.foundation.errors import InputError, MissingExtraError, ModelError, OutputError
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.models import catalog, hub, model_folder, networks
from whereshot.models.card import missing_sections
from whereshot.models.hub.base import Fetching
from whereshot.models.networks import geoclip
from whereshot.photos.preprocess import load
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.training.learn import learn

NOBODY = "http://127.0.0.1:9"
SMALL = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 224}
OTHER = "f" * 40


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


def files_of(model: Path) -> dict[str, bytes]:
    """Whatever lies in the folder, as someone puts it up who left the private file in."""
    return {path.name: path.read_bytes() for path in model.iterdir()}


def refused(name: str, **settings: Any) -> str:
    with pytest.raises((ModelError, OutputError, InputError)) as caught:
        hub.get(name, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- GeoCLIP's tower


def test_without_a_network_one_line_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    by_hand = "; or give --tower FILE (model.safetensors of openai/clip-vit-large-patch14)"
    started = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        hub.geoclip.fetch_tower()
    assert str(caught.value) == f"geoclip: 127.0.0.1:9 cannot be reached (Connection refused){by_hand}"
    assert refused("hf:me/tiny") == "hf:me/tiny: 127.0.0.1:9 cannot be reached (Connection refused)"
    assert time.perf_counter() - started < 10
    monkeypatch.setenv(download.OFFLINE, "1")
    said: list[str] = []
    with pytest.raises(ModelError) as caught:
        hub.geoclip.fetch_tower(Fetching(say=said.append))
    line = "geoclip: WHERESHOT_OFFLINE or --offline forbids to fetch it; leave it out"
    assert str(caught.value) == line + by_hand
    assert said == []


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


# --- repositories of the hub


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
    assert refused("hf:me/texts") == (
        "hf:me/texts: holds neither a whereshot model (manifest.json) nor a network of timm's"
    )
    add("me/changed", weights__safetensors=b"other")
    assert "weights.safetensors is not what was published (its SHA-256 is not" in refused("hf:me/changed")
    manifest = json.loads(good["manifest.json"])
    for file in ("../evil.toml", "evil.pt", ".hidden.toml", "a/b.toml"):
        more = manifest | {"sha256": manifest["sha256"] | {file: "0" * 64}}
        add("me/evil", manifest__json=json.dumps(more).encode())
        assert (
            refused("hf:me/evil")
            == f"hf:me/evil: holds {file!r}, which belongs in no model folder; nothing was fetched"
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
    pytest.importorskip("onnx")
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
    assert refused("hf:timm/other") == "hf:timm/other: its config.json is not that of a network of timm's"


# --- GeoCLIP


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


def test_what_cannot_be_had(package: Path, tmp_path: Path) -> None:
    assert refused("geoklip").startswith("no model is published under the name 'geoklip'; did you mean 'geoclip'?; ")
    assert refused("compact") == "compact comes with whereshot: there is nothing to fetch"
    assert refused("plonk").startswith("plonk cannot be had here: ")
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
    line = "hf:me/tiny: WHERESHOT_OFFLINE or --offline forbids to fetch it; leave it out"
    assert str(refused.exception) == line
    assert server.asked == []


def test_offline_pictures_are_not_fetched_either(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(download.OFFLINE, "1")
    Records(pa.table({"id": ["a"], "url": [f"{server.url}/a.jpg"]})).write(tmp_path / "records")
    refused = CliRunner().invoke(app, ["fetch", str(tmp_path / "records"), "--out", str(tmp_path / "out")])
    assert str(refused.exception) == "fetch: WHERESHOT_OFFLINE or --offline forbids to fetch it; leave it out"
    assert server.asked == []
