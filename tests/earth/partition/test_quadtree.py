"""Quadtrees against a slow recursion as OSV-5M's, exact areas, and edges to the last bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from whereshot.earth import partition, sphere
from whereshot.earth.partition.quadtree import Quadtree
from whereshot.earth.polygons import area_sr
from whereshot.foundation.errors import ConfigError, InputError


def smallest_part_m2(low: NDArray, high: NDArray) -> float:
    """The area of the smallest of a box's four parts, by the cosine of its middle."""
    (height, width), middle = np.radians(high - low) / 2, 0.5 * (low[0] + high[0])
    flat = [math.cos(math.radians(middle + step * (high[0] - low[0]) / 4)) for step in (-1, 1)]
    return min(flat) * height * width * 6371008.8**2


def slow(points: NDArray, low: NDArray, high: NDArray, depth: int, most: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Boxes (south, west, north, east) and their points, in OSV-5M's order; empty quadrants are left out.

    OSV-5M's has no smallest box; here none is divided whose parts would have less than a square metre.
    """
    if depth == 0 or len(points) <= most or smallest_part_m2(low, high) < 1:
        yield np.concatenate([low, high]), points
        return
    middle = 0.5 * (low + high)
    for north in (False, True):
        for east in (False, True):
            upper = np.array([north, east])
            inside = ((points >= middle) == upper).all(axis=1)
            if inside.any():
                yield from slow(
                    points[inside], np.where(upper, middle, low), np.where(upper, high, middle), depth - 1, most
                )


places = st.tuples(st.floats(-89.9, 89.9), st.floats(-179.9, 179.9))


@settings(max_examples=150, deadline=None)
@given(
    anchors=st.lists(places, min_size=1, max_size=6),
    counts=st.lists(st.integers(1, 12), min_size=6, max_size=6),
    scatter=st.sampled_from([0.0, 1e-6, 1e-3, 1.0, 30.0]),
    most=st.integers(1, 8),
    depth=st.sampled_from([0, 1, 5, 12, 13, 20]),
    extent=st.sampled_from(["world", "photos"]),
    seed=st.integers(0, 99),
)
def test_agrees_with_the_published_recursion(
    anchors: list, counts: list[int], scatter: float, most: int, depth: int, extent: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    points = np.repeat(np.array(anchors), counts[: len(anchors)], axis=0)
    points = np.clip(points + scatter * rng.normal(0, 1, points.shape), [-89.9, -179.9], [89.9, 179.9])
    low, high = np.array([-90.0, -180.0]), np.array([90.0, 180.0])
    if extent == "photos":
        low, high = points.min(axis=0), points.max(axis=0)
        if (high - low < 1e-3).any():
            return  # a start box without width is widened
    expected = list(slow(points, low, high, depth, most))
    tree = partition.build("quadtree", points, {"max": most, "max_depth": depth, "extent": extent})
    assert isinstance(tree, Quadtree)
    np.testing.assert_array_equal(tree.boxes, [box for box, _ in expected])  # to the last bit, in the same order
    assert tree.counts.tolist() == [len(inside) for _, inside in expected]
    for cell, (_, inside) in enumerate(expected):
        assert (tree.assign(inside) == cell).all()


def test_points_on_an_edge_go_north_and_east() -> None:
    tree = partition.build("quadtree", [[-1, -1], [-1, 1], [1, -1], [1, 1]], {"max": 1, "max_depth": 1})
    assert tree.boxes.tolist() == [[-90, -180, 0, 0], [-90, 0, 0, 180], [0, -180, 90, 0], [0, 0, 90, 180]]
    assert tree.assign([[0, 0], [0, -1], [-1, 0], [-1e-300, -1e-300], [0, -1e-300]]).tolist() == [3, 2, 1, 0, 2]
    below = np.nextafter(0, -1)
    assert tree.assign([[below, below], [below, 0]]).tolist() == [0, 1]


def test_each_place_of_the_date_line_and_the_poles_is_in_one_box() -> None:
    tree = partition.build("quadtree", [[-1, -1], [-1, 1], [1, -1], [1, 1]], {"max": 1, "max_depth": 1})
    assert tree.assign([[5, 180], [5, -180], [-5, 180], [-5, -180]]).tolist() == [2, 2, 0, 0]
    assert tree.assign([[90, 0], [90, 77], [90, 180], [-90, 0], [-90, 77]]).tolist() == [2, 2, 2, 0, 0]


def test_the_photos_own_box_as_published() -> None:
    tree = partition.build("quadtree", [[10, 20], [14, 28], [11, 21]], {"max": 1, "max_depth": 2, "extent": "photos"})
    assert tree.start == (10, 20, 14, 28)
    assert tree.boxes.tolist() == [[10, 20, 11, 22], [11, 20, 12, 22], [12, 24, 14, 28]]
    assert tree.assign([[14, 28], [10, 20], [9.999, 21], [14.001, 28], [13, 21]]).tolist() == [2, 0, -1, -1, -1]


def test_photos_of_one_place_have_a_box_with_an_area() -> None:
    tree = partition.build("quadtree", [[90, 180]] * 5, {"max": 1, "max_depth": 30, "extent": "photos"})
    assert len(tree) == 1 and tree.counts.tolist() == [5]
    assert tree.area_sr[0] > 0 and tree.assign([[90, 180]]).tolist() == [0]


def test_split_and_kept_are_above_the_limits() -> None:
    points = [[1, 1]] * 3 + [[-1, -1]] * 2
    assert len(partition.build("quadtree", points, {"max": 5})) == 1
    deep = partition.build("quadtree", points, {"max": 4, "max_depth": 1})
    assert deep.counts.tolist() == [2, 3]
    assert partition.build("quadtree", points, {"max": 4, "max_depth": 1, "min": 2}).counts.tolist() == [3]
    thousand = np.tile([[1.0, 1.0]], (1000, 1))
    assert partition.build("quadtree", thousand[:999], {}).depths.tolist() == [0]  # OSV-5M splits at 1,000
    assert partition.build("quadtree", thousand, {}).depths.tolist() == [10]


@settings(max_examples=60, deadline=None)
@given(place=places, depth=st.integers(0, 30))
def test_areas_are_those_of_the_polygons(place: tuple[float, float], depth: int) -> None:
    tree = partition.build("quadtree", [place] * 2, {"max": 1, "max_depth": depth})
    rtol = 1e-12 * 4**depth * max(1, 1 / math.cos(math.radians(place[0]))) if depth > 12 else 1e-6
    assert tree.area_sr[0] == pytest.approx(area_sr(tree.polygon(0)), rel=min(rtol, 1), abs=1e-15)
    south, west, north, east = np.radians(tree.boxes[0])
    if depth < 10:
        assert tree.area_sr[0] == pytest.approx((east - west) * (math.sin(north) - math.sin(south)), rel=1e-9)
    assert south <= math.radians(place[0]) <= north and west <= math.radians(place[1]) <= east


def test_populating_keeps_the_boxes(rng: np.random.Generator) -> None:
    points = np.stack([rng.uniform(-60, 70, 3000), rng.uniform(-170, 170, 3000)], axis=1)
    tree = partition.build("quadtree", points, {"max": 100, "extent": "photos"})
    others = partition.build("quadtree", points, {"max": 100, "min": 9, "extent": "photos"}, populate_with=points[::5])
    assert isinstance(others, Quadtree) and others.start == tree.start
    assert 0 < len(others) < len(tree) and others.counts.min() > 9
    assert {tuple(box) for box in others.boxes.tolist()} <= {tuple(box) for box in tree.boxes.tolist()}
    label = others.assign(points[::5])
    np.testing.assert_array_equal(np.bincount(label[label >= 0]), others.counts)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"max": 5, "min": 5},
            "partition quadtree: min 5 must be smaller than max 5; got {'max': 5, 'min': 5}",
        ),
        ({"max_depth": 31}, "partition quadtree: 'max_depth': input should be less than or equal to 30; got 31"),
        ({"extent": "data"}, "partition quadtree: 'extent': input should be 'world' or 'photos'; got 'data'"),
        ({"do_split": 1000}, "partition quadtree: unknown key 'do_split'; known: extent, max, max_depth, min"),
    ],
)
def test_settings_that_make_no_sense(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        partition.build("quadtree", [[0, 0]], asked)
    assert str(caught.value) == message


def test_overlapping_boxes_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        Quadtree(
            partition.quadtree.WORLD, np.array([1, 6]), np.array([1, 2]), np.zeros((2, 2)), np.ones(2, int), np.ones(2)
        )
    assert str(caught.value) == "boxes of a quadtree must be disjoint and sorted by path"


def test_small_boxes_are_drawn_and_divided_finely(rng: np.random.Generator) -> None:
    """Two photos a metre apart end in different boxes; the boundary goes round the pair's box once."""
    tree = partition.build("quadtree", [[48.2, 16.4], [48.20001, 16.4]], {"max": 1, "max_depth": 30})
    assert len(tree) == 2 and tree.assign([[48.2, 16.4], [48.20001, 16.4]]).tolist() == [0, 1]
    for cell in range(2):
        (ring,) = tree.boundary(cell)
        turns = np.diff(ring, axis=0)
        assert (turns[:-1, 1] * turns[1:, 0] - turns[:-1, 0] * turns[1:, 1]).max() >= 0  # counter-clockwise
        assert sphere.distance_km(ring[:-1], ring[1:]).max() < 230


@pytest.mark.parametrize("side", [-1, 1])
def test_a_box_of_photos_holds_a_pole_and_the_date_line_once(side: int) -> None:
    rng = np.random.default_rng(4)
    east = np.stack([rng.uniform(-30, 85, 2000), rng.uniform(120, 179.9, 2000)], axis=1)
    points = np.concatenate([east, [[90.0, 150.0], [10.0, 180.0]]]) * [1, side]
    cells = partition.build("quadtree", points, {"max": 50, "extent": "photos"})
    poles = cells.assign([[90, longitude] for longitude in (-180, -150, 0, 77.7, 150, 180)])
    assert (poles == poles[0]).all() and poles[0] >= 0
    latitude = np.linspace(-29, 84, 50)
    both = [cells.assign(np.stack([latitude, np.full(50, longitude)], axis=1)) for longitude in (-180.0, 180.0)]
    np.testing.assert_array_equal(*both)
    assert (both[0] >= 0).mean() > 0.8


@settings(max_examples=60, deadline=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    spread=st.sampled_from([0, 1e-9, 1e-6, 1e-4, 1.0]),
    kind=st.sampled_from(["quadtree", "s2"]),
    extent=st.sampled_from(["world", "photos"]),
    seed=st.integers(0, 99),
)
def test_no_cell_is_below_a_square_metre(
    latitude: float, longitude: float, spread: float, kind: str, extent: str, seed: int
) -> None:
    """However many photos show one spot, and wherever it is: poles, date line, corners of faces."""
    scattered = np.random.default_rng(seed).normal((latitude, longitude), spread, size=(40, 2))
    points = np.clip(scattered, [-90, -180], [90, 180])
    own = {"max": 1, "max_depth": 30, "extent": extent} if kind == "quadtree" else {"max": 1, "max_level": 30}
    built = partition.build(kind, points, own)
    assert (built.area_sr * 6371008.8**2 >= 1).all()
    assert built.counts.sum() == 40 and (built.assign(points) >= 0).all()
