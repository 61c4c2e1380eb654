"""Every kind of partition against invariants, a slow recursive S2 split and published cell counts."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geojson_areas import check_area
from whereshot.earth import partition, s2, sphere
from whereshot.earth.great_circles import densify
from whereshot.earth.partition import PARTITIONS, Hierarchy, Partition
from whereshot.earth.polygons import of_ring
from whereshot.foundation.errors import ConfigError, InputError
from whereshot.report.cell_atlas import Atlas

SETTINGS: dict[str, dict[str, Any]] = {
    "s2": {"max": 400, "min_level": 1},
    "s2-level": {"level": 2},
    "quadtree": {"max": 400},
    "combinatorial": {"parts": [{"kind": "s2", "max": 400, "min_level": 1}, {"kind": "quadtree", "max": 2000}]},
    "mesh": {"max": 60, "min": 1, "nodes": 21},
    "voronoi": {"cells": 60},
    "regions": {"cells": 40},  # of the file that ``tiling`` writes
    "semantic": {"max": 400, "sample": 300},
}
"""For each kind what makes it cover the whole sphere with ``world``'s 20,000 points and keep every point."""


@pytest.fixture(scope="module", autouse=True)
def tiling(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Borders for the regions: twelve boxes that fill the map."""
    path = tmp_path_factory.mktemp("borders") / "tiling.geojson"
    boxes = [
        shapely.box(west, south, west + 90, south + 60) for west in range(-180, 180, 90) for south in (-90, -30, 30)
    ]
    path.write_text(shapely.to_geojson(shapely.GeometryCollection(boxes)))
    SETTINGS["regions"]["file"] = SETTINGS["semantic"]["file"] = str(path)


@pytest.fixture(params=sorted(PARTITIONS))
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind there is; one without settings here fails."""
    assert request.param in SETTINGS, f"add settings for {request.param!r} to SETTINGS"
    return request.param


def uniform(rng: np.random.Generator, n: int) -> NDArray:
    """(n, 2) uniform on the sphere."""
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)


@pytest.fixture(scope="module")
def world() -> NDArray:
    return uniform(np.random.default_rng(1), 20_000)


def full(kind: str, points: NDArray) -> Partition:
    return partition.build(kind, points, SETTINGS[kind])


def check(cells: Partition, points: NDArray) -> NDArray:
    """The invariants of any partition of these points; returns the assignment."""
    label = cells.assign(points)
    assert label.dtype == np.int64 and label.shape == (len(points),)
    assert label.min() >= -1 and label.max() < len(cells)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    unit = sphere.xyz(points)
    for cell in range(len(cells)):
        own = unit[label == cell]
        mean = own.mean(0)
        center = mean / np.linalg.norm(mean)
        if np.linalg.norm(mean) > 1e-9:  # antipodes have none
            np.testing.assert_allclose(sphere.xyz(cells.centers[cell]), center, atol=1e-12)
        chord = math.sqrt(((own - center) ** 2).sum(1).mean())
        assert cells.spread_km[cell] == pytest.approx(2 * sphere.EARTH_KM * math.asin(chord / 2), abs=1e-3)
    assert (cells.area_sr > 0).all()
    return label


# --- every kind


def test_full_partition_covers_the_sphere_once(kind: str, world: NDArray) -> None:
    cells = full(kind, world)
    assert math.fsum(cells.area_sr) == pytest.approx(4 * math.pi, abs=1e-9)
    assert (check(cells, world) >= 0).all()


def test_geojson_is_rfc_7946(kind: str, world: NDArray) -> None:
    cells = full(kind, world)
    features = json.loads(Atlas.of(cells, kind).to_geojson())["features"]
    assert len(features) == len(cells)
    assert sum(check_area(feature).area for feature in features) == pytest.approx(360 * 180, rel=1e-3)


def test_every_point_is_in_the_polygon_of_its_cell_only(kind: str, world: NDArray, rng: np.random.Generator) -> None:
    cells = full(kind, world)
    polygons = np.array([cells.polygon(cell) for cell in range(len(cells))])
    points = uniform(rng, 3000)
    points = points[np.abs(points[:, 0]) < 60]  # nearer a pole straight lines on the map leave the great circle
    shapes = shapely.points(points[:, ::-1])
    label = cells.assign(points)
    edges = shapely.STRtree(shapely.boundary(polygons))
    clear = np.ones(len(points), bool)
    clear[edges.query(shapes, predicate="dwithin", distance=0.05)[0]] = False
    assert clear.mean() > 0.9
    found, cell = shapely.STRtree(polygons).query(shapes[clear], predicate="within")
    np.testing.assert_array_equal(found, np.arange(clear.sum()))
    np.testing.assert_array_equal(cell, label[clear])


def test_polygons_are_valid_cut_and_hold_the_cell_center(kind: str, world: NDArray) -> None:
    cells = full(kind, world)
    for cell in range(len(cells)):
        polygon = cells.polygon(cell)
        assert polygon.is_valid and polygon.geom_type in ("Polygon", "MultiPolygon")
        west, south, east, north = polygon.bounds
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90
        latitude, longitude = cells.cell_centers[cell]
        assert shapely.intersects_xy(polygon, longitude, latitude)


def test_boundaries_are_closed_and_finely_drawn(kind: str, world: NDArray) -> None:
    cells = full(kind, world)
    for cell in range(0, len(cells), 7):
        for ring in cells.boundary(cell):
            assert ring.shape[1] == 2 and len(ring) >= 4
            np.testing.assert_array_equal(ring[0], ring[-1])
            steps = sphere.distance_km(ring[:-1], ring[1:])
            assert steps.max() <= 2.3 * math.pi / 180 * sphere.EARTH_KM


def test_own_centroid_and_center_are_in_the_own_cell(kind: str, world: NDArray) -> None:
    cells = full(kind, world)
    if cells.convex:
        np.testing.assert_array_equal(cells.assign(cells.centers), np.arange(len(cells)))
    np.testing.assert_array_equal(cells.assign(cells.cell_centers), np.arange(len(cells)))


def test_order_of_the_points_does_not_matter(kind: str, world: NDArray, rng: np.random.Generator) -> None:
    one, other = full(kind, world), full(kind, rng.permutation(world))
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.cell_centers, other.cell_centers)
    np.testing.assert_allclose(one.centers, other.centers, atol=1e-9)


def test_saving_and_loading_changes_nothing(kind: str, world: NDArray, tmp_path: Path) -> None:
    cells = full(kind, world)
    cells.save(tmp_path / "cells.parquet")
    again = partition.load(tmp_path / "cells.parquet")
    assert type(again) is type(cells)
    for name in ("centers", "cell_centers", "counts", "area_sr", "spread_km"):
        np.testing.assert_array_equal(getattr(again, name), getattr(cells, name), err_msg=name)
        assert getattr(again, name).dtype == getattr(cells, name).dtype
    np.testing.assert_array_equal(again.assign(world), cells.assign(world))
    for one, other in zip(again.boundary(3), cells.boundary(3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "points",
    [
        [[48.2, 16.4]],
        [[48.2, 16.4]] * 1000,
        [[90, 0], [90, 123.4], [-90, 0], [-90, -77]],
        [[0, 180], [0, -180], [10, 180], [10, -180], [-89, 180]],
        [[0, 0], [0, 180], [0, 0], [0, 180]],
        [[12.5, 77], [-12.5, -103]],
        [[0, longitude] for longitude in range(-180, 180, 5)],
    ],
    ids=["one point", "all equal", "poles", "date line", "antipodes on the equator", "antipodes", "collinear points"],
)
def test_odd_inputs(kind: str, points: list[list[float]]) -> None:
    array = np.array(points, float)
    cells = full(kind, array)
    label = check(cells, array)
    assert (label >= 0).all()
    for cell in range(len(cells)):
        assert cells.polygon(cell).is_valid


def test_both_spellings_of_a_place_fall_into_one_cell(kind: str, world: NDArray) -> None:
    cells = full(kind, world)
    latitude = np.linspace(-89, 89, 60)
    east, west = (np.stack([latitude, np.full(60, side)], axis=1) for side in (180.0, -180.0))
    np.testing.assert_array_equal(cells.assign(east), cells.assign(west))
    for latitude_ in (-90, 90):
        poles = cells.assign([[latitude_, longitude] for longitude in (-180, -90, 0, 45, 180)])
        assert (poles == poles[0]).all() and poles[0] >= 0


def test_neighbours_are_the_cells_that_a_short_walk_leads_to(
    kind: str, world: NDArray, rng: np.random.Generator
) -> None:
    cells = full(kind, world)
    pairs = cells.neighbours()
    assert pairs.dtype == np.int64 and (pairs[:, 0] < pairs[:, 1]).all()
    np.testing.assert_array_equal(np.unique(pairs), np.arange(len(cells)))  # the sphere is full: nobody is alone
    start = uniform(rng, 40_000)
    walk = np.stack([cells.assign(start), cells.assign(sphere.move(start, rng.uniform(0, 360, 40_000), 5.0))], axis=1)
    walk = np.sort(walk[walk[:, 0] != walk[:, 1]], axis=1)
    assert len(walk) > 50
    known = set(map(tuple, pairs.tolist()))
    assert np.mean([tuple(pair) in known for pair in walk.tolist()]) > 0.97  # some walk round a corner


def test_no_positions_leave_no_cell(kind: str) -> None:
    with pytest.raises(InputError) as caught:
        partition.build(kind, [], SETTINGS[kind])
    assert str(caught.value) == ("no cell is left: every cell holds too few photos; lower min, or give more positions")


# --- errors


@pytest.mark.parametrize(
    ("kind_", "given_", "message"),
    [
        ("s3", {}, "no partition kind 's3'; did you mean 's2'?"),
        ("crop-circles", {}, f"no partition kind 'crop-circles'; known: {', '.join(sorted(PARTITIONS))}"),
        ("s2", {"max": 10, "minlevel": 2}, "partition s2: unknown key 'minlevel'; did you mean 'min_level'?"),
        (
            "s2",
            {},
            "partition s2: 'max' is missing; settings of s2: max (photos in a cell), min=0, min_level=0, max_level=30",
        ),
        (
            "s2",
            {"max": 5, "min": 5},
            "partition s2: min 5 must be smaller than max 5; got {'max': 5, 'min': 5}",
        ),
        (
            "s2",
            {"max": 5, "min_level": 9, "max_level": 3},
            "partition s2: min_level 9 is above max_level 3; got {'max': 5, 'min_level': 9, 'max_level': 3}",
        ),
        ("s2", {"max": 0}, "partition s2: 'max': input should be greater than or equal to 1; got 0"),
        (
            "s2",
            {"max": 5, "max_level": 31},
            "partition s2: 'max_level': input should be less than or equal to 30; got 31",
        ),
        ("s2-level", {"level": 31}, "partition s2-level: 'level': input should be less than or equal to 22; got 31"),
        (
            "s2-level",
            {},
            "partition s2-level: 'level' is missing; settings of s2-level: level (of S2, 0 to 22), min=0",
        ),
    ],
)
def test_settings_that_make_no_sense(kind_: str, given_: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        partition.build(kind_, [[0, 0]], given_)
    assert str(caught.value) == message
    assert isinstance(caught.value, ConfigError) == message.startswith("partition ")


def test_too_few_photos_leave_no_cell() -> None:
    with pytest.raises(InputError, match=r"^no cell is left: every cell holds too few photos; lower min"):
        partition.build("s2", [[0, 0], [50, 50]], {"max": 10, "min": 1})


def test_impossible_positions_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match=r"^1 of 2 positions is impossible; the first is \(95, 0\) in row 2: latitude"):
        partition.build(kind, [[0, 0], [95, 0]], SETTINGS[kind])


def test_files_that_are_no_partition(tmp_path: Path) -> None:
    text, table = tmp_path / "text.parquet", tmp_path / "table.parquet"
    bare, other = tmp_path / "bare.parquet", tmp_path / "other.parquet"
    text.write_text("not Parquet")
    pq.write_table(pa.table({"a": [1]}), table)
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({"whereshot.partition": "{}"}), bare)
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({"whereshot.partition": '{"kind": "mesh9"}'}), other)
    for path, message in (
        (tmp_path / "none.parquet", "no such file"),
        (text, "not a partition file; make one with: whereshot cells build"),
        (table, "not a partition file; make one with: whereshot cells build"),
        (bare, "not a partition file; make one with: whereshot cells build"),
        (other, f"partition kind 'mesh9' is not known to this version; known: {', '.join(partition._CLASSES)}"),
    ):
        with pytest.raises(InputError) as caught:
            partition.load(path)
        assert str(caught.value) == f"{path}: {message}"


def test_overlapping_cells_are_refused() -> None:
    ids = np.sort(s2.encode([[0, 0], [0, 0]], 4))
    with pytest.raises(InputError) as caught:
        partition.s2cells.S2Cells(ids, np.zeros((2, 2)), np.ones(2, np.int64), np.ones(2))
    assert str(caught.value) == "S2 cells of a partition must be disjoint and sorted by id"


# --- adaptive S2 against a slow one, and against what was published


def slow_adaptive(leaves: list[int], most: int, least: int, min_level: int, max_level: int) -> dict[int, int]:
    """Cell id -> count, by recursion on Python's integers."""

    def parent(leaf: int, level: int) -> int:
        lowest = 1 << (2 * (30 - level))
        return (leaf & -lowest) | lowest

    kept: dict[int, int] = {}

    def split(level: int, members: list[int]) -> None:
        if len(members) > most and level < max_level:
            for child in {parent(leaf, level + 1) for leaf in members}:
                split(level + 1, [leaf for leaf in members if parent(leaf, level + 1) == child])
        elif len(members) > least:
            kept[parent(members[0], level)] = len(members)

    for root, count in Counter(parent(leaf, min_level) for leaf in leaves).items():
        if count > least:
            split(min_level, [leaf for leaf in leaves if parent(leaf, min_level) == root])
    return kept


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@settings(max_examples=150, deadline=None)
@given(
    anchors=st.lists(places, min_size=1, max_size=6),
    counts=st.lists(st.integers(1, 12), min_size=6, max_size=6),
    scatter=st.sampled_from([0.0, 1e-7, 1e-3, 1.0, 30.0]),
    most=st.integers(1, 8),
    least=st.integers(0, 7),
    levels=st.tuples(st.integers(0, 22), st.integers(0, 30)),
    seed=st.integers(0, 99),
)
def test_adaptive_agrees_with_recursion(
    anchors: list, counts: list[int], scatter: float, most: int, least: int, levels: tuple[int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    points = np.repeat(np.array(anchors), counts[: len(anchors)], axis=0)
    points = points + rng.normal(0, scatter, points.shape) if scatter else points
    points[:, 0] = np.clip(points[:, 0], -90, 90)
    points[:, 1] = (points[:, 1] + 180) % 360 - 180
    least, low, high = min(least, most - 1), levels[0], max(levels)
    finest = min(high, 22)  # a finer cell is smaller than a square metre
    leaves = [int(leaf) for leaf in s2.encode(sphere.one_spelling(points))]
    expected = slow_adaptive(leaves, most, least, low, finest)
    asked = {"max": most, "min": least, "min_level": low, "max_level": high}
    if not expected:
        with pytest.raises(InputError, match=r"^no cell is left"):
            partition.build("s2", points, asked)
        return
    cells = partition.build("s2", points, asked)
    assert dict(zip(cells.ids.tolist(), cells.counts.tolist(), strict=True)) == expected
    label = cells.assign(points)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)


@pytest.fixture(scope="module")
def hundred_thousand(shared: Path) -> NDArray:
    path = shared / "data" / "tables" / "geoclip_coordinates_100K.csv"
    if not path.is_file():
        pytest.skip(f"needs {path.name}")
    table = pyarrow.csv.read_csv(path)
    return np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)


@pytest.mark.parametrize(
    ("asked", "cells", "photos"),
    [
        ({"min": 50, "max": 5000, "min_level": 2, "max_level": 12}, 82, 99_584),
        ({"min": 50, "max": 2000, "min_level": 2, "max_level": 12}, 158, 99_232),
        ({"min": 50, "max": 1000, "min_level": 2, "max_level": 12}, 276, 97_866),
        ({"min": 5, "max": 100, "min_level": 2, "max_level": 30}, 2751, 97_921),
        ({"min": 5, "max": 200, "min_level": 2, "max_level": 30}, 1587, 99_159),
        ({"min": 5, "max": 500, "min_level": 2, "max_level": 30}, 678, 99_851),
    ],
)
def test_published_counts(hundred_thousand: NDArray, asked: dict[str, int], cells: int, photos: int) -> None:
    built = partition.build("s2", hundred_thousand, asked)
    assert (len(built), int(built.counts.sum())) == (cells, photos)
    assert int((built.assign(hundred_thousand) >= 0).sum()) == photos


# --- drawing


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_map_of_a_level_tiles_the_plane(level: int) -> None:
    """The polygons of all cells, poles and date line included, fill the map exactly once."""
    ids = s2.encode([[0, 0], [0, 90], [90, 0], [0, 180], [0, -90], [-90, 0]], 0)
    for _ in range(level):
        ids = s2.children(ids).ravel()
    rings = [densify(corners) for corners in s2.vertices(ids)]
    polygons = [of_ring(ring) for ring in rings]
    assert all(polygon.is_valid for polygon in polygons)
    assert math.fsum(polygon.area for polygon in polygons) == pytest.approx(360 * 180, rel=1e-9)
    assert shapely.union_all(polygons, grid_size=1e-9).area == pytest.approx(360 * 180, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(place=places, level=st.integers(4, 22))
def test_small_cells_are_drawn_where_they_are(place: tuple[float, float], level: int) -> None:
    cells = partition.build("s2-level", [place], {"level": level})
    polygon = cells.polygon(0)
    assert polygon.is_valid and polygon.area > 0
    latitude, longitude = cells.cell_centers[0]
    assert polygon.distance(shapely.Point(longitude, latitude)) == 0
    scale = max(math.cos(math.radians(latitude)), 1e-12) * (math.pi / 180) ** 2
    if level >= 8 and abs(latitude) < 80:
        assert polygon.area * scale == pytest.approx(cells.area_sr[0], rel=0.02)


# --- hierarchy

THREE_FACES = np.array([[1, 1], [-20, -20], [0, 91], [0, 91], [80, 0]], float)
"""Two cells of level 3 on S2's face 0, one (two photos) on face 1, one on face 2."""


def test_hierarchy_of_s2_is_nested(world: NDArray) -> None:
    levels = tuple(
        partition.build("s2", world, {"max": most, "min_level": 1, "max_level": 12}) for most in (4000, 900, 100)
    )
    hierarchy = Hierarchy(levels)
    assert hierarchy.sizes == tuple(len(level) for level in levels) and hierarchy.finest is levels[-1]
    parents = hierarchy.parents()
    assert parents.shape == (len(levels[-1]), 3)
    np.testing.assert_array_equal(parents[:, 2], np.arange(len(levels[-1])))
    label = hierarchy.assign(world)
    np.testing.assert_array_equal(parents[label[:, 2]], label)  # the same cells by way of the finest


def test_product_by_hand() -> None:
    """Coarse 0.2 and 0.8; fine 0.1 to 0.4; the cell without a parent counts there as an average one, 1/2."""
    coarse = partition.build("s2-level", THREE_FACES, {"level": 0, "min": 1})
    fine = partition.build("s2-level", THREE_FACES, {"level": 3})
    assert (len(coarse), len(fine)) == (2, 4)
    a, b, c, _, d = fine.assign(THREE_FACES)
    hierarchy = Hierarchy((coarse, fine))
    assert hierarchy.parents()[[a, b, c, d], 0].tolist() == [0, 0, 1, -1]
    probabilities = np.empty(4)
    probabilities[[a, b, c, d]] = 0.1, 0.2, 0.3, 0.4
    product = np.exp(hierarchy.product([np.log([[0.2, 0.8]]), np.log(probabilities)[None]]))
    np.testing.assert_allclose(product[0, [a, b, c, d]], [0.04, 0.08, 0.48, 0.4], rtol=1e-12)


def test_product_is_normalised_whatever_the_scores(world: NDArray, rng: np.random.Generator) -> None:
    levels = tuple(partition.build("s2", world, {"max": most, "min_level": 1}) for most in (4000, 400))
    scores = [rng.normal(0, 300, (5, len(level))) for level in levels]
    mass = Hierarchy(levels).product(scores)
    np.testing.assert_allclose(np.exp(mass).sum(axis=1), 1, rtol=1e-12)


def test_hierarchies_that_make_no_sense() -> None:
    coarse = partition.build("s2-level", THREE_FACES, {"level": 0})
    fine = partition.build("s2-level", THREE_FACES, {"level": 3})
    for levels, message in (
        ((fine, coarse), "the levels of a hierarchy go from coarse to fine; got [4, 3] cells"),
        ((), "a hierarchy needs at least one partition"),
    ):
        with pytest.raises(InputError) as caught:
            Hierarchy(levels)
        assert str(caught.value) == message


# --- refined on some, populated with others


def test_photos_where_none_refined_the_cells_are_kept(kind: str, world: NDArray, rng: np.random.Generator) -> None:
    paris = rng.normal([48.86, 2.35], 0.3, (3000, 2))
    far = world[np.abs(world - [48.86, 2.35]).max(axis=1) > 20]
    settings_ = dict(SETTINGS[kind])
    if kind == "regions":
        settings_["cells"] = 12
    cells = partition.build(kind, paris, settings_, populate_with=far)
    label = check(cells, far)
    assert (label >= 0).all() and cells.counts.sum() == len(far)
    assert cells.counts.min() >= 1
    if kind != "regions":  # there cells=12 are as many as there are regions: each counts while nothing is dropped
        same = partition.build(kind, paris, settings_, populate_with=paris)
        np.testing.assert_array_equal(same.cell_centers, partition.build(kind, paris, settings_).cell_centers)


@pytest.mark.parametrize("kind_", ["s2", "quadtree", "combinatorial"])
def test_min_counts_the_photos_that_populate_not_those_that_refine(kind_: str, world: NDArray) -> None:
    part = {"s2": {"max": 50, "min": 3}, "quadtree": {"max": 50, "min": 3}}.get(kind_)
    asked = part or {"parts": [{"kind": "s2", "max": 50, "min": 3}, {"kind": "quadtree", "max": 50, "min": 3}]}
    north = world[world[:, 0] > 0]
    cells = partition.build(kind_, north, asked, populate_with=world)
    assert cells.counts.sum() > 0.99 * len(world)
    if part:
        assert cells.counts.min() > 3


def test_cells_without_photos_have_their_own_center_and_an_even_spread(kind: str, world: NDArray) -> None:
    cells = full(kind, world).populate([[48.86, 2.35]] * 3, lambda counts: counts >= 0)
    empty = cells.counts == 0
    assert empty.sum() == len(cells) - 1
    np.testing.assert_array_equal(cells.centers[empty], cells.cell_centers[empty])
    if kind != "mesh":  # which knows the moment of a triangle
        radius = np.arccos(1 - cells.area_sr[empty] / (2 * np.pi))
        small = radius < 0.3
        np.testing.assert_allclose(  # of a flat disc: radius / sqrt 2
            cells.spread_km[empty][small], radius[small] / math.sqrt(2) * sphere.EARTH_KM, rtol=0.02
        )
    assert cells.spread_km[empty].max() < 9000


def test_opposite_photos_are_answered_with_the_cell_center() -> None:
    opposite = [[30, 60], [-30, -120]]
    for kind_, asked in (
        ("quadtree", {"max": 5}),
        ("voronoi", {"cells": 1}),
        ("combinatorial", {"parts": [{"kind": "quadtree", "max": 5}, {"kind": "voronoi", "cells": 1}]}),
    ):
        cells = partition.build(kind_, opposite, asked)
        assert len(cells) == 1
        np.testing.assert_array_equal(cells.centers, cells.cell_centers)


@pytest.mark.parametrize("latitude", [0.1, 60.0, 80.0, 89.0])
@pytest.mark.parametrize("kind_", ["s2-level", "mesh"])
def test_what_is_drawn_keeps_to_the_border(kind_: str, latitude: float) -> None:
    """Between its points the line on the map is at most 20 m beside the great circle of the edge."""
    asked = {"level": 2} if kind_ == "s2-level" else {"max": 5, "nodes": 9, "min": 1}
    cells = partition.build(kind_, [[latitude, 20.0]], asked)
    (ring,) = cells.boundary(0)
    polar = np.abs(ring[:, 0]) > 90 - 1e-6  # a pole has any longitude: lines to it are meridians
    if isinstance(cells, partition.s2cells.S2Cells):
        corners = sphere.xyz(s2.vertices(cells.ids)[0])
    else:
        corners = cells.corners[0]  # type: ignore[attr-defined]
    normals = np.cross(corners, np.roll(corners, -1, axis=0))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    turn = (np.diff(ring[:, 1]) + 180) % 360 - 180
    middle = np.stack([(ring[1:, 0] + ring[:-1, 0]) / 2, ring[:-1, 1] + turn / 2], axis=1)
    middle = middle[~polar[1:] & ~polar[:-1]]
    off_km = np.abs(np.arcsin(sphere.xyz(middle) @ normals.T)).min(axis=1) * sphere.EARTH_KM
    assert len(off_km) > 3 and off_km.max() < 0.05
