"""What reading text costs, and what it changes where there is none: time per photo by size of the detector, and harm.

    python benchmarks/reading.py > docs/results-reading.md

Photos of 1,024 x 768 pixels are made from the shared photos: signs with at least two lines of text, and sunsets. Every
photo is read several times and its shortest time counts, after the models are loaded. The machine may have other work:
its load stands beside the table, and the seconds of processor time say what one thread takes where it has none. Harm
is the mean negative log-likelihood with text against without, on the photo-density prior. Each extreme picture is read
in a process of its own, whose peak memory is told.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from whereshot.evidence import EVIDENCE, PhotoFacts, fuse, read_photos
from whereshot.evidence.ocr import DETECTOR_SIDE, Reader, shared_reader
from whereshot.evidence.read_photos import read_photo
from whereshot.foundation.progress import bar, silent
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.sources import SOURCES
from whereshot.posterior.prior import density_prior

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
SIZE = (1024, 768)
PHOTOS_TIMED = 13
REPETITIONS = 2
DETECTORS = (("max", 640), ("max", 800), ("min", DETECTOR_SIDE), ("min", 960))
"""Longer side to which a picture is shrunk, or shorter side to which it is enlarged, before text is looked for."""


def load(name: str) -> Records:
    return SOURCES["table"]([PHOTOS / f"{name}.csv"], {}, silent).records


def best_seconds(reader: Reader, pictures: list[Image.Image]) -> tuple[str, int, int]:
    """Medians over pictures of the shortest time of each and of its processor's, and lines and letters read in all."""
    times, lines, letters = [], 0, 0
    for picture in pictures:
        own = []
        for _ in range(REPETITIONS):
            started = time.perf_counter(), time.process_time()
            found = reader.read(picture)
            own.append((time.perf_counter() - started[0], time.process_time() - started[1]))
        times.append(np.min(own, axis=0))
        lines += len(found)
        letters += sum(char.isalpha() for line in found for char in line.text)
    seconds, busy = np.median(times, axis=0)
    return f"{seconds:.2f} ({busy:.2f})", lines, letters


def timings(count: int) -> None:
    reader = Reader()
    signs = []
    for path in load("signs_dev").strings("image"):
        picture = images.open_rgb(path).resize(SIZE)
        if len(reader.read(picture)) >= 2:
            signs.append(picture)
        if len(signs) == count:
            break
    plain = [images.open_rgb(path).resize(SIZE) for path in load("sunsets").strings("image")[:count]]
    print(f"Medians of {len(signs)} photos of each kind, {SIZE[0]} x {SIZE[1]}; the shortest of {REPETITIONS} times")
    print("for each photo, in brackets that of the processor, which is what one thread takes on an idle machine.")
    print(f"{os.cpu_count()} cores; load average at the start {os.getloadavg()[0]:.1f}.\n")
    print("| the detector looks at | threads | s, with text | lines read | letters read | s, without text |")
    print("|---|---:|---:|---:|---:|---:|")
    for limit, side in DETECTORS:
        width, height = detector_size(limit, side)
        for threads in (1, 2) if side == DETECTOR_SIDE else (1,):
            reader = Reader(threads=threads, detector_side=side, detector_limit=limit)
            reader.read(signs[0])
            with_text, lines, letters = best_seconds(reader, signs)
            without, *_ = best_seconds(reader, plain)
            chosen = side == DETECTOR_SIDE and threads == shared_reader().threads
            name = f"{width} x {height}" + (" (chosen)" if chosen else "")
            print(f"| {name} | {threads} | {with_text} | {lines} | {letters} | {without} |", flush=True)
    print(f"\nLoad average at the end {os.getloadavg()[0]:.1f}.")


def detector_size(limit: str, side: int) -> tuple[int, int]:
    """Return the size in pixels that the detector gets of a photo of SIZE."""
    scale = min(1.0, side / max(SIZE)) if limit == "max" else max(1.0, side / min(SIZE))
    return round(SIZE[0] * scale), round(SIZE[1] * scale)


def harm() -> None:
    prior = density_prior()
    print("\n| photos | number | with any cue | NLL without text | NLL with text | difference |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in ("test_a", "sunsets"):
        records = load(name)
        readings = read_photos(records.strings("image"), track=bar)
        before, after, cued = [], [], 0
        for row, reading in enumerate(readings):
            truth = records.points[row : row + 1]
            cues = [] if reading.not_a_photo else EVIDENCE["text"](PhotoFacts(reading.lines))
            cued += bool(cues)
            before.append(-prior.log_density(truth)[0])
            after.append(-fuse(prior, cues).posterior.log_density(truth)[0] if cues else before[-1])
        change = np.mean(after) - np.mean(before)
        print(
            f"| {name} | {len(records)} | {cued} | {np.mean(before):.3f} | {np.mean(after):.3f} | {change:+.3f} |",
            flush=True,
        )


def page_of_text() -> Image.Image:
    """Five columns of a hundred lines, readable at the size to which large pictures are shrunk."""
    page = Image.new("RGB", (2400, 3200), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(24)
    for number in range(500):
        column, row = divmod(number, 100)
        draw.text((20 + 476 * column, 4 + 32 * row), f"Zeile {number} am Ende des Wegs", font=font, fill="black")
    return page


def noise(width: int, height: int, low: int, high: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(low, high, (height, width, 3), dtype=np.uint8))


def large_sign() -> Image.Image:
    """144 megapixels with a few words."""
    picture = Image.new("RGB", (12_000, 12_000), (90, 120, 90))
    ImageDraw.Draw(picture).text((2000, 5000), "GEMEINDE", font=ImageFont.load_default(1200), fill="white")
    return picture


EXTREMES: dict[str, Callable[[], Image.Image]] = {
    "12,000 x 3,000 panorama": lambda: noise(12_000, 3000, 90, 160),
    "500 lines of text, 2,400 x 3,200": page_of_text,
    "noise, 4,000 x 3,000": lambda: noise(4000, 3000, 0, 256),
    "144 megapixels, PNG": large_sign,
}


def extremes() -> None:
    print("\n| picture | s | lines read | peak memory, MiB |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        for name in EXTREMES:  # made in another process: some systems count a parent's peak as its child's
            subprocess.run([sys.executable, __file__, "--make", name, "--one", path], check=True)
            result = subprocess.run([sys.executable, __file__, "--one", path], capture_output=True, text=True)
            print(f"| {name} | {result.stdout.strip() or 'failed: ' + result.stderr.strip()[-200:]} |", flush=True)


def one(path: Path) -> None:
    """Read one picture as ``locate`` does; print the cells of its row."""
    reader = shared_reader()
    reader.read(Image.new("RGB", (64, 64)))  # the models are loaded before
    started = time.perf_counter(), time.process_time()
    reading = read_photo(path, reader)
    seconds, busy = time.perf_counter() - started[0], time.process_time() - started[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.1f} ({busy:.1f}) | {len(reading.lines)} | {peak:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=PHOTOS_TIMED, help="photos timed of each kind")
    parser.add_argument("--one", type=Path, help="read one picture and tell its time, lines and peak memory")
    parser.add_argument("--make", choices=EXTREMES, help="write this extreme picture to the file of --one")
    parser.add_argument("--extremes", action="store_true", help="only the extreme pictures")
    arguments = parser.parse_args()
    if arguments.make is not None:
        EXTREMES[arguments.make]().save(arguments.one, compress_level=1)
        return
    if arguments.one is not None:
        one(arguments.one)
        return
    if arguments.extremes:
        extremes()
        return
    if not PHOTOS.is_dir():
        sys.exit(f"reading: the shared photos are not at {PHOTOS}")
    print("# Reading text: time, harm, extremes\n\nMade by `python benchmarks/reading.py`.\n")
    timings(arguments.photos)
    harm()
    extremes()


if __name__ == "__main__":
    main()
