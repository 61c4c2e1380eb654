"""How fast the country of a position is found: this source tree beside an earlier one, in the same run.

    git worktree add /tmp/before <commit> && python benchmarks/country_lookup.py --before /tmp/before/src

Each tree is measured in processes of its own, in turns, on the same positions: all towns of the gazetteer, positions
spread evenly over the Earth, and those within a degree of coasts and borders. Prints a Markdown table of the best
times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
MEASURE = """
import json, time
from whereshot.earth.countries import countries
began = time.perf_counter()
known = countries()
known.index_of([[48.2, 16.4]])
loading = time.perf_counter() - began
import numpy as np
from whereshot.earth.towns import gazetteer
rng = np.random.default_rng(0)
even = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 200_000))), rng.uniform(-180, 180, 200_000)], axis=1)
towns = gazetteer().points
near = towns[rng.integers(len(towns), size=100_000)] + rng.uniform(-1, 1, (100_000, 2))
times = {"load, and the first look-up": loading}
for name, points in {
    "all towns": towns,
    "200,000 positions spread evenly": even,
    "100,000 positions within a degree of a town": np.clip(near, [-90, -180], [90, 180]),
    "one position, 200 times": None,
}.items():
    known.index_of(even[:10_000])
    began = time.perf_counter()
    if points is None:
        for row in towns[::1000][:200]:
            known.index_of(row[None])
    else:
        known.index_of(points)
    times[name] = time.perf_counter() - began
print(json.dumps(times))
"""


def measure(source: Path) -> dict[str, float]:
    """Return what -> seconds, for the package in a source folder."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    run = subprocess.run([sys.executable, "-c", MEASURE], env=environment, capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(run.stdout)
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="the folder src of the earlier tree")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    trees = {"before": arguments.before.resolve(), "now": SOURCE}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in trees}
    for _ in range(arguments.rounds):
        for name, source in trees.items():
            runs[name].append(measure(source))
    print("| what | before | now | ratio |\n|---|---|---|---|")
    for what in runs["now"][0]:
        before, now = (min(run[what] for run in runs[name]) for name in trees)
        print(f"| {what} | {before:.3f} s | {now:.3f} s | {now / before:.2f} |")


if __name__ == "__main__":
    main()
