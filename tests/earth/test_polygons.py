"""Polygons over the date line, round the poles and with crossed rings, however a file spells them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.earth import great_circles, polygons, s2, sphere

FIJI = shapely.union(shapely.box(177, -20, 180, -12), shapely.box(-180, -20, -178, -12))


def polygon(*corners: tuple[float, float], holes: tuple = ()) -> shapely.Polygon:
    return shapely.Polygon(corners, holes)


@pytest.mark.parametrize(
    "spelled",
    [
        polygon((177, -20), (182, -20), (182, -12), (177, -12)),
        polygon((-183, -20), (-178, -20), (-178, -12), (-183, -12)),
        polygon((177, -20), (-178, -20), (-178, -12), (177, -12)),
        polygon((-178, -12), (177, -12), (177, -20), (-178, -20)),
        polygon((537, -20), (542, -20), (542, -12), (537, -12)),
        FIJI,
    ],
    ids=["eastward", "westward", "jumping", "jumping, clockwise", "a turn on", "cut"],
)
def test_over_the_date_line(spelled: shapely.Geometry) -> None:
    shape = polygons.repaired(spelled)
    assert shape.is_valid and shape.geom_type == "MultiPolygon"
    assert shapely.symmetric_difference(shape, FIJI).area == pytest.approx(0, abs=1e-9)


CAP = shapely.box(-180, -90, 180, -60)
LONGITUDES = range(-180, 180, 30)


@pytest.mark.parametrize(
    "spelled",
    [
        polygon(*((x, -60) for x in (*LONGITUDES, 180)), (180, -90), (-180, -90)),  # as RFC 7946 and Natural Earth do
        polygon((-180, -90), (180, -90), (180, -60), (-180, -60)),
        polygon(*((x, -60) for x in LONGITUDES)),
        polygon(*((x, -60) for x in reversed(LONGITUDES))),
        polygon(*((x, -60) for x in (*LONGITUDES, 180))),
        polygon(*((x, -60) for x in range(0, 390, 30))),
        polygon(*((x, -60) for x in range(0, 360, 30))),
    ],
    ids=["drawn to the pole", "a box", "a ring", "clockwise", "closed at 180", "0 to 360", "0 to 330"],
)
def test_round_a_pole(spelled: shapely.Geometry) -> None:
    shape = polygons.repaired(spelled)
    assert shape.is_valid
    assert shapely.symmetric_difference(shape, CAP).area == pytest.approx(0, abs=1e-9)


def test_a_ring_round_the_pole_with_a_hole_round_the_pole() -> None:
    outer, inner = ([(x, y) for x in LONGITUDES] for y in (60, 80))
    shape = polygons.repaired(shapely.Polygon(outer, [inner]))
    assert shapely.symmetric_difference(shape, shapely.box(-180, 60, 180, 80)).area == pytest.approx(0, abs=1e-9)


def test_a_wedge_that_ends_in_a_pole_and_crosses_the_date_line() -> None:
    shape = polygons.repaired(polygon((170, 70), (-170, 70), (0, 90)))
    wanted = shapely.union(shapely.box(170, 70, 180, 90), shapely.box(-180, 70, -170, 90))
    assert shapely.symmetric_difference(shape, wanted).area == pytest.approx(0, abs=1e-9)


def test_holes_are_kept_also_over_the_date_line() -> None:
    spelled = shapely.Polygon(
        [(170, 0), (-170, 0), (-170, 20), (170, 20)], [[(175, 5), (175, 15), (-175, 15), (-175, 5)]]
    )
    shape = polygons.repaired(spelled)
    assert shape.area == pytest.approx(20 * 20 - 10 * 10)
    assert not shapely.intersects_xy(shape, [180, -180, 177], [10, 10, 10]).any()
    assert shapely.intersects_xy(shape, [172, -172, 180], [10, 10, 2]).all()


def test_crossed_rings_are_untangled() -> None:
    shape = polygons.repaired(polygon((0, 0), (2, 2), (2, 0), (0, 2)))
    assert shape.is_valid and shape.area == pytest.approx(2)


def test_what_has_no_area_goes() -> None:
    nested = shapely.GeometryCollection([shapely.Point(0, 0), shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])])
    assert polygons.repaired(nested).area == 1
    for empty in (shapely.Point(1, 2), shapely.Polygon(), polygon((0, 0), (1, 1), (2, 2)), shapely.MultiPolygon()):
        assert polygons.repaired(empty).is_empty


@settings(max_examples=100, deadline=None)
@given(
    middle=st.tuples(st.floats(-80, 80), st.floats(-180, 180)),
    km=st.floats(50, 900),
    beyond=st.booleans(),
    clockwise=st.booleans(),
)
def test_circles_anywhere(middle: tuple[float, float], km: float, beyond: bool, clockwise: bool) -> None:
    """A circle on the sphere is the same area, whether its ring jumps at the date line or counts on."""
    ring = sphere.move(np.array(middle), np.arange(0, 360, 5), km)[:, ::-1]
    round_pole = (90 - abs(middle[0])) * math.pi / 180 * sphere.EARTH_KM < km
    if beyond and not round_pole:
        ring[:, 0] = np.degrees(np.unwrap(np.radians(ring[:, 0])))
    shape = polygons.repaired(shapely.Polygon(ring[::-1] if clockwise else ring))
    west, south, east, north = shape.bounds
    assert shape.is_valid and -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    inner = sphere.move(np.array(middle), np.arange(0, 360, 30), km * 0.9)
    outer = sphere.move(np.array(middle), np.arange(0, 360, 30), min(km * 1.1, km + 500))
    for inside, points in ((True, inner), (False, outer)):
        clear = points[np.abs(points[:, 0]) < 84]  # nearer a pole straight lines on the map leave the circle
        assert (shapely.intersects_xy(shape, clear[:, 1], clear[:, 0]) == inside).all()


CIRCLES = [
    ((48.0, 2.0), 10.0),
    ((0.0, 0.0), 0.001),
    ((10.0, 179.9), 300.0),  # over the date line
    ((-16.0, -180.0), 900.0),
    ((-85.0, 30.0), 2000.0),  # over a pole
    ((90.0, 0.0), 500.0),
    ((89.9, -179.0), 3000.0),
    ((-60.0, 179.5), 5000.0),  # over both
    ((48.0, 2.0), 10007.0),  # a quarter of the way round
    ((48.0, 2.0), 10100.0),
    ((0.0, 180.0), 15000.0),
    ((-70.0, 100.0), 19000.0),
    ((48.0, 2.0), 19999.0),
]


@pytest.mark.parametrize(("center", "radius_km"), CIRCLES)
def test_circle_is_where_it_says(center: tuple[float, float], radius_km: float, rng: np.random.Generator) -> None:
    shape = polygons.circle(center, radius_km)
    west, south, east, north = shape.bounds
    assert shape.is_valid
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    for part in shapely.get_parts(shape):  # RFC 7946: exterior rings counter-clockwise
        assert shapely.is_ccw(part.exterior)
    anywhere = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 2000))), rng.uniform(-180, 180, 2000)], axis=1)
    around = sphere.move(np.array(center), rng.uniform(0, 360, 2000), radius_km * rng.uniform(0, 1.5, 2000))
    spots = np.concatenate([anywhere, around])
    distance = sphere.distance_km(spots, np.array(center))
    inside = shapely.intersects_xy(shape, spots[:, 1], spots[:, 0])
    assert inside[distance < 0.99 * radius_km].all()
    assert not inside[distance > 1.01 * radius_km].any()
    assert inside.any()


def test_circle_round_the_whole_earth_and_round_nothing() -> None:
    assert polygons.circle((48.0, 2.0), sphere.HALF_CIRCUMFERENCE_KM).equals(shapely.box(-180, -90, 180, 90))
    assert 0 < polygons.circle((48.0, 2.0), 0.0).area < 1e-9


def test_shapely_is_longitude_first_and_positions_are_latitude_first() -> None:
    box = shapely.box(10, 40, 20, 45)
    corners = polygons.corners_of(box)
    assert set(map(tuple, corners.tolist())) == {(40, 10), (40, 20), (45, 10), (45, 20)}
    assert shapely.Polygon(polygons.swap_axes(corners)).equals(box)
    assert polygons.corners_of(np.array([box, shapely.Point(1, 2)])).shape == (6, 2)


@pytest.mark.parametrize("level", [0, 2])
def test_rings_of_cells_tile_the_sphere(level: int) -> None:
    """Cells of S2, over the poles and the date line, drawn as rings of great circles: their areas sum to the sphere."""
    ids = np.array([s2.from_token([token])[0] for token in ["1", "3", "5", "7", "9", "b"]])
    for _ in range(level):
        ids = s2.children(ids).ravel()
    shapes = [polygons.of_ring(great_circles.densify(corners)) for corners in s2.vertices(ids)]
    assert all(shape.is_valid for shape in shapes)
    assert math.fsum(map(polygons.area_sr, shapes)) == pytest.approx(4 * math.pi, rel=1e-6)
    assert polygons.area_sr(polygons.WORLD) == pytest.approx(4 * math.pi, rel=1e-12)
