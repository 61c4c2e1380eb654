"""Read the geometries and columns of files of borders: GeoJSON (also one feature a line), GeoPackage and GeoParquet.

Only longitude and latitude are read; another coordinate system is refused, with the command that converts the file.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from shapely.geometry.base import BaseGeometry

from whereshot.foundation.errors import InputError

_WGS84 = {"OGC:CRS84", "EPSG:4326", "OGC:CRS84H", "EPSG:4979", "EPSG:4258", "EPSG:4269", "OGC:CRS83"}
"""Longitude and latitude of WGS84, or within a metre or two of it: ETRS89, NAD83."""


class BorderLayer(NamedTuple):
    """The geometries (n,) of a file as they are, and its columns: name -> values (n,)."""

    geometries: list[BaseGeometry | None]
    columns: dict[str, list[Any]]


def text_of(value: Any) -> str:
    """Return a value of a column as text without blanks around it; "" for no value."""
    return "" if value is None else str(value).strip()


def _check_crs(path: Path, crs: str) -> None:
    """Raise InputError unless a coordinate system, such as "EPSG:25832", is longitude and latitude."""
    tokens = [token for token in re.split(r"[:/#]+", crs) if token]
    authority = next((token.upper() for token in reversed(tokens) if token.upper() in ("EPSG", "OGC", "ESRI")), "OGC")
    if f"{authority}:{tokens[-1].upper() if tokens else ''}" not in _WGS84:
        raise InputError(
            f"{path}: its coordinates are in {crs or 'an unnamed system'}, not in longitude and latitude; convert it "
            f"with: ogr2ogr -t_srs EPSG:4326 OUT {path.name}"
        )


def read_layer(path: Path, layer: str | None) -> BorderLayer:
    """Return the geometries and columns of a file of borders; raises InputError if it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: not a GeoJSON file ({error})") from None
    if start.startswith(b"SQLite format 3\x00"):
        return _read_geopackage(path, layer)
    if layer is not None:
        raise InputError(f"{path}: only a GeoPackage has layers; leave out layer = {layer!r}")
    if start.startswith(b"PAR1"):
        return _read_geoparquet(path)
    if start.startswith((b"PK\x03\x04", b"\x00\x00\x27\x0a", b"<")):
        raise InputError(
            f"{path}: neither GeoJSON nor GeoPackage nor GeoParquet; convert it with: "
            f"ogr2ogr -t_srs EPSG:4326 OUT.geojson {path.name}"
        )
    return _read_geojson(path)


# --- GeoJSON


def _read_geojson(path: Path) -> BorderLayer:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a GeoJSON file ({error})") from None
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        document = _lines(text)
        if document is None:
            raise InputError(f"{path}: not a GeoJSON file ({error})") from None
    crs = document.get("crs") if isinstance(document, dict) else None
    if crs is not None:
        named = crs.get("properties") if isinstance(crs, dict) else None
        _check_crs(path, text_of(named.get("name")) if isinstance(named, dict) else json.dumps(crs)[:80])
    geometries: list[BaseGeometry | None] = []
    properties: list[dict[str, Any]] = []
    for geometry, about in _features(document, {}, path):
        try:
            geometries.append(shapely.geometry.shape(geometry))
        except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise InputError(f"{path}: a geometry that cannot be read ({error})") from None
        properties.append(about)
    keys = dict.fromkeys(key for about in properties for key in about)
    return BorderLayer(geometries, {key: [about.get(key) for about in properties] for key in keys})


def _lines(text: str) -> dict[str, Any] | None:
    """Return texts with one feature a line (GeoJSONL, RFC 8142) as a collection; None for anything else."""
    lines = [line for line in (line.strip(" \t\r\n\x1e") for line in text.split("\n")) if line]
    try:
        features = [json.loads(line) for line in lines]
    except (json.JSONDecodeError, RecursionError):
        return None
    return {"type": "FeatureCollection", "features": features} if len(lines) > 1 else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _features(document: Any, about: dict[str, Any], path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every polygon with the properties of its feature."""
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection":
        for feature in _listed(document.get("features")):
            yield from _features(feature, about, path)
    elif kind == "Feature":
        if document.get("geometry"):
            own = document.get("properties")
            yield from _features(document["geometry"], own if isinstance(own, dict) else {}, path)
    elif kind == "GeometryCollection":
        for geometry in _listed(document.get("geometries")):
            yield from _features(geometry, about, path)
    elif kind in ("Polygon", "MultiPolygon"):
        yield document, about
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise InputError(f"{path}: not GeoJSON; its type is {kind!r}")


# --- GeoPackage (OGC 12-128r18) and GeoParquet 1.1


def _read_geopackage(path: Path, layer: str | None) -> BorderLayer:
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
    try:
        layers = connection.execute("SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns").fetchall()
        known = ", ".join(repr(row[0]) for row in layers)
        chosen = [row for row in layers if layer is None or row[0] == layer]
        if not layers:
            raise InputError(f"{path}: no layer of geometries in this file")
        if not chosen:
            raise InputError(f"{path}: no layer {layer!r}; layers: {known}")
        if len(chosen) > 1:
            raise InputError(f"{path}: several layers; choose with layer = one of {known}")
        table, column, srs_id = chosen[0]
        system = connection.execute(
            "SELECT organization, organization_coordsys_id, srs_name FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
            (srs_id,),
        ).fetchone() or ("EPSG", srs_id, "")
        if srs_id != 0:  # 0: longitude and latitude of no named system
            _check_crs(path, f"{system[0]}:{system[1]}")
        cursor = connection.execute(f"SELECT * FROM {_quoted(table)}")
        keys = [one[0] for one in cursor.description]
        rows = cursor.fetchall()
    except sqlite3.Error as error:
        raise InputError(f"{path}: not a GeoPackage ({error})") from None
    finally:
        connection.close()
    columns = {key: list(values) for key, values in zip(keys, zip(*rows, strict=True), strict=True)} if rows else {}
    blobs = columns.pop(column, [])
    return BorderLayer([_from_wkb(path, None if blob is None else _wkb_of(path, blob)) for blob in blobs], columns)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _wkb_of(path: Path, blob: bytes) -> bytes | None:
    """Return the well-known binary of a GeoPackage's geometry (2.1.3). It follows a header and an envelope of 0 to 8
    numbers.
    """
    if blob[:2] != b"GP" or len(blob) < 8:
        raise InputError(f"{path}: a geometry that cannot be read (no GeoPackage geometry)")
    flags = blob[3]
    envelope = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}.get(flags >> 1 & 7)
    if envelope is None or flags & 0b100000:
        raise InputError(f"{path}: a geometry that cannot be read (an extended GeoPackage geometry)")
    return None if flags & 0b10000 else blob[8 + envelope :]


def _from_wkb(path: Path, wkb: bytes | None) -> BaseGeometry | None:
    try:
        return None if wkb is None else shapely.force_2d(shapely.from_wkb(wkb, on_invalid="fix"))
    except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: a geometry that cannot be read ({error})") from None


def _read_geoparquet(path: Path) -> BorderLayer:
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[b"geo"])
        column = about["primary_column"]
        own = about["columns"][column]
        blobs = table[column].to_pylist()
    except (pa.ArrowInvalid, OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a Parquet file that can be read ({error})") from None
    except (KeyError, TypeError):
        raise InputError(f"{path}: not GeoParquet; its metadata do not name the column of geometries") from None
    if own.get("encoding") != "WKB":
        raise InputError(f"{path}: geometries are encoded as {own.get('encoding')!r}; only 'WKB' is read")
    crs = own.get("crs")
    if isinstance(crs, dict):
        identity = crs.get("id")
        _check_crs(
            path,
            f"{identity.get('authority')}:{identity.get('code')}"
            if isinstance(identity, dict)
            else text_of(crs.get("name")),
        )
    flat = [field.name for field in table.schema if field.name != column and not pa.types.is_nested(field.type)]
    return BorderLayer([_from_wkb(path, blob) for blob in blobs], {name: table[name].to_pylist() for name in flat})
