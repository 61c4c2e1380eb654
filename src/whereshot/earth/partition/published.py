"""Read published tables of cells: CSV files of GeoEstimation and OSV-5M.

GeoEstimation (Mueller-Budack et al. 2018) lists S2 cells, OSV-5M (Astruc et al. 2024) the boxes of a quadtree. Both
give the mean position of each cell but not how far the photos lie from it: the spread is computed for photos that are
spread evenly over a disc with the cell's area. OSV-5M has no counts either; they are 0 here. ``populate`` replaces all
three.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from whereshot.earth import s2, sphere
from whereshot.earth.partition import base, quadtree, s2cells
from whereshot.foundation.errors import InputError

GEOESTIMATION = ["class_label", "hex_id", "imgs_per_cell", "latitude_mean", "longitude_mean"]
OSV5M = ["cluster_id", "min_lat", "min_lon", "max_lat", "max_lon", "mean_lat", "mean_lon"]

_MAX_HEADER_LINES = 10
_ROUNDING = 1e-9  # most degrees between a published edge and the edge that halving gives


class PublishedS2Cells(s2cells.S2Cells):
    """S2 cells in the order of their ids, and the published class number of each cell (k,)."""

    kind = "s2-published"
    class_labels: NDArray[np.int64]

    def own_columns(self) -> dict[str, pa.Array]:
        """Return the columns of the saved table that only this kind has."""
        return {"class_label": pa.array(self.class_labels), **super().own_columns()}

    @classmethod
    def from_table(cls, table: pa.Table) -> Self:
        """Return the partition of a saved table."""
        cells = super().from_table(table)
        cells.class_labels = table["class_label"].to_numpy()
        return cells


def is_csv(path: str | Path) -> bool:
    """Return whether a file has the name of a published table."""
    return Path(path).suffix.lower() == ".csv"


def read(path: str | Path) -> base.Partition:
    """Return the partition of a published table. Raises InputError for unknown columns, and names the line that is
    wrong.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head = [line.strip() for _, line in zip(range(_MAX_HEADER_LINES), file, strict=False)]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    for columns, build in _KNOWN:
        if ",".join(columns) in head:
            line = head.index(",".join(columns))
            table = _Table(path, columns, first_line=line + 2)
            return build(table)
    raise InputError(
        f"{path}: not a known table of cells; expected the columns {','.join(GEOESTIMATION)} (GeoEstimation) "
        f"or {','.join(OSV5M)} (OSV-5M)"
    )


class _Table:
    """The rows of a CSV file, as text, and their line numbers for messages."""

    def __init__(self, path: Path, columns: list[str], first_line: int) -> None:
        self.path, self.first_line = path, first_line
        options = pa.csv.ReadOptions(column_names=columns, skip_rows=first_line - 1, use_threads=False)
        broken: list[int] = []

        def note(row: Any) -> str:
            broken.append(row.number)
            return "error"

        try:
            self._table = pa.csv.read_csv(
                path,
                read_options=options,
                parse_options=pa.csv.ParseOptions(invalid_row_handler=note, ignore_empty_lines=False),
                convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
            )
        except pa.ArrowInvalid as error:
            if broken:
                raise InputError(f"{path}: line {broken[0]}: expected {len(columns)} columns") from None
            raise InputError(f"{path}: not a CSV file: {error}") from None
        if len(self._table) == 0:
            raise InputError(f"{path}: holds no cells")

    def text(self, column: str) -> list[str]:
        return [(value or "").strip() for value in self._table[column].to_pylist()]

    def refuse(self, row: int, problem: str) -> NoReturn:
        raise InputError(f"{self.path}: line {self.first_line + int(row)}: {problem}")

    def numbers(self, column: str) -> NDArray[np.float64]:
        values: list[float] = []
        for row, text in enumerate(self.text(column)):
            try:
                values.append(float(text))
            except ValueError:
                self.refuse(row, f"{column} must be a number; got {text!r}")
        return np.array(values, np.float64)

    def whole_numbers(self, column: str) -> NDArray[np.int64]:
        values: list[int] = []
        for row, text in enumerate(self.text(column)):
            try:
                values.append(int(text))
            except ValueError:
                self.refuse(row, f"{column} must be a whole number; got {text!r}")
        try:
            return np.array(values, np.int64)
        except OverflowError:
            row = next(row for row, value in enumerate(values) if abs(value) >= 2**63)
            self.refuse(row, f"{column} is too large: {values[row]}")

    def positions(self, latitude: str, longitude: str) -> sphere.Points:
        pair = [self.numbers(latitude), self.numbers(longitude)]
        problems = sphere.position_problems(pair[0], pair[1])
        for row in np.flatnonzero(problems != "")[:1]:
            self.refuse(row, f"({pair[0][row]:g}, {pair[1][row]:g}): {problems[row]}")
        return sphere.points(np.stack(pair, axis=1))

    def distinct(self, column: str, values: NDArray[np.integer]) -> None:
        """Refuse the second of two rows with the same value."""
        order = np.argsort(values, kind="stable")
        again = order[1:][values[order][1:] == values[order][:-1]]
        if len(again):
            row = again.min()
            first = np.flatnonzero(values == values[row])[0]
            self.refuse(row, f"{column} {self.text(column)[row]} is also in line {self.first_line + first}")

    def disjoint(self, first: NDArray[np.integer], last: NDArray[np.integer], order: NDArray[np.int64]) -> None:
        """Raise InputError for a row whose cell lies in another cell. ``first`` to ``last`` are the runs of the rows,
        in this order.
        """
        for place in np.flatnonzero(first[order][1:] <= last[order][:-1])[:1]:
            outer, inner = sorted(order[place : place + 2].tolist())
            self.refuse(inner, f"the cell overlaps the cell of line {self.first_line + outer}")


def _read_geoestimation(table: _Table) -> PublishedS2Cells:
    """Return S2 cells with counts and mean positions. Rows are in the order of class numbers, cells in the order of S2
    ids.
    """
    labels = table.whole_numbers("class_label")
    table.distinct("class_label", labels)
    tokens = table.text("hex_id")
    ids = np.empty(len(tokens), np.uint64)
    for row, token in enumerate(tokens):
        try:
            ids[row] = s2.from_token([token])[0]
        except InputError:
            table.refuse(row, f"hex_id must be an S2 cell in hexadecimal digits; got {token!r}")
    table.distinct("hex_id", ids)
    counts = table.whole_numbers("imgs_per_cell")
    for row in np.flatnonzero(counts < 0)[:1]:
        table.refuse(row, f"imgs_per_cell must be at least 0; got {counts[row]}")
    centers = table.positions("latitude_mean", "longitude_mean")
    order = np.argsort(ids)
    table.disjoint(s2.range_min(ids), s2.range_max(ids), order)
    cells = PublishedS2Cells(ids[order], centers[order], counts[order], _even_spread_km(s2.area_sr(ids[order])))
    cells.class_labels = labels[order]
    return cells


def _read_osv5m(table: _Table) -> quadtree.Quadtree:
    """Return the boxes of a quadtree, whose start box is the box around them all."""
    table.distinct("cluster_id", table.whole_numbers("cluster_id"))
    low, high = table.positions("min_lat", "min_lon"), table.positions("max_lat", "max_lon")
    centers = table.positions("mean_lat", "mean_lon")
    for row in np.flatnonzero((low >= high).any(axis=1))[:1]:
        table.refuse(row, f"the box from {tuple(low[row].tolist())} to {tuple(high[row].tolist())} holds nothing")
    start = quadtree.Box(*low.min(axis=0).tolist(), *high.max(axis=0).tolist())
    size = np.array([start.north - start.south, start.east - start.west])
    depths = np.rint(np.log2(size / (high - low)))
    row_column = np.rint((low - low.min(axis=0)) / size * 2.0**depths).astype(np.int64)
    depth = np.clip(depths[:, 0], 0, quadtree.MAX_DEPTH).astype(np.int64)
    row, column = row_column.T
    paths = quadtree.path_of(row, column, quadtree.MAX_DEPTH)
    expected = quadtree.boxes_of(start, paths, depth)
    off = np.abs(expected - np.concatenate([low, high], axis=1)).max(axis=1)
    for row in np.flatnonzero((depths[:, 0] != depths[:, 1]) | (off > _ROUNDING))[:1]:
        table.refuse(
            row, f"the box does not belong to the quadtree that halves {tuple(start)} (south, west, north, east)"
        )
    first, last = quadtree.runs(paths, depth, quadtree.MAX_DEPTH)
    order = np.lexsort([last, first])
    table.disjoint(first, last, order)
    unknown = np.zeros(len(paths), np.int64)
    tree = quadtree.Quadtree(start, paths[order], depth[order], centers[order], unknown, np.zeros(len(paths)))
    tree.spread_km = _even_spread_km(tree.area_sr)
    return tree


def _even_spread_km(area_sr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the root mean square distance from the middle of photos spread evenly over a disc of this area."""
    return sphere.EARTH_KM * np.sqrt(area_sr / (2 * np.pi))


_KNOWN: tuple[tuple[list[str], Callable[[_Table], base.Partition]], ...] = (
    (GEOESTIMATION, _read_geoestimation),
    (OSV5M, _read_osv5m),
)
