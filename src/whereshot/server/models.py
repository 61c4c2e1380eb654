"""The description of the loaded model: its name, readouts, backbone, size, card and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from whereshot.locate.geolocator import Geolocator

CARD, SCORES = "README.md", "report.json"
_KEPT = ("photos", "failed", "accuracy", "geoscore", "mean_km", "median_km", "nll", "coverage", "intervals", "protocol")


def describe(locator: Geolocator) -> dict[str, Any]:
    """Return the description of a model for ``/v1/models``. Parts that its folder does not have are None."""
    folder = locator.model.described_by
    description: dict[str, Any] = {
        "name": locator.name,
        "readouts": [] if folder is None else list(folder.description.readouts),
        "created": None if folder is None else folder.description.created.isoformat(),
        "backbone": None if folder is None else folder.description.backbone.name,
        "photos": None if folder is None else folder.description.training.get("photos"),
        "bytes": None if folder is None else sum(path.stat().st_size for path in folder.files()),
        "card": None if folder is None else _text(folder.path / CARD),
        "scores": None if folder is None else _scores(folder.path / SCORES),
        "places": len(locator.prior.places),
        "knows_sights": locator.model.looks_at_pictures,
    }
    return description


def _text(path: Path) -> str | None:
    return path.read_text("utf-8", "replace") if path.is_file() else None


def _scores(path: Path) -> dict[str, Any] | None:
    """Return the scores that ``evaluate --report`` wrote into the folder of the model, if there are any."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return {name: document[name] for name in _KEPT if name in document}
    except (OSError, ValueError, TypeError):
        return None
