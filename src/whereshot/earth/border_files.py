"""Files of borders in, named polygons out: GeoJSON (also one feature a line), GeoPackage and GeoParquet.

Only longitude and latitude are read. Parts of one name and parent are one region. What was repaired or joined is in
``notes``; what cannot be read is refused by name.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import polygons, sphere
from whereshot.foundation.errors import InputError

NAMES = ("name", "name_en", "label_en", "shapename", "namelsad", "localname", "local_name", "label", "title")
"""Columns that hold a region's name, best first, whatever their case; then the only one of ``_NAME_LIKE``."""

PARENTS = ("parent", "admin", "country", "adm0_name", "adm0_a3", "shapegroup", "name_0", "country_code", "iso_a2")
"""Columns that hold what a region is a part of, best first."""

FAR_KM = 2000.0
"""Areas of one name and parent that are farther apart are refused: most likely they are two."""

_LISTED = 5

_NAME_LIKE = re.compile(r"(name|label|nam|nom|nombre|navn|naam|namn|nimi|nome|nazwa|nazev|bezeichnung)([_ -]?\w{0,4})?")
_WGS84 = {"OGC:CRS84", "EPSG:4326", "OGC:CRS84H", "EPSG:4979", "EPSG:4258", "EPSG:4269", "OGC:CRS83"}
"""Longitude and latitude of WGS84, or within a metre or two of it: ETRS89, NAD83."""


class Borders(NamedTuple):
    """r regions: their names, what each is a part of ("" for nothing), their polygons, and what was done to them."""

    names: list[str]
    parents: list[str]
    shapes: list[BaseGeometry]
    notes: list[str]


class _Layer(NamedTuple):
    """Geometries as they are in the file, and the columns beside them."""

    geometries: list[BaseGeometry | None]
    columns: dict[str, list[Any]]


def read(path: str | Path, *, layer: str | None = None, name: str | None = None, parent: str | None = None) -> Borders:
    """The regions in a file of polygons; ``name`` and ``parent`` are columns, else guessed. Raises InputError."""
    path = Path(path)
    found = _read_layer(path, layer)
    shapes, was_broken = _mended(path, found.geometries)
    rows = [row for row, shape in enumerate(shapes) if not shape.is_empty]
    if not rows:
        raise InputError(f"{path}: no polygon in this file")
    name_column = _name_column(path, found.columns, name)
    parent_column = _parent_column(path, found.columns, parent, name_column)
    names = [_text(found.columns[name_column][row]) if name_column else str(row + 1) for row in range(len(shapes))]
    parents = [_text(found.columns[parent_column][row]) if parent_column else "" for row in range(len(shapes))]
    unnamed = [row for row in rows if not names[row]]
    for row in unnamed:
        names[row] = f"(row {row + 1})"
    notes = []
    if repaired := [names[row] for row in np.flatnonzero(was_broken).tolist()]:
        notes.append(f"repaired, as rings crossed or overlapped: {listed(repaired)}")
    if unnamed:
        notes.append(f"without a {name_column!r}: {listed([names[row] for row in unnamed])}")
    parts: dict[tuple[str, str], list[BaseGeometry]] = {}
    for row in rows:
        parts.setdefault((names[row], parents[row]), []).append(shapes[row])
    if len(parts) < len(rows):
        several = [f"{own} ({len(areas)} areas)" for (own, _), areas in parts.items() if len(areas) > 1]
        notes.append(f"joined by name: {listed(several)}")
    for (own, above), areas in parts.items():
        if len(areas) > 1 and (apart := _extent_km(areas)) > FAR_KM:
            called = f"{own!r} of {above!r}" if above else repr(own)
            raise InputError(
                f"{path}: {called} names {len(areas)} areas that lie {apart:,.0f} km apart; tell them apart by what "
                f"they are a part of (parent = a column) or by another name (name = a column); columns: "
                f"{', '.join(found.columns)}"
            )
    joined = [
        areas[0] if len(areas) == 1 else polygons.areas_only(shapely.union_all(areas)) for areas in parts.values()
    ]
    return Borders([own for own, _ in parts], [above for _, above in parts], joined, notes)


def read_area(path: str | Path) -> BaseGeometry:
    """All polygons in a file as one (multi-)polygon. Raises InputError."""
    path = Path(path)
    shape = polygons.areas_only(shapely.union_all(_mended(path, _read_layer(path, None).geometries)[0]))
    if shape.is_empty:
        raise InputError(f"{path}: no polygon in this file")
    return shape


def listed(names: list[str]) -> str:
    """Names in one line, the first five of them."""
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _extent_km(areas: list[BaseGeometry]) -> float:
    """How far apart the middles of areas are, at most, measured from the first."""
    middles = np.array([polygons.corners_of(area.representative_point())[0] for area in areas])
    return float(sphere.distance_km(middles[0], middles).max())


def _name_column(path: Path, columns: dict[str, list[Any]], asked: str | None) -> str | None:
    """The column of names; None where there are no columns at all."""
    if asked is not None:
        return _asked_column(path, columns, asked)
    if not columns:
        return None
    for wanted in NAMES:
        same = [column for column in columns if column.casefold() == wanted]
        if len(same) == 1:
            return same[0]
        if same:
            break
    like = same or [column for column in columns if _NAME_LIKE.fullmatch(column.casefold())]
    if len(like) == 1:
        return like[0]
    which = f"{', '.join(like)} could all be" if like else "no column looks like"
    raise InputError(f"{path}: {which} the regions' name; choose with name = a column; columns: {', '.join(columns)}")


def _parent_column(path: Path, columns: dict[str, list[Any]], asked: str | None, name: str | None) -> str | None:
    if asked is not None:
        return _asked_column(path, columns, asked)
    for wanted in PARENTS:
        for column in columns:
            if column.casefold() == wanted and column != name:
                return column
    return None


def _asked_column(path: Path, columns: dict[str, list[Any]], asked: str) -> str:
    if asked not in columns:
        raise InputError(f"{path}: no column {asked!r}; columns: {', '.join(columns) or 'none'}")
    return asked


def _mended(path: Path, geometries: list[BaseGeometry | None]) -> tuple[list[BaseGeometry], NDArray[np.bool_]]:
    """Valid polygons (r,) of the map, empty for what has none, and which were not valid before (r,)."""
    given = np.array([shapely.Polygon() if one is None else one for one in geometries], dtype=object)
    corners = shapely.get_coordinates(given)
    if len(corners) and not np.isfinite(corners).all():
        raise InputError(f"{path}: a coordinate is not a finite number")
    if len(corners):
        (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
        if west < -360 or east > 540 or np.abs([south, north]).max() > 90 + 1e-6:
            raise InputError(
                f"{path}: coordinates from {west:g}, {south:g} to {east:g}, {north:g} are not degrees (WGS84); if they "
                f"are projected, convert them with: ogr2ogr -t_srs EPSG:4326 OUT {path.name}"
            )
        given = shapely.transform(given, _clipped)
    polygonal = np.isin(shapely.get_type_id(given), (3, 6))
    return [polygons.mended(one) for one in given], polygonal & ~shapely.is_valid(given)


def _clipped(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitude and latitude with no latitude a rounding beyond a pole."""
    return np.stack([corners[:, 0], np.clip(corners[:, 1], -90, 90)], axis=1)


def _check_crs(path: Path, crs: str) -> None:
    """Refuse what is not longitude and latitude: "EPSG:25832", "urn:ogc:def:crs:OGC:1.3:CRS84"."""
    tokens = [token for token in re.split(r"[:/#]+", crs) if token]
    authority = next((token.upper() for token in reversed(tokens) if token.upper() in ("EPSG", "OGC", "ESRI")), "OGC")
    if f"{authority}:{tokens[-1].upper() if tokens else ''}" not in _WGS84:
        raise InputError(
            f"{path}: its coordinates are in {crs or 'an unnamed system'}, not in longitude and latitude; convert it "
            f"with: ogr2ogr -t_srs EPSG:4326 OUT {path.name}"
        )


def _read_layer(path: Path, layer: str | None) -> _Layer:
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


def _read_geojson(path: Path) -> _Layer:
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
        _check_crs(path, _text(named.get("name")) if isinstance(named, dict) else json.dumps(crs)[:80])
    geometries: list[BaseGeometry | None] = []
    properties: list[dict[str, Any]] = []
    for geometry, about in _features(document, {}, path):
        try:
            geometries.append(shapely.geometry.shape(geometry))
        except (shapely.errors.ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise InputError(f"{path}: a geometry that cannot be read ({error})") from None
        properties.append(about)
    keys = dict.fromkeys(key for about in properties for key in about)
    return _Layer(geometries, {key: [about.get(key) for about in properties] for key in keys})


def _lines(text: str) -> dict[str, Any] | None:
    """One feature a line (GeoJSONL, RFC 8142) as a collection; None for anything else."""
    lines = [line for line in (line.strip(" \t\r\n\x1e") for line in text.split("\n")) if line]
    try:
        features = [json.loads(line) for line in lines]
    except (json.JSONDecodeError, RecursionError):
        return None
    return {"type": "FeatureCollection", "features": features} if len(lines) > 1 else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _features(document: Any, about: dict[str, Any], path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every polygon with the properties of its feature."""
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


def _read_geopackage(path: Path, layer: str | None) -> _Layer:
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
    return _Layer([_from_wkb(path, None if blob is None else _wkb_of(path, blob)) for blob in blobs], columns)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _wkb_of(path: Path, blob: bytes) -> bytes | None:
    """The well-known binary in a GeoPackage's geometry (2.1.3): behind a header and an envelope of 0 to 8 numbers."""
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


def _read_geoparquet(path: Path) -> _Layer:
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[b"geo"])
        column = about["primary_column"]
        own = about["columns"][column]
        blobs = table[column].to_pylist()
    except (pa.ArrowInvalid, OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a Parquet file that can be read ({error})") from None
    except (KeyError, TypeError):
        raise InputError(f"{path}: not GeoParquet; it says nowhere which column is the geometry") from None
    if own.get("encoding") != "WKB":
        raise InputError(f"{path}: geometries are encoded as {own.get('encoding')!r}; only 'WKB' is read")
    crs = own.get("crs")
    if isinstance(crs, dict):
        identity = crs.get("id")
        _check_crs(
            path,
            f"{identity.get('authority')}:{identity.get('code')}"
            if isinstance(identity, dict)
            else _text(crs.get("name")),
        )
    flat = [field.name for field in table.schema if field.name != column and not pa.types.is_nested(field.type)]
    return _Layer([_from_wkb(path, blob) for blob in blobs], {name: table[name].to_pylist() for name in flat})
