"""Images per second of training, by backbone and by loader: what of it is the network, and what is loading.

python benchmarks/training.py >> docs/results-training.md         (on a machine with a GPU; minutes)

Trains ViT-B/16 and ResNet-101 (V2) at 224 pixels from end to end, as whereshot train does, on JPEGs of 1024 x 768 that
are made for it: on one batch that stays where it is (the network alone), with the two threads of the plain loader, with
processes, and by DALI where it is installed. Every row is the second of two epochs; the first warms up. Without a GPU
it is a tiny version with timm's test networks at 64 pixels, which says nothing but that it runs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from whereshot.foundation import processes
from whereshot.foundation.settings_file import parse
from whereshot.models import networks
from whereshot.training import held_out
from whereshot.training.run_file import Run
from whereshot.training.steps import Fitting, TrainingPhotos

PUBLISHED = {
    "vit_base_patch16_224.augreg_in21k": "11.8 on an Apple M2",
    "resnetv2_101.a1h_in1k": "7.6 on a T4; 1,250 on an A100 with decoding on the GPU",
}
TINY = {"test_vit": "", "test_resnet": ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, help="photos of an epoch; 4096, or 48 without a GPU")
    parser.add_argument("--batch-size", type=int, help="128, or 16 without a GPU")
    parser.add_argument("--workers", type=int, default=processes.cores(), help="processes of the fast loader")
    parser.add_argument("--backbones", nargs="*", help="timm's names")
    given = parser.parse_args()
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    photos, batch_size = given.photos or (4096 if gpu else 48), given.batch_size or (128 if gpu else 16)
    size, backbones = (224, given.backbones or list(PUBLISHED)) if gpu else (64, given.backbones or list(TINY))
    name = torch.cuda.get_device_name() if gpu else "CPU, no GPU here: a tiny version"
    print(f"\n## {name}, {processes.cores()} cores, torch {torch.__version__}\n")
    print(f"{photos} photos, batches of {batch_size}, {size} px, {'bfloat16' if gpu else 'float32'}, AdamW.\n")
    print("| backbone | loader | images per second | of the network alone | published |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        sources = make_photos(Path(folder), min(photos, 512))
        repeated = [sources[number % len(sources)] for number in range(photos)]
        for backbone in backbones:
            alone = rate_alone(backbone, size, batch_size, device)
            print(f"| {backbone} | none, one batch | {alone:.4g} | 100 % | {PUBLISHED.get(backbone, '')} |", flush=True)
            for loader, options in loaders(given.workers).items():
                rate = rate_of(backbone, size, batch_size, device, repeated, Path(folder) / "state", **options)
                print(f"| {backbone} | {loader} | {rate:.4g} | {100 * rate / alone:.0f} % | |", flush=True)


def loaders(workers: int) -> dict[str, dict]:
    """Loaders by what they are called."""
    found: dict[str, dict] = {"plain: two threads": {"workers": 1}}
    if workers > 1:
        found[f"fast: {workers} processes"] = {"workers": workers}
    if importlib.util.find_spec("nvidia") and importlib.util.find_spec("nvidia.dali"):
        found["DALI"] = {"workers": workers, "loader": "dali"}
    return found


def make_photos(folder: Path, count: int) -> list[str]:
    """Paths of JPEGs of 1024 x 768 with some detail."""
    rng, paths = np.random.default_rng(0), []
    for number in range(count):
        coarse = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        picture = np.asarray(Image.fromarray(coarse).resize((1024, 768), Image.Resampling.BICUBIC)).astype(int)
        noisy = np.clip(picture + rng.integers(-12, 13, picture.shape), 0, 255).astype(np.uint8)
        paths.append(str(folder / f"{number}.jpg"))
        Image.fromarray(noisy).save(paths[-1], quality=90)
    return paths


def run_of(backbone: str, size: int, batch_size: int, loader: str = "pillow") -> Run:
    """A run of two epochs over adaptive cells."""
    options = {"img_size": size} if backbone == "test_vit" else {}
    document = {
        "name": "throughput",
        "out": "unused",
        "data": {"train": "unused", "loader": loader},
        "backbone": {"name": backbone, "trained": True, "options": options},
        "preprocess": {"size": size},
        "partition": {"levels": [{"max": 100}]},
        "optimizer": {"epochs": 2, "batch_size": batch_size, "learning_rate": 1e-5},
    }
    return parse(document, Run, name="benchmark")


def points_of(count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.stack([rng.uniform(-60, 70, count), rng.uniform(-180, 180, count)], axis=1)


def rate_of(
    backbone: str,
    size: int,
    batch_size: int,
    device: str,
    sources: list[str],
    state: Path,
    workers: int,
    **options: str,
) -> float:
    """Images per second of an epoch with a loader."""
    run = run_of(backbone, size, batch_size, **options)
    network = network_of(run, len(sources), device)
    rows = np.arange(len(sources))
    photos = TrainingPhotos(points_of(len(sources)), np.ones(len(sources)), rows, rows[:1])
    with tempfile.TemporaryDirectory(dir=state.parent) as folder:
        log = Path(folder) / "train.jsonl"
        preprocess = networks.default_preprocess(run.backbone, **run.preprocess)
        fitting = Fitting(run, device)
        fitting.network(network, sources, preprocess, photos, workers=workers, state=Path(folder) / "state", log=log)
        return len(sources) / json.loads(log.read_text().splitlines()[-1])["seconds"]


def rate_alone(backbone: str, size: int, batch_size: int, device: str, steps: int = 10) -> float:
    """Images per second of forward, backward and step on one batch that is there already."""
    network = network_of(run_of(backbone, size, batch_size), 1000, device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)
    crops = torch.randn(batch_size, 3, size, size, device=device)
    owner, weight = torch.arange(batch_size, device=device), torch.ones(batch_size, device=device)
    target = network.head.target(points_of(batch_size)).to(device)
    for step in range(2 * steps):
        if step == steps:
            wait(device)
            began = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            optimizer.zero_grad(set_to_none=True)
            network.head.loss(network.features(crops, owner, batch_size), target, weight).backward()
            optimizer.step()
    wait(device)
    return steps * batch_size / (time.perf_counter() - began)


def network_of(run: Run, photos: int, device: str) -> networks.Network:
    hierarchy = held_out.build_hierarchy(run, points_of(photos))
    return held_out.build_network(run, networks.create(run.backbone), hierarchy, device)


def wait(device: str) -> None:
    """Wait until the GPU has finished its work."""
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
