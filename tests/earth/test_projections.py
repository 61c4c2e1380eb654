"""The same numbers in NumPy and in torch; what they must be is tested where encoders are (test_locations)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from whereshot.earth import projections, sphere


@pytest.mark.parametrize(
    "surface", [projections.unit_vectors, projections.equal_earth, partial(projections.spherical_harmonics, degrees=7)]
)
def test_both_libraries_say_the_same(surface: Callable[[Any], Any], rng: np.random.Generator) -> None:
    positions = np.stack([rng.uniform(-90, 90, 50), rng.uniform(-180, 180, 50)], axis=1)
    positions = np.concatenate([positions, [[90.0, 0.0], [-90.0, 180.0], [0.0, -180.0]]])
    tensor = torch.tensor(positions, requires_grad=True)
    by_torch = surface(tensor)
    np.testing.assert_allclose(surface(positions), by_torch.detach().numpy(), atol=1e-13)
    by_torch.sum().backward()
    assert tensor.grad.isfinite().all()


def test_unit_vectors_are_those_of_the_sphere(rng: np.random.Generator) -> None:
    positions = np.stack([rng.uniform(-90, 90, 20), rng.uniform(-180, 180, 20)], axis=1)
    np.testing.assert_allclose(projections.unit_vectors(positions), sphere.xyz(positions), atol=1e-15)
    harmonics = projections.spherical_harmonics(positions, 2)[:, 1:]
    np.testing.assert_allclose(harmonics / np.sqrt(3 / (4 * np.pi)), sphere.xyz(positions)[:, [1, 2, 0]], atol=1e-14)
