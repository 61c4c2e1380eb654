"""GeoJSON, GeoPackage and GeoParquet: systems of coordinates, and what is wrong with files."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from border_documents import NORTH, collection, feature, geopackage, geoparquet, gp, write
from whereshot.earth import border_files
from whereshot.foundation.errors import InputError


def test_unclosed_rings_in_a_geopackage(tmp_path: Path) -> None:
    corners = [0.0, 0.0, 10.0, 0.0, 10.0, 10.0, 0.0, 10.0]
    wkb = struct.pack("<bIII8d", 1, 3, 1, 4, *corners)
    blob = b"GP" + bytes([0, 1]) + struct.pack("<i", 4326) + wkb
    found = border_files.read(geopackage(tmp_path / "a.gpkg", {"x": [(blob, "A")]}))
    assert found.shapes[0].area == 100


@pytest.mark.parametrize(
    "crs",
    [
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "EPSG:4326",
        "urn:ogc:def:crs:EPSG::4258",
        "http://www.opengis.net/def/crs/EPSG/0/4326",
    ],
)
def test_spellings_of_longitude_and_latitude(tmp_path: Path, crs: str) -> None:
    document = collection(feature(NORTH, name="A"), crs={"type": "name", "properties": {"name": crs}})
    assert len(border_files.read(write(tmp_path / "a.json", document)).names) == 1


def test_other_systems_are_refused_by_name(tmp_path: Path) -> None:
    utm = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    projjson = {"id": {"authority": "EPSG", "code": 3035}}
    files = {
        write(tmp_path / "a.json", collection(feature(NORTH, name="A"), crs=utm)): "urn:ogc:def:crs:EPSG::25832",
        geopackage(tmp_path / "b.gpkg", {"x": [(gp(NORTH), "A")]}, ("EPSG", 25832)): "EPSG:25832",
        geoparquet(tmp_path / "c.parquet", [NORTH], crs=projjson): "EPSG:3035",
        geoparquet(tmp_path / "d.parquet", [NORTH], crs={"name": "My grid"}): "My grid",
    }
    for path, crs in files.items():
        with pytest.raises(InputError) as caught:
            border_files.read(path)
        assert str(caught.value) == (
            f"{path}: its coordinates are in {crs}, not in longitude and latitude; convert it with: "
            f"ogr2ogr -t_srs EPSG:4326 OUT {path.name}"
        )


def test_geoparquet_of_no_named_system_is_taken_at_its_word(tmp_path: Path) -> None:
    assert border_files.read(geoparquet(tmp_path / "a.parquet", [NORTH], crs=None)).names == ["r0"]


def test_broken_databases_and_tables(tmp_path: Path) -> None:
    broken, plain, bare = tmp_path / "a.gpkg", tmp_path / "b.gpkg", tmp_path / "c.parquet"
    broken.write_bytes(b"SQLite format 3\x00" + b"\x00" * 200)
    sqlite3.connect(plain).execute("CREATE TABLE t (x)").connection.close()
    pq.write_table(pa.table({"name": ["A"]}), bare)
    two = {"x": [(gp(NORTH), "A")], "y": [(b"nothing", "B")]}
    several = geopackage(tmp_path / "d.gpkg", two)
    native = geoparquet(tmp_path / "e.parquet", [NORTH], encoding="multipolygon")
    for path, asked, message in (
        (broken, {}, "not a GeoPackage ("),
        (plain, {}, "not a GeoPackage (no such table: gpkg_geometry_columns)"),
        (bare, {}, "not GeoParquet; its metadata do not name the column of geometries"),
        (several, {}, "several layers; choose with layer = one of 'x', 'y'"),
        (several, {"layer": "z"}, "no layer 'z'; layers: 'x', 'y'"),
        (several, {"layer": "y"}, "a geometry that cannot be read (no GeoPackage geometry)"),
        (native, {}, "geometries are encoded as 'multipolygon'; only 'WKB' is read"),
        (tmp_path / "none.gpkg", {}, "no such file"),
    ):
        with pytest.raises(InputError) as caught:
            border_files.read(path, **asked)
        assert str(caught.value).startswith(f"{path}: {message}")
    assert border_files.read(several, layer="x").names == ["A"]
