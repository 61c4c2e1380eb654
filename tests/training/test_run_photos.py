"""The photos of a run: weights, whole groups kept for validation, pictures that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whereshot.foundation import settings_file
from whereshot.foundation.progress import silent
from whereshot.training import run_photos
from whereshot.training.run_file import DataSettings, Run


def test_weights_of_photos() -> None:
    points = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [5.0, 6.0]])
    assert run_photos.weights(points, "photo").tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(run_photos.weights(points, "place"), [2 / 3, 2 / 3, 2 / 3, 2])


@pytest.fixture(scope="module")
def settings(tiny: Path) -> DataSettings:
    return settings_file.load(tiny / "run.toml", Run, ["data.split_by=group"]).data


def test_validation_keeps_whole_groups_apart(settings: DataSettings) -> None:
    records, _ = run_photos.read_records(settings)
    none = run_photos.split(records, settings, 0)
    assert none[0].tolist() == list(range(48)) and none[1].tolist() == []
    parts = run_photos.split(records, settings.model_copy(update={"validation": 0.3}), 0)
    assert sorted([*parts[0], *parts[1]]) == list(range(48))
    groups = np.array(records.strings("group"))
    assert 4 <= len(parts[1]) <= 32 and not set(groups[parts[0]]) & set(groups[parts[1]])


def test_pictures_that_cannot_be_read_are_named(tiny: Path) -> None:
    paths = [str(tiny / "lima-0.png"), None, str(tiny / "gone.png")]
    assert run_photos.unreadable(paths, silent) == {
        1: "the record names no image file",
        2: f"{tiny / 'gone.png'}: no such file",
    }
