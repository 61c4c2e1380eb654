"""Train the network that tells the script of a line, on rendered lines: evidence/data/line_scripts.onnx.

    python scripts/train_line_scripts.py render --work DIR --fonts FOLDER --shards 0:40    # again with 40:80, ...
    python scripts/train_line_scripts.py crops --work DIR        # lines and text-free crops of photos: ten minutes
    python scripts/train_line_scripts.py train --work DIR --samples 500000                 # resumes where it stopped
    python scripts/train_line_scripts.py check --work DIR        # fonts and words kept apart, by script
    python scripts/train_line_scripts.py curve --work DIR        # the loss while it learned
    python scripts/train_line_scripts.py export --work DIR

A shard is 4,000 lines; its seed is its number. Rendering and training may run at the same time: training takes the
shards that are there. The photos are those of the shared table that may train what is shipped; without them, textures
stand behind the lines. It needs Pillow with raqm, and the fonts of ``line_fonts.DEBIAN_PACKAGES``.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import line_training
import numpy as np
import torch
from line_training import (
    DATA,
    ahead,
    convolution,
    halve,
    jittered,
    load_checkpoint,
    read_shard,
    renderer_of,
    write_shard,
)
from numpy.typing import NDArray
from rendered_lines import GRADES, PHOTOS, PLATES, photo_names
from torch import nn

from whereshot.evidence.line_scripts import CLASSES, HEIGHT, as_input

SHARD = 4000
COMMON = {"Latin": 0.17, "digits": 0.05, "none": 0.13, "Greek": 0.055, "Cyrillic": 0.075, "Han": 0.04, "Kana": 0.04}
"""Share of the lines in these classes; the others share the rest."""
SHARES = np.array([COMMON.get(name, (1 - sum(COMMON.values())) / (len(CLASSES) - len(COMMON))) for name in CLASSES])
GRADE_SHARES = {"clean": 0.15, "street": 0.7, "hard": 0.15}
TRAINED_GRADES = {name: dataclasses.replace(grade, plates=PLATES) for name, grade in GRADES.items()}
BATCH, CHUNK = 128, 24
RATE, WARM_UP = 2.5e-3, 20_000
SAVED_EVERY = 50
CHECKPOINT = "checkpoint.pt"
SMOOTHING = 0.05
MIRROR_WEIGHT = 0.25


class LineScriptNetwork(nn.Module):
    """Lines (n, 1, 32, w), normalised, and their widths (n,) in; logits (n, classes) and of being mirrored (n,) out."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = nn.Sequential(
            convolution(1, 16, 3, stride=(2, 2), padding=1),
            convolution(16, 28, 3, padding=1),
            nn.MaxPool2d(2),
            convolution(28, 56, 3, padding=1),
            nn.MaxPool2d(2),
            convolution(56, 84, 3, padding=1),
            convolution(84, 120, (4, 3), padding=(0, 1)),
            convolution(120, 128, (1, 3), padding=(0, 1)),
        )
        self.weight = nn.Conv2d(128, 1, 1)
        self.head = nn.Linear(256, len(CLASSES) + 1)

    def forward(self, lines: torch.Tensor, widths: torch.Tensor) -> torch.Tensor:
        found = self.columns(lines)
        weight = self.weight(found).squeeze(2).squeeze(1)
        found = found.squeeze(2)
        outside = torch.arange(found.shape[2], device=found.device)[None] * 8 >= widths[:, None]
        share = weight.masked_fill(outside, -1e4).softmax(dim=1)
        mean = (found * share[:, None]).sum(dim=2)
        most = found.masked_fill(outside[:, None], 0.0).amax(dim=2)
        return self.head(torch.cat([mean, most], dim=1))


def render(arguments: argparse.Namespace) -> None:
    start, stop = map(int, arguments.shards.split(":"))
    todo = [number for number in range(start, stop) if not (arguments.work / f"shard{number:04}.npz").exists()]
    renderer = renderer_of(arguments, "train")
    for number in todo:
        rng = np.random.default_rng(number)
        began = time.perf_counter()
        drawn = []
        for label in rng.choice(len(CLASSES), SHARD, p=SHARES):
            how = TRAINED_GRADES[str(rng.choice(list(GRADE_SHARES), p=list(GRADE_SHARES.values())))]
            drawn.append((renderer.line(CLASSES[label], rng, how), int(label)))
        write_shard(
            arguments.work / f"shard{number:04}.npz",
            [line.pixels for line, _ in drawn],
            labels=np.array([label for _, label in drawn], np.int8),
            mirrored=np.array([line.mirrored for line, _ in drawn]),
        )
        print(f"shard {number}: {SHARD / (time.perf_counter() - began):.0f} lines/s", flush=True)


class Lines:
    """The lines of all files that are there."""

    def __init__(self) -> None:
        self.files: set[Path] = set()
        self.pixels: list[NDArray[np.uint8]] = []
        self.labels: list[int] = []
        self.mirrored: list[bool] = []

    def update(self, work: Path) -> None:
        for path in sorted(set(work.glob("*.npz")) - self.files):
            repeated = 6 if path.name.startswith("crops") else 1
            own, arrays = read_shard(path)
            self.pixels += repeated * own
            self.labels += repeated * arrays["labels"].tolist()
            self.mirrored += repeated * arrays["mirrored"].tolist()
            self.files.add(path)


def train(arguments: argparse.Namespace) -> None:
    path = arguments.work / CHECKPOINT
    network, training = line_training.begin(path, LineScriptNetwork, arguments.samples, RATE, WARM_UP)
    class_loss = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    losses: list[float] = []
    right: list[float] = []
    for pixels, widths, labels, mirrored in ahead(batches(arguments.work, np.random.default_rng(training.seen))):
        with torch.autocast("cpu", torch.bfloat16):
            out = network(pixels.contiguous(memory_format=torch.channels_last), widths).float()
        written = (labels != CLASSES.index("none")).float()
        loss = class_loss(out[:, :-1], labels) + MIRROR_WEIGHT * (
            nn.functional.binary_cross_entropy_with_logits(out[:, -1], mirrored, weight=written)
        )
        training.step(loss, BATCH)
        losses.append(loss.item())
        right.append((out[:, :-1].argmax(1) == labels).float().mean().item())
        if len(losses) % SAVED_EVERY == 0 or training.is_over:
            means = {"loss": np.mean(losses[-SAVED_EVERY:]), "right": np.mean(right[-SAVED_EVERY:])}
            training.save({name: round(float(mean), 3) for name, mean in means.items()})
        if training.is_over:
            break


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def batches(work: Path, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches of lines of similar width, without end; new shards are taken when they are there."""
    lines = Lines()
    while True:
        lines.update(work)
        if len(lines.labels) < BATCH:
            sys.exit(f"train_line_scripts: {len(lines.labels)} lines in {work}; draw some with the step render")
        chosen = rng.permutation(len(lines.labels))[: BATCH * CHUNK]
        chosen = chosen[np.argsort([lines.pixels[i].shape[1] for i in chosen], kind="stable")]
        for part in rng.permutation(len(chosen) // BATCH):
            rows = chosen[part * BATCH : (part + 1) * BATCH]
            pixels, widths = as_input([jittered(lines.pixels[i], rng) for i in rows])
            labels = torch.tensor([lines.labels[i] for i in rows])
            mirrored = torch.tensor([float(lines.mirrored[i]) for i in rows])
            yield torch.from_numpy(pixels), torch.from_numpy(widths), labels, mirrored


def loaded(work: Path) -> LineScriptNetwork:
    return line_training.trained(work / CHECKPOINT, LineScriptNetwork())


def check(arguments: argparse.Namespace) -> None:
    """Print how often the script is right on fonts and words kept apart, by script and grade."""
    network, renderer = loaded(arguments.work), renderer_of(arguments, "test")
    print("| script | " + " | ".join(GRADES) + " | most often taken for |\n|---|" + "---:|" * len(GRADES) + "---|")
    for label, name in enumerate(CLASSES):
        cells, others = [], np.zeros(len(CLASSES))
        if name != "none" and not renderer.fonts[name]:
            print(f"| {name} | no font kept apart |")
            continue
        for grade in GRADES.values():
            rng = np.random.default_rng(label)
            lines = [renderer.line(name, rng, grade).pixels for _ in range(arguments.count)]
            order = np.argsort([line.shape[1] for line in lines])
            found = []
            with torch.inference_mode():
                for rows in np.array_split(order, max(1, len(order) // 64)):
                    pixels, widths = map(torch.from_numpy, as_input([lines[i] for i in rows]))
                    found += network(pixels, widths)[:, :-1].argmax(1).tolist()
            cells.append(f"{100 * np.mean(np.array(found) == label):.1f}")
            others += np.bincount(found, minlength=len(CLASSES)) / arguments.count / len(GRADES)
        others[label] = 0
        likely = ", ".join(f"{CLASSES[i]} {100 * others[i]:.1f}" for i in np.argsort(-others)[:3] if others[i] > 0.002)
        print(f"| {name} | " + " | ".join(cells) + f" | {likely} |", flush=True)


def export(arguments: argparse.Namespace) -> None:
    """Write the network as ONNX with weights in half precision."""
    network = loaded(arguments.work)
    lines, widths = torch.zeros(2, 1, HEIGHT, 160), torch.tensor([160.0, 80.0])
    size = {"lines": {0: "n", 3: "width"}, "widths": {0: "n"}, "logits": {0: "n"}}
    path = arguments.out
    torch.onnx.export(
        network, (lines, widths), str(path), input_names=["lines", "widths"], output_names=["logits"],
        dynamic_axes=size, opset_version=17, dynamo=False,
    )  # fmt: skip
    halve(path, {"classes": " ".join(CLASSES)})
    print(f"{path}: {path.stat().st_size:,} bytes")


def curve(arguments: argparse.Namespace) -> None:
    """Print the loss and the share of right scripts after every doubling of the lines that were seen."""
    line_training.print_curve(load_checkpoint(arguments.work / CHECKPOINT), ["loss", "right"])


def crops(arguments: argparse.Namespace) -> None:
    """Write lines and text-free crops of photos as a shard."""
    from line_crops import collect

    names = photo_names(10_000)
    if not names:
        sys.exit(f"train_line_scripts: no photos at {PHOTOS}; the step crops needs their table train.csv")
    collect(arguments.work, PHOTOS, names)


STEPS = {"render": render, "crops": crops, "train": train, "check": check, "curve": curve, "export": export}


def main() -> None:
    out = DATA / "line_scripts.onnx"
    line_training.run(line_training.parser_of(__doc__, STEPS, shards="0:40", samples=500_000, out=out), STEPS)


if __name__ == "__main__":
    main()
