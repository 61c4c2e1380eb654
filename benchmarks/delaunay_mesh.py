"""Delaunay meshes at size, and where new nodes should go: python benchmarks/delaunay_mesh.py prints two tables.

Five million positions as benchmarks/partitions.py draws them, one core. Best-possible accuracy: the share of held-out
positions whose cell's imagery centroid is near; at equally many cells, between builds with several limits.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from partitions import draw

from whereshot.earth import partition, sphere

FINE = {"max": 5000, "min": 500}
REPETITIONS = 3
TARGET_BUILD_S, TARGET_MILLION_PER_S = 25, 0.5
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "middle of the triangle (pull 0)": ("mesh", {"pull": 0.0}),
    "halfway (pull 0.5)": ("mesh", {"pull": 0.5}),
    "mean of its photos (pull 1)": ("mesh", {"pull": 1.0}),
    "(adaptive S2)": ("s2", {}),
}
LIMITS = (1500, 5000, 10_000, 20_000)
CELLS = (600, 1200, 2400, 5000)
HELD_OUT = 100_000


def accuracy(
    positions: NDArray[np.float64], kind: str, asked: Mapping[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percent of held-out positions within 25 and 200 km of their cell's centroid at CELLS cells, (cells,) each."""
    train, held_out = positions[:-HELD_OUT], positions[-HELD_OUT:]
    rows = []
    for limit in reversed(LIMITS):
        cells = partition.build(kind, train, {"max": limit, "min": limit // 10, **asked})
        label = cells.assign(held_out)
        away_km = np.where(label >= 0, sphere.distance_km(cells.centers[label], held_out), np.inf)
        rows.append((np.log(len(cells)), 100 * (away_km <= 25).mean(), 100 * (away_km <= 200).mean()))
    log_cells, near, far = np.array(rows).T
    return np.interp(np.log(CELLS), log_cells, near), np.interp(np.log(CELLS), log_cells, far)


def main() -> int:
    """Time, compare and print; exit 1 when the best build or the best assignment misses its target."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    positions, name = draw()
    build_s, assign_s = [], []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        cells = partition.build("mesh", positions, FINE)
        build_s.append(time.perf_counter() - start)
        start = time.perf_counter()
        label = cells.assign(positions)
        assign_s.append(time.perf_counter() - start)
        if not np.array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts):
            raise AssertionError("assigning counts otherwise than building")
    rate = len(positions) / 1e6 / min(assign_s)
    print(f"| {len(positions):,} positions around {name}, one core | best of {REPETITIONS} |\n|---|---:|")
    print(f"| Delaunay mesh, 500 to 5,000 photos, s (target {TARGET_BUILD_S}) | {min(build_s):.1f} |")
    print(f"| assigning, million positions/s (target {TARGET_MILLION_PER_S}) | {rate:.2f} |")
    print(f"\n{len(cells):,} cells keep {cells.counts.sum():,} photos.\n")
    print(
        "| new nodes at the | " + " | ".join(f"{cells:,} cells" for cells in CELLS) + " |\n|---|" + "---:|" * len(CELLS)
    )
    for rule, (kind, asked) in RULES.items():
        near, far = accuracy(positions, kind, asked)
        print(f"| {rule} | " + " | ".join(f"{a:.1f} / {b:.1f}" for a, b in zip(near, far, strict=True)) + " |")
    print(f"\nPercent of {HELD_OUT:,} held-out positions within 25 / 200 km of their cell's imagery centroid.")
    return 0 if min(build_s) <= TARGET_BUILD_S and rate >= TARGET_MILLION_PER_S else 1


if __name__ == "__main__":
    sys.exit(main())
