"""The posterior as cells: what is drawn is all of it, fine where it is, and whole on any map."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
import shapely.geometry
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.earth import s2, sphere
from whereshot.foundation.errors import InputError
from whereshot.posterior.base import Posterior
from whereshot.posterior.density import map_density
from whereshot.posterior.map_cells import MOST_CELLS, MapCells, cells_of, to_geojson, with_member
from whereshot.posterior.prior import density_prior

ROVINJ = (45.0811, 13.6387)


def one_place(latitude: float, longitude: float, spread_km: float) -> Posterior:
    return Posterior.from_mass([[latitude, longitude]], [[1.0]], [spread_km])


def test_cells_are_disjoint_and_hold_everything() -> None:
    cells = cells_of(density_prior())
    assert cells.mass.sum() == pytest.approx(1, abs=1e-9)
    assert 200 < len(cells.ids) <= MOST_CELLS
    assert (s2.range_max(cells.ids)[:-1] < s2.range_min(cells.ids)[1:]).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(-89.9, 89.9), st.floats(-180, 180), st.floats(0.05, 500))
def test_the_mass_of_a_circle_is_that_of_its_cells(latitude: float, longitude: float, spread_km: float) -> None:
    cells = cells_of(one_place(latitude, longitude, spread_km))
    distance = sphere.distance_km(s2.center(cells.ids), np.array([latitude, longitude]))
    assert cells.mass[distance <= spread_km].sum() == pytest.approx(0.5, abs=0.06), "half lies within the spread"
    assert cells.mass.sum() == pytest.approx(1)


def test_cells_are_small_where_the_mass_is() -> None:
    cells = cells_of(one_place(*ROVINJ, 0.3))
    heaviest = np.argmax(cells.density)
    assert cells.area_km2[heaviest] < 0.01
    assert sphere.distance_km(s2.center(cells.ids[[heaviest]]), np.array([ROVINJ]))[0] < 0.2
    assert cells.area_km2.max() > 1000 * np.median(cells.area_km2), "and large where there is next to none"


def test_density_falls_as_the_distribution_does() -> None:
    posterior = one_place(*ROVINJ, 20.0)
    cells = cells_of(posterior)
    exact = map_density(posterior, s2.center(cells.ids)) / sphere.EARTH_KM**2
    dense = cells.region < 1
    assert np.median(np.abs(cells.density[dense] / exact[dense] - 1)) < 0.1


def test_regions_are_the_smallest_that_hold_their_level() -> None:
    cells = cells_of(density_prior())
    for level in (0.5, 0.9):
        inside = cells.region <= level
        held, last = cells.mass[inside].sum(), cells.mass[inside][cells.density[inside].argmin()]
        assert level <= held + 1e-9 and held - last < level, "without its thinnest cell it would not"
        assert cells.density[inside].min() >= cells.density[~inside].max()


def test_no_cell_is_finer_than_asked_for() -> None:
    cells = cells_of(one_place(*ROVINJ, 0.02), finest_level=7)
    assert s2.level_of(cells.ids).max() == 7


@pytest.mark.parametrize("spot", [(0.0, 180.0), (66.0, -179.999), (90.0, 0.0), (-90.0, 50.0), ROVINJ])
@pytest.mark.parametrize("spread_km", [0.1, 300.0])
def test_geojson_is_whole_on_a_flat_map(spot: tuple[float, float], spread_km: float) -> None:
    cells = cells_of(one_place(*spot, spread_km))
    told = json.loads(to_geojson(cells))
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in told["features"]]
    assert told["type"] == "FeatureCollection" and told["drawn"] == pytest.approx(1)
    assert all(shape.is_valid and shape.area > 0 for shape in shapes)
    bounds = np.array([shape.bounds for shape in shapes])
    assert (bounds[:, [0, 2]] >= -180).all() and (bounds[:, [0, 2]] <= 180).all()
    widths = bounds[:, 2] - bounds[:, 0]
    away_from_poles = np.abs(bounds[:, [1, 3]]).max(axis=1) < 60
    spans = np.array([len(getattr(shape, "geoms", [shape])) for shape in shapes])
    assert (widths[away_from_poles & (spans == 1)] < 60).all(), "no cell is drawn the wrong way round the world"
    total = sum(feature["properties"]["probability"] for feature in told["features"])
    assert total == pytest.approx(1, abs=1e-4)
    assert {feature["properties"]["region"] for feature in told["features"]} == {0.5, 0.9, 1.0}


def test_cells_together_cover_the_map_they_claim() -> None:
    ids = s2.children(np.unique(s2.encode([[10, 179], [10, -179], [89, 0], [-89, 0]], 2))).ravel()
    cells = MapCells(np.sort(ids), np.full(len(ids), 1 / len(ids)), s2.area_sr(np.sort(ids)) * sphere.EARTH_KM**2)
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in json.loads(to_geojson(cells))["features"]]
    union = shapely.union_all(shapes)
    assert union.area == pytest.approx(sum(shape.area for shape in shapes), rel=1e-3), "they do not overlap"
    assert shapely.intersects_xy(union, 0, 89.9) and shapely.intersects_xy(union, 0, -89.9)
    assert shapely.intersects_xy(union, 179.99, 10) and shapely.intersects_xy(union, -179.99, 10)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="a map is drawn of one row; this posterior has 2"):
        cells_of(density_prior().repeat(2))
    with pytest.raises(InputError, match="a map has at least 96 cells; got 5"):
        cells_of(density_prior(), most=5)


def test_a_map_is_a_member_of_its_document() -> None:
    told = json.loads(with_member({"a": "ü", "b": float("nan")}, "map", to_geojson(cells_of(one_place(*ROVINJ, 1)))))
    assert (told["a"], told["b"], told["map"]["type"]) == ("ü", None, "FeatureCollection")
