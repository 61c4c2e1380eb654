"""S2 ids beside its peers: python benchmarks/s2_ids.py prints one Markdown table.

Positions in degrees, uniform on the sphere, to cell ids at level 20, on one core. The contestants take turns in
every repetition, so that a busy machine slows all of them; the ids must agree to the bit, or no table is printed.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import s2
from whereshot.foundation.errors import MissingExtraError, require

LEVEL = 20
REPETITIONS = 5
POINTS = 1_000_000
"""Positions for whereshot; the peers, which take one at a time, get the first of them."""

Encode = Callable[[NDArray[np.float64]], list[int] | NDArray[np.uint64]]


def contestants() -> dict[str, tuple[Encode, int]]:
    """Name -> (function of (n, 2) positions, number of positions)."""
    s2sphere, s2geometry = require("s2sphere", extra="benchmarks"), require("s2geometry", extra="benchmarks")

    def by_s2sphere(positions: NDArray[np.float64]) -> list[int]:
        cell, from_degrees = s2sphere.CellId.from_lat_lng, s2sphere.LatLng.from_degrees
        return [cell(from_degrees(lat, lon)).parent(LEVEL).id() for lat, lon in positions.tolist()]

    def by_s2geometry(positions: NDArray[np.float64]) -> list[int]:
        cell, from_degrees = s2geometry.S2CellId, s2geometry.S2LatLng.FromDegrees
        return [cell(from_degrees(lat, lon)).parent(LEVEL).id() for lat, lon in positions.tolist()]

    return {
        "whereshot.earth.s2.encode": (lambda positions: s2.encode(positions, LEVEL), POINTS),
        "s2sphere (Python)": (by_s2sphere, 50_000),
        "s2geometry (C++, its Python wheel)": (by_s2geometry, 200_000),
    }


def main() -> int:
    """Time, compare, print; exit 1 when an id differs, 2 when a peer is not installed."""
    try:
        rivals = contestants()
    except MissingExtraError as error:
        print(error, file=sys.stderr)
        return 2
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rng = np.random.default_rng(0)
    latitude = np.degrees(np.arcsin(rng.uniform(-1, 1, POINTS)))
    positions = np.stack([latitude, rng.uniform(-180, 180, POINTS)], axis=1)

    rates: dict[str, list[float]] = {name: [] for name in rivals}
    ids: dict[str, NDArray[np.uint64]] = {}
    for _ in range(REPETITIONS):
        for name, (encode, count) in rivals.items():
            start = time.perf_counter()
            found = encode(positions[:count])
            rates[name].append(count / (time.perf_counter() - start))
            ids[name] = np.asarray(found, np.uint64)

    ours, *peers = rivals
    for name in peers:
        wrong = np.flatnonzero(ids[name] != ids[ours][: len(ids[name])])
        if len(wrong):
            row = wrong[0]
            print(
                f"{name}: {len(wrong)} of {len(ids[name])} ids differ; first for {positions[row].tolist()}: "
                f"{ids[name][row]:x}, ours {ids[ours][row]:x}",
                file=sys.stderr,
            )
            return 1

    print(f"| level {LEVEL}, one core | positions | million ids/s | whereshot is faster by | ids agree |")
    print("|---|---:|---:|---:|---|")
    for name, (_, count) in rivals.items():
        rate = statistics.median(rates[name]) / 1e6
        ratio = statistics.median(mine / other for mine, other in zip(rates[ours], rates[name], strict=True))
        told = ("", "") if name == ours else (f"{ratio:.1f} x", f"all {count:,}")
        print(f"| {name} | {count:,} | {rate:.3f} | {told[0]} | {told[1]} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
