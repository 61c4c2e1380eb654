"""Files of borders in three formats, made by code: GeoJSON, GeoPackage, GeoParquet."""

from __future__ import annotations

import json
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

NORTH, SOUTH = shapely.box(0, 10, 10, 20), shapely.box(0, 0, 10, 10)


def feature(shape: shapely.Geometry | dict | None, **properties: Any) -> dict[str, Any]:
    geometry = json.loads(shapely.to_geojson(shape)) if isinstance(shape, shapely.Geometry) else shape
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def write(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def gp(shape: shapely.Geometry | None, envelope: int = 1) -> bytes:
    """A geometry as a GeoPackage has it."""
    flags = 1 | envelope << 1 | (0 if shape is not None else 16)
    numbers = {0: 0, 1: 4, 2: 6, 3: 6, 4: 8}[envelope]
    wkb = shapely.to_wkb(shapely.Point() if shape is None else shape)
    return b"GP" + bytes([0, flags]) + struct.pack("<i", 4326) + struct.pack(f"<{numbers}d", *[0.0] * numbers) + wkb


def geopackage(
    path: Path, layers: dict[str, list[tuple[bytes | None, str]]], srs: tuple[str, int] = ("EPSG", 4326)
) -> Path:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER)")
    connection.execute("CREATE TABLE gpkg_spatial_ref_sys (srs_name, srs_id, organization, organization_coordsys_id)")
    connection.execute("INSERT INTO gpkg_spatial_ref_sys VALUES ('its name', ?, ?, ?)", (srs[1], *srs))
    for layer, rows in layers.items():
        connection.execute(f'CREATE TABLE "{layer}" (fid INTEGER PRIMARY KEY, geom BLOB, NAME TEXT)')
        connection.executemany(f'INSERT INTO "{layer}" (geom, NAME) VALUES (?, ?)', rows)
        connection.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?)", (layer, srs[1]))
    connection.commit()
    connection.close()
    return path


def geoparquet(path: Path, shapes: list[shapely.Geometry | None], **column: Any) -> Path:
    table = pa.table(
        {
            "shapeName": [f"r{row}" for row in range(len(shapes))],
            "outline": pa.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], pa.binary()),
        }
    )
    about = {"version": "1.1.0", "primary_column": "outline", "columns": {"outline": {"encoding": "WKB", **column}}}
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(about)}), path)
    return path
