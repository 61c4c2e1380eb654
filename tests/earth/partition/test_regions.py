"""Regions of a file as cells: who belongs where, what is merged and split, borders with holes, broken files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from region_boxes import BOXES, build, inside, write
from whereshot.earth import adjacency, partition, sphere
from whereshot.earth.partition.regions import Regions
from whereshot.earth.polygons import area_sr
from whereshot.foundation.errors import InputError
from whereshot.report.cell_atlas import Atlas

# --- who belongs where


def test_one_cell_a_region(four: str, points: NDArray) -> None:
    cells = build(points, file=four)
    assert cells.names == list(BOXES) and cells.counts.tolist() == [400, 90, 30, 4]
    assert [cells.polygon(cell).equals(box) for cell, box in enumerate(BOXES.values())] == [True] * 4
    np.testing.assert_allclose(cells.area_sr, [area_sr(box) for box in BOXES.values()], rtol=1e-12)


def test_a_border_belongs_to_the_first_and_strays_to_the_nearest(four: str, points: NDArray) -> None:
    cells = build(points, file=four, stray_km=100)
    on_borders = [[5, 10], [10, 5], [10, 10], [15, 10], [0, 0], [20, 20]]
    assert cells.assign(on_borders).tolist() == [0, 0, 0, 2, 0, 3]
    degree_km = math.pi / 180 * sphere.EARTH_KM
    near, far = 99 / degree_km, 101 / degree_km
    assert cells.assign([[-near, 5], [-far, 5], [5, -near], [5, -far], [15, 20 + near], [-1, -1]]).tolist() == [
        *(0, -1, 0, -1, 3, -1)
    ]
    assert cells.assign([[0, 9.99], [-0.5, 10.01], [-0.5, 9.99]]).tolist() == [0, 1, 0]
    assert build(points, file=four, stray_km=0).assign([[-1e-9, 5]]).tolist() == [-1]
    assert (build(points, file=four, stray_km=math.inf).assign([[-60, -150], [80, 100]]) >= 0).all()


def test_strays_are_measured_on_the_sphere_over_the_date_line_and_the_pole(tmp_path: Path) -> None:
    shapes = {"east": shapely.box(170, -10, 179.9, 10), "north": shapely.box(0, 85, 90, 89.9)}
    file = write(tmp_path / "a.geojson", shapes)
    cells = build([[0, 175], [87, 45]], file=file, stray_km=50)
    assert cells.assign([[0, -179.8], [89.9, -135], [0, -179.4], [89.4, -135]]).tolist() == [0, 1, -1, -1]


def test_what_was_done_to_a_file_is_told_and_kept(tmp_path: Path) -> None:
    crossed = shapely.Polygon([(20, 0), (22, 2), (22, 0), (20, 2)])
    file = write(tmp_path / "a.geojson", {"A": shapely.box(0, 0, 9, 9), "B": shapely.box(1, 1, 2, 2), "X": crossed})
    cells = build([[5, 5], [1.5, 20.5]], file=file)
    notes = ["repaired, as rings crossed or overlapped: X", "left out, as earlier regions cover them: B"]
    assert cells.notes == notes
    cells.save(tmp_path / "cells.parquet")
    again = partition.load(tmp_path / "cells.parquet")
    assert isinstance(again, Regions) and again.notes == notes
    assert partition.build("regions", [[5, 5]], {"file": file}, populate_with=[[5, 6]]).notes == notes


def test_holes_and_parts_are_kept(tmp_path: Path) -> None:
    lake = shapely.box(4, 4, 6, 6)
    shapes = {
        "ring": shapely.union(shapely.box(0, 0, 10, 10).difference(lake), shapely.box(30, 0, 31, 1)),
        "island": shapely.box(4.5, 4.5, 5.5, 5.5),
    }
    cells = build(
        np.concatenate([inside(shapes["ring"], 50), [[5, 5]]]), file=write(tmp_path / "a.geojson", shapes), stray_km=0
    )
    assert cells.assign([[5, 5], [4.2, 4.2], [0.5, 30.5], [1, 1]]).tolist() == [1, -1, 0, 0]
    outer, hole, part = sorted(cells.boundary(0), key=lambda ring: -abs(signed_area(ring)))
    assert (signed_area(outer), signed_area(hole), signed_area(part)) == pytest.approx((100, -4, 1))
    for ring in (outer, hole, part):
        np.testing.assert_array_equal(ring[0], ring[-1])


def signed_area(ring: NDArray) -> float:
    latitude, longitude = ring.T
    return float((longitude[:-1] * latitude[1:] - longitude[1:] * latitude[:-1]).sum() / 2)


# --- neighbours


@pytest.mark.parametrize("width", [0.01, 1.0, 8.0])
@pytest.mark.parametrize(("gap", "wanted"), [(0.0, [[0, 1]]), (9e-7, [[0, 1]]), (1e-5, []), (0.01, []), (0.03, [])])
def test_regions_across_water_are_no_neighbours(tmp_path: Path, width: float, gap: float, wanted: list) -> None:
    east = shapely.box(10 + gap, 0, 10 + gap + width, width)
    file = write(tmp_path / "a.geojson", {"A": shapely.box(10 - width, 0, 10, width), "B": east})
    for stray_km in (0, 50):
        cells = build([[width / 2, 10 - width / 3], [width / 2, 10 + width / 2]], file=file, stray_km=stray_km)
        assert cells.neighbours().tolist() == wanted


def test_neighbours_over_the_date_line_and_at_corners(tmp_path: Path) -> None:
    shapes = {
        "east": shapely.box(170, 0, 180, 10),
        "west": shapely.box(-180, 5, -170, 15),
        "corner": shapely.box(-170, 15, -160, 20),
        "pole": shapely.box(0, 80, 90, 90),
        "beside": shapely.box(90, 80, 180, 90),
        "across": shapely.box(-180, 80, -90, 90),
    }
    points = [shape.centroid.coords[0][::-1] for shape in shapes.values()]
    cells = build(points, file=write(tmp_path / "a.geojson", shapes))
    assert cells.neighbours().tolist() == [[0, 1], [3, 4], [4, 5]]


def test_neighbours_of_divided_regions_are_those_that_a_look_across_tells(four: str, points: NDArray) -> None:
    cells = build(points, file=four, cells=40, stray_km=0)
    wanted = adjacency.pairs([cells.boundary(cell) for cell in range(40)], cells.assign)
    assert cells.neighbours().tolist() == wanted.tolist()


# --- merging and splitting


def test_what_is_drawn_is_what_is_assigned(four: str, points: NDArray, rng: np.random.Generator) -> None:
    cells = build(points, file=four, cells=30)
    probes = rng.uniform(0, 20, (4000, 2))
    label = cells.assign(probes)
    shapes = shapely.points(probes[:, ::-1])
    clear = np.ones(len(probes), bool)
    clear[shapely.STRtree(shapely.boundary(cells.shapes)).query(shapes, predicate="dwithin", distance=1e-3)[0]] = False
    found, cell = shapely.STRtree(cells.shapes).query(shapes[clear], predicate="within")
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(found, np.arange(clear.sum()))
    np.testing.assert_array_equal(cell, label[clear])


# --- saving and counting anew


def test_places_of_dropped_cells_stay_outside_when_saved(four: str, points: NDArray, tmp_path: Path) -> None:
    cells = build(points, file=four, cells=20, stray_km=200)
    some = Regions.from_table(cells.to_table().filter(np.arange(20) % 3 == 0))
    some.save(tmp_path / "some.parquet")
    probes = np.random.default_rng(0).uniform(-3, 23, (3000, 2))
    label = cells.assign(probes)
    wanted = np.where((label >= 0) & (label % 3 == 0), label // 3, -1)
    for again in (some, partition.load(tmp_path / "some.parquet")):
        np.testing.assert_array_equal(again.assign(probes), wanted)
        assert again.polygon(2).equals(cells.polygon(6))


def test_cells_counted_on_other_photos(four: str, points: NDArray) -> None:
    fresh = inside(BOXES["south-west"], 300, seed=1)
    cells = partition.build("regions", points, {"file": four, "cells": 20, "min": 3}, populate_with=fresh)
    label = cells.assign(fresh)
    np.testing.assert_array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts)
    assert set(cells.names) == {"south-west"} and cells.counts.min() > 3


def test_strays_are_counted_but_make_no_region_denser(four: str, points: NDArray, tmp_path: Path) -> None:
    sea = np.stack([np.full(500, -0.2), np.linspace(1, 9, 500)], axis=1)
    cells = build(np.concatenate([points, sea]), file=four)
    assert cells.counts.tolist() == [900, 90, 30, 4] and cells.stray_counts.tolist() == [500, 0, 0, 0]
    cells.save(tmp_path / "cells.parquet")
    atlas = Atlas.of(partition.load(tmp_path / "cells.parquet"), "four")
    np.testing.assert_allclose(atlas.density * atlas.area_km2, [400, 90, 30, 4])
    assert atlas.table()["strays"].to_pylist() == [500, 0, 0, 0]
    again = partition.build("regions", points, {"file": four}, populate_with=np.concatenate([points[:7], sea[:3]]))
    assert isinstance(again, Regions)
    assert again.counts.tolist() == [10] and again.stray_counts.tolist() == [3]


# --- poles, the date line, bad files


def test_a_region_round_the_pole_and_one_over_the_date_line(tmp_path: Path) -> None:
    ring = shapely.Polygon([(longitude, -60) for longitude in range(-180, 180, 30)])
    jumping = shapely.Polygon([(170, 0), (-170, 0), (-170, 10), (170, 10)])
    file = write(tmp_path / "a.geojson", {"Antarctica": ring, "Fiji": jumping})
    rng = np.random.default_rng(0)
    cap = np.stack([rng.uniform(-90, -61, 200), rng.uniform(-180, 180, 200)], axis=1)
    islands = np.stack([rng.uniform(1, 9, 200), rng.uniform(170, 190, 200)], axis=1)
    cells = build(np.concatenate([cap, islands]), file=file, cells=12, stray_km=0)
    assert (cells.assign([[-90, 0], [-90, 77], [-75, 180], [-75, -180]]) >= 0).all()
    assert len(set(cells.assign([[-90, 0], [-90, 77]]).tolist())) == 1
    assert len(set(cells.assign([[5, 180], [5, -180]]).tolist())) == 1
    caps = area_sr(shapely.box(-180, -90, 180, -60)) + area_sr(shapely.box(0, 0, 20, 10))
    assert math.fsum(cells.area_sr) == pytest.approx(caps, rel=1e-9)


def test_no_photos_in_any_region(four: str) -> None:
    with pytest.raises(InputError, match=r"^no cell is left"):
        partition.build("regions", [[-40, -40]], {"file": four})


# --- the look-up of polygons against plain tests
