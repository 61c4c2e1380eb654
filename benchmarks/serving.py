"""Measure the server under load: python benchmarks/serving.py ../shared/data/photos writes docs/results-serving.md.

A model is learned from train.csv (or given with --model) and located with by ``Geolocator.locate`` for the batch rate,
before and after; then 64 clients ask a server of the same model for 30 s, text off, and again while a quarter of them
misbehave. The clients share the server's cores. Every good answer must be the one that the batch gave.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from whereshot.foundation import output_files
from whereshot.foundation.processes import cores
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES

RESULTS = Path(__file__).parents[1] / "docs" / "results-serving.md"
LEAST_SHARE = 0.55
BROKEN, VANISHING, HUGE = 0.10, 0.10, 0.05
HUGE_BYTES = 30_000_000
SETTLE_S = 5.0
_POSITION = re.compile(rb'"latitude":(-?[\d.e-]+),"longitude":(-?[\d.e-]+)')


@dataclass
class Asked:
    """The whole request of a photo, and the right answer."""

    request: bytes
    answer: tuple[float, float] | None


@dataclass
class Tally:
    """Counts of the answers and errors that the clients got."""

    seconds: list[float] = field(default_factory=list)
    good: int = 0
    wrong: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def read(folder: Path, name: str) -> Records:
    return SOURCES["table"]([folder / f"{name}.csv"], {}, silent).records


def request_of(content: bytes, fields: dict[str, str]) -> bytes:
    parts = [f'--X\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    photo = b'--X\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n' + content
    body = b"".join([*parts, photo, b"\r\n--X--\r\n"])
    head = "POST /v1/locate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=X\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split()[0])
    return int(head.split()[1]), await reader.readexactly(length)


async def good(port: int, asked: list[Asked], until: float, tally: Tally, start: int) -> None:
    """One photo after the other on one connection, each answer compared."""
    number = start
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    while time.monotonic() < until:
        one = asked[number % len(asked)]
        number += 7
        began = time.perf_counter()
        try:
            writer.write(one.request)
            status, body = await answer_of(reader)
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            tally.wrong.append(f"the connection broke: {error!r}")
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            continue
        if status != 200:
            tally.wrong.append(f"{status}: {body[:200]!r}")
        elif tuple(map(float, _POSITION.search(body).groups())) != one.answer:
            tally.wrong.append(f"{body[:200]!r} instead of {one.answer}")
        else:
            tally.good += 1
            tally.seconds.append(time.perf_counter() - began)
    writer.close()


async def bad(port: int, kind: str, until: float, tally: Tally, rng: np.random.Generator, photo: bytes) -> None:
    """A client that sends broken files, leaves in the middle, or sends far too much, again and again."""
    text = {"text": "false"}
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        try:
            if kind == "broken":
                broken = [
                    photo[: len(photo) // 3],
                    b"<svg/>",
                    rng.bytes(50_000),
                    b"\xff\xd8\xff" + rng.bytes(90_000),
                    b"",
                ]
                writer.write(request_of(broken[rng.integers(len(broken))], text))
            elif kind == "vanishing":
                request = request_of(photo, text)
                writer.write(request[: rng.integers(100, len(request) - 1)])
                await writer.drain()
                await asyncio.sleep(0.05)
                tally.others["vanished"] += 1
                continue
            else:
                writer.write(request_of(photo + bytes(HUGE_BYTES), text))
            status, _ = await answer_of(reader)
            tally.others[f"{kind}: {status}"] += 1
        except (OSError, EOFError, asyncio.IncompleteReadError):
            tally.others[f"{kind}: connection closed"] += 1
        finally:
            writer.close()
        await asyncio.sleep(0.1)


async def load(port: int, asked: list[Asked], clients: int, seconds: float, misbehaving: bool, photo: bytes) -> Tally:
    tally, until, rng = Tally(), time.monotonic() + seconds, np.random.default_rng(0)
    kinds: list[str] = []
    if misbehaving:
        for kind, share in (("broken", BROKEN), ("vanishing", VANISHING), ("huge", HUGE)):
            kinds += [kind] * max(1, round(share * clients))
    tasks = [bad(port, kind, until, tally, rng, photo) for kind in kinds]
    tasks += [good(port, asked, until, tally, 13 * number) for number in range(clients - len(kinds))]
    await asyncio.gather(*tasks)
    return tally


def batch_rate(model: str, files: list[str]) -> tuple[float, list[tuple[float, float]]]:
    """Photos a second of one ``locate`` over all, after a first one that loads everything, and the answers."""
    locator = Geolocator.load(model)
    locator.locate(files[:4], text=False)
    began = time.perf_counter()
    predictions = locator.locate(files, text=False)
    rate = len(files) / (time.perf_counter() - began)
    return rate, [(p.latitude, p.longitude) for p in predictions]


def memory_mb(pid: int) -> str:
    """Return the resident memory of the server and of each of its processes."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in pids]
    return " + ".join(f"{number * os.sysconf('SC_PAGE_SIZE') / 1e6:.0f}" for number in pages)


def start_server(model: str) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-m", "whereshot.cli", "serve", "--model", model, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "answers on" in line:
            time.sleep(15)  # until all its processes have the model
            return process, int(line.rpartition(":")[2])
    raise SystemExit("the server did not start")


def percentile(tally: Tally, share: float) -> str:
    return f"{1000 * float(np.quantile(tally.seconds, share)):,.0f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="the folder of train.csv and test_a.csv")
    parser.add_argument("--model", help="a model that was learned already")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3, help="how often the batch sees all photos")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = options.model or f"{scratch}/model"
        if options.model is None:
            from whereshot.training import learn

            learn.learn(read(options.photos, "train"), Path(model))
        text = measure(options.photos, model, options.clients, options.seconds, options.rounds)
    output_files.write_text(options.out, text)
    print(text)


def measure(photos: Path, model: str, clients: int, seconds: float, rounds: int) -> str:
    files = [str(path) for name in ("test_a", "sunsets") for path in read(photos, name).strings("image")]
    contents = [Path(path).read_bytes() for path in files]
    before, answers = batch_rate(model, files * rounds)
    asked = [
        Asked(request_of(content, {"text": "false"}), answer)
        for content, answer in zip(contents, answers[: len(files)], strict=True)
    ]
    process, port = start_server(model)
    try:
        asyncio.run(load(port, asked, clients, 5.0, False, contents[0]))
        level = memory_mb(process.pid)
        plain = asyncio.run(load(port, asked, clients, seconds, False, contents[0]))
        after_plain = memory_mb(process.pid)
        mixed = asyncio.run(load(port, asked, clients, seconds, True, contents[0]))
        busy = memory_mb(process.pid)
        time.sleep(SETTLE_S)
        settled = memory_mb(process.pid)
    finally:
        process.terminate()
        ended = process.wait(60)
    after, _ = batch_rate(model, files * rounds)
    batch, served = max(before, after), plain.good / seconds
    enough, right = served >= LEAST_SHARE * batch, not plain.wrong and not mixed.wrong
    size = np.mean([len(content) for content in contents]) / 1000
    met = ", ".join(f"{what} ({count})" for what, count in sorted(mixed.others.items()))

    def row(name: str, tally: Tally, more: str = "") -> str:
        rate = tally.good / seconds
        cells = [
            name,
            f"{rate:.1f}",
            f"{100 * rate / batch:.0f} %{more}",
            percentile(tally, 0.5),
            percentile(tally, 0.99),
        ]
        return f"| {' | '.join(cells)} | {len(tally.wrong)} |"

    lines = [
        "# The server under load",
        "",
        "Made by `python benchmarks/serving.py ../shared/data/photos`: a model learned from train.csv, text off,",
        f"photos of test_a.csv and sunsets.csv ({size:.0f} kB on average), {clients} clients that each ask for one",
        f"photo after the other on one connection for {seconds:g} s, on {cores()} cores that they share with the",
        "server. Every answer has its map of up to 1,500 cells, which the batch does not draw.",
        "",
        "| | photos a second | of the batch's | half within | 99 % within | errors |",
        "|---|---|---|---|---|---|",
        f"| `locate`, {len(files) * rounds} photos, before and after | {before:.1f}, {after:.1f} | 100 % | | | |",
        row(f"{clients} clients", plain, f", at least {100 * LEAST_SHARE:.0f} %: {'yes' if enough else 'NO'}"),
        row(f"the same, {100 * (BROKEN + VANISHING + HUGE):.0f} % of them misbehaving", mixed),
        "",
        f"Of the misbehaving, {100 * BROKEN:.0f} % of all send broken files, {100 * VANISHING:.0f} % leave in the",
        f"middle of an upload, {100 * HUGE:.0f} % send {HUGE_BYTES / 1e6:.0f} MB:",
        f"{met}.",
        f"All {plain.good + mixed.good} good requests were answered as by the batch: {'yes' if right else 'NO'}.",
        "",
        "Resident memory in MB of the server and of its processes with the model: "
        f"{level} after 5 s of load, {after_plain} after {seconds:g} s,",
        f"{busy} at the end of the misbehaving, {settled} {SETTLE_S:g} s later.",
        f"It ended with exit code {ended}.",
        "",
    ]
    for wrong in [*plain.wrong, *mixed.wrong][:5]:
        print(wrong, file=sys.stderr)
    return "\n".join(lines)


if __name__ == "__main__":
    main()
