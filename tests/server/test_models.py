"""The description of the loaded model (/v1/models)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from whereshot.locate.geolocator import Geolocator
from whereshot.server import models

MEMBERS = ["name", "readouts", "created", "backbone", "photos", "bytes", "card", "scores", "places", "knows_sights"]


def test_a_trained_model_with_its_card_and_scores(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    (folder / models.SCORES).write_text(json.dumps({"photos": 48, "geoscore": 4000.0, "rows": ["private"]}))
    described = models.describe(Geolocator.load(folder))
    assert list(described) == MEMBERS
    assert described["backbone"] == "test_efficientnet" and described["bytes"] > 1000
    assert described["scores"] == {"photos": 48, "geoscore": 4000.0}, "only the members that are for everybody"
    assert described["card"] == ((folder / models.CARD).read_text() if (folder / models.CARD).is_file() else None)
    json.dumps(described)


def test_damaged_scores_are_left_out(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    (folder / models.SCORES).write_text("[1, 2")
    assert models.describe(Geolocator.load(folder))["scores"] is None
