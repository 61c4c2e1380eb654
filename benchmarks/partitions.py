"""Adaptive S2 partitions at size: python benchmarks/partitions.py prints one Markdown table.

Five million positions, drawn around the 100,000 of geoclip's gallery where shared/ lies beside the checkout, else
around random towns; one core. Splitting and assigning take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow.csv
from numpy.typing import NDArray

from whereshot import partition, sphere

POINTS = 5_000_000
REPETITIONS = 5
TARGET_S = 2.5
SETTINGS = {"min": 50, "max": 5000, "min_level": 2, "max_level": 12}
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


def peak_mib(positions: NDArray[np.float64]) -> float:
    """The most memory that one build holds at a time beside the positions, in MiB; not timed."""
    tracemalloc.start()
    partition.build("s2", positions, SETTINGS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1024**2


def main() -> int:
    """Time and print; exit 1 when the best build misses the target."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    positions, name = draw()
    build_s, assign_s = [], []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        cells = partition.build("s2", positions, SETTINGS)
        build_s.append(time.perf_counter() - start)
        start = time.perf_counter()
        label = cells.assign(positions)
        assign_s.append(time.perf_counter() - start)
        if not np.array_equal(np.bincount(label[label >= 0], minlength=len(cells)), cells.counts):
            raise AssertionError("assigning counts otherwise than building")
    best, middle = min(build_s), statistics.median(build_s)
    rates = [POINTS / 1e6 / seconds for seconds in (min(assign_s), statistics.median(assign_s))]
    print(f"| {POINTS:,} positions around {name}, one core | best of {REPETITIONS} | median |")
    print("|---|---:|---:|")
    print(f"| adaptive S2, 50 to 5,000 photos, levels 2 to 12, s (target {TARGET_S:g}) | {best:.2f} | {middle:.2f} |")
    print(f"| assigning, million positions/s | {rates[0]:.2f} | {rates[1]:.2f} |")
    print(f"| peak memory of a build beside the positions, MiB | {peak_mib(positions):.0f} | |")
    print(f"\n{len(cells):,} cells keep {cells.counts.sum():,} photos.")
    return 0 if best <= TARGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
