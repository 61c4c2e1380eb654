"""What reading text costs, and what it changes where there is none: time per photo by size of the detector, and harm.

    python benchmarks/reading.py > docs/results-reading.md

Times are of one thread, photos of 1,024 x 768 pixels made from the shared photos, after the models are loaded. Harm is
the mean negative log-likelihood with text against without, on the photo-density prior.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from whereshot import images, places
from whereshot.evidence import EVIDENCE, Seen, fuse, read_photos
from whereshot.evidence.reader import Reader
from whereshot.progress import bar, silent
from whereshot.records import Records
from whereshot.sources import SOURCES

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
SIDES = (512, 736, 960)
SIZE = (1024, 768)


def load(name: str) -> Records:
    return SOURCES["table"]([PHOTOS / f"{name}.csv"], {}, silent).records


def median_seconds(reader: Reader, pictures: list[Image.Image]) -> tuple[float, int]:
    """Median time of a picture, and the lines read in all."""
    times, lines = [], 0
    for picture in pictures:
        started = time.perf_counter()
        lines += len(reader.read(picture))
        times.append(time.perf_counter() - started)
    return float(np.median(times)), lines


def timings(count: int) -> None:
    signs = [images.open_rgb(path).resize(SIZE) for path in load("signs_dev").strings("image")[: 2 * count]]
    plain = [images.open_rgb(path).resize(SIZE) for path in load("sunsets").strings("image")[:count]]
    reader = Reader()
    signs = [picture for picture in signs if len(reader.read(picture)) >= 2][:count]
    print("| detector side | threads | s, with text | lines read | s, without text |")
    print("|---:|---:|---:|---:|---:|")
    for side in SIDES:
        for threads in (1, 2) if side == 736 else (1,):
            reader = Reader(threads=threads, detector_side=side)
            reader.read(signs[0])
            with_text, lines = median_seconds(reader, signs)
            without, _ = median_seconds(reader, plain)
            print(f"| {side} | {threads} | {with_text:.2f} | {lines} | {without:.2f} |", flush=True)


def harm() -> None:
    prior = places.density_prior()
    index = places.countries().index_of(prior.places)
    print("\n| photos | number | with any cue | NLL without text | NLL with text | difference |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in ("test_a", "sunsets"):
        records = load(name)
        readings = read_photos(records.strings("image"), track=bar)
        before, after, cued = [], [], 0
        for row, reading in enumerate(readings):
            truth = records.points[row : row + 1]
            cues = [] if reading.not_a_photo else EVIDENCE["text"](Seen(reading.lines))
            cued += bool(cues)
            before.append(-prior.log_density(truth)[0])
            after.append(-fuse(prior, index, cues).posterior.log_density(truth)[0] if cues else before[-1])
        change = np.mean(after) - np.mean(before)
        print(f"| {name} | {len(records)} | {cued} | {np.mean(before):.3f} | {np.mean(after):.3f} | {change:+.3f} |")


def extremes() -> None:
    rng = np.random.default_rng(0)
    page = Image.new("RGB", (2000, 3000), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    for row in range(250):
        for column in range(2):
            text = f"Zeile {row} und noch ein Wort {column} am Ende"
            draw.text((20 + 1000 * column, 8 + 11.8 * row), text, font=font, fill="black")
    noise = Image.fromarray(rng.integers(0, 256, (3000, 4000, 3), dtype=np.uint8))
    panorama = Image.fromarray(rng.integers(90, 160, (3000, 12_000, 3), dtype=np.uint8))
    reader = Reader(threads=2)
    print("\n| picture | s | lines |\n|---|---:|---:|")
    for name, picture in (("12,000 x 3,000 panorama", panorama), ("500 lines of text", page), ("noise", noise)):
        started = time.perf_counter()
        lines = reader.read(picture)
        print(f"| {name} | {time.perf_counter() - started:.1f} | {len(lines)} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of this process: {peak:.0f} MiB.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=25, help="photos timed of each kind")
    count = parser.parse_args().photos
    if not PHOTOS.is_dir():
        sys.exit(f"reading: the shared photos are not at {PHOTOS}")
    print("# Reading text: time, harm, extremes\n")
    print(f"Made by `python benchmarks/reading.py`; medians of {count} photos of {SIZE[0]} x {SIZE[1]}.\n")
    timings(count)
    harm()
    extremes()


if __name__ == "__main__":
    main()
