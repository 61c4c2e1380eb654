"""model.toml: an unknown key is refused, and files of older versions load."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from damaged_models import refused, rehash
from whereshot.foundation import settings_file
from whereshot.foundation.version import VERSION
from whereshot.models.description import ModelDescription
from whereshot.photos.preprocess import Preprocess


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def test_a_description_that_cannot_be_read_is_refused(folder: Path) -> None:
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text("flavour = 'sweet'\n" + text)
    rehash(folder)
    assert refused(folder).startswith(f"{folder / 'model.toml'}: unknown key 'flavour'; ")
    (folder / "model.toml").unlink()
    rehash(folder)
    assert refused(folder) == f"{folder / 'model.toml'}: no such file"


def test_a_description_of_an_older_version_gets_the_defaults() -> None:
    """The first versions wrote neither readouts nor head settings."""
    old = {
        "format": 1,
        "name": "old",
        "created": "2025-01-02T03:04:05Z",
        "version": "0.0.1",
        "backbone": {"name": "test_efficientnet", "trained": False, "identity": "0" * 32},
        "preprocess": Preprocess(),
        "head": "classify",
        "levels": 2,
    }
    described = ModelDescription.model_validate(old)
    assert described.readouts == ("mixture", "cells", "gallery")
    assert (described.scaling_power, described.head_settings, described.training) == (1.0, {}, {})
    assert described.backbone.options == {}


def test_a_description_survives_its_file(tmp_path: Path) -> None:
    described = ModelDescription.model_validate(
        {
            "format": 1,
            "name": "kept",
            "created": "2026-01-02T03:04:05Z",
            "version": VERSION,
            "backbone": {"name": "test_efficientnet", "options": {"depth": 2}, "trained": True, "identity": "a"},
            "preprocess": Preprocess(size=64, resize=72),
            "readouts": (),
            "training": {"photos": 3},
        }
    )
    settings_file.save(described, tmp_path / "model.toml")
    assert settings_file.load(tmp_path / "model.toml", ModelDescription) == described
