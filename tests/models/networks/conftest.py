"""Fixtures of the tests of networks: cells, an encoder of positions, a grid of places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from around_kansas import KANSAS
from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy
from whereshot.models.networks.locations import Fourier, FourierSettings


@pytest.fixture
def hierarchy(rng: np.random.Generator) -> Hierarchy:
    """Two levels over points around the world, with some of these outside the finer cells."""
    points = np.stack([rng.uniform(-60, 60, 200), rng.uniform(-180, 180, 200)], axis=1)
    points = np.concatenate([points, points[:60] + 0.01])
    coarse = partition.build("s2", points, {"max": 60})
    return Hierarchy((coarse, partition.build("s2", points, {"max": 12, "min": 2, "max_level": 5})))


@pytest.fixture(scope="module")
def encoder() -> Fourier:
    """An encoder of random weights whose encodings turn over some ten kilometres, as GeoCLIP's do."""
    torch.manual_seed(2)
    settings = FourierSettings(sigmas=(8.0, 256.0), features=64, width=64, depth=1, dim=64)
    return Fourier(settings).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def grid() -> NDArray:
    """Every 4 km around Kansas."""
    steps = np.arange(-0.9, 0.9, 0.036)
    north, east = np.meshgrid(steps, steps / np.cos(np.radians(KANSAS[0])), indexing="ij")
    return KANSAS + np.stack([north.ravel(), east.ravel()], axis=1)
