"""A small world of users and places, for the tests of refiners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from whereshot.earth import sphere
from whereshot.evidence.refiners import REFINERS, Examples, Refiner
from whereshot.photos.records import Records
from whereshot.posterior.base import Posterior

PLACES = np.array([[48.85, 2.35], [40.71, -74.0], [35.68, 139.76], [-33.87, 151.2]])


SPREAD = np.array([10.0, 20.0, 30.0, 40.0])


DAY = 86_400


FAST = {"phases": [{"optimizer": "adam", "learning_rate": 0.005, "epochs": 12}], "dropout": 0.1}


SETTINGS: dict[str, dict[str, Any]] = {
    "posting-time": FAST | {"width": 32, "batch_size": 64},
    "user-album": FAST | {"width": 16, "batch_size": 16},
    "user-mean": {},
    "album-neighbours": {"by": "user"},
}


def photos(rng: np.random.Generator, users: int = 150, each: int = 4) -> tuple[Posterior, Records, np.ndarray]:
    """Users that stay in one place; posted at 12 h by the sun there, give or take two; the base model knows little."""
    home = rng.integers(0, len(PLACES), users)
    cell, user = np.repeat(home, each), np.repeat(np.arange(users), each)
    count = len(cell)
    hour = (12 - PLACES[cell, 1] / 15 + rng.uniform(-2, 2, count)) % 24
    seconds = 1.7e9 - 1.7e9 % DAY + np.tile(np.arange(each), users) * 1800 + hour * 3600
    look = np.where(rng.uniform(size=count) < 0.55, cell, rng.integers(0, len(PLACES), count))
    mass = np.full((count, len(PLACES)), 0.12)
    mass[np.arange(count), look] = 0.64
    at = sphere.move(PLACES[cell], rng.uniform(0, 360, count), rng.uniform(0, 2, count))
    times = pa.array((seconds * 1e6).astype(np.int64), pa.timestamp("us", tz="UTC"))
    columns = {
        "id": [str(number) for number in range(count)],
        "user": [f"user {number}" for number in user],
        "latitude": at[:, 0],
        "longitude": at[:, 1],
        "posted_at": times,
        "taken_at": times,
        **{f"scene_{kind}": rng.uniform(size=count) for kind in ("indoor", "natural", "urban")},
    }
    return Posterior.from_mass(PLACES, mass, SPREAD), Records(pa.table(columns)), cell


def fitted(kind: str, examples: Examples, settings: dict[str, Any] | None = None, **options: Any) -> Refiner:
    chosen = SETTINGS[kind] if settings is None else settings
    return REFINERS[kind].fit(examples, REFINERS[kind].settings_type.model_validate(chosen), **options)


def loss(posterior: Posterior, cell: np.ndarray) -> float:
    return -float(posterior.log_mass[np.arange(len(cell)), cell].mean())


@pytest.fixture(scope="module")
def world() -> tuple[Examples, Posterior, Records, np.ndarray]:
    rng = np.random.default_rng(3)
    return Examples(*photos(rng)), *photos(rng, users=60)
