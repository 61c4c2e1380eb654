"""Export the cells of a partition: a table of facts, GeoJSON, GeoParquet, and one HTML page.

Every export has the same rows, one per cell: number, photos, photos outside of the polygon, both centres, area, spread,
neighbours, the names that its kind gives it, and a valid polygon, longitude first (RFC 7946: cut at the date line,
closed over a pole, counter-clockwise).
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
import shapely.geometry
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import sphere
from whereshot.earth.partition import Partition
from whereshot.earth.place_names import PlaceName, place_names
from whereshot.foundation import progress
from whereshot.foundation.errors import InputError
from whereshot.foundation.tables import write_parquet
from whereshot.report import single_page

GEOPARQUET_VERSION = "1.1.0"
_DIGITS = 7
"""Decimal places of a coordinate in GeoJSON: about a centimetre (RFC 7946, 11.2)."""
_CRUMB = 1e-9
"""Smallest share of a polygon that a part may have. Smaller parts come from rounding and are removed."""
_PAGE_UNIT = 100_000
_PAGE_SIMPLER = 400
"""On the page, the outline of a cell is exact to its width divided by this number."""
_PAGE_LISTED = 25


@dataclass(frozen=True)
class Atlas:
    """The cells of a partition with their polygons; ``name`` is the title of pictures and pages."""

    partition: Partition
    name: str
    polygons: NDArray[np.object_]

    @classmethod
    def of(cls, partition: Partition, name: str, track: progress.Track = progress.silent) -> Atlas:
        """Compute the polygon of every cell (k,), longitude first. Raises InputError for a partition without cells."""
        if len(partition) == 0:
            raise InputError(f"{name}: a partition without cells; there is nothing to draw")
        cells = track(range(len(partition)), len(partition), "drawing cells")
        drawn = [_without_crumbs(shapely.orient_polygons(partition.polygon(cell))) for cell in cells]
        return cls(partition, name, np.array(drawn, dtype=object))

    @property
    def area_km2(self) -> NDArray[np.float64]:
        """The exact area (k,) of each cell in km²."""
        return self.partition.area_sr * sphere.EARTH_KM**2

    @property
    def density(self) -> NDArray[np.float64]:
        """The number (k,) of photos per km² inside the polygon of each cell."""
        return (self.partition.counts - self.stray_counts) / self.area_km2

    @functools.cached_property
    def stray_counts(self) -> NDArray[np.int64]:
        """The number (k,) of photos of a cell outside of its polygon, for example off the coast of a region."""
        column = self.partition.own_columns().get("stray_count")
        return np.zeros(len(self.partition), np.int64) if column is None else column.to_numpy()

    @property
    def density_range(self) -> tuple[float, float]:
        """Photos per km² at the two ends of the colour scale: the middle 96 % of the cells with photos are between."""
        some = self.density[self.density > 0]
        low, high = np.quantile(some, [0.02, 0.98]).tolist() if len(some) else (1.0, 1.0)
        return low, high

    @property
    def facts(self) -> str:
        """One line about the whole partition."""
        photos, area = int(self.partition.counts.sum()), float(np.median(self.area_km2))
        cells = f"{len(self.partition):,} cell{'s' if len(self.partition) != 1 else ''}"
        counted = f"{photos:,} photo{'s' if photos != 1 else ''}" if photos else "photos not counted"
        return f"{cells} · {counted} · median area {_three_digits(area)} km²"

    @functools.cached_property
    def neighbours(self) -> list[list[int]]:
        """For each cell, the numbers of the cells that share a border with it."""
        lists: list[list[int]] = [[] for _ in range(len(self.partition))]
        for one, other in self.partition.neighbours().tolist():
            lists[one].append(other)
            lists[other].append(one)
        return [sorted(each) for each in lists]

    def table(self) -> pa.Table:
        """Return one row per cell, without the polygons."""
        p = self.partition
        return pa.table(
            {
                "cell": np.arange(len(p)),
                "count": p.counts,
                "strays": self.stray_counts,
                "latitude": p.centers[:, 0],
                "longitude": p.centers[:, 1],
                "cell_latitude": p.cell_centers[:, 0],
                "cell_longitude": p.cell_centers[:, 1],
                "area_km2": self.area_km2,
                "spread_km": p.spread_km,
                "neighbours": pa.array(self.neighbours, pa.list_(pa.int64())),
                **self.names(),
            }
        )

    def names(self) -> dict[str, pa.Array]:
        """Return the names that the kind of partition gives its cells: its text columns."""
        own = self.partition.own_columns().items()
        return {name: values for name, values in own if pa.types.is_string(values.type)}

    def to_geojson(self) -> str:
        """Return a FeatureCollection (RFC 7946) with one Feature per cell."""
        features = []
        for row, polygon in zip(self.table().to_pylist(), self.polygons, strict=True):
            geometry = shapely.geometry.mapping(_rounded(polygon))
            properties = {key: _significant(value) for key, value in row.items()}
            feature = {"type": "Feature", "id": row["cell"], "geometry": geometry, "properties": properties}
            features.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
        return '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}"

    def write_geoparquet(self, path: str | Path) -> None:
        """Write a GeoParquet 1.1 file with WKB polygons (OGC:CRS84) and their bounding boxes. Raises OutputError."""
        table = self.table()
        bounds = shapely.bounds(self.polygons)
        corners = [pa.array(bounds[:, column]) for column in range(4)]
        boxes = pa.StructArray.from_arrays(corners, ["xmin", "ymin", "xmax", "ymax"])
        table = table.append_column("bbox", boxes)
        table = table.append_column("geometry", pa.array(shapely.to_wkb(self.polygons).tolist(), pa.binary()))
        column = {
            "encoding": "WKB",
            "geometry_types": sorted({polygon.geom_type for polygon in self.polygons}),
            "orientation": "counterclockwise",
            "edges": "planar",
            "bbox": shapely.total_bounds(self.polygons).tolist(),
            "covering": {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}},
        }
        geo = {"version": GEOPARQUET_VERSION, "primary_column": "geometry", "columns": {"geometry": column}}
        write_parquet(table.replace_schema_metadata({"geo": json.dumps(geo)}), Path(path))

    def to_html(self) -> str:
        """Return one self-contained page: a map that zooms and describes the cell under the pointer."""
        names = {key: values.to_pylist() for key, values in self.names().items()}
        p = self.partition
        rows = np.column_stack([p.centers, p.cell_centers])
        cells = [
            {
                "rings": _outlines(self.polygons[cell]),
                "count": int(p.counts[cell]),
                "strays": int(self.stray_counts[cell]),
                "at": [round(value, 5) for value in rows[cell].tolist()],
                "area": float(f"{self.area_km2[cell]:.4g}"),
                "spread": float(f"{p.spread_km[cell]:.3g}"),
                "names": [[key, values[cell]] for key, values in names.items() if values[cell]],
            }
            for cell in range(len(p))
        ]
        most = np.argsort(-p.counts, kind="stable")[:_PAGE_LISTED]
        called = [
            _called(spot, place) for spot, place in zip(p.centers[most], place_names(p.centers[most]), strict=True)
        ]
        data = {
            "title": self.name,
            "facts": self.facts,
            "cells": cells,
            "unit": _PAGE_UNIT,
            "range": self.density_range,
        }
        data |= {"most": list(zip(most.tolist(), called, strict=True)), "borders": single_page.borders()}
        return single_page.whole("cells.html", data)


def _called(spot: NDArray[np.float64], place: PlaceName) -> str:
    """Return a name for a cell from the place name at the centre of its photos."""
    known = [part for part in (place.name, place.country) if part]
    return ", ".join(known) or f"{spot[0]:.2f}, {spot[1]:.2f}"


def _outlines(polygon: BaseGeometry) -> list[list[int]]:
    """Return the rings of a cell with its holes, simplified for its size and packed for the page."""
    simple = shapely.simplify(polygon, math.sqrt(polygon.area) / _PAGE_SIMPLER)
    rings = [
        single_page.pack(shapely.get_coordinates(ring), _PAGE_UNIT)
        for ring in shapely.get_rings(shapely.get_parts(simple))
    ]
    return [ring for ring in rings if len(ring) >= 8] or [rings[0]]


def _without_crumbs(polygon: BaseGeometry) -> BaseGeometry:
    """Return the polygon without tiny parts that rounding leaves where an outline was cut or repaired."""
    parts = shapely.get_parts(polygon)
    large = parts[shapely.area(parts) > _CRUMB * polygon.area]
    return shapely.MultiPolygon(large.tolist()) if len(large) != 1 else large[0]


def _rounded(polygon: BaseGeometry) -> BaseGeometry:
    """Return the polygon rounded to centimetres, unless rounding would make a small polygon invalid."""
    short = shapely.transform(polygon, lambda xy: np.round(xy, _DIGITS) + 0.0)
    return short if short.is_valid and not short.is_empty else polygon


def _significant(value: Any) -> Any:
    """Return degrees, areas and distances with their significant digits only."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _three_digits(value: float) -> str:
    """Return a number with three digits and without exponent: ``5,280``, ``12.3`` or ``0.0121``."""
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{float(f'{value:.3g}'):,.{min(digits, 9)}f}"
