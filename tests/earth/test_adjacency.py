"""Neighbours against grids whose neighbours are known: boxes, S2 cells of one level, and S2 cells of many levels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from whereshot.earth import adjacency, partition, s2, sphere
from whereshot.earth.partition.s2cells import S2Cells


def box(south: float, west: float, north: float, east: float) -> sphere.Points:
    """The ring around a box, counter-clockwise, with a corner at least every two degrees."""
    n = max(2, int((east - west) // 2) + 1)
    m = max(2, int((north - south) // 2) + 1)
    path = [(south, x) for x in np.linspace(west, east, n)]
    path += [(y, east) for y in np.linspace(south, north, m)]
    path += [(north, x) for x in np.linspace(east, west, n)]
    path += [(y, west) for y in np.linspace(north, south, m)]
    return np.array([*path, path[0]])


def in_boxes(boxes: list[tuple[float, float, float, float]], points: NDArray) -> NDArray[np.int64]:
    label = np.full(len(points), -1)
    for cell, (south, west, north, east) in enumerate(boxes):
        for turn in (-360, 0, 360):
            x = points[:, 1] + turn
            label[(points[:, 0] >= south) & (points[:, 0] < north) & (x >= west) & (x < east)] = cell
    return label


def found(boxes: list[tuple[float, float, float, float]]) -> list[tuple[int, int]]:
    rings = [[box(*one)] for one in boxes]
    result = adjacency.pairs(rings, lambda points: in_boxes(boxes, points))
    assert result.dtype == np.int64
    return [tuple(pair) for pair in result.tolist()]


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(0, 0, 10, 10)], []),
        ([(0, 0, 10, 10), (0, 10, 10, 20)], [(0, 1)]),
        ([(0, 0, 10, 10), (10, 10, 20, 20)], []),  # a corner is no border
        ([(0, 0, 10, 10), (0, 10.01, 10, 20)], []),  # a gap of a kilometre
        ([(0, 170, 10, 180), (0, -180, 10, -170)], [(0, 1)]),  # over the date line
        ([(0, 170, 10, 190), (0, -170, 10, -160)], [(0, 1)]),  # drawn across it
        ([(40, 0, 60, 40), (60, 0, 70, 10), (60, 10, 70, 40), (60, 40, 70, 50)], [(0, 1), (0, 2), (1, 2), (2, 3)]),
        ([(0, 0, 10, 15), (10, 7, 20, 30), (0, 15, 10, 30)], [(0, 1), (0, 2), (1, 2)]),  # borders that overlap partly
        ([(80, 0, 90, 90), (80, 90, 90, 180), (80, -180, 90, -90)], [(0, 1), (1, 2)]),  # at the pole they only meet
        ([(0, 0, 9, 9), (9, 0, 9.001, 4), (9, 4, 9.001, 9)], [(0, 1), (0, 2), (1, 2)]),  # thin ones
    ],
)
def test_boxes(boxes: list[tuple[float, float, float, float]], expected: list[tuple[int, int]]) -> None:
    assert found(boxes) == expected


def test_no_cells_have_no_neighbours() -> None:
    assert adjacency.pairs([], lambda points: np.full(len(points), -1)).shape == (0, 2)


def every_cell(level: int) -> S2Cells:
    ids = s2.encode([[0, 0], [0, 90], [90, 0], [0, 180], [0, -90], [-90, 0]], 0)
    for _ in range(level):
        ids = s2.children(ids).ravel()
    ids = np.sort(ids)
    return S2Cells(ids, s2.center(ids), np.ones(len(ids), np.int64), np.zeros(len(ids)))


@pytest.mark.parametrize("level", range(5))
def test_s2_cells_of_one_level_have_four_neighbours(level: int) -> None:
    cells = every_cell(level)
    degree = np.bincount(cells.neighbours().ravel(), minlength=len(cells))
    assert (degree == 4).all()


def test_faces_of_the_cube() -> None:
    """S2's faces 0 to 5 lie so that n and n + 3 are opposite; all others meet."""
    expected = [[i, j] for i in range(6) for j in range(i + 1, 6) if j != i + 3]
    assert every_cell(0).neighbours().tolist() == expected


@pytest.mark.slow
def test_s2_cells_of_many_levels(rng: np.random.Generator) -> None:
    """Cells of levels 1 to 5 border where the level-5 cells in them do, those found by the four-neighbour rule."""
    spots = np.array([[48, 2], [-33, 151], [89.9, 0], [0, 179.9], [-89, 90]])
    points = np.concatenate(
        [spots[rng.integers(0, 5, 2000)] + rng.normal(0, 3, (2000, 2)), s2.center(every_cell(2).ids)]
    )
    points[:, 0] = np.clip(points[:, 0], -90, 90)
    points[:, 1] = (points[:, 1] + 180) % 360 - 180
    mixed = partition.build("s2", points, {"max": 6, "min_level": 1, "max_level": 5})
    assert len(set(s2.level_of(mixed.ids).tolist())) >= 5
    small = every_cell(5)
    owner = mixed.assign(small.cell_centers)
    expected = np.sort(owner[small.neighbours()], axis=1)
    expected = np.unique(expected[(expected[:, 0] >= 0) & (expected[:, 0] < expected[:, 1])], axis=0)
    np.testing.assert_array_equal(mixed.neighbours(), expected)


def test_tiny_cells_have_neighbours() -> None:
    """Two S2 leaves, a centimetre wide, side by side."""
    leaf = s2.encode([[48.2, 16.4]])
    four = np.sort(s2.children(s2.parent(leaf, 29)).ravel())
    cells = S2Cells(four, s2.center(four), np.ones(4, np.int64), np.zeros(4))
    assert len(cells.neighbours()) == 4
