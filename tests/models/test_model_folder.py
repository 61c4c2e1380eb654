"""Model folders: whole, unchanged and readable, or refused in one line that names the file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.numpy import load_file

from damaged_models import FILES, rehash
from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy
from whereshot.foundation import settings_file
from whereshot.foundation.errors import ModelError, OutputError
from whereshot.foundation.version import VERSION
from whereshot.models import manifest, model_folder, networks
from whereshot.models.description import ModelDescription
from whereshot.models.model_folder import ModelFolder
from whereshot.models.readout.gallery import Gallery, gallery_of
from whereshot.models.readout.mixture import Calibration
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.records import Records


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def test_a_folder_holds_what_is_promised(tiny_model: Path) -> None:
    assert sorted(path.name for path in tiny_model.iterdir()) == FILES
    read = ModelFolder(tiny_model)
    assert read.description.name == "tiny"
    assert read.description.backbone.name == "test_efficientnet"
    assert read.description.levels == len(read.hierarchy.levels) == 2
    assert read.gallery.features.shape == (48, 256)
    assert len(read.training_points()) == 48
    assert read.calibration.mixtures.keys() == {"mixture", "cells", "gallery"}
    network = read.network()
    assert not any(module.training for module in network.modules())


def test_what_this_version_does_not_know_is_refused(folder: Path) -> None:
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(text.replace('head = "classify"', 'head = "clasify"'))
    rehash(folder)
    with pytest.raises(ModelError, match=rf"^{folder}: no head 'clasify'; did you mean 'classify'\?$"):
        ModelFolder(folder).network()

    (folder / "model.toml").write_text(text.replace("test_efficientnet", "test_efficientnet_gn"))
    rehash(folder)
    with pytest.raises(ModelError) as caught:  # the weights of a backbone that is built otherwise
        ModelFolder(folder).network()
    fits = f"{folder}: weights.safetensors does not fit the test_efficientnet_gn of this timm ("
    assert str(caught.value).startswith(fits)
    assert "\n" not in str(caught.value)

    (folder / "model.toml").write_text(text)
    (folder / "cells-1.parquet").write_bytes((folder / "gallery.parquet").read_bytes())
    rehash(folder)
    with pytest.raises(ModelError) as caught:
        _ = ModelFolder(folder).hierarchy
    said = "not a partition file; make one with: whereshot cells build"
    assert str(caught.value) == f"{folder / 'cells-1.parquet'}: {said}"


# --- writing


class Parts:
    """The parts of a small model, ready to be written."""

    def __init__(self) -> None:
        points = np.array([[10.0, 20.0], [-30.0, 40.0], [50.0, -60.0]])
        self.hierarchy = Hierarchy((partition.build("s2", points, {"max": 1, "max_level": 4}),))
        backbone = networks.create(networks.BackboneSettings(name="test_efficientnet"))
        kind = networks.HEADS["classify"]
        head = kind.head(backbone.dim, self.hierarchy, kind.settings())
        self.network = networks.Network(backbone, networks.FeatureScaling(backbone.dim), head)
        features = np.eye(3, backbone.dim, dtype=np.float32)
        self.gallery = Gallery(features, points, np.array([0.0, 2.0, np.nan]))
        self.description = ModelDescription.model_validate(
            {
                "format": manifest.FORMAT,
                "name": "parts",
                "created": "2026-01-02T03:04:05Z",
                "version": VERSION,
                "backbone": {"name": "test_efficientnet", "trained": False, "identity": backbone.identity},
                "preprocess": Preprocess(),
                "scaling_power": 1.0,
                "head": "classify",
                "levels": 1,
            }
        )

    def write(self, folder: Path, extra: Mapping[str, str | bytes] = {}) -> None:
        calibration = Calibration(mixtures={}, photos={"seen": 3})
        model_folder.write(folder, self.description, self.network, self.hierarchy, self.gallery, calibration, extra)


@pytest.fixture(scope="module")
def parts() -> Parts:
    return Parts()


def test_what_is_written_is_read(parts: Parts, tmp_path: Path) -> None:
    parts.write(tmp_path / "deep" / "model", {"notes.txt": "Grüße", "raw.bin": b"\x00\xff"})
    read = ModelFolder(tmp_path / "deep" / "model")
    assert read.description == parts.description
    assert settings_file.dump(read.calibration) == settings_file.dump(Calibration(mixtures={}, photos={"seen": 3}))
    assert read.hierarchy.sizes == parts.hierarchy.sizes
    assert np.array_equal(read.hierarchy.finest.centers, parts.hierarchy.finest.centers)
    assert np.array_equal(read.gallery.features, parts.gallery.features)
    assert np.array_equal(read.gallery.points, parts.gallery.points)
    assert np.array_equal(read.gallery.accuracy_km, [0.0, 2.0, 0.0])
    assert (read.path / "notes.txt").read_text("utf-8") == "Grüße"
    assert (read.path / "raw.bin").read_bytes() == b"\x00\xff"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]


def test_half_precision_loses_nothing(parts: Parts, tmp_path: Path) -> None:
    """Weights that came in half precision take half the room; all others keep their 32 bits."""
    state = parts.network.state_dict()
    head = "head.linear.weight"
    special = torch.tensor([0.0, -0.0, 65504.0, -(2.0**-14), 2.0**-24]).repeat(200)[: state[head].numel()]
    exact = {head: special.reshape(state[head].shape), "backbone.network.conv_stem.weight": None}
    exact["backbone.network.conv_stem.weight"] = state["backbone.network.conv_stem.weight"].half().float()
    before = {name: tensor.clone() for name, tensor in state.items()}
    try:
        parts.network.load_state_dict({**state, **exact})
        written = {name: tensor.clone() for name, tensor in parts.network.state_dict().items()}
        parts.write(tmp_path / "model")
    finally:
        parts.network.load_state_dict(before)
    kept = load_file(tmp_path / "model" / "weights.safetensors")
    halves = {name for name, values in kept.items() if values.dtype == np.float16}
    assert exact.keys() <= halves
    assert "backbone.network.conv_head.weight" not in halves  # random numbers of 32 bits
    for name, tensor in ModelFolder(tmp_path / "model").network().state_dict().items():
        assert tensor.dtype == written[name].dtype
        assert torch.equal(tensor, written[name]), name


def test_a_new_model_replaces_the_old_one(parts: Parts, tmp_path: Path) -> None:
    parts.write(tmp_path / "model", {"old.txt": "old"})
    parts.write(tmp_path / "model", {"new.txt": "new"})
    assert ModelFolder(tmp_path / "model").description == parts.description
    assert not (tmp_path / "model" / "old.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


class Interrupting(Mapping):
    """Files of which the second cannot be had."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[str]:
        yield "one.txt"
        raise self.error

    def __getitem__(self, name: str) -> str:
        return "one"


def test_an_interrupted_write_leaves_the_old_folder(parts: Parts, tmp_path: Path) -> None:
    parts.write(tmp_path / "model", {"old.txt": "old"})
    with pytest.raises(KeyboardInterrupt):
        parts.write(tmp_path / "model", Interrupting(KeyboardInterrupt()))
    with pytest.raises(OutputError) as caught:
        parts.write(tmp_path / "model", Interrupting(OSError(28, "No space left on device")))
    assert str(caught.value) == (
        f"{tmp_path / 'model'}: cannot be written (No space left on device); make room there, or choose another place"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert ModelFolder(tmp_path / "model")
    assert (tmp_path / "model" / "old.txt").read_text() == "old"
    assert not (tmp_path / "model" / "one.txt").exists()


def test_a_folder_that_cannot_be_made(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError) as caught:
        parts.write(tmp_path / "file" / "model")
    said = f"{tmp_path / 'file' / 'model'}: cannot be written ({tmp_path / 'file'} is a file); choose another place"
    assert str(caught.value) == said


def test_gallery_of_records() -> None:
    columns = {"id": ["a", "b"], "latitude": [1.0, 2.0], "longitude": [3.0, 4.0]}
    plain = gallery_of(np.eye(2), Records(pa.table(columns)))
    assert plain.accuracy_km.tolist() == [0, 0]
    exact = gallery_of(np.eye(2), Records(pa.table({**columns, "accuracy_km": [None, 7.5]})))
    assert exact.accuracy_km.tolist() == [0, 7.5]
    assert exact.points.tolist() == [[1, 3], [2, 4]]
