"""Maps of the photos by S2 cell, of the world or of a part: their number and their median error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from whereshot.earth import place_names, polygons, s2, sphere
from whereshot.earth.countries import countries
from whereshot.earth.great_circles import densify
from whereshot.earth.projections import Projection, equal_earth, lambert
from whereshot.evaluate import DISTANCES_KM, Row, Scored
from whereshot.report.scorecard.base import PART_KM, Figure, ScoreTable, fine_level, kilometres, part_km
from whereshot.report.scorecard.svg import hint, number, svg

CLASSES = 6
WIDTH = 960.0
_TABLE_ROWS = 20


@dataclass(frozen=True)
class MapFrame:
    """How positions are drawn: a projection, the part of it that is shown, and the level of the cells."""

    project: Projection
    half: tuple[float, float]
    level: int
    around: BaseGeometry | None

    @classmethod
    def of(cls, points: sphere.Points, level: int) -> MapFrame:
        """Return the frame of the world, or of the part in which all photos lie."""
        km = part_km(points)
        if km > PART_KM:
            width, _ = equal_earth(np.array([[0.0, 180.0]]))[0]
            _, height = equal_earth(np.array([[90.0, 0.0]]))[0]
            return cls(equal_earth, (float(width), float(height)), level, None)
        km = 1.08 * km
        latitude, longitude = np.ravel(sphere.mean(points)).tolist()
        half = 2 * math.sin(km / sphere.EARTH_KM / 2)
        around = polygons.circle((latitude, longitude), 2 * km)  # reaches beyond the corners of the map
        return cls(lambert(latitude, longitude), (1.6 * half, half), fine_level(points, level), around)

    @property
    def height(self) -> float:
        """The height of the map in pixels."""
        return WIDTH * self.half[1] / self.half[0]

    def path(self, geometry: BaseGeometry, least: float = 0.0) -> str:
        """Return all rings of a geometry as the data of a path, without rings smaller than ``least`` pixels."""
        parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
        drawn = []
        for ring in (ring for part in parts for ring in shapely.get_rings(part)):
            plane = self.project(polygons.corners_of(ring))
            x = WIDTH / 2 * (1 + plane[:, 0] / self.half[0])
            y = self.height / 2 * (1 - plane[:, 1] / self.half[1])
            if max(np.ptp(x), np.ptp(y)) < least:
                continue
            whole = np.round(10 * np.stack([x, y], axis=1)).astype(np.int64)
            steps = np.diff(whole, axis=0)
            steps = steps[(steps != 0).any(axis=1)]
            moves = "".join(f"l{number(dx / 10)} {number(dy / 10)}" for dx, dy in steps[:-1].tolist())
            drawn.append(f"M{number(whole[0, 0] / 10)} {number(whole[0, 1] / 10)}{moves}Z")
        return "".join(drawn)

    def land(self) -> list[str]:
        """Return the elements of the sea and of all countries."""
        borders = [country.geometry for country in countries().all]
        if self.around is None:
            outline = shapely.segmentize(polygons.WORLD, 2.0)
            sea = f'<path class="sea" d="{self.path(outline)}"/>'
            shapes = shapely.simplify(borders, 0.15)
        else:
            sea = f'<rect class="sea" width="{number(WIDTH)}" height="{number(self.height)}"/>'
            shapely.prepare(self.around)
            seen = [shape for shape in borders if shapely.intersects(self.around, shape)]
            shapes = shapely.intersection(seen, self.around)
        return [sea, f'<path class="land" d="{"".join(self.path(shape, 1.0) for shape in shapes)}"/>']


@dataclass(frozen=True)
class PhotoCells:
    """Photos by cell: ids (k,), number of photos (k,), mean position (k, 2), median error in km (k,)."""

    ids: NDArray[np.uint64]
    photos: NDArray[np.int64]
    means: sphere.Points
    median_km: NDArray[np.float64]

    @classmethod
    def of(cls, scored: Scored, level: int) -> PhotoCells:
        """Return the cells of a level that have photos."""
        ids, code, count = np.unique(s2.encode(scored.truth.points, level), return_inverse=True, return_counts=True)
        xyz = sphere.xyz(scored.truth.points)
        total = np.stack([np.bincount(code, xyz[:, axis], len(ids)) for axis in range(3)], axis=1)
        order = np.lexsort([scored.error_km, code])
        first = np.cumsum(count) - count
        low, high = (scored.error_km[order][first + (count - 1 + odd) // 2] for odd in (0, 1))
        return cls(ids, count, sphere.latlon(total / np.linalg.norm(total, axis=1, keepdims=True)), (low + high) / 2)


@dataclass(frozen=True)
class ColouredMap:
    """The words and classes of one map: the class (k,) of each cell, their labels, and the order (k,) of the table."""

    name: str
    title: str
    description: str
    classes: NDArray[np.int64]
    colours: str
    labels: list[str]
    order: NDArray[np.int64]


def maps(row: Row) -> list[Figure]:
    """Draw two maps with the same cells: the number of photos, and their median error."""
    scored = row.kept
    frame = MapFrame.of(scored.truth.points, scored.protocol.cell_level)
    cells = PhotoCells.of(scored, frame.level)
    level = f"S2 cells of level {frame.level}"
    count_class, count_labels = _count_classes(cells.photos)
    error_class = np.searchsorted(DISTANCES_KM, cells.median_km, side="left")
    error_labels = [f"up to {km} km" for km in DISTANCES_KM] + [f"over {DISTANCES_KM[-1]} km"]
    photo_map = ColouredMap(
        "map-photos",
        "Where the photos are",
        f"Map of {int(cells.photos.sum()):,} photos in {len(cells.ids):,} {level}, by number of photos.",
        count_class,
        "q",
        count_labels,
        np.argsort(-cells.photos, kind="stable"),
    )
    error_map = ColouredMap(
        "map-errors",
        f"How far off {row.name} is",
        f"Map of the median error in {len(cells.ids):,} {level}; photos without an answer are half the Earth away.",
        error_class,
        "e",
        error_labels,
        np.argsort(-cells.median_km, kind="stable"),
    )
    return _draw(frame, cells, (photo_map, error_map))


def _count_classes(photos: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the class (k,) of each cell by its number of photos (k,), in geometric steps, and the classes' labels."""
    steps = np.unique(np.round(np.geomspace(1, max(int(photos.max()), 1) + 1, CLASSES + 1)).astype(np.int64))
    classes = np.searchsorted(steps, photos, side="right") - 1
    labels = [
        f"{low:,}" if high - low <= 1 else f"{low:,} to {high - 1:,}"
        for low, high in itertools.pairwise(steps.tolist())
    ]
    return np.minimum(classes, max(len(steps) - 2, 0)), labels


def _draw(frame: MapFrame, cells: PhotoCells, wanted: Iterable[ColouredMap]) -> list[Figure]:
    """Draw the same cells once for each map, with a table of the first cells."""
    land, named = frame.land(), _named(cells)
    outlines = [frame.path(polygons.of_ring(densify(corners))) for corners in s2.vertices(cells.ids)]
    hints = [
        f"{where}: {photos:,} photos, median error {kilometres(km)} km"
        for where, photos, km in zip(named, cells.photos, cells.median_km, strict=True)
    ]
    heads = ["cell near", "S2", "photos", "median error km"]
    figures = []
    for drawn_map in wanted:
        marks = [
            f'<path class="{drawn_map.colours}{drawn_map.classes[at]} cell" d="{outlines[at]}">{hint(hints[at])}</path>'
            for at in range(len(hints))
        ]
        rows = [
            [named[at], s2.token(cells.ids[at : at + 1])[0], f"{cells.photos[at]:,}", kilometres(cells.median_km[at])]
            for at in drawn_map.order[:_TABLE_ROWS]
        ]
        table = ScoreTable(
            heads,
            rows,
            f"{drawn_map.title}: {min(len(rows), _TABLE_ROWS)} of {len(hints):,} cells",
            left=2,
            folded=True,
        )
        drawing = svg(drawn_map.name, drawn_map.title, drawn_map.description, WIDTH, frame.height, [*land, *marks])
        legend = [(f"{drawn_map.colours}{at}", drawn_map.labels[at]) for at in sorted(set(drawn_map.classes.tolist()))]
        figures.append(
            Figure(drawn_map.name, drawn_map.title, drawn_map.description, drawing, table, legend, wide=True)
        )
    return figures


def _named(cells: PhotoCells) -> list[str]:
    names = place_names.place_names(cells.means)
    return [
        ", ".join(part for part in (name.name, name.country) if part) or f"{latitude:.1f}, {longitude:.1f}"
        for name, (latitude, longitude) in zip(names, cells.means.tolist(), strict=True)
    ]
