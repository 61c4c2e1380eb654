"""Voronoi cells against scipy, sites in bad places, and k-means on the sphere."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import partition, sphere
from whereshot.earth.partition import clusters
from whereshot.earth.partition.voronoi import VoronoiCells
from whereshot.foundation.errors import InputError


def random_sites(n: int, seed: int = 0) -> NDArray:
    vectors = np.random.default_rng(seed).normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# --- k-means


def test_more_positions_than_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "SAMPLE", 500)
    points = sphere.latlon(random_sites(5000))
    cells = partition.build("voronoi", points, {"cells": 30})
    other = partition.build("voronoi", points[::-1], {"cells": 30})
    assert len(cells) == 30 and cells.counts.sum() == 5000
    np.testing.assert_array_equal(cells.sites, other.sites)


def test_at_most_max_photos_a_cell() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal([50, 8], 0.01, (3000, 2)), rng.normal(0, 20, (500, 2)), [[1.0, 2.0]] * 900])
    cells = partition.build("voronoi", points, {"max": 100})
    spot = int(cells.assign([[1.0, 2.0]])[0])
    counts = np.delete(cells.counts, spot)
    assert counts.max() <= 100 and counts.min() >= 1
    assert cells.counts[spot] >= 900  # one spot cannot be split


def test_the_seed_matters_and_repeats() -> None:
    points = sphere.latlon(random_sites(2000))
    one, same, other = (partition.build("voronoi", points, {"cells": 20, "seed": seed}) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.sites, same.sites)
    assert not np.array_equal(one.sites, other.sites)


# --- the kind


def test_places_of_dropped_cells_stay_outside() -> None:
    points = np.concatenate([np.tile([[10.0, 10.0], [50.0, 60.0]], (20, 1)), [[-30.0, -30.0]]])
    whole = partition.build("voronoi", points, {"cells": 3})
    cells = partition.build("voronoi", points, {"cells": 3, "min": 1})
    assert (len(whole), len(cells)) == (3, 2)
    assert cells.assign([[-30.0, -30.0], [10.0, 10.0]])[0] == -1
    again = VoronoiCells.from_table(cells.to_table())
    probes = sphere.latlon(random_sites(500))
    np.testing.assert_array_equal(again.assign(probes), cells.assign(probes))
    assert (again.assign(probes) == -1).any()


def test_cells_counted_on_other_photos() -> None:
    points = sphere.latlon(random_sites(4000))
    fresh = np.stack([np.abs(points[:, 0]), points[:, 1]], axis=1)  # the northern half only
    cells = partition.build("voronoi", points, {"cells": 40, "min": 5}, populate_with=fresh)
    label = cells.assign(fresh)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    assert 15 < len(cells) < 30 and cells.counts.min() > 5


@pytest.mark.parametrize("asked", [{}, {"cells": 3, "max": 5}])
def test_one_goal(asked: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"give either cells or max; got "):
        partition.build("voronoi", [[0, 0]], asked)


def test_min_must_be_smaller_than_max() -> None:
    with pytest.raises(InputError, match="min 9 must be smaller than max 9"):
        partition.build("voronoi", [[0, 0], [1, 1]], {"max": 9, "min": 9})
