"""Read files of borders as named regions: GeoJSON (also one feature a line), GeoPackage and GeoParquet.

Parts with the same name and parent are one region. The notes name what was repaired or joined. What cannot be read is
refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import polygons, sphere
from whereshot.earth.border_formats import read_layer, text_of
from whereshot.foundation.errors import InputError

NAMES = ("name", "name_en", "label_en", "shapename", "namelsad", "localname", "local_name", "label", "title")
"""Columns that hold a region's name, best first, in any letter case. Else the only column of ``_NAME_LIKE`` is used."""

PARENTS = ("parent", "admin", "country", "adm0_name", "adm0_a3", "shapegroup", "name_0", "country_code", "iso_a2")
"""Columns that hold what a region is a part of, best first."""

FAR_KM = 2000.0
"""Largest distance in km between areas with the same name and parent; with a larger distance they are refused."""

_LISTED = 5

_NAME_LIKE = re.compile(r"(name|label|nam|nom|nombre|navn|naam|namn|nimi|nome|nazwa|nazev|bezeichnung)([_ -]?\w{0,4})?")


class Borders(NamedTuple):
    """The names (r,) of regions, what each is a part of ("" for nothing), their polygons (r,), and notes on repairs."""

    names: list[str]
    parents: list[str]
    shapes: list[BaseGeometry]
    notes: list[str]


def read(path: str | Path, *, layer: str | None = None, name: str | None = None, parent: str | None = None) -> Borders:
    """Return the regions in a file of polygons. ``name`` and ``parent`` are columns; without them they are guessed.
    Raises InputError.
    """
    path = Path(path)
    found = read_layer(path, layer)
    shapes, was_broken = _repaired(path, found.geometries)
    rows = [row for row, shape in enumerate(shapes) if not shape.is_empty]
    if not rows:
        raise InputError(f"{path}: no polygon in this file")
    name_column = _name_column(path, found.columns, name)
    parent_column = _parent_column(path, found.columns, parent, name_column)
    names = [text_of(found.columns[name_column][row]) if name_column else str(row + 1) for row in range(len(shapes))]
    parents = [text_of(found.columns[parent_column][row]) if parent_column else "" for row in range(len(shapes))]
    unnamed = [row for row in rows if not names[row]]
    for row in unnamed:
        names[row] = f"(row {row + 1})"
    notes = []
    if crossed := [names[row] for row in np.flatnonzero(was_broken).tolist()]:
        notes.append(f"repaired, as rings crossed or overlapped: {listed(crossed)}")
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
    """Return all polygons in a file as one (multi-)polygon. Raises InputError."""
    path = Path(path)
    shape = polygons.areas_only(shapely.union_all(_repaired(path, read_layer(path, None).geometries)[0]))
    if shape.is_empty:
        raise InputError(f"{path}: no polygon in this file")
    return shape


def listed(names: list[str]) -> str:
    """Return names in one line, the first five of them."""
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")


def _extent_km(areas: list[BaseGeometry]) -> float:
    """Return the largest distance in km from the middle of the first area to the middle of another area."""
    middles = np.array([polygons.corners_of(area.representative_point())[0] for area in areas])
    return float(sphere.distance_km(middles[0], middles).max())


def _name_column(path: Path, columns: dict[str, list[Any]], asked: str | None) -> str | None:
    """Return the column of names; None where there are no columns at all."""
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


def _repaired(path: Path, geometries: list[BaseGeometry | None]) -> tuple[list[BaseGeometry], NDArray[np.bool_]]:
    """Return valid polygons (r,) of the map, empty for rows without a polygon, and which were not valid before (r,)."""
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
    return [polygons.repaired(one) for one in given], polygonal & ~shapely.is_valid(given)


def _clipped(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return coordinates (n, 2), longitude first, with latitudes that rounding moved beyond a pole set to 90 or -90."""
    return np.stack([corners[:, 0], np.clip(corners[:, 1], -90, 90)], axis=1)
