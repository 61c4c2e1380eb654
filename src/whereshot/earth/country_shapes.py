"""The shapes of countries as the package ships them: Natural Earth at 1:10 million, by a stated point of view.

Some areas belong to one country by resolutions of the United Nations, and are controlled by another country.
``POINTS_OF_VIEW`` names the points of view; the environment variable WHERESHOT_BORDERS chooses one of them for the
process, and ``whereshot --borders`` sets it. The tables are built by ``scripts/build_borders.py``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import polygons
from whereshot.earth.sphere import Points
from whereshot.foundation import package_data, tables
from whereshot.foundation.errors import InputError, nearest_name

VARIABLE = "WHERESHOT_BORDERS"
"""The environment variable that names the point of view."""

POINTS_OF_VIEW = ("united-nations", "control")
"""Points of view on borders. The first is used unless another is chosen."""

STEPS_PER_DEGREE = 1000
"""Coordinates of borders are stored in these parts of a degree, about 100 m."""

CELL_DEGREES = 0.125
"""Width of the cells of the grid of countries."""

UNSURE, OPEN_SEA, FIRST_COUNTRY = 0, 1, 2
"""Values of the grid: the borders decide, no country within half a degree, and 2 + the number of the country."""

_MARGIN_CELLS = 5
"""For other points of view the grid is not used within this number of cells around a disputed area: half a degree, and
one cell.
"""


def point_of_view() -> str:
    """Return the name of the chosen point of view, or of the first. Raises InputError for an unknown name."""
    return _checked(os.environ.get(VARIABLE, "") or POINTS_OF_VIEW[0], f" ({VARIABLE})")


def choose_point_of_view(name: str | None) -> None:
    """Choose a point of view for this process and the processes that it starts; None changes nothing.

    Raises InputError for an unknown name.
    """
    if name is None:
        point_of_view()
    else:
        os.environ[VARIABLE] = _checked(name)


def _checked(name: str, source: str = "") -> str:
    """Return the name of a point of view. Raises InputError, which names the ``source``, for an unknown one."""
    if name not in POINTS_OF_VIEW:
        raise InputError(f"no borders {name!r}{source}; {nearest_name(name, POINTS_OF_VIEW)}")
    return name


def read_shapes(view: str) -> NDArray[np.object_]:
    """Return the shapes (c,) of all countries, in the order of their codes, by a point of view of ``POINTS_OF_VIEW``.

    They are shapely geometries in degrees, longitude first.
    """
    table = package_data.read_table("earth/data/countries.parquet")
    codes = table["country_code"].to_pylist()
    shapes = decoded_borders(table)
    for giver, taker, area in _handed_over(view):
        before, after = codes.index(giver), codes.index(taker)
        shapes[before] = polygons.areas_only(shapely.difference(shapes[before], area))
        shapes[after] = polygons.areas_only(shapely.union(shapes[after], area))
    return shapes


def read_grid(view: str) -> NDArray[np.uint8]:
    """Return the country of all positions of each cell: rows from the south, columns from the west."""
    runs = package_data.read_table("earth/data/country_grid.parquet")
    cells = np.repeat(tables.numbers(runs["country"]), tables.numbers(runs["cells"]))
    grid = cells.reshape(int(180 / CELL_DEGREES), int(360 / CELL_DEGREES))
    for _, _, area in _handed_over(view):
        west, south, east, north = ((np.array(area.bounds) + np.array([180, 90, 180, 90])) // CELL_DEGREES).astype(int)
        rows = slice(max(south - _MARGIN_CELLS, 0), north + _MARGIN_CELLS + 1)
        grid[rows, max(west - _MARGIN_CELLS, 0) : east + _MARGIN_CELLS + 1] = UNSURE
    return grid


def _handed_over(view: str) -> list[tuple[str, str, BaseGeometry]]:
    """Return the areas that a point of view gives to another country: (code before, code after, area)."""
    if view == POINTS_OF_VIEW[0]:
        return []
    table = package_data.read_table("earth/data/disputed.parquet")
    before, after = (table[name.replace("-", "_")].to_pylist() for name in (POINTS_OF_VIEW[0], view))
    sides = zip(before, after, decoded_borders(table).tolist(), strict=True)
    return [(giver, taker, area) for giver, taker, area in sides if giver != taker]


def grid_values(grid: NDArray[np.uint8], points: Points) -> NDArray[np.uint8]:
    """Return the values (n,) of the grid at positions (n, 2)."""
    rows, columns = grid.shape
    row = np.minimum(((points[:, 0] + 90) / CELL_DEGREES).astype(np.int64), rows - 1)
    column = np.minimum(((points[:, 1] + 180) / CELL_DEGREES).astype(np.int64), columns - 1)
    values: NDArray[np.uint8] = grid[row, column]
    return values


def decoded_borders(table: pa.Table) -> NDArray[np.object_]:
    """Return the geometries (n,) of the columns "longitude" and "latitude": see ``encoded_borders``."""
    steps = [table[name].combine_chunks() for name in ("longitude", "latitude")]
    offsets: list[NDArray[np.int64]] = []
    parts = steps[0]
    while pa.types.is_list(parts.type):
        offsets.insert(0, tables.numbers(parts.offsets).astype(np.int64))
        parts = parts.values
    whole = [tables.numbers(_flat(column)).cumsum(dtype=np.int64) / STEPS_PER_DEGREE for column in steps]
    shapes = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, np.stack(whole, axis=1), tuple(offsets))
    return np.array([shape.geoms[0] if len(shape.geoms) == 1 else shape for shape in shapes])


def encoded_borders(geometries: Sequence[BaseGeometry]) -> dict[str, pa.Array]:
    """Return geometries as columns "longitude" and "latitude": lists of polygons of rings of steps of
    ``STEPS_PER_DEGREE``.

    A step is the difference from the coordinate before, even where that belongs to another ring or country.
    """
    exact = shapely.set_precision(list(geometries), 1 / STEPS_PER_DEGREE)  # plain rounding can make polygons invalid
    whole = [shapely.MultiPolygon(shapely.get_parts(polygons.areas_only(shape)).tolist()) for shape in exact]
    _, coordinates, offsets = shapely.to_ragged_array(whole)
    steps = np.diff(np.round(coordinates * STEPS_PER_DEGREE).astype(np.int32), axis=0, prepend=0)
    columns = {}
    for axis, name in enumerate(("longitude", "latitude")):
        column = pa.array(steps[:, axis])
        for ends in offsets:
            column = pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), column)
        columns[name] = column
    return columns


def _flat(column: pa.Array) -> pa.Array:
    return _flat(column.values) if pa.types.is_list(column.type) else column
