"""Models with a network: their readouts, the most similar known photo, and the device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whereshot.foundation.errors import InputError
from whereshot.foundation.progress import silent
from whereshot.models.model_folder import ModelFolder
from whereshot.models.network_model import LearnedModel, TrainedModel, make_network
from whereshot.models.runtime import TorchCompute
from whereshot.photos.sources import SOURCES


@pytest.mark.parametrize("kind", ["trained", "learned"])
def test_a_known_photo_is_its_own_nearest(kind: str, tiny: Path, tiny_model: Path, tiny_learned: Path) -> None:
    model = TrainedModel(ModelFolder(tiny_model)) if kind == "trained" else LearnedModel(ModelFolder(tiny_learned))
    records = SOURCES["table"]([tiny / "photos.csv"], {}, silent).records[np.arange(5)]
    outputs, rows, errors = model.outputs(records.strings("image"))
    assert errors == {} and rows.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(model.known_points()[model.nearest(outputs)], records.points, atol=1e-4)
    assert model.network_model is model and model.floor_km > 0
    assert len(model.readout()(outputs)) == 5


def test_every_readout_of_a_trained_model(tiny: Path, tiny_model: Path) -> None:
    model = TrainedModel(ModelFolder(tiny_model))
    outputs, *_ = model.outputs([tiny / "lima-0.png"])
    for name in model.folder.description.readouts:
        assert len(model.readout(name)(outputs)) == 1


def test_a_library_runs_on_the_cpu_only(tiny_learned: Path) -> None:
    with pytest.raises(InputError, match=r"^mine runs on the CPU only; got device 'cuda'$"):
        LearnedModel(ModelFolder(tiny_learned), "cuda")


def test_the_network_of_a_folder_without_onnx_is_run_by_torch(tiny_model: Path) -> None:
    assert isinstance(make_network(str(tiny_model), "cpu"), TorchCompute)
