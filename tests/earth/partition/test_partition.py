"""Every kind of partition against invariants, a slow recursive S2 split and published cell counts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import strategies as st
from numpy.typing import NDArray

from geojson_areas import check_area
from whereshot.earth import partition, s2, sphere
from whereshot.earth.partition import PARTITIONS, Partition
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


@pytest.fixture(scope="module", params=sorted(PARTITIONS))
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


@pytest.fixture(scope="module")
def whole(kind: str, world: NDArray) -> Partition:
    """The partition of this kind of ``world``; not to be changed."""
    return full(kind, world)


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


def test_full_partition_covers_the_sphere_once(whole: Partition, world: NDArray) -> None:
    assert math.fsum(whole.area_sr) == pytest.approx(4 * math.pi, abs=1e-9)
    assert (check(whole, world) >= 0).all()


def test_geojson_is_rfc_7946(kind: str, whole: Partition) -> None:
    features = json.loads(Atlas.of(whole, kind).to_geojson())["features"]
    assert len(features) == len(whole)
    assert sum(check_area(feature).area for feature in features) == pytest.approx(360 * 180, rel=1e-3)


def test_every_point_is_in_the_polygon_of_its_cell_only(whole: Partition, rng: np.random.Generator) -> None:
    polygons = np.array([whole.polygon(cell) for cell in range(len(whole))])
    points = uniform(rng, 3000)
    points = points[np.abs(points[:, 0]) < 60]  # nearer a pole straight lines on the map leave the great circle
    shapes = shapely.points(points[:, ::-1])
    label = whole.assign(points)
    edges = shapely.STRtree(shapely.boundary(polygons))
    clear = np.ones(len(points), bool)
    clear[edges.query(shapes, predicate="dwithin", distance=0.05)[0]] = False
    assert clear.mean() > 0.9
    found, cell = shapely.STRtree(polygons).query(shapes[clear], predicate="within")
    np.testing.assert_array_equal(found, np.arange(clear.sum()))
    np.testing.assert_array_equal(cell, label[clear])


def test_polygons_are_valid_cut_and_hold_the_cell_center(whole: Partition) -> None:
    for cell in range(len(whole)):
        polygon = whole.polygon(cell)
        assert polygon.is_valid and polygon.geom_type in ("Polygon", "MultiPolygon")
        west, south, east, north = polygon.bounds
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90
        latitude, longitude = whole.cell_centers[cell]
        assert shapely.intersects_xy(polygon, longitude, latitude)


def test_boundaries_are_closed_and_finely_drawn(whole: Partition) -> None:
    for cell in range(0, len(whole), 7):
        for ring in whole.boundary(cell):
            assert ring.shape[1] == 2 and len(ring) >= 4
            np.testing.assert_array_equal(ring[0], ring[-1])
            steps = sphere.distance_km(ring[:-1], ring[1:])
            assert steps.max() <= 2.3 * math.pi / 180 * sphere.EARTH_KM


def test_own_centroid_and_center_are_in_the_own_cell(whole: Partition) -> None:
    if whole.convex:
        np.testing.assert_array_equal(whole.assign(whole.centers), np.arange(len(whole)))
    np.testing.assert_array_equal(whole.assign(whole.cell_centers), np.arange(len(whole)))


def test_order_of_the_points_does_not_matter(
    kind: str, whole: Partition, world: NDArray, rng: np.random.Generator
) -> None:
    one, other = whole, full(kind, rng.permutation(world))
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.cell_centers, other.cell_centers)
    np.testing.assert_allclose(one.centers, other.centers, atol=1e-9)


def test_saving_and_loading_changes_nothing(whole: Partition, world: NDArray, tmp_path: Path) -> None:
    whole.save(tmp_path / "cells.parquet")
    again = partition.load(tmp_path / "cells.parquet")
    assert type(again) is type(whole)
    for name in ("centers", "cell_centers", "counts", "area_sr", "spread_km"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name), err_msg=name)
        assert getattr(again, name).dtype == getattr(whole, name).dtype
    np.testing.assert_array_equal(again.assign(world), whole.assign(world))
    for one, other in zip(again.boundary(3), whole.boundary(3), strict=True):
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


def test_both_spellings_of_a_place_fall_into_one_cell(whole: Partition) -> None:
    latitude = np.linspace(-89, 89, 60)
    east, west = (np.stack([latitude, np.full(60, side)], axis=1) for side in (180.0, -180.0))
    np.testing.assert_array_equal(whole.assign(east), whole.assign(west))
    for latitude_ in (-90, 90):
        poles = whole.assign([[latitude_, longitude] for longitude in (-180, -90, 0, 45, 180)])
        assert (poles == poles[0]).all() and poles[0] >= 0


def test_neighbours_are_the_cells_that_a_short_walk_leads_to(whole: Partition, rng: np.random.Generator) -> None:
    pairs = whole.neighbours()
    assert pairs.dtype == np.int64 and (pairs[:, 0] < pairs[:, 1]).all()
    np.testing.assert_array_equal(np.unique(pairs), np.arange(len(whole)))  # the sphere is full: nobody is alone
    start = uniform(rng, 40_000)
    walk = np.stack([whole.assign(start), whole.assign(sphere.move(start, rng.uniform(0, 360, 40_000), 5.0))], axis=1)
    walk = np.sort(walk[walk[:, 0] != walk[:, 1]], axis=1)
    assert len(walk) > 50
    known = set(map(tuple, pairs.tolist()))
    assert np.mean([tuple(pair) in known for pair in walk.tolist()]) > 0.97  # some walk round a corner


def test_no_positions_leave_no_cell(kind: str) -> None:
    with pytest.raises(InputError) as caught:
        partition.build(kind, [], SETTINGS[kind])
    assert str(caught.value) == ("no cell is left: every cell has too few photos; lower min, or give more positions")


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
    with pytest.raises(InputError, match=r"^no cell is left: every cell has too few photos; lower min"):
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


# --- adaptive S2 against a slow one, and against what was published


places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


# --- drawing


# --- hierarchy


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


def test_cells_without_photos_have_their_own_center_and_an_even_spread(kind: str, whole: Partition) -> None:
    cells = whole.populate([[48.86, 2.35]] * 3, lambda counts: counts >= 0)
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
