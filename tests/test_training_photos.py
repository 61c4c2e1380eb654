"""The photos of a run: weights, whole groups kept for validation, pictures that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whereshot import config, training_photos
from whereshot.progress import silent
from whereshot.run_settings import DataSettings, Run


def test_weights_of_photos() -> None:
    points = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [5.0, 6.0]])
    assert training_photos.weights(points, "photo").tolist() == [1, 1, 1, 1]
    np.testing.assert_allclose(training_photos.weights(points, "place"), [2 / 3, 2 / 3, 2 / 3, 2])


@pytest.fixture(scope="module")
def settings(tiny: Path) -> DataSettings:
    return config.load(tiny / "run.toml", Run, ["data.split_by=group"]).data


def test_validation_keeps_whole_groups_apart(settings: DataSettings) -> None:
    records, _ = training_photos.read_records(settings)
    none = training_photos.split(records, settings, 0)
    assert none[0].tolist() == list(range(48)) and none[1].tolist() == []
    parts = training_photos.split(records, settings.model_copy(update={"validation": 0.3}), 0)
    assert sorted([*parts[0], *parts[1]]) == list(range(48))
    groups = np.array(records.strings("group"))
    assert 4 <= len(parts[1]) <= 32 and not set(groups[parts[0]]) & set(groups[parts[1]])


def test_pictures_that_cannot_be_read_are_named(tiny: Path) -> None:
    paths = [str(tiny / "lima-0.png"), None, str(tiny / "gone.png")]
    assert training_photos.unreadable(paths, silent) == {
        1: "the record names no image file",
        2: f"{tiny / 'gone.png'}: no such file",
    }
