"""Ingest of a YFCC100M dump beside a bare DuckDB query: python benchmarks/ingest.py > docs/scale.md.

Both are commands of their own, timed from start to end, and take turns; the keys of all photos must agree, and Spark
must end with the same bytes, or nothing is printed.
"""

from __future__ import annotations

import argparse
import bz2
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yfcc_dump

from whereshot.photos.sources.yfcc import COLUMNS

ROWS = 1_000_000
REPETITIONS = 5
WHOLE_ROWS = 100_000_000
WORKERS = 16
CORES_OF_A_WORKER = 2
DOLLARS_PER_CORE_HOUR = 0.05
DOLLARS_PER_THOUSAND_GETS = 0.0004

BARE = r"""
import duckdb, sys
dump, out, columns = sys.argv[1], sys.argv[2], sys.argv[3].split()
kinds = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in columns) + "}"
duckdb.execute(f'''
COPY (
  SELECT photo_id AS id, latitude::DOUBLE AS latitude, longitude::DOUBLE AS longitude, url, "user",
    try_cast(taken AS TIMESTAMP) AS taken_at, true AS taken_at_is_local,
    to_timestamp(try_cast(uploaded AS BIGINT)) AS posted_at, title, string_split(tags, ',') AS tags, license,
    'yfcc' AS source, camera, string_split(machine_tags, ',') AS machine_tags,
    try_cast(accuracy AS TINYINT) AS accuracy, page_url,
    'data/images/' || long[1:3] || '/' || long[4:6] || '/' || long || '.jpg' AS object_key,
    'data/images/' || short[1:3] || '/' || short[4:6] || '/' || short || '.jpg' AS object_key_short
  FROM (
    SELECT *, regexp_replace(long, '0([0-9a-f])|([1-9a-f][0-9a-f])', '\\1\\2', 'g') AS short
    FROM (
      SELECT *, md5(url) AS long
      FROM read_csv('{dump}', delim='\t', quote='', escape='', header=false, auto_detect=false, ignore_errors=true,
                    columns={kinds})
      WHERE marker = '0' AND try_cast(latitude AS DOUBLE) BETWEEN -90 AND 90
        AND try_cast(longitude AS DOUBLE) BETWEEN -180 AND 180
    )
  )
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)''')
"""


def timed(command: list[str], out: Path) -> tuple[float, float]:
    """Seconds of a command from start to end, and the most memory it held, in MB; its output is dropped first."""
    shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
    started, held = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None:  # the kernel's own account of a child begins with what its parent held
        held = max(held, peak_kb(process.pid))
        time.sleep(0.01)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(process.stderr.read().decode() if process.stderr else "failed")
    return seconds, held / 1024


def peak_kb(pid: int) -> int:
    """The most memory that a running process has held; 0 where the system does not report it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def keys(path: Path) -> list[tuple[str, str, str]]:
    """(id, key, short key) of all photos, in the order of the ids."""
    columns = ["id", "object_key", "object_key_short"]
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    table = pa.concat_tables([pq.read_table(file, columns=columns) for file in files]).sort_by("id")
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def main() -> int:
    """Time, compare, print; exit 1 when rows differ."""
    parser = argparse.ArgumentParser(description="ingest of a dump beside a bare DuckDB query")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    rows = options.rows
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        dump = yfcc_dump.write(place / "dump.tsv", rows)
        size = dump.stat().st_size
        ingest = [sys.executable, "-m", "whereshot.cli", "ingest", "yfcc"]
        commands = {
            "bare": [sys.executable, "-c", BARE, str(dump), str(place / "bare.parquet"), " ".join(COLUMNS)],
            "ours": [*ingest, str(dump), "--out", str(place / "ours")],
        }
        outs = {"bare": place / "bare.parquet", "ours": place / "ours"}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        memory = dict.fromkeys(commands, 0.0)
        for _ in range(options.repetitions):
            for name, command in commands.items():
                taken, held = timed(command, outs[name])
                seconds[name].append(taken)
                memory[name] = max(memory[name], held)
        if keys(outs["bare"]) != keys(outs["ours"]):
            print("the keys of the bare query and of whereshot differ", file=sys.stderr)
            return 1
        kept = len(keys(outs["ours"]))

        spark_s, _ = timed([*ingest, str(dump), "--out", str(place / "spark"), "--engine", "spark"], place / "spark")
        files = sorted(path.relative_to(outs["ours"]) for path in outs["ours"].rglob("*.parquet"))
        for path in files:
            if (outs["ours"] / path).read_bytes() != (place / "spark" / path).read_bytes():
                print(f"{path} differs on Spark", file=sys.stderr)
                return 1

        packed = place / "dump.tsv.bz2"
        packed.write_bytes(bz2.compress(dump.read_bytes()))
        whole = [*ingest, str(packed), "--out", str(place / "packed")]
        packed_s, packed_mb = min(timed(whole, place / "packed") for _ in range(options.repetitions))
        if keys(place / "packed") != keys(outs["ours"]):
            print("the rows of the compressed dump differ", file=sys.stderr)
            return 1
        report(rows, kept, size, packed.stat().st_size, seconds, memory, spark_s, (packed_s, packed_mb), len(files))
    return 0


def report(
    rows: int,
    kept: int,
    size: int,
    packed_size: int,
    seconds: dict[str, list[float]],
    memory: dict[str, float],
    spark_s: float,
    packed: tuple[float, float],
    files: int,
) -> None:
    """Print the page."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ratio = statistics.median(ours / bare for ours, bare in zip(seconds["ours"], seconds["bare"], strict=True))
    best = {name: min(values) for name, values in seconds.items()}
    print(
        f"""# Scale

Made by `python benchmarks/ingest.py > docs/scale.md`, on {cores} cores. The dump is made by `benchmarks/yfcc_dump.py`:
{rows:,} lines of 23 columns, {size / 1e6:.0f} MB, 5 % videos, half without a position, 0.1 % broken.

## YFCC100M metadata

| command, from start to end | best s | times the bare query | most memory, MB |
|---|---:|---:|---:|
| bare DuckDB query | {best["bare"]:.2f} | 1 | {memory["bare"]:.0f} |
| `whereshot ingest yfcc` | {best["ours"]:.2f} | {ratio:.2f} | {memory["ours"]:.0f} |
| the same, one .bz2 of {packed_size / 1e6:.0f} MB | {packed[0]:.2f} | | {packed[1]:.0f} |
| the same, `--engine spark --master local[2]` | {spark_s:.2f} | | |

The ratio is the median of {len(seconds["ours"])} pairs of runs that took turns. The bare query reads, filters, computes
both spellings of the hash and writes the same columns with the same compression; it decodes no URL-encoded text, keeps
no rejects and cannot be resumed. Both give the same keys for all {kept:,} photos; Spark's {files} files equal the
local ones to the byte.
"""
    )
    one_s = best["ours"] * WHOLE_ROWS / rows
    unpacked_s = packed[0] * WHOLE_ROWS / rows
    core_hours = unpacked_s * cores / 3600
    share_s = unpacked_s * cores / (WORKERS * CORES_OF_A_WORKER)
    gigabytes = size * WHOLE_ROWS / rows / 1e9
    packed_gb = packed_size * WHOLE_ROWS / rows / 1e9
    units = gigabytes * 1e9 / (64 * 1024**2)
    rate = packed_gb * 1e3 / share_s
    print(
        f"""## The whole of it: 100 million rows

Work grows with the rows: units of 64 MB are independent, and memory is that of the units at work, two here.

| | arithmetic | result |
|---|---|---:|
| text | {size / 1e6:.0f} MB x {WHOLE_ROWS // rows} | {gigabytes:.0f} GB |
| as .bz2 | {packed_size / 1e6:.0f} MB x {WHOLE_ROWS // rows} | {packed_gb:.1f} GB |
| this machine, text | {best["ours"]:.2f} s x {WHOLE_ROWS // rows} | {one_s / 60:.0f} min |
| this machine, .bz2 | {packed[0]:.2f} s x {WHOLE_ROWS // rows} | {unpacked_s / 60:.0f} min |
| its core hours | {unpacked_s / 3600:.2f} h x {cores} cores | {core_hours:.2f} |
| {WORKERS} workers of {CORES_OF_A_WORKER} cores, .bz2 | \
{core_hours:.2f} core h / {WORKERS * CORES_OF_A_WORKER} cores, and a minute to start | {(share_s + 60) / 60:.1f} min |
| what they read | {packed_gb * 1e3:.0f} MB / {share_s:.0f} s | {rate:.0f} MB/s |
| cost, one machine | {core_hours:.2f} core h x {DOLLARS_PER_CORE_HOUR} $ | {core_hours * DOLLARS_PER_CORE_HOUR:.2f} $ |
| cost, {WORKERS} workers | {WORKERS * CORES_OF_A_WORKER} cores x {(share_s + 60) / 3600:.3f} h x \
{DOLLARS_PER_CORE_HOUR} $ | {WORKERS * CORES_OF_A_WORKER * (share_s + 60) / 3600 * DOLLARS_PER_CORE_HOUR:.2f} $ |
| looking for the pictures in a bucket (`--check s3://...`) | \
{kept * WHOLE_ROWS // rows / 1e6:.1f} M photos x 1 to 2 requests x {DOLLARS_PER_THOUSAND_GETS} $ / 1000 | \
{kept * WHOLE_ROWS / rows / 1000 * DOLLARS_PER_THOUSAND_GETS:.0f} to \
{2 * kept * WHOLE_ROWS / rows / 1000 * DOLLARS_PER_THOUSAND_GETS:.0f} $ |

A core hour at {DOLLARS_PER_CORE_HOUR} $ is the assumption; put in your own. The {units:,.0f} units are
{units / (WORKERS * CORES_OF_A_WORKER):.0f} for each core, so the last ones to finish add at most \
{100 * WORKERS * CORES_OF_A_WORKER / units:.0f} %. Sixteen workers have not been
tried: the disk that they share must give the rate above, and take about as much."""
    )


if __name__ == "__main__":
    sys.exit(main())
