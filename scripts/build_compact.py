"""Train the backbone of ``compact`` from photos that may ship; write src/whereshot/models/data/compact.

    python scripts/build_compact.py runs/compact.toml

The network is fine-tuned whole. Its features of strongly changed views are drawn to the starting network's features of
the unchanged picture (distillation), and a small linear layer on them tells the places. No view is mirrored.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter
from pydantic import Field
from safetensors.numpy import save
from safetensors.torch import save_file
from torch import nn

from whereshot.foundation import settings_file
from whereshot.foundation.progress import silent
from whereshot.foundation.settings_file import ConfigPath, Settings
from whereshot.models import model_folder, onnx_export, runtime
from whereshot.models.networks import Backbone, BackboneSettings, create
from whereshot.models.readout import whitening
from whereshot.models.readout.prototypes import places_of
from whereshot.photos import images, preprocess
from whereshot.photos.batches import batches
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.sources import SOURCES

OUT = Path(__file__).parents[1] / "src" / "whereshot" / "models" / "data" / "compact"


class Run(Settings):
    """Return the run file of the training."""

    name: str
    seed: int = 0
    weights: ConfigPath
    photos: ConfigPath
    backbone: str
    size: int = 224
    epochs: int = Field(6, ge=0)
    batch_size: int = Field(16, ge=1)
    learning_rate: float = Field(2e-5, gt=0)
    classify: float = Field(0.05, ge=0)
    """Return the weight of the loss on places, relative to the distillation."""


def view(path: str, settings: Preprocess, rng: np.random.Generator) -> np.ndarray:
    """Return a strongly changed view (3, h, w): a crop with other light, colours and sharpness, partly covered."""
    picture = Image.fromarray(preprocess.random_pixels(path, settings, rng)[0])
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = kind(picture).enhance(float(rng.uniform(0.6, 1.4)))
    if rng.random() < 0.1:
        picture = picture.convert("L").convert("RGB")
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5))))
    pixels = np.asarray(picture).copy()
    if rng.random() < 0.3:
        side = int(rng.integers(settings.size // 8, settings.size // 3))
        top, left = rng.integers(0, settings.size - side, 2)
        pixels[top : top + side, left : left + side] = 128
    return preprocess.normalised(pixels[None], settings)[0]


def scaled(features: torch.Tensor) -> torch.Tensor:
    """Return unit features as in the library of a learned model, before the centring."""
    return nn.functional.normalize(features.clamp(min=1e-12).sqrt(), dim=1)


def fine_tune(run: Run, start: Backbone, paths: list[str], place: np.ndarray, log: list[dict]) -> Backbone:
    """Train all epochs and return the network."""
    torch.manual_seed(run.seed)
    settings = Preprocess(size=run.size, resize=run.size)
    whole = Preprocess(size=run.size, resize=run.size, whole=True)
    student = create(start.settings)
    with torch.inference_mode():
        clean = torch.cat([start(torch.from_numpy(preprocess.load(path, whole))) for path in paths]).clone()
    target, places = scaled(clean), torch.from_numpy(place)
    head = nn.Linear(student.dim, int(place.max()) + 1)
    nn.init.zeros_(head.weight)
    optimizer = torch.optim.AdamW(
        [{"params": student.parameters()}, {"params": head.parameters(), "lr": 1e-3}],
        lr=run.learning_rate,
        weight_decay=0.0,
    )
    student.train()
    for epoch in range(run.epochs):
        began = time.perf_counter()
        order = np.random.default_rng([run.seed, epoch]).permutation(len(paths))
        losses = []
        for first in range(0, len(order), run.batch_size):
            rows = order[first : first + run.batch_size]
            views = [view(paths[row], settings, np.random.default_rng([run.seed, epoch, row])) for row in rows]
            features = scaled(student(torch.from_numpy(np.stack(views))))
            distilled = (1 - (features * target[rows]).sum(1)).mean()
            told = nn.functional.cross_entropy(head(20 * features), places[rows])
            optimizer.zero_grad(set_to_none=True)
            (distilled + run.classify * told).backward()
            optimizer.step()
            losses.append((distilled.item(), told.item()))
        mean = np.mean(losses, axis=0)
        log.append(
            {
                "epoch": epoch + 1,
                "distilled": round(float(mean[0]), 5),
                "places": round(float(mean[1]), 4),
                "seconds": round(time.perf_counter() - began, 1),
            }
        )
        print(json.dumps(log[-1]), flush=True)
    return student.eval()


def main(path: str) -> None:
    """Train, halve and write; refuses photos that may not ship."""
    torch.set_num_threads(1)
    run = settings_file.load(Path(path), Run)
    table = SOURCES["table"]([run.photos], {}, silent).records
    records = table[np.array([use == "ship" for use in table.strings("use")])]
    paths = [str(name) for name in records.strings("image")]
    for name in paths:
        images.open_rgb(name)
    place = places_of(records.points, within_km=1.0)
    print(f"{len(paths)} photos of {place.max() + 1} places", flush=True)
    start = create(BackboneSettings(name=run.backbone, weights=run.weights))
    log: list[dict] = []
    began = time.perf_counter()
    trained = fine_tune(run, start, paths, place, log)
    licences = sorted(set(filter(None, records.strings("license"))))
    digest = hashlib.sha256("".join(hashlib.sha256(Path(p).read_bytes()).hexdigest() for p in paths).encode())
    training = {
        "command": f"python scripts/build_compact.py {path}",
        "photos": len(paths),
        "places": int(place.max()) + 1,
        "photos_sha256": digest.hexdigest(),
        "licences": licences,
        "seconds": round(time.perf_counter() - began, 1),
    }
    with torch.inference_mode():
        whole = Preprocess(size=run.size, resize=run.size, whole=True)
        features = torch.cat([trained(torch.from_numpy(preprocess.load(path, whole))) for path in paths])
    onnx_export.write_backbone(
        OUT,
        run.name,
        trained,
        Preprocess(size=run.size, resize=run.size, whole=True),
        training,
        {
            "train.jsonl": "".join(json.dumps(line) + "\n" for line in log),
            "run.toml": Path(path).read_text("utf-8"),
            model_folder.USUAL: save({"mean": whitening.powered(features.numpy()).mean(axis=0)}),
            "README.md": (Path(__file__).parents[1] / "docs" / "compact.md").read_text("utf-8"),
        },
    )
    weights = Path("out") / "compact.safetensors"
    weights.parent.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in trained.network.state_dict().items()}, weights)
    compute = runtime.OnnxCompute(str(OUT / model_folder.ONNX))
    worst = 0.0
    with torch.inference_mode():
        for batch in batches(paths, whole):
            expected = trained(torch.from_numpy(batch.crops)).numpy()
            worst = max(worst, float(np.abs(compute(batch)["pooled"] - expected).max()))
    print(f"pooled features by ONNX Runtime and by torch differ by at most {worst:.2g}")
    print(f"wrote {OUT}: {model_folder.ModelFolder(OUT).description.backbone.identity}")


if __name__ == "__main__":
    main(sys.argv[1])
