"""In how many bits do copies of a photo differ, and different photos of one place? Sets ``duplicates.LOOK_BITS``.

    python benchmarks/duplicates.py PHOTOS.csv [--photos 600] [--hashes 1000000] > docs/results-duplicates.md

PHOTOS.csv has columns path and group_id, as ../shared/data/photos/train.csv: photos of one group are of one scene.
Street views of four directions from one point are taken for different photos, as every pair of different files is.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from whereshot.photos import images
from whereshot.photos.curate import hashes, near_hashes
from whereshot.photos.curate.duplicates import EDGE_BITS, LOOK_BITS

LIMITS = (2, 4, 6, 8, 10, 12, 16)


def encoded(picture: Image.Image, quality: int, kind: str = "JPEG") -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=quality)
    return images.open_rgb(buffer.getvalue(), min_side=hashes.DECODED_SIDE)


def resized(picture: Image.Image, share: float) -> Image.Image:
    return picture.resize((max(1, round(picture.width * share)), max(1, round(picture.height * share))))


def cropped(picture: Image.Image, share: float) -> Image.Image:
    """Return a photo with this share cut off at each side."""
    x, y = round(picture.width * share), round(picture.height * share)
    return picture.crop((x, y, picture.width - x, picture.height - y))


def framed(picture: Image.Image) -> Image.Image:
    """Return a photo with a name in its corner, as a watermark."""
    pixels = np.array(picture)
    scale = picture.height / 600
    place = (int(0.05 * picture.width), int(0.95 * picture.height))
    cv2.putText(
        pixels, "(c) Someone", place, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), max(1, round(2 * scale))
    )
    return Image.fromarray(pixels)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG, quality 75": lambda picture: encoded(picture, 75),
    "JPEG, quality 30": lambda picture: encoded(picture, 30),
    "WebP, quality 50": lambda picture: encoded(picture, 50, "WEBP"),
    "half the size": lambda picture: resized(picture, 0.5),
    "a quarter, JPEG 60": lambda picture: encoded(resized(picture, 0.25), 60),
    "brighter by 20 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "more contrast, 20 %": lambda picture: ImageEnhance.Contrast(picture).enhance(1.2),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "a name in a corner": framed,
    "cropped by 1 % a side": lambda picture: cropped(picture, 0.01),
    "cropped by 2 % a side": lambda picture: cropped(picture, 0.02),
    "cropped by 5 % a side": lambda picture: cropped(picture, 0.05),
}


HASHES = {"look (cosine transform)": hashes.look_hash, "edges (neighbours)": hashes.edge_hash}


def row(name: str, distances: np.ndarray) -> str:
    shares = " | ".join(f"{(distances <= limit).mean():.2%}" for limit in LIMITS)
    return f"| {name} | {len(distances)} | {np.median(distances):.0f} | {shares} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos_csv", type=Path)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--hashes", type=int, default=1_000_000)
    given = parser.parse_args()
    with open(given.photos_csv, newline="") as file:
        rows = list(csv.DictReader(file))
    rng = np.random.default_rng(0)
    rows = [rows[number] for number in rng.permutation(len(rows))]
    paths = [given.photos_csv.parent / one["path"] for one in rows]
    started = time.process_time()
    looks = {name: np.zeros(len(rows), np.uint64) for name in HASHES}
    spent = 0.0
    for number, path in enumerate(paths):
        picture = images.open_rgb(path, min_side=hashes.DECODED_SIDE)
        for name, function in HASHES.items():
            begun = time.process_time()
            looks[name][number] = function(picture)
            spent += time.process_time() - begun
    read_ms = 1000 * (time.process_time() - started) / len(rows)
    hash_ms = 1000 * spent / len(rows)

    copies: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, path in enumerate(paths[: given.photos]):
        picture = images.open_rgb(path)
        for kind, change in COPIES.items():
            changed = change(picture)
            for name, function in HASHES.items():
                copies[name, kind].append(int(hashes.distance(looks[name][number], np.uint64(function(changed)))))

    groups = np.unique([one["group_id"] for one in rows], return_inverse=True)[1]
    first, second = np.triu_indices(len(rows), 1)
    same = groups[first] == groups[second]
    print("# Copies and different photos: in how many of 64 bits their looks differ\n")
    command = f"benchmarks/duplicates.py {given.photos_csv.name} --photos {given.photos} --hashes {given.hashes}"
    print(f"    python {command} > docs/results-duplicates.md\n")
    print(f"{len(rows)} photos; copies of {given.photos} of them. The share within so many bits:")
    for name in HASHES:
        print(f"\n## {name.capitalize()}\n")
        print("| | pairs | median | " + " | ".join(f"<= {limit}" for limit in LIMITS) + " |")
        print("|---|---:|---:|" + "---:|" * len(LIMITS))
        for kind in COPIES:
            print(row(kind, np.array(copies[name, kind])))
        distances = hashes.distance(looks[name][first], looks[name][second])
        print(row("**different photos of one scene**", distances[same]))
        print(row("**photos of different scenes**", distances[~same]))
    look, edge = (hashes.distance(own[first], own[second]) for own in looks.values())
    print(f"\n## Both: at most {LOOK_BITS} and {EDGE_BITS} bits, as `curate --duplicates` and `audit` have it\n")
    print("| | pairs | taken for copies |")
    print("|---|---:|---:|")
    for kind in COPIES:
        own, other = (np.array(copies[name, kind]) for name in HASHES)
        taken = (own <= LOOK_BITS) & (other <= EDGE_BITS)
        print(f"| {kind} | {len(taken)} | {taken.mean():.2%} |")
    print("\n| different files | pairs | " + " | ".join(f"look <= {limit}" for limit in LIMITS) + " | both |")
    print("|---|---:|" + "---:|" * (len(LIMITS) + 1))
    for name, some in (("of one scene", same), ("of different scenes", ~same)):
        counts = " | ".join(str(int((some & (look <= limit)).sum())) for limit in LIMITS)
        both = int((some & (look <= LOOK_BITS) & (edge <= EDGE_BITS)).sum())
        print(f"| {name} | {int(some.sum())} | {counts} | {both} |")
    print(f"\nAll pairs of different scenes that are within {LIMITS[4]} bits by their look:\n")
    for pair in np.flatnonzero(~same & (look <= LIMITS[4])):
        names = " and ".join(f"`{rows[one[pair]]['path']}`" for one in (first, second))
        print(f"* {names}: {look[pair]} bits by look, {edge[pair]} by edges")
    print("\n## Time and memory\n")
    print(f"Reading and hashing a photo: {read_ms:.1f} ms of one core, of which the hashes {hash_ms:.2f} ms.\n")
    print("| hashes | bits | seconds | kept |")
    print("|---:|---:|---:|---:|")
    for count in (given.hashes // 10, given.hashes):
        values = rng.integers(0, 2**64, count, dtype=np.uint64)
        copy = rng.choice(count, count // 20, replace=False)
        values[copy] = values[rng.choice(count, len(copy))] ^ (
            np.uint64(1) << rng.integers(0, 64, len(copy), np.uint64)
        )
        for bits in (4, LOOK_BITS):
            begun = time.process_time()
            found = near_hashes.leaders(np.stack([values, values], axis=1), (bits, EDGE_BITS))
            taken = time.process_time() - begun
            print(f"| {count} | {bits} | {taken:.1f} | {int((found == np.arange(count)).sum())} |")


if __name__ == "__main__":
    main()
