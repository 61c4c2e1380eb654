"""Hills whose shape is known: climbs end on their tops, and two that end on the same one are one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import sphere
from whereshot.models.readout import hill_climbing
from whereshot.models.readout.hill_climbing import ClimbSettings, Hills

TOPS = np.array([[40.0, 10.0], [40.3, 10.2], [-20.0, 179.99]])
PER_KM = 0.05
"""How fast the encoding turns: radians a km."""


def slopes(row: NDArray, positions: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """A cosine that falls with the distance from each row's own top, the same in all directions."""
    top = TOPS[row]
    km = sphere.distance_km(positions, top)
    turn = np.radians((top[:, 1] - positions[:, 1] + 180) % 360 - 180)
    away = np.stack([np.radians(top[:, 0] - positions[:, 0]), turn * np.cos(np.radians(positions[:, 0]))], axis=1)
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    angle = np.minimum(PER_KM * km, np.pi / 2)
    metric = np.tile(PER_KM**2 * np.eye(2), (len(row), 1, 1))
    return np.cos(angle), PER_KM * np.sin(angle)[:, None] * away, metric


@pytest.mark.parametrize("longest_km", [1.0, 100.0])
def test_climbs_end_on_the_top(longest_km: float, rng: np.random.Generator) -> None:
    """Also across the date line."""
    starts = sphere.move(np.repeat(TOPS, 4, axis=0), rng.uniform(0, 360, 12), rng.uniform(0, 15, 12)).reshape(3, 4, 2)
    found = hill_climbing.climb(slopes, 64, starts, ClimbSettings(steps=40, longest_km=longest_km), patience=np.inf)
    assert sphere.distance_km(found.positions, TOPS[:, None]).max() < 0.01
    np.testing.assert_allclose(found.similarity, 1, atol=1e-6)
    one = hill_climbing.without_repeats(found)
    assert np.isfinite(one).sum(axis=1).tolist() == [1, 1, 1]


def test_what_cannot_become_the_best_is_given_up() -> None:
    starts = np.stack([TOPS[:1], sphere.move(TOPS[:1], 90.0, 28.0)], axis=1)
    found = hill_climbing.climb(slopes, 512, starts, ClimbSettings(steps=0))
    assert np.isneginf(found.similarity[0, 1]) and found.similarity[0, 0] == pytest.approx(1)


def test_starts_are_the_best_that_lie_apart() -> None:
    near = np.array([[[0.0, 0.0], [0.0, 0.05], [0.0, 1.0], [0.0, 1.01], [0.0, 2.0]]])
    chosen = hill_climbing.starts_among(near, ClimbSettings(hills=3, apart_km=12))
    assert chosen[0].tolist() == [[0, 0], [0, 1], [0, 2]]
    few = hill_climbing.starts_among(near, ClimbSettings(hills=4, apart_km=120))
    assert few[0].tolist() == [[0, 0], [0, 2], [0, 0], [0, 0]]  # none is left: the best once more


def test_the_better_of_two_on_one_top_stays() -> None:
    positions = np.array([[[1.0, 1.0], [1.0, 1.0001], [5.0, 5.0]]])
    found = hill_climbing.without_repeats(Hills(positions, np.array([[0.5, 0.6, 0.4]]), np.zeros((1, 3, 2, 2))))
    assert found.tolist() == [[-np.inf, 0.6, 0.4]]
