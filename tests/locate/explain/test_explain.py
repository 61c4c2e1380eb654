"""Explanations of real models, from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from whereshot.cli import app
from whereshot.foundation.errors import ImageError, InputError
from whereshot.foundation.progress import silent
from whereshot.locate import explain
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.models import model_folder, networks
from whereshot.models.readout.gallery import Gallery
from whereshot.photos.sources import SOURCES
from whereshot.training.learn import learn


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["explain", *map(str, arguments)])


@pytest.fixture(scope="module")
def learned(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records
    return learn(records, folder / "mine", workers=1, cache=folder / "cache").folder


@pytest.mark.parametrize("method", ["occlusion", "gradcam"])
def test_a_trained_model_is_explained(method: str, tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "heat.png"
    found = run(
        tiny / "lima-0.png", "--model", tiny_model, "--method", method, "--out", out, "--format", "json", "--no-text"
    )
    assert found.exit_code == 0
    document = json.loads(found.stdout)
    assert document["method"] == method and document["place"]["latitude"] == pytest.approx(-12.05, abs=0.1)
    heat = document["heat"]
    assert len(heat["values"]) == heat["rows"] and len(heat["values"][0]) == heat["columns"]
    assert document["words"][0].startswith("The answer: -12.0") and document["evidence"] == []
    assert document["words"][1] == (
        "Looked at: the whole picture, no text (--no-text), no recorded position or time (--use-exif)."
    )
    assert "nats" not in " ".join(document["words"])
    assert found.stderr.splitlines()[-1] == f"wrote {out}"
    with Image.open(out) as sheet:
        assert sheet.format == "PNG" and sheet.width >= 480


def test_a_candidate_is_explained(tiny: Path, tiny_model: Path) -> None:
    locator = Geolocator.load(tiny_model, "cpu")
    (prediction,) = locator.locate(str(tiny / "lima-0.png"), text=False)
    found = explain.explain(locator, str(tiny / "lima-0.png"), number=2, options=LocateOptions(text=False))
    assert found.place == prediction.candidates[1]
    assert found.in_words()[0].startswith("Candidate 2: ")
    with pytest.raises(InputError, match=r"^there is no candidate 9\d\d: the answer has \d+"):
        explain.explain(locator, str(tiny / "lima-0.png"), number=999, options=LocateOptions(text=False))


def test_a_vision_transformer_is_explained(tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    folder = model_folder.ModelFolder(tiny_model)
    settings = networks.BackboneSettings(name="test_vit")
    backbone = networks.create(settings)
    network = networks.Network(
        backbone,
        networks.FeatureScaling(backbone.dim),
        folder.network().head.__class__(backbone.dim, folder.hierarchy, networks.HEADS["classify"].settings()),
    )
    features = np.random.default_rng(1).normal(size=(len(folder.gallery.points), backbone.dim))
    gallery = Gallery(features, folder.gallery.points, folder.gallery.accuracy_km)
    named = folder.description.backbone.model_copy(update={"name": "test_vit"})
    prepared = networks.default_preprocess(settings)
    described = folder.description.model_copy(update={"backbone": named, "preprocess": prepared})
    model_folder.write(tmp_path / "vit", described, network.eval(), folder.hierarchy, gallery, folder.calibration)
    found = run(tiny / "lima-0.png", "--model", tmp_path / "vit", "--method", "rollout", "--no-text")
    assert found.exit_code == 0 and "whatever the place: rollout is about the picture alone." in found.stdout


def test_a_learned_library_is_explained(tiny: Path, learned: Path) -> None:
    photo = tiny / "lima-0.png"
    found = explain.explain(Geolocator.load(learned), str(photo), options=LocateOptions(text=False))
    assert found.heat is not None and np.isfinite(found.heat.values).all()
    refused = run(photo, "--model", learned, "--method", "gradcam")
    assert str(refused.exception) == "mine has its network for ONNX Runtime alone; take --method occlusion"


def test_where_the_picture_has_no_say(tmp_path: Path, tiny: Path) -> None:
    found = run(tiny / "lima-0.png", "--format", "json", "--out", tmp_path / "out.png")
    document = json.loads(found.stdout)
    assert document["heat"] is None
    assert document["why_no_heat"].startswith("compact looks at no picture, and only what is read moves its answer")
    assert (tmp_path / "out.png").is_file()


def test_a_sign_is_framed(tmp_path: Path) -> None:
    sign = Path(__file__).parents[3] / "examples" / "village-sign.jpg"
    found = explain.explain(Geolocator.load(), str(sign))
    assert any("Altafulla" in line for line in found.in_words())
    assert found.in_words()[1] == "Looked at: the text in the picture, no recorded position or time (--use-exif)."
    drawn, picture = np.asarray(found.draw()).astype(int), np.asarray(found.picture).astype(int)
    blue = (drawn[..., 2] > 200) & (drawn[..., 0] < 20)
    rows, columns = np.nonzero(blue)
    middle = picture.shape[0] / 2 * drawn.shape[1] / picture.shape[1]
    assert blue.any() and abs(rows.mean() - middle) < 100 and abs(columns.mean() - drawn.shape[1] / 2) < 60


def test_mistakes_are_one_line(tiny: Path, tiny_model: Path, tmp_path: Path) -> None:
    photo = tiny / "lima-0.png"
    assert str(run(photo, "--method", "ocllusion").exception) == "no method 'ocllusion'; did you mean 'occlusion'?"
    assert str(run(photo, "--of", "0").exception) == "candidates are counted from 1; got 0"
    assert str(run(photo, "--out", "heat.jpg").exception) == "--out writes a .png file; got heat.jpg"
    assert "cannot be written" in str(run(photo, "--out", "/proc/none/heat.png").exception)
    assert isinstance(run(tmp_path / "gone.jpg").exception, ImageError)
    (tmp_path / "empty.jpg").write_bytes(b"")
    assert "empty.jpg" in str(run(tmp_path / "empty.jpg", "--model", tiny_model).exception)
    refused = run(photo, "--model", tiny_model, "--method", "rollout")
    assert str(refused.exception) == "rollout needs a vision transformer; take --method gradcam or occlusion"
