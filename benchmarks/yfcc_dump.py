"""A dump in the shape of YFCC100M's metadata: python benchmarks/yfcc_dump.py OUT.tsv [--rows N] [--release].

Tab-separated lines of 23 columns, or of the 25 of the later release; texts are URL-encoded as Flickr's were. Of the
rows 5 % are videos, half have no position, one in a thousand is broken. The same rows come from the same seed.
"""

from __future__ import annotations

import argparse
import bz2
import hashlib
import sys
from pathlib import Path

import numpy as np

BROKEN_SHARE, VIDEO_SHARE, UNPLACED_SHARE = 0.001, 0.05, 0.5

WORDS = (
    "church", "sunset", "beach", "street", "market", "bridge", "river", "mountain", "caf%C3%A9", "Z%C3%BCrich",
    "tokyo%E6%9D%B1%E4%BA%AC", "hadrian%27s+wall", "noir+et+blanc", "holiday", "2010", "canon", "b%26w", "old+town",
    "harbour", "snow", "family", "trip", "garden", "museum", "train",
)  # fmt: skip
CAMERAS = ("Canon+EOS+400D+DIGITAL", "NIKON+D90", "Panasonic+DMC-TZ5", "SONY+DSC-W55", "Apple+iPhone+4", "")
LICENSES = (
    ("Attribution License", "http://creativecommons.org/licenses/by/2.0/"),
    ("Attribution-NonCommercial-ShareAlike License", "http://creativecommons.org/licenses/by-nc-sa/2.0/"),
    ("Attribution-NonCommercial-NoDerivs License", "http://creativecommons.org/licenses/by-nc-nd/2.0/"),
)
BLOCK = 50_000


def lines(rows: int, *, release: bool = False, seed: int = 0) -> list[str]:
    """The rows as lines without their ends."""
    rng = np.random.default_rng(seed)
    made = []
    numbers = rng.permutation(np.arange(rows, dtype=np.int64) * 97 + 2_000_000_000)
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        users, servers = rng.integers(10_000_000, 99_999_999, count), rng.integers(1, 9_999, count)
        words = rng.integers(0, len(WORDS), (count, 24))
        lengths = rng.integers(0, 11, (count, 3))
        secrets = rng.integers(0, 1 << 40, (count, 2))
        latitudes, longitudes = np.degrees(np.arcsin(rng.uniform(-1, 1, count))), rng.uniform(-180, 180, count)
        placed, video = rng.random(count) >= UNPLACED_SHARE, rng.random(count) < VIDEO_SHARE
        broken, taken = rng.random(count) < BROKEN_SHARE, rng.integers(1_050_000_000, 1_390_000_000, count)
        uploaded = taken + rng.integers(60, 10_000_000, count)
        moments = taken.astype("datetime64[s]").astype(str)
        accuracy, camera, terms = rng.integers(1, 17, count), rng.integers(0, 6, count), rng.integers(0, 3, count)
        for row in range(count):
            number, user, server = numbers[start + row], f"{users[row]}@N00", servers[row]
            title, description, tags = _texts(words[row], lengths[row])
            secret, original = f"{secrets[row, 0]:010x}", f"{secrets[row, 1]:010x}"
            url = f"http://farm{server % 9}.staticflickr.com/{server}/{number}_{secret}.jpg"
            fields = [
                str(number), user, f"user+{users[row] % 1000}", moments[row].replace("T", " ") + ".0",
                str(uploaded[row]), CAMERAS[camera[row]], title, description, tags, "",
                f"{longitudes[row]:.6f}" if placed[row] else "", f"{latitudes[row]:.6f}" if placed[row] else "",
                str(accuracy[row]) if placed[row] else "",
                f"http://www.flickr.com/photos/{user}/{number}/", url, *LICENSES[terms[row]],
                str(server), str(server % 9), secret, original, "jpg", str(int(video[row])),
            ]  # fmt: skip
            if release:
                digest = hashlib.md5(url.encode(), usedforsecurity=False).digest()
                fields = [str(start + row), fields[0], "".join(f"{byte:x}" for byte in digest), *fields[1:]]
            made.append("\t".join(fields[:7] if broken[row] else fields))
    return made


def _texts(words: np.ndarray, lengths: np.ndarray) -> tuple[str, str, str]:
    """A title, a description and tags of some words each."""
    chosen = [WORDS[word] for word in words]
    title, description = chosen[: lengths[0] % 5], chosen[5 : 5 + lengths[1] * 2 // 2]
    return "+".join(title), "+".join(description), ",".join(chosen[14 : 14 + lengths[2]])


def write(path: Path, rows: int, *, release: bool = False, seed: int = 0) -> Path:
    """Write a dump; a name that ends in .bz2 is compressed."""
    text = "".join(line + "\n" for line in lines(rows, release=release, seed=seed)).encode()
    path.write_bytes(bz2.compress(text) if path.suffix == ".bz2" else text)
    return path


def main() -> int:
    """Write one dump and say its size."""
    parser = argparse.ArgumentParser(description="make a dump in the shape of YFCC100M's metadata")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--release", action="store_true", help="25 columns: line number and hash")
    options = parser.parse_args()
    write(options.out, options.rows, release=options.release)
    print(f"{options.out}: {options.rows:,} rows, {options.out.stat().st_size / 1e6:.0f} MB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
