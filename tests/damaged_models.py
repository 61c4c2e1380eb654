"""Model folders in tests: what they hold, how they are refused, and how a changed one gets a fitting manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from whereshot.foundation.errors import ModelError
from whereshot.models import manifest
from whereshot.models.manifest import MANIFEST
from whereshot.models.model_folder import ModelFolder

FILES = [
    "README.md",
    "calibration.toml",
    "cells-0.parquet",
    "cells-1.parquet",
    "gallery.parquet",
    "gallery.safetensors",
    "learned-photos.safetensors",
    "manifest.json",
    "model.toml",
    "run.toml",
    "train.jsonl",
    "weights.safetensors",
]


def refused(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        ModelFolder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rehash(folder: Path, **changes: Any) -> None:
    """Make the manifest fit the files again, with changes."""
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != MANIFEST
    }
    (folder / MANIFEST).write_text(json.dumps({"format": manifest.FORMAT, "sha256": hashes} | changes))
