"""Every kind of partition at size: python benchmarks/partitions.py prints one table, exit 1 on a missed target.

Five million positions, drawn around the 100,000 of geoclip's gallery where shared/ lies beside the checkout, else
around random towns; one core. Seconds are those of the processor, so that what else runs on the machine counts little.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any, NamedTuple

import divisions
import numpy as np
import pyarrow.csv
from numpy.typing import NDArray

from whereshot.earth import partition, sphere
from whereshot.earth.partition import Partition

POINTS = 5_000_000
GALLERY = Path(__file__).parents[2] / "shared" / "data" / "tables" / "geoclip_coordinates_100K.csv"


def anchors(rng: np.random.Generator) -> tuple[NDArray[np.float64], str]:
    """Positions (m, 2) that photos lie around, and what they are."""
    if GALLERY.is_file():
        table = pyarrow.csv.read_csv(GALLERY)
        return np.stack([table["LAT"].to_numpy(), table["LON"].to_numpy()], axis=1), "geoclip's 100,000 positions"
    towns = np.stack([np.degrees(np.arcsin(rng.uniform(-0.7, 0.95, 2000))), rng.uniform(-180, 180, 2000)], axis=1)
    size = rng.pareto(1.0, 2000)
    return towns[rng.choice(2000, 100_000, p=size / size.sum())], "2,000 random towns"


def draw() -> tuple[NDArray[np.float64], str]:
    """All positions (n, 2), each about 5 km from an anchor."""
    rng = np.random.default_rng(0)
    around, name = anchors(rng)
    positions = around[rng.integers(0, len(around), POINTS)] + rng.normal(0, 0.05, (POINTS, 2))
    positions[:, 0] = np.clip(positions[:, 0], -90, 90)
    return sphere.points(positions), name


class Target(NamedTuple):
    """One kind: its settings, seconds that a build may take, positions per second it must assign, and repetitions.

    ``populate`` builds on the positions' first 200,000 and counts all: what a slow refinement is for.
    """

    title: str
    kind: str
    settings: dict[str, Any]
    build_s: float | None
    assigned_per_s: float | None
    repetitions: int = 1
    populate: bool = False


TARGETS = (
    Target("S2, 50 to 5,000 photos", "s2", {"min": 50, "max": 5000, "min_level": 2, "max_level": 12}, 2.5, 2e6, 4),
    Target("S2, level 6", "s2-level", {"level": 6}, 2.5, 2e6, 2),
    Target("quadtree, 5,000 photos", "quadtree", {"max": 5000, "max_depth": 14}, None, None),
    Target("mesh, 500 to 5,000 photos", "mesh", {"min": 500, "max": 5000}, 25, 5e5, 2),
    Target("Voronoi, 2,000 cells", "voronoi", {"cells": 2000}, None, 5e5, 1, True),
    Target("regions, first-order divisions", "regions", {"min": 50, "max": 5000}, None, 2e5, 1, True),
    Target("semantic, first-order divisions", "semantic", {"min": 50, "max": 5000}, None, 2e5, 1, True),
    Target(
        "overlaps of S2 and quadtree",
        "combinatorial",
        {"parts": [{"kind": "s2", "max": 20_000}, {"kind": "quadtree", "max": 20_000}]},
        None,
        None,
        1,
        True,
    ),
)
REFINED_ON = 200_000


class Measured(NamedTuple):
    """The best build and the best assignment."""

    cells: Partition
    build_s: float
    assigned_per_s: float


def measure(target: Target, positions: NDArray[np.float64], file: Path) -> Measured:
    """Build and assign in turn. Raises AssertionError where assigning and building count different photos."""
    settings = dict(target.settings)
    if "file" in partition.PARTITIONS[target.kind].settings.model_fields:
        settings["file"] = str(file)
    build_s, assign_s = [], []
    for _ in range(target.repetitions):
        start = time.process_time()
        refine_on = positions[:REFINED_ON] if target.populate else positions
        cells = partition.build(target.kind, refine_on, settings)
        build_s.append(time.process_time() - start)
        start = time.process_time()
        label = cells.assign(positions)
        assign_s.append(time.process_time() - start)
        counts = np.bincount(label[: len(refine_on)] + 1, minlength=len(cells) + 1)[1:]
        if not np.array_equal(counts, cells.counts):
            raise AssertionError(f"{target.title}: assigning counts otherwise than building")
    return Measured(cells, min(build_s), len(positions) / min(assign_s))


def peak_mib(positions: NDArray[np.float64]) -> float:
    """The most memory that one S2 build holds at a time beside the positions, in MiB; not timed."""
    tracemalloc.start()
    partition.build(TARGETS[0].kind, positions, TARGETS[0].settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1024**2


def line(target: Target, measured: Measured) -> tuple[str, bool]:
    """The row of the table, and whether the targets were met."""
    rate = measured.assigned_per_s
    slow = target.build_s is not None and measured.build_s > target.build_s
    slow |= target.assigned_per_s is not None and rate < target.assigned_per_s
    built = f"{measured.build_s:.1f}" + (f" ({REFINED_ON:,})" if target.populate else "")
    texts = [target.title, f"{len(measured.cells):,}", built, "" if target.build_s is None else f"{target.build_s:g}"]
    texts += [f"{rate / 1e6:.2f}", "" if target.assigned_per_s is None else f"{target.assigned_per_s / 1e6:g}"]
    return "| " + " | ".join([*texts, "missed" if slow else ""]) + " |", not slow


def main() -> int:
    """Time and print; exit 1 when a target is missed. Arguments: only these kinds."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    chosen = [target for target in TARGETS if not sys.argv[1:] or target.kind in sys.argv[1:]]
    positions, name = draw()
    print(f"{POINTS:,} positions around {name}; one core, seconds of the processor.\n")
    print("| kind | cells | build, s | target | assigned, million/s | target | |")
    print("|---|---:|---:|---:|---:|---:|---|")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "divisions.geojson"
        if any("file" in partition.PARTITIONS[target.kind].settings.model_fields for target in chosen):
            divisions.write(file)
        for target in chosen:
            text, kept = line(target, measure(target, positions, file))
            met &= kept
            print(text, flush=True)
    if any(target.populate for target in chosen):
        print(f"\n({REFINED_ON:,}): cells were shaped by so many of the positions; all were assigned.")
    if TARGETS[0] in chosen:
        print(f"Peak memory of the first build beside the positions: {peak_mib(positions):.0f} MiB.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
