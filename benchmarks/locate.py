"""Photos per second of ``locate --no-text`` with a learned model, beside eager torch with Pillow; prints a table.

    python benchmarks/locate.py ../shared/data/photos

A folder of photos of 1024 x 768 is made of those of train.csv. Ours: processes of one thread each, DCT-scaled decoding,
ONNX Runtime, and everything up to the answer. Beside it: the same network by eager torch with Pillow, decoding and
forward pass only, two processes of one thread, each of several batch sizes. Rates are of all photos, start included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from whereshot import checkpoint, learn, processes
from whereshot.geolocator import Geolocator
from whereshot.progress import silent
from whereshot.sources import SOURCES

SIZE = (1024, 768)
BATCHES = (1, 8, 16)


def make(folder: Path, paths: list[str], count: int) -> list[str]:
    made = []
    for number in range(count):
        image = Image.open(paths[number % len(paths)]).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        made.append(str(folder / f"{number:04d}.jpg"))
        image.save(made[-1], quality=88)
    return made


def ours(model: Path, photos: list[str]) -> tuple[float, float]:
    """Photos a second, and the peak memory in MB of this process and of all that look at photos."""
    started = time.perf_counter()
    with Geolocator.load(model) as locator:
        answered = sum(located.prediction.error is None for located in locator.locate_each(photos, text=False))
    rate = answered / (time.perf_counter() - started)
    own, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return rate, (own + processes.cores() * largest) / 1024


def eager(task: tuple[list[str], int, bool]) -> None:
    import torch

    from whereshot.model import BackboneSettings, create

    paths, batch, whole = task
    torch.set_num_threads(1)
    described = checkpoint.ModelFolder(checkpoint.COMPACT).description
    network = create(BackboneSettings(name=described.backbone.name, weights="random"))
    settings = described.preprocess
    size = (288, 224) if whole else (299, 224)
    with torch.inference_mode():
        for start in range(0, len(paths), batch):
            arrays = []
            for path in paths[start : start + batch]:
                with Image.open(path) as image:
                    pixels = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
                if not whole:
                    pixels = pixels.crop((37, 0, 261, 224))
                array = (np.asarray(pixels, np.float32) / 255 - settings.mean) / settings.std
                arrays.append(torch.from_numpy(array.astype(np.float32).transpose(2, 0, 1)))
            network(torch.stack(arrays))


def eager_rate(photos: list[str], batch: int, whole: bool, workers: int) -> float:
    """Photos a second of ``workers`` processes, their start not counted."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(eager, [(photos[:2], 1, whole)] * workers, chunksize=1)
        started = time.perf_counter()
        pool.map(eager, [(photos[number::workers], batch, whole) for number in range(workers)], chunksize=1)
        return len(photos) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    given = parser.parse_args()
    records = SOURCES["table"]([given.photos / "train.csv"], {}, silent).records
    workers = processes.cores()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "photos").mkdir()
        photos = make(folder / "photos", list(records.strings("image")), given.count)
        print("| preset | photos a second | peak memory, MB | eager torch with Pillow | ratio |\n|---|---|---|---|---|")
        for name, one_crop in (("whole picture", False), ("one crop", True)):
            learn.learn(records[np.arange(0, len(records), 4)], folder / name, one_crop=one_crop)
            rate, peak = ours(folder / name, photos)
            beside = {batch: eager_rate(photos[: given.count // 4], batch, not one_crop, workers) for batch in BATCHES}
            best = max(beside, key=beside.__getitem__)
            print(
                f"| {name} | {rate:.0f} | {peak:.0f} | {beside[best]:.0f} (batch {best}) | {rate / beside[best]:.2f} |"
            )
            sys.stdout.flush()
    print(f"\n{given.count} photos of {SIZE[0]} x {SIZE[1]}, {workers} cores.")


if __name__ == "__main__":
    main()
