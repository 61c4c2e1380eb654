"""Networks for ONNX Runtime: the same log masses and first places as by torch, and a document that is enough."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from whereshot.foundation import settings_file
from whereshot.foundation.errors import ModelError, OutputError
from whereshot.locate.geolocator import Geolocator
from whereshot.models import model_folder, networks, onnx_export, runtime
from whereshot.posterior.decision import decide

pytest.importorskip("onnx", reason="needs onnx (extra export)")


@pytest.fixture(scope="module")
def exported(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return onnx_export.export(tiny_model, tmp_path_factory.mktemp("exported") / "tiny")


def test_the_same_answers_as_by_torch(exported: Path, tiny_model: Path, tiny: Path) -> None:
    photos = [str(path) for path in sorted(tiny.glob("*.png"))]
    photos += [Image.new("RGB", (200, 90), "red")]
    one, other = Geolocator.load(tiny_model), Geolocator.load(exported)
    by_torch, by_onnx = (locator.posterior(photos)[0] for locator in (one, other))
    network = other.model.network_model
    assert network.device == "cpu" and isinstance(network._compute, runtime.OnnxCompute)
    assert isinstance(Geolocator.load(tiny_model, "cpu").model.network_model._compute, runtime.TorchCompute)
    np.testing.assert_allclose(by_onnx.log_mass, by_torch.log_mass, atol=1e-3)
    np.testing.assert_array_equal(decide(by_onnx), decide(by_torch))


def test_the_document_says_all_that_is_needed(exported: Path, tiny: Path) -> None:
    """A picture prepared by the document's words alone gives the features that the model gives."""
    import onnxruntime

    document = json.loads((exported / "network.json").read_text())
    assert document["input"]["shape"] == ["photos", "crops", 3, "height", "width"]
    assert list(document["outputs"]) == ["features", "logits"]
    assert document["postprocess"] == {"cells per level": [4, 6]}
    prepare = document["preprocess"]
    photo = Image.open(tiny / "lima-0.png").convert("RGB").resize((prepare["size"],) * 2, Image.Resampling.BICUBIC)
    pixels = (np.asarray(photo, np.float32) / 255 - prepare["mean"]) / prepare["std"]
    pixels = pixels.transpose(2, 0, 1)[None, None].astype(np.float32)
    session = onnxruntime.InferenceSession(str(exported / "network.onnx"))
    features, logits = session.run(None, {"pixels": np.concatenate([pixels, pixels])})
    expected, _, _ = Geolocator.load(exported).model.network_model.outputs([str(tiny / "lima-0.png")])
    np.testing.assert_allclose(features, expected["features"].repeat(2, axis=0), atol=0.02)
    assert logits.shape == (2, 10)


HEADS = {
    "offset": ("classify", {"offset": True}, "offset", {"features", "logits", "offset", "offset_cell"}),
    "components": ("mvmf", {}, "components", {"features", "logits", "components"}),
    "encodings": (
        "align",
        {"locations": "fourier", "queue": 8, "width": 16},
        "centroid",
        {"features", "logits", "encoding"},
    ),
}


def with_head(trained: Path, out: Path, kind: str, settings: dict, position: str) -> Path:
    """The model with another head, of random weights, that answers by its own outputs."""
    folder = model_folder.ModelFolder(trained)
    network, head = folder.network(), networks.HEADS[kind]
    torch.manual_seed(4)
    network.head = head.head(
        network.backbone.dim, folder.hierarchy, settings_file.parse(settings, head.settings, name="head")
    )
    with torch.no_grad():
        for weights in network.head.parameters():
            weights.add_(0.05 * torch.randn_like(weights))
    described = folder.description.model_copy(update={"head": kind, "head_settings": settings})
    mixtures = {
        name: one.model_copy(update={"cells": one.cells.model_copy(update={"position": position})})
        for name, one in folder.calibration.mixtures.items()
    }
    calibration = folder.calibration.model_copy(update={"mixtures": mixtures})
    model_folder.write(out, described, network.eval(), folder.hierarchy, folder.gallery, calibration)
    return out


@pytest.mark.parametrize("name", HEADS)
def test_every_head_answers_as_by_torch(name: str, tiny_model: Path, tiny: Path, tmp_path: Path) -> None:
    """Also for one photo at a time, though two were traced."""
    kind, settings, position, outputs = HEADS[name]
    before = with_head(tiny_model, tmp_path / "before", kind, settings, position)
    after = onnx_export.export(before, tmp_path / "after")
    photos = [str(path) for path in sorted(tiny.glob("*.png"))][::5]
    one, other = Geolocator.load(before, "cpu"), Geolocator.load(after)
    by_torch, by_onnx = (locator.model.network_model.outputs(photos)[0] for locator in (one, other))
    assert set(by_torch) == set(by_onnx) == outputs | {"empty"}
    assert set(json.loads((after / "network.json").read_text())["outputs"]) == outputs
    for readout in ("mixture", "cells"):
        wanted, found = (
            one.model.network_model.readout(readout)(by_torch),
            other.model.network_model.readout(readout)(by_onnx),
        )
        np.testing.assert_allclose(found.log_mass, wanted.log_mass, atol=1e-3)
        np.testing.assert_allclose(found.places, wanted.places, atol=1e-4)
        np.testing.assert_allclose(decide(found), decide(wanted), atol=1e-4)
    if name == "encodings":  # the cells are encoded once and for all, not for every photo
        import onnx

        graph = onnx.load(after / "network.onnx").graph
        assert not {"Sin", "Cos"} & {node.op_type for node in graph.node}


def test_what_cannot_be_exported(exported: Path, tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"exists already; choose another out, or give --overwrite"):
        onnx_export.export(tiny_model, exported)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"exists already; choose another out$"):
        onnx_export.export(tiny_model, tmp_path / "folder", overwrite=True)
    again = Path(shutil.copytree(exported, tmp_path / "again"))
    assert onnx_export.export(again, again, overwrite=True) == again
    assert model_folder.ModelFolder(again).onnx is not None


def test_compact_is_small_and_takes_any_size() -> None:
    folder = model_folder.ModelFolder("compact")
    assert folder.onnx is not None and folder.onnx.stat().st_size < 5_000_000
    assert folder.description.readouts == () and folder.description.training["photos"] == 134
    compute = runtime.OnnxCompute(str(folder.onnx))
    from whereshot.photos.batches import batches

    shapes = [(224, 300), (700, 224), (90, 90)]
    for batch in batches([Image.new("RGB", shape, "white") for shape in shapes], folder.description.preprocess):
        assert compute(batch)["pooled"].shape == (len(batch.rows), 1280)


def test_a_broken_network_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "network.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"network.onnx: ONNX Runtime cannot read it"):
        runtime.OnnxCompute(str(tmp_path / "network.onnx"))
