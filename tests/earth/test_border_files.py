"""Files of borders: three formats, names, parents, systems of coordinates, and what is wrong with files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from border_documents import NORTH, SOUTH, collection, feature, geopackage, geoparquet, gp, write
from whereshot.earth import border_files
from whereshot.foundation.errors import InputError


def test_three_formats_say_the_same(tmp_path: Path) -> None:
    features = [feature(NORTH, name="r0"), feature(SOUTH, name="r1")]
    lines = "\n".join("\x1e" + json.dumps(one) for one in features) + "\n"
    files = [
        write(tmp_path / "a.geojson", collection(*features)),
        write(tmp_path / "b.geojsonl", lines),
        geopackage(tmp_path / "c.gpkg", {"the layer": [(gp(NORTH, 0), "r0"), (gp(SOUTH, 4), "r1"), (gp(None), "r2")]}),
        geoparquet(tmp_path / "d.parquet", [NORTH, SOUTH, None]),
    ]
    for path in files:
        found = border_files.read(path)
        assert found.names == ["r0", "r1"] and found.parents == ["", ""] and found.notes == []
        assert [shape.normalize() for shape in found.shapes] == [NORTH.normalize(), SOUTH.normalize()]
        assert border_files.read_area(path).area == 200


def test_single_geometries_are_numbered(tmp_path: Path) -> None:
    bare = write(tmp_path / "a.json", json.loads(shapely.to_geojson(shapely.GeometryCollection([NORTH, SOUTH]))))
    assert border_files.read(bare).names == ["1", "2"]
    assert border_files.read(write(tmp_path / "b.json", feature(NORTH, label_dk="Nord"))).names == ["Nord"]


# --- names


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        ({"id": 7, "NAME": "A"}, ["A"]),
        ({"label_en": "A", "label_dk": "B"}, ["A"]),
        ({"shapeName": "A", "shapeISO": "X"}, ["A"]),
        ({"GID_1": "x", "NAME_1": "A"}, ["A"]),
        ({"name": "A", "name_en": "B", "NAME_1": "C"}, ["A"]),
    ],
)
def test_names_are_guessed(tmp_path: Path, properties: dict[str, Any], names: list[str]) -> None:
    assert border_files.read(write(tmp_path / "a.json", feature(NORTH, **properties))).names == names


@pytest.mark.parametrize(
    ("properties", "asked", "message"),
    [
        ({"a": 1, "b": 2}, {}, "no column looks like the regions' name; choose with name = a column; columns: a, b"),
        (
            {"NAME_1": "A", "NAME_2": "B"},
            {},
            "NAME_1, NAME_2 could all be the regions' name; choose with name = a column; columns: NAME_1, NAME_2",
        ),
        (
            {"NAME": "A", "name": "B"},
            {},
            "NAME, name could all be the regions' name; choose with name = a column; columns: NAME, name",
        ),
        ({"name": "A"}, {"name": "title"}, "no column 'title'; columns: name"),
        ({"name": "A"}, {"parent": "land"}, "no column 'land'; columns: name"),
        ({"name": "A"}, {"layer": "x"}, "only a GeoPackage has layers; leave out layer = 'x'"),
    ],
)
def test_names_that_cannot_be_guessed(tmp_path: Path, properties: dict, asked: dict[str, str], message: str) -> None:
    path = write(tmp_path / "a.json", feature(NORTH, **properties))
    with pytest.raises(InputError) as caught:
        border_files.read(path, **asked)
    assert str(caught.value) == f"{path}: {message}"


def test_parts_of_one_name_are_one_region(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.json",
        collection(feature(NORTH, name="A"), feature(shapely.box(20, 0, 21, 1), name="B"), feature(SOUTH, name="A")),
    )
    found = border_files.read(path)
    assert found.names == ["A", "B"] and [shape.area for shape in found.shapes] == [200, 1]
    assert found.notes == ["joined by name: A (2 areas)"]


def test_one_name_in_two_countries(tmp_path: Path) -> None:
    spain, argentina = (
        feature(shapely.box(-3, 42, -2, 43), name="La Rioja"),
        feature(shapely.box(-69, -31, -66, -28), name="La Rioja"),
    )
    path = write(tmp_path / "a.json", collection(spain, argentina))
    with pytest.raises(
        InputError, match=r"a.json: 'La Rioja' names 2 areas that lie 10,\d{3} km apart; tell them apart"
    ):
        border_files.read(path)
    spain["properties"]["admin"], argentina["properties"]["admin"] = "Spain", "Argentina"
    found = border_files.read(write(path, collection(spain, argentina)))
    assert found.names == ["La Rioja", "La Rioja"] and found.parents == ["Spain", "Argentina"]


def test_one_name_twice_in_one_parent(tmp_path: Path) -> None:
    near, far = shapely.box(-69, -31, -66, -28), shapely.box(-69, -55, -66, -53)
    path = tmp_path / "a.json"
    areas = [feature(shape, name="La Rioja", admin="Argentina") for shape in (near, far)]
    with pytest.raises(InputError, match=r"a.json: 'La Rioja' of 'Argentina' names 2 areas that lie 2,\d{3} km apart"):
        border_files.read(write(path, collection(*areas)))


def test_notes_name_the_first_five(tmp_path: Path) -> None:
    features = [feature(shapely.box(x, 0, x + 1, 1), name=None) for x in range(7)]
    found = border_files.read(write(tmp_path / "a.json", collection(*features)))
    assert found.notes == ["without a 'name': (row 1), (row 2), (row 3), (row 4), (row 5) and 2 more"]


def test_regions_without_a_name_are_named_by_their_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", collection(feature(NORTH, name="A"), feature(SOUTH, name=None)))
    assert border_files.read(path)[0] == ["A", "(row 2)"]
    assert border_files.read(path).notes == ["without a 'name': (row 2)"]


# --- shapes


def test_unclosed_and_crossed_rings_are_repaired(tmp_path: Path) -> None:
    open_ring = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10]]]}
    crossed = {"type": "Polygon", "coordinates": [[[20, 0], [22, 2], [22, 0], [20, 2], [20, 0]]]}
    found = border_files.read(
        write(tmp_path / "a.json", collection(feature(open_ring, name="A"), feature(crossed, name="B")))
    )
    assert [shape.area for shape in found.shapes] == pytest.approx([100, 2])
    assert found.notes == ["repaired, as rings crossed or overlapped: B"]


# --- what is refused


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (collection(), "no polygon in this file"),
        (collection(feature(shapely.Point(1, 2), name="A")), "no polygon in this file"),
        (collection(feature(None, name="A")), "no polygon in this file"),
        ("", "not a GeoJSON file (Expecting value: line 1 column 1 (char 0))"),
        ({"type": "Topology"}, "not GeoJSON; its type is 'Topology'"),
        (
            feature(shapely.box(500_000, 6_000_000, 510_000, 6_010_000), name="A"),
            "coordinates from 500000, 6e+06 to 510000, 6.01e+06 are not degrees (WGS84); if they are projected, "
            "convert them with: ogr2ogr -t_srs EPSG:4326 OUT a.json",
        ),
        (
            "<kml></kml>",
            "neither GeoJSON nor GeoPackage nor GeoParquet; convert it with: "
            "ogr2ogr -t_srs EPSG:4326 OUT.geojson a.json",
        ),
    ],
)
def test_files_without_regions(tmp_path: Path, document: Any, message: str) -> None:
    path = write(tmp_path / "a.json", document)
    for read in (border_files.read, border_files.read_area):
        with pytest.raises(InputError) as caught:
            read(path)
        assert str(caught.value) == f"{path}: {message}"


# --- real files


@pytest.mark.parametrize(
    ("name", "regions", "first", "parent"),
    [
        ("denmark_municipalities.geojson", 99, "Hedensted", ""),
        ("ne_50m_admin_1_states_provinces.json", 100, "Western Australia", "Australia"),
        ("ne_110m_admin_0_countries.json", 177, "Afghanistan", "Afghanistan"),
    ],
)
def test_real_borders(shared: Path, name: str, regions: int, first: str, parent: str) -> None:
    found = border_files.read(shared / "data" / "tables" / name)
    assert (len(found.names), found.names[0], found.parents[0]) == (regions, first, parent)
    assert all(shape.is_valid and shape.area > 0 for shape in found.shapes)
    for shape in found.shapes:
        west, south, east, north = shape.bounds
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90


def test_antarctica_holds_the_south_pole(shared: Path) -> None:
    found = border_files.read(shared / "data" / "tables" / "ne_110m_admin_0_countries.json")
    antarctica = found.shapes[found.names.index("Antarctica")]
    assert shapely.intersects_xy(antarctica, [0, 120, -180, 180], [-90, -85, -90, -88]).all()
