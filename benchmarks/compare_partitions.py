"""Every kind of partition at about 500, 2,000 and 7,000 cells: python benchmarks/compare_partitions.py writes
docs/partitions.md and docs/maps/.

Cells are built on a half of the 100,000 positions of geoclip's gallery and scored on the other; it needs ../shared.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import divisions
import numpy as np
import pyarrow.csv
from numpy.typing import NDArray

from whereshot.earth import partition
from whereshot.earth.partition import Hierarchy, Partition
from whereshot.evaluate import best_possible
from whereshot.foundation import output_files
from whereshot.report import cell_maps
from whereshot.report.cell_atlas import Atlas

ROOT = Path(__file__).parents[1]
TABLES = ROOT.parent / "shared" / "data" / "tables"
SIZES = (500, 2000, 7000)
DRAWN = 2000
ZOOM = cell_maps.Zoom(50.0, 5.0, 600.0)
TRIES = 6
NEAR = 0.05
"""The search for a limit ends when the number of cells is this near, as a share."""


class Method(NamedTuple):
    """How to build a kind with a given number of cells: its settings for a limit, or None where it takes the number."""

    title: str
    kind: str
    at: Callable[[int], dict[str, Any]]
    counted: bool = False
    start: float = 2.5
    """The first limit tried, over the photos per cell."""


def methods(file: Path) -> list[Method]:
    """Every kind; the coarse part of the overlaps holds four times as many photos."""

    def overlaps(most: int) -> dict[str, Any]:
        return {"parts": [{"kind": "s2", "max": most}, {"kind": "mesh", "max": 2 * most, "nodes": 7}]}

    return [
        Method("adaptive S2", "s2", lambda most: {"max": most}),
        Method("quadtree", "quadtree", lambda most: {"max": most, "max_depth": 20}),
        Method("Delaunay mesh", "mesh", lambda most: {"max": most, "min": 1, "nodes": 15}),
        Method("Voronoi (k-means)", "voronoi", lambda cells: {"cells": cells}, True),
        Method("regions x Voronoi", "regions", lambda most: {"file": str(file), "max": most, "min": most // 8}),
        Method("semantic", "semantic", lambda most: {"file": str(file), "max": most, "min": most // 8}),
        Method("overlaps of S2 and mesh", "combinatorial", overlaps, start=8.0),
    ]


def search(method: Method, points: NDArray[np.float64], size: int) -> tuple[Partition, dict[str, Any], float]:
    """The build whose number of cells is nearest to ``size``, its settings, and the seconds that it took."""

    def build(limit: int) -> tuple[Partition, dict[str, Any], float]:
        start = time.process_time()
        cells = partition.build(method.kind, points, method.at(limit))
        return cells, method.at(limit), time.process_time() - start

    if method.counted:
        return build(size)
    low, high = 1, len(points)
    limit = max(2, round(method.start * len(points) / size))
    tried: list[tuple[Partition, dict[str, Any], float]] = []
    for _ in range(TRIES):
        tried.append(build(limit))
        count = len(tried[-1][0])
        if abs(math.log(count / size)) < NEAR or high - low <= 1:
            break
        if count > size:
            low = limit
        else:
            high = limit
        guess = round(limit * count / size)
        limit = guess if low < guess < high else max(1, round(math.sqrt(low * high)))
    return min(tried, key=lambda one: abs(math.log(len(one[0]) / size)))


def published() -> dict[str, Partition]:
    """Return the published partitions, which others built on millions of photos."""
    names = {
        "GeoEstimation, coarse (published)": "geoestimation_cells_50_5000.csv",
        "GeoEstimation, middle (published)": "geoestimation_cells_50_2000.csv",
        "GeoEstimation, fine (published)": "geoestimation_cells_50_1000.csv",
        "OSV-5M quadtree (published)": "osv5m_quadtree_10_1000.csv",
    }
    return {title: partition.load(TABLES / name) for title, name in names.items()}


def draw_maps(built: dict[str, tuple[str, Partition]]) -> list[str]:
    """Two maps of each partition in docs/maps, named by its kind; the Markdown that shows them."""
    lines = []
    for title, (stem, cells) in built.items():
        atlas = Atlas.of(cells, title)
        cell_maps.draw_world(atlas, ROOT / "docs" / "maps" / f"{stem}.png")
        cell_maps.draw_zoom(atlas, ROOT / "docs" / "maps" / f"{stem}-zoom.png", ZOOM)
        lines += [f"### {title}, {len(cells):,} cells", ""]
        lines += [f"![{title}: the world](maps/{stem}.png)", "", f"![{title}: a part](maps/{stem}-zoom.png)", ""]
    return lines


def best_of(comparison: best_possible.Comparison, size: int) -> str:
    """Which of the methods at one size comes first at each distance, by imagery centroid."""
    words = []
    for km in ("25", "200", "750"):
        order = sorted(comparison.partitions, key=lambda one: -one.centroid.best_possible[km])
        first, last = order[0], order[-1]
        share, worst = (100 * one.centroid.best_possible[km] for one in (first, last))
        words.append(f"{km} km: {first.name} {share:.1f} %, last {last.name} {worst:.1f} %")
    return f"* about {size:,} cells: " + "; ".join(words) + "."


def main() -> int:
    """Write the page and the maps; exit 1 without the shared tables."""
    gallery = TABLES / "geoclip_coordinates_100K.csv"
    if not gallery.is_file():
        print(f"{gallery}: no such file; the comparison is made on geoclip's positions", file=sys.stderr)
        return 1
    table = pyarrow.csv.read_csv(gallery)
    points = np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1)
    fit, held = best_possible.split(points, 0.5)
    sections, summary, levels = [], [], {}
    drawn: dict[str, tuple[str, Partition]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "divisions.geojson"
        count = divisions.write(file)
        for size in SIZES:
            built, notes = {}, []
            for method in methods(file):
                cells, settings, seconds = search(method, fit, size)
                told = {key: value for key, value in settings.items() if key != "file"}
                notes.append(f"{method.title}: {method.kind} {told}, {seconds:.1f} s")
                print(notes[-1], len(cells), file=sys.stderr)
                built[method.title] = levels[method.title, size] = cells
            comparison = best_possible.compare(built, {}, held, fit)
            summary.append(best_of(comparison, size))
            body = comparison.to_markdown().split("\n\n")[0]
            sections += [f"## About {size:,} cells", "", body, "", "Settings: " + "; ".join(notes) + ".", ""]
            if size == DRAWN:
                drawn = {method.title: (method.kind, built[method.title]) for method in methods(file)}
    stacks = {
        f"{title}, {' + '.join(f'{size:,}' for size in SIZES)}": Hierarchy(
            tuple(sorted((levels[title, size] for size in SIZES), key=len))
        )
        for title in ("adaptive S2", "quadtree", "Delaunay mesh", "Voronoi (k-means)")
    }
    mixed = (levels["regions x Voronoi", SIZES[0]], levels["adaptive S2", SIZES[-1]])
    stacks["regions x Voronoi, 500 + adaptive S2, 7,000"] = Hierarchy(mixed)
    both = best_possible.compare(published(), stacks, held, fit).to_markdown().split("\n\n")
    text = [
        "# Partitions",
        "",
        "Made by `python benchmarks/compare_partitions.py`. "
        f"Cells were built on {len(fit):,} of the 100,000 positions of geoclip's gallery (photos of Flickr) and scored "
        f"on the other {len(held):,}; {100 * best_possible.share_seen(fit, held):.1f} % of these occur in the first "
        f"half, too. Regions and semantic cells start from {count:,} first-order divisions, stood in for by "
        "what lies nearest to their towns (`benchmarks/divisions.py`). Seconds are those of one core.",
        "",
        "Percentages are the *best possible* accuracy: every held-out photo is given exactly its cell and answered by "
        "the cell's own centre / by the mean position of its photos (imagery centroid). A model can only do worse. "
        "Photos outside every cell are misses. `whereshot cells compare` prints the same for any partitions and "
        "positions.",
        "",
        "## Which to choose",
        "",
        *CHOICE,
        "",
        *summary,
        "",
        *sections,
        "## As published",
        "",
        "Built by others on 4.7 and 4.9 million photos; GeoEstimation's are of Flickr as well, OSV-5M's of streets.",
        "",
        both[0],
        "",
        "## Products of levels",
        "",
        both[1],
        "",
        "By imagery centroid of the finest cell. A photo is torn when its own cells on the levels contradict one "
        "another: the product of certain levels is zero everywhere then. In brackets the expected loss: the share of "
        "photos that are torn and would be within the distance by their finest cell. Unused bits are what the coarser "
        "levels still tell when the finest cell is known; bits left, what is unknown when all are "
        "(`src/whereshot/evaluate/best_possible.py` has the formulas).",
        "",
        f"## Maps, about {DRAWN:,} cells",
        "",
        *draw_maps(drawn),
    ]
    output_files.write_text(ROOT / "docs" / "partitions.md", "\n".join(text).rstrip() + "\n")
    return 0


CHOICE = [
    "Answer with the imagery centroid: at about 500 cells it alone is worth up to 17 points within 200 km over "
    "the cell's own centre. **Voronoi cells** round k-means centres lose least from 200 km on, with the fewest "
    "cells (2,000 of them allow more within 200 km than 7,000 of any other kind), and leave no photo outside; but "
    "k-means does not cut dense cities, so they are the worst within 1 km. **Adaptive S2** is the one to start "
    "with: built at once, evenly full, two to seven times better within 1 km than as many Voronoi cells, "
    "comparable with published models, and its levels nest, so that a product of them loses nothing. The "
    "**quadtree** is its equal within two points, with cells of less equal shape; take it to compare with OSV-5M. "
    "**Regions**, and **semantic cells** (regions merged and split by density), are for answers that have a name; "
    "regions are the most evenly full of all and the best within 1 km, but up to 3 % of the photos stay outside, "
    "where photos are few. The **mesh** is about the equal of S2 at equally many cells that hold photos: a little "
    "behind within 25 km, ahead from 200 km on. "
    "**Overlaps** are not better at equally many cells: they are for learning several coarse partitions and "
    "answering with a fine one. Multiply levels only where they nest: of meshes refined apart from one another a "
    "quarter of the photos is torn, of Voronoi cells 7 %."
]
"""Advice on which kind to choose, from the tables below. Check it when the tables change."""

if __name__ == "__main__":
    sys.exit(main())
