"""Photos per second of ``locate --no-text`` with a learned model, beside eager torch with Pillow; prints a table.

    python benchmarks/locate.py ../shared/data/photos

A folder of photos of 1024 x 768 is made of those of train.csv. The whole command: start, processes of one thread each,
DCT-scaled decoding, ONNX Runtime, and everything up to the answer; beside it the same once model and processes are
there; the bare loop, decoding and network alone; and eager torch with Pillow, decoding and forward pass alone, in two
processes of one thread, at its best batch size. The ratio is ours once started over eager torch.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from whereshot.foundation import processes
from whereshot.foundation.progress import silent
from whereshot.locate.geolocator import Geolocator
from whereshot.locate.options import LocateOptions
from whereshot.models import model_folder, runtime
from whereshot.photos.sources import SOURCES
from whereshot.training import learn

SIZE = (1024, 768)
BATCHES = (1, 8, 16)


def make(folder: Path, paths: list[str], count: int) -> list[str]:
    made = []
    for number in range(count):
        image = Image.open(paths[number % len(paths)]).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
        made.append(str(folder / f"{number:04d}.jpg"))
        image.save(made[-1], quality=88)
    return made


def whole_command(model: Path, folder: Path, count: int) -> tuple[float, float]:
    """Photos a second of ``whereshot locate FOLDER``, from its start to its end, and the most memory in MB that it and
    its processes had together (shared pages once)."""
    command = [sys.executable, "-m", "whereshot.cli", "locate", str(folder), "--no-text", "--model", str(model)]
    started = time.perf_counter()
    with subprocess.Popen([*command, "--format", "json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        peak = 0.0
        while run.poll() is None:
            peak = max(peak, sum(map(proportional_mb, family(run.pid))))
            time.sleep(0.25)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {run.returncode}")
    return count / (time.perf_counter() - started), peak


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        below = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [pid, *(one for child in below for one in family(child))]


def proportional_mb(pid: int) -> float:
    """Memory of a process in MB, its part of what is shared."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def once_started(model: Path, photos: list[str]) -> float:
    """Photos a second when model and processes are there."""
    with Geolocator.load(model) as locator:
        list(locator.locate_each(photos[:64], LocateOptions(text=False)))
        started = time.perf_counter()
        answered = sum(
            located.prediction.error is None for located in locator.locate_each(photos, LocateOptions(text=False))
        )
        return answered / (time.perf_counter() - started)


def bare(task: tuple[Path, list[str]]) -> None:
    """Nothing but decoding and the network, photo by photo."""
    folder = model_folder.ModelFolder(task[0])
    runtime.OnnxCompute(str(folder.onnx)).outputs_of(task[1], folder.description.preprocess)


def bare_rate(model: Path, photos: list[str], workers: int) -> float:
    """Photos a second of ``workers`` processes with the bare loop, their start not counted."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(bare, [(model, photos[:2])] * workers, chunksize=1)
        started = time.perf_counter()
        pool.map(bare, [(model, photos[number::workers]) for number in range(workers)], chunksize=1)
        return len(photos) / (time.perf_counter() - started)


def eager(task: tuple[list[str], int, bool]) -> None:
    import torch

    from whereshot.models.networks import BackboneSettings, create

    paths, batch, whole = task
    torch.set_num_threads(1)
    described = model_folder.ModelFolder(model_folder.COMPACT).description
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
        print("| preset | whole command, photos/s | once started | bare loop | memory, MB | eager torch | ratio |")
        print("|---|---|---|---|---|---|---|")
        for name, one_crop in (("whole picture", False), ("one crop", True)):
            learn.learn(records[np.arange(0, len(records), 4)], folder / name, one_crop=one_crop)
            rate, peak = whole_command(folder / name, folder / "photos", len(photos))
            warm = once_started(folder / name, photos)
            loop = bare_rate(folder / name, photos, workers)
            beside = {batch: eager_rate(photos[: given.count // 4], batch, not one_crop, workers) for batch in BATCHES}
            best = max(beside, key=beside.__getitem__)
            told = (f"{rate:.0f}", f"{warm:.0f}", f"{loop:.0f}", f"{peak:.0f}", f"{beside[best]:.0f} (batch {best})")
            print(f"| {name} | {' | '.join(told)} | {warm / beside[best]:.2f} |", flush=True)
    print(f"\n{given.count} photos of {SIZE[0]} x {SIZE[1]}, {workers} cores.")


if __name__ == "__main__":
    main()
