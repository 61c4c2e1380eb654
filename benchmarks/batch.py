"""Measure how long 410,402 photos take: python benchmarks/batch.py PHOTOS.csv writes its section of docs/scale.md.

Each command is run on few photos and on more; their difference is the cost of a photo, free of what starting costs.
Spark must end with the same shards as the local engine, or nothing is written.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whereshot.foundation import output_files
from whereshot.foundation.processes import cores
from whereshot.locate.batch import read_photos
from whereshot.photos.photo import Photo

PHOTOS = 410_402
"""Number of photos of the earlier measurement with Spark."""

SCALE = Path(__file__).parents[1] / "docs" / "scale.md"
TITLE = "## Locating 410,402 photos"


class Run(NamedTuple):
    """The time and memory of a command. CPU seconds include all its processes."""

    photos: int
    wall_s: float
    cpu_s: float


def locate(table: Path, photos: int, out: Path, options: list[str]) -> Run:
    """Locate some photos of a table, spread evenly over it."""
    records = read_photos(table)
    chosen = records[np.linspace(0, len(records) - 1, photos).round().astype(int)]
    listed = out.with_suffix(".parquet")
    chosen.write(listed)
    command = [sys.executable, "-m", "whereshot.cli", "batch", str(listed), "--out", str(out), "--format", "json"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    wall_s = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or json.loads(done.stdout)["rows"] != photos:
        raise SystemExit(done.stderr)
    return Run(photos, wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def median_megapixels(table: Path) -> float:
    """Measure one hundred photos of the table."""
    places = read_photos(table).strings("image")
    sizes = [Photo(place).size for place in places[:: max(len(places) // 100, 1)]]
    return float(np.median([width * height for width, height in sizes])) / 1e6


def row(name: str, few: Run, more: Run, knows_cpu: bool) -> str:
    """Return a line of the table: the cost of one photo, and of all photos."""
    wall_s = (more.wall_s - few.wall_s) / (more.photos - few.photos)
    cpu_s = (more.cpu_s - few.cpu_s) / (more.photos - few.photos)
    start_s = max(few.wall_s - few.photos * wall_s, 0.0)
    quiet = f"{PHOTOS * cpu_s / cores() / 3600:.1f} h" if knows_cpu else ""
    cost = f"{1000 * cpu_s:.0f}" if knows_cpu else ""
    return (
        f"| {name} | {few.photos} and {more.photos} | {1 / wall_s:.1f} | {start_s:.0f} | {cost} | "
        f"{(start_s + PHOTOS * wall_s) / 3600:.1f} h | {quiet} |"
    )


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("--model", help="also a model, without text")
    parser.add_argument("--few", type=int, default=64)
    parser.add_argument("--many", type=int, default=2048)
    parser.add_argument("--with-text", type=int, default=192)
    asked = parser.parse_args()
    kinds = [
        ("`compact`, `--no-text`", ["--no-text"], asked.many),
        ("the same, `--engine spark`", ["--no-text", "--engine", "spark", "--master", "local[2]"], asked.many),
        ("`compact`, signs read", [], asked.with_text),
    ]
    if asked.model:
        kinds.append(("a learned model, `--no-text`", ["--no-text", "--model", asked.model], asked.many))
    load, megapixels = os.getloadavg()[1], median_megapixels(asked.table)
    lines, shards = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, options, many) in enumerate(kinds):
            runs = []
            for photos in (asked.few, many):
                out = Path(folder, f"{number}-{photos}")
                runs.append(locate(asked.table, photos, out, [*options, "--unit", "16"]))
                shards[number, photos] = [path.read_bytes() for path in sorted(out.glob("part-*.parquet"))]
                print(name, runs[-1], file=sys.stderr, flush=True)
            lines.append(row(name, *runs, knows_cpu="spark" not in name))
        if any(shards[0, photos] != shards[1, photos] for photos in (asked.few, asked.many)):
            raise SystemExit("Spark has other rows than the local engine")
    pieces = SCALE.read_text("utf-8").split("\n## ")
    section = (
        f"""{TITLE}

`python benchmarks/batch.py PHOTOS.csv` on {cores()} cores, photos of {megapixels:.1f} megapixels (median; larger ones
take longer to decode, and up to 1600 pixels a side to read), while others were at work on the machine: its load was
{load:.1f} before and {os.getloadavg()[1]:.1f} after. A photo costs the difference of two runs, few photos and more.
Spark's shards equal the local ones to the byte.

| `whereshot batch` | photos | photos/s | start, s | CPU ms a photo | {PHOTOS:,} photos, as measured | cores to itself |
|---|---|---:|---:|---:|---:|---:|
"""
        + "\n".join(lines)
        + f"""

The last column is the CPU time over {cores()} cores. Units are independent, so more cores or workers take as much less;
a kill costs the units at work, at most 256 photos for each core.
"""
    )
    kept = [piece.rstrip("\n") + "\n" for piece in pieces if not f"## {piece}".startswith(TITLE)]
    output_files.write_text(SCALE, "\n## ".join([*kept, section.removeprefix("## ")]))


if __name__ == "__main__":
    main()
