"""Train the linear layer that recognises the surface of a text from the picture around it.

    python scripts/train_surfaces.py TEACHER.safetensors TABLE.csv ...

It writes src/whereshot/evidence/data/surfaces.safetensors, a layer on features of the network of ``compact``.

Its first seven outputs are the logits of the surfaces, by a logistic regression on drawn pictures: signs, goods,
shirts, pages, screens, vehicles and credits, drawn into photos that may ship (rows of the tables with ``use`` =
``ship``). A crop of such a photo with nothing drawn counts as a sign: it is what stands around signs. The others copy a
teacher: MobileNetV2 with the 1,000 classes of ImageNet. Each is the log of the sum of the teacher's probabilities of a
few classes (bottles and packets, street signs and shops, menus and book jackets, ...), by a ridge regression on the
same pictures and on crops of the photos. So the layer knows real bottles, though no photo of a bottle is among its
pictures.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save
from safetensors.torch import load_file
from scipy.optimize import minimize

from whereshot.evidence import surfaces
from whereshot.evidence.base import SURFACES
from whereshot.foundation import output_files
from whereshot.foundation.package_data import read_table
from whereshot.models.networks import backbone
from whereshot.training.drawn_surfaces import draw

OUT = Path(__file__).parents[1] / "src" / "whereshot" / "evidence" / "data" / "surfaces.safetensors"
COUNT = 1200
SEED = 5
SIZE = (800, 600)
TEACHER_SIDE = 192
KINDS = (
    "sign",
    "package",
    "sign",
    "package",
    "vehicle",
    "clothing",
    "print",
    "screen",
    "overlay",
    "sign",
    "package",
    "",
)
"""What is drawn, in turn; "" for a crop of a photo with nothing drawn, which counts as a sign."""
STRONGEST = 3.0
"""Inverse of the penalty on the logistic regression's weights."""
RIDGE = 0.3
LEAST = 1e-4
"""Probability below which the teacher's are not told apart."""


def words(rng: np.random.Generator, count: int = 3000) -> list[str]:
    """Frequent words of all languages in Latin letters, in capitals, with a capital, or small."""
    table = read_table("evidence/data/words.parquet").to_pylist()
    common = [
        row["accented"] or row["plain"]
        for row in table
        if row["decibels"] > -45 and row["plain"].isascii() and 3 < len(row["plain"]) < 13
    ]
    forms = (str.upper, str.title, str.lower)
    return [forms[int(rng.integers(3))](common[int(at)]) for at in rng.integers(0, len(common), count)]


def photos_of(tables: list[Path]) -> list[Path]:
    """The photos of tables that may ship."""
    found = []
    for table in tables:
        with table.open(encoding="utf-8", newline="") as file:
            found += [table.parent / row["path"] for row in csv.DictReader(file) if row["use"] == "ship"]
    return found


class Teacher:
    """TensorFlow-Slim's MobileNetV2 with ImageNet's classes; the first of its 1,001 outputs is the background."""

    def __init__(self, weights: Path) -> None:
        torch.set_num_threads(1)
        timm = backbone._timm()
        self._network = timm.create_model("mobilenetv2_100", pad_type="same", num_classes=1001).eval()
        state = {name: value.float() for name, value in load_file(weights).items()}
        self._network.load_state_dict(state, strict=False)
        known = timm.data.ImageNetInfo()
        self.names = [known.index_to_description(at).split(",")[0] for at in range(1000)]

    def __call__(self, image: Image.Image) -> NDArray[np.float64]:
        pixels = (
            np.asarray(image.resize((TEACHER_SIDE, TEACHER_SIDE), Image.Resampling.BICUBIC), np.float32) / 127.5 - 1
        )
        with torch.inference_mode():
            scores = self._network(torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()))[0]
        return np.asarray(scores.softmax(0)[1:].double().numpy())


def example(kind: str, photo: Image.Image, texts: list[str], rng: np.random.Generator) -> Image.Image:
    """A square picture around what was drawn, or a square of the photo."""
    if not kind:
        side = rng.uniform(0.3, 0.9) * min(photo.size)
        left, top = rng.uniform(0, photo.width - side), rng.uniform(0, photo.height - side)
        box = (int(left), int(top), int(left + side / 2), int(top + side / 2))
        return surfaces.square(photo, box)
    scene = draw(kind, texts, photo, rng)
    left, top, right, bottom = scene.text_box
    grown = rng.uniform(-0.15, 0.1, 4) * [right - left, bottom - top, right - left, bottom - top]
    box = (
        round(left + max(grown[0], 0)),
        round(top + max(grown[1], 0)),
        round(right + min(grown[2], 0)),
        round(bottom + min(grown[3], 0)),
    )
    return surfaces.square(scene.picture, box)


def logistic(features: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights (d, 7) of a logistic regression on centred features, by L-BFGS."""
    classes = len(SURFACES)
    target = np.eye(classes)[labels]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(-1, classes)
        logits = features @ weights
        logits -= logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        slope = features.T @ (np.exp(log_p) - target) + weights / STRONGEST
        return float(-(log_p * target).sum() + 0.5 * (weights**2).sum() / STRONGEST), slope.ravel()

    start = np.zeros(features.shape[1] * classes)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x.reshape(-1, classes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=COUNT, help="pictures")
    arguments = parser.parse_args()
    rng = np.random.default_rng(SEED)
    vocabulary, paths, teacher = words(rng), photos_of(arguments.tables), Teacher(arguments.teacher)
    features, labels, taught = [], [], []
    began = time.perf_counter()
    for number in range(arguments.count):
        kind = KINDS[number % len(KINDS)]
        photo = Image.open(paths[int(rng.integers(len(paths)))]).convert("RGB").resize(SIZE)
        texts = [vocabulary[int(at)] for at in rng.integers(0, len(vocabulary), int(rng.integers(1, 5)))]
        seen = example(kind, photo, texts, rng)
        features.append(surfaces.backbone_features(seen))
        taught.append(teacher(seen))
        labels.append(SURFACES.index(kind or "sign"))
        if number % 200 == 199:
            print(f"{number + 1} of {arguments.count} pictures, {time.perf_counter() - began:.0f} s", flush=True)
    inputs, labelled = np.array(features), np.array(labels)
    mean = inputs.mean(axis=0)
    drawn = logistic(inputs - mean, labelled)
    sums = np.array([[row[at].sum() for at in rows_of(teacher.names).values()] for row in taught])
    target = np.log(sums + LEAST)
    centred = inputs - mean
    gram = centred.T @ centred + RIDGE * np.eye(centred.shape[1])
    copied = np.linalg.solve(gram, centred.T @ (target - target.mean(axis=0)))
    weights = np.hstack([drawn, copied])
    constants = np.concatenate([np.zeros(len(SURFACES)), target.mean(axis=0)]) - mean @ weights
    arrays = {"weights": weights.astype(np.float16), "constants": constants.astype(np.float32)}
    origin = f"scripts/train_surfaces.py on {len(inputs)} pictures drawn into {len(paths)} photos, seed {SEED}"
    output_files.write_bytes(OUT, save(arrays, metadata={"provenance": origin}))
    right = (centred @ drawn).argmax(axis=1) == labelled
    print(f"{OUT}: {OUT.stat().st_size} bytes; drawn pictures right {100 * right.mean():.0f} % (on those fitted)")


def rows_of(names: list[str]) -> dict[str, list[int]]:
    """The rows of the teacher's classes by group. Raises KeyError for a class that the teacher does not have."""
    groups = {group: classes.split(", ") for group, classes in surfaces.COPIED.items()}
    number = {name: row for row, name in reversed(list(enumerate(names)))}
    return {group: [number[name] for name in classes] for group, classes in groups.items()}


if __name__ == "__main__":
    main()
