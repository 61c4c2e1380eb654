"""Fetching 5,000 pictures from a server with every fault of the web; exit 1 where one is lost, or memory grows.

    python benchmarks/fetch.py > docs/results-fetch.md

The server is a process of its own on this machine: slow (up to 100 ms), dropping 5 % of the requests, sending 2 %
broken files, lying about lengths, and so on (tests/faulty_server.py). Memory is this process's, ten times a second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whereshot.photos import fetch as fetching
from whereshot.photos.records import Records

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from faulty_server import GOOD, REASONS, kind_of, picture  # noqa: E402

MOST_GROWTH_MIB = 32


def resident_mib() -> float:
    """Return the memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--side", type=int, default=256, help="of the pictures, in pixels")
    given = parser.parse_args()
    fetching.PORTION_ROWS = max(1, given.pictures // 10)  # ten portions, as a long run has many
    command = [sys.executable, str(TESTS / "faulty_server.py"), "0.1", "0.05", str(given.side)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        address = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        numbers = range(given.pictures)
        urls = [f"{address}/p/{number}.jpg" for number in numbers]
        Records(pa.table({"id": [str(number) for number in numbers], "url": urls})).write(f"{folder}/in")
        memory, stop = [], threading.Event()

        def watch() -> None:
            while not stop.wait(0.1):
                memory.append(resident_mib())

        watcher = threading.Thread(target=watch)
        watcher.start()
        started = time.perf_counter()
        manners = fetching.Manners(allow_private=True, connections_per_host=32, back_off_s=0.1)
        found = fetching.fetch(f"{folder}/in", f"{folder}/out", manners)
        seconds = time.perf_counter() - started
        stop.set()
        watcher.join()
        server.stdin.close()
        once, delivered, asked = map(int, server.stdout.readline().split())

        kept = Records.read(f"{folder}/out")
        same = sum(
            Path(path).read_bytes() == picture(int(name), given.side)
            for name, path in zip(kept.strings("id"), kept.strings("image"), strict=True)
        )
        rejects = pa.concat_tables(pq.read_table(path) for path in Path(f"{folder}/out/rejects").glob("*.parquet"))
        reasons = dict(zip(rejects["id"].to_pylist(), rejects["reason"].to_pylist(), strict=True))
        details = sum(bool(text) for text in rejects["detail"].to_pylist())

    kinds = Counter(kind_of(number) for number in numbers)
    good = [number for number in numbers if kind_of(number) in GOOD]
    steady = memory[len(memory) // 4 :] or [0.0]
    quarter = max(1, len(steady) // 3)
    growth = float(np.median(steady[-quarter:]) - np.median(steady[:quarter]))
    print("# Fetching\n\nMade by `python benchmarks/fetch.py > docs/results-fetch.md`.\n")
    print(f"{given.pictures:,} urls of a local server that is slow, drops 5 % of the requests and lies.\n")
    print("| | |\n|---|---:|")
    print(f"| good pictures, of them arrived with the right bytes | {len(good):,}, {same:,} |")
    print(f"| delivered whole by the server, of them exactly once | {delivered:,}, {once:,} |")
    print(f"| bad ones, of them rejected with a reason | {given.pictures - len(good):,}, {details:,} |")
    print(f"| requests in all | {asked:,} |")
    print(f"| seconds, pictures a second | {seconds:.0f}, {given.pictures / seconds:.0f} |")
    told = f"{steady[0]:.0f}, {max(memory):.0f}, {growth:+.1f}"
    print(f"| memory: a quarter in, largest, growth from then on, MiB | {told} |")
    print("\n| the server's answer | urls | reason |\n|---|---:|---|")
    for kind, count in kinds.most_common():
        told = Counter(reasons[str(number)] for number in numbers if kind_of(number) == kind and str(number) in reasons)
        words = "arrives" if kind in GOOD else ", ".join(f"{reason} {many}" for reason, many in told.most_common())
        print(f"| {kind} | {count} | {words} |")
    missed = []
    if not same == len(good) == len(kept) == found["kept"] or once != delivered or delivered != len(good):
        missed.append("good pictures are lost or fetched twice")
    bad = {str(number) for number in numbers} - {str(number) for number in good}
    if set(reasons) != bad or details != len(bad) or not {reasons[name] for name in bad} <= set(REASONS.values()):
        missed.append("bad pictures without their reason")
    if growth > MOST_GROWTH_MIB:
        missed.append(f"memory grew by {growth:.0f} MiB")
    print(
        "\n"
        + ("; ".join(missed) if missed else "Every good one arrived once, every bad one is a reject; memory is flat.")
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
