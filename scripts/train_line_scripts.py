"""Train the network that tells the script of a line, on rendered lines: evidence/data/line_scripts.onnx.

    python scripts/train_line_scripts.py render --work DIR --fonts FOLDER --shards 0:40    # again with 40:80, ...
    python scripts/train_line_scripts.py crops --work DIR        # lines and text-free crops of photos, for few minutes
    python scripts/train_line_scripts.py train --work DIR --samples 500000                 # resumes where it stopped
    python scripts/train_line_scripts.py check --work DIR        # fonts and words kept apart, by script
    python scripts/train_line_scripts.py export --work DIR

A shard is 4,000 lines; its seed is its number. Rendering and training may run at the same time: training takes the
shards that are there. The photos are those of the shared table that may train what is shipped; without them, textures
stand behind the lines. It needs Pillow with raqm, and the fonts of ``line_fonts.DEBIAN_PACKAGES``.
"""

from __future__ import annotations

import argparse
import csv
import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import torch
from line_backgrounds import Backgrounds
from line_fonts import find_fonts, split
from line_texts import Words
from numpy.typing import NDArray
from PIL import features
from rendered_lines import GRADES, Renderer, photos_of
from torch import nn

from whereshot.evidence.line_scripts import CLASSES, HEIGHT, as_input

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
OUT = ROOT / "src" / "whereshot" / "evidence" / "data" / "line_scripts.onnx"
SHARD = 4000
COMMON = {"Latin": 0.17, "digits": 0.05, "none": 0.13, "Greek": 0.055, "Cyrillic": 0.075, "Han": 0.04, "Kana": 0.04}
"""Share of the lines in these classes; the others share the rest."""
SHARES = np.array([COMMON.get(name, (1 - sum(COMMON.values())) / (len(CLASSES) - len(COMMON))) for name in CLASSES])
GRADE_SHARES = {"clean": 0.15, "street": 0.7, "hard": 0.15}
BACKGROUND_PHOTOS = 400
BATCH, CHUNK = 128, 24
RATE, DECAY = 2.5e-3, 1e-2
SAVED_EVERY = 50
SMOOTHING = 0.05
MIRROR_WEIGHT = 0.25


class LineScriptNetwork(nn.Module):
    """Lines (n, 1, 32, w), normalised, and their widths (n,) in; logits (n, classes) and of being mirrored (n,) out."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = nn.Sequential(
            _block(1, 16, 3, stride=(2, 2)),
            _block(16, 28, 3),
            nn.MaxPool2d(2),
            _block(28, 56, 3),
            nn.MaxPool2d(2),
            _block(56, 84, 3),
            _block(84, 120, (4, 3), padding=(0, 1)),
            _block(120, 128, (1, 3), padding=(0, 1)),
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


def _block(ins: int, outs: int, kernel, stride=1, padding=1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(ins, outs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)
    )


def photo_names(count: int) -> list[str]:
    """Return paths of photos that may train what is shipped, spread over the table."""
    table = PHOTOS / "train.csv"
    if not table.is_file():
        return []
    rows = [row["path"] for row in csv.DictReader(table.open(encoding="utf-8")) if row["use"] == "ship"]
    return [rows[i] for i in np.random.default_rng(1).permutation(len(rows))[:count]]


def renderer_of(arguments: argparse.Namespace, part: str) -> Renderer:
    fonts = find_fonts([Path("/usr/share/fonts"), *arguments.fonts], arguments.work / "fonts.json")
    photos = photos_of(PHOTOS, photo_names(BACKGROUND_PHOTOS))
    return Renderer(Words(part), split(fonts, part), Backgrounds(photos))


def save_lines(path: Path, lines: list[NDArray[np.uint8]], labels: list[int], mirrored: list[bool]) -> None:
    """Write lines of height 32, side by side, with their widths and labels."""
    widths = np.array([line.shape[1] for line in lines], np.int32)
    with path.with_suffix(".part").open("wb") as file:
        np.savez(file, pixels=np.concatenate(lines, axis=1), widths=widths, labels=np.array(labels, np.int8),
                 mirrored=np.array(mirrored))  # fmt: skip
    path.with_suffix(".part").rename(path)


def render(arguments: argparse.Namespace) -> None:
    start, stop = map(int, arguments.shards.split(":"))
    todo = [number for number in range(start, stop) if not (arguments.work / f"shard{number:04}.npz").exists()]
    renderer = renderer_of(arguments, "train")
    for number in todo:
        rng = np.random.default_rng(number)
        began = time.perf_counter()
        drawn = []
        for label in rng.choice(len(CLASSES), SHARD, p=SHARES):
            how = GRADES[str(rng.choice(list(GRADE_SHARES), p=list(GRADE_SHARES.values())))]
            drawn.append((renderer.line(CLASSES[label], rng, how), int(label)))
        save_lines(
            arguments.work / f"shard{number:04}.npz",
            [line.pixels for line, _ in drawn], [label for _, label in drawn], [line.mirrored for line, _ in drawn],
        )  # fmt: skip
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
            with np.load(path) as data:
                ends = np.cumsum(data["widths"])
                pixels = data["pixels"]
                own = [pixels[:, a:b] for a, b in zip(ends - data["widths"], ends, strict=True)]
                for _ in range(repeated):
                    self.pixels += own
                    self.labels += data["labels"].tolist()
                    self.mirrored += data["mirrored"].tolist()
            self.files.add(path)


def jittered(line: NDArray[np.uint8], rng: np.random.Generator, *, is_cut: bool = True) -> NDArray[np.uint8]:
    """Return a line with other polarity, moved, and a little cut unless not ``is_cut``: what is cheap at each use."""
    if rng.random() < 0.4:
        line = 255 - line
    if rng.random() < 0.3:
        line = np.roll(line, int(rng.integers(-2, 3)), axis=0)
    if is_cut and line.shape[1] > 80 and rng.random() < 0.3:
        kept = int(rng.integers(line.shape[1] * 2 // 3, line.shape[1]))
        start = int(rng.integers(line.shape[1] - kept))
        line = line[:, start : start + kept]
    return line


def train(arguments: argparse.Namespace) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = LineScriptNetwork()
    print(f"{sum(p.numel() for p in network.parameters())} parameters", flush=True)
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    checkpoint, seen = arguments.work / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        seen = state["seen"]
    class_loss = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    losses: list[float] = []
    right: list[float] = []
    started, before = time.process_time(), seen
    for pixels, widths, labels, mirrored in ahead(batches(arguments.work, np.random.default_rng(seen))):
        progress = min(1.0, seen / arguments.samples)
        rate = float(RATE * min(1.0, (seen + BATCH) / 20_000) * (0.5 + 0.5 * np.cos(np.pi * progress)) + 1e-5)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            out = network(pixels.contiguous(memory_format=torch.channels_last), widths).float()
        written = (labels != CLASSES.index("none")).float()
        loss = class_loss(out[:, :-1], labels) + MIRROR_WEIGHT * (
            nn.functional.binary_cross_entropy_with_logits(out[:, -1], mirrored, weight=written)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += BATCH
        losses.append(loss.item())
        right.append((out[:, :-1].argmax(1) == labels).float().mean().item())
        if len(losses) % SAVED_EVERY == 0 or seen >= arguments.samples:
            torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict(), "seen": seen}, checkpoint)
            speed = (seen - before) / (time.process_time() - started)
            print(
                f"{seen} lines seen; loss {np.mean(losses[-SAVED_EVERY:]):.3f}, "
                f"right {100 * np.mean(right[-SAVED_EVERY:]):.1f} %, {speed:.0f} lines a processor second",
                flush=True,
            )
        if seen >= arguments.samples:
            break


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def batches(work: Path, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches of lines of similar width, without end; new shards are taken when they are there."""
    lines = Lines()
    while True:
        lines.update(work)
        chosen = rng.permutation(len(lines.labels))[: BATCH * CHUNK]
        chosen = chosen[np.argsort([lines.pixels[i].shape[1] for i in chosen], kind="stable")]
        for part in rng.permutation(len(chosen) // BATCH):
            rows = chosen[part * BATCH : (part + 1) * BATCH]
            pixels, widths = as_input([jittered(lines.pixels[i], rng) for i in rows])
            labels = torch.tensor([lines.labels[i] for i in rows])
            mirrored = torch.tensor([float(lines.mirrored[i]) for i in rows])
            yield torch.from_numpy(pixels), torch.from_numpy(widths), labels, mirrored


Item = TypeVar("Item")


def ahead(batches: Iterator[Item]) -> Iterator[Item]:
    """Yield the batches, which a thread prepares while the network learns."""
    ready: queue.Queue[Item] = queue.Queue(maxsize=4)

    def prepare() -> None:
        for batch in batches:
            ready.put(batch)

    threading.Thread(target=prepare, daemon=True).start()
    while True:
        yield ready.get()


def loaded(work: Path) -> LineScriptNetwork:
    network = LineScriptNetwork()
    network.load_state_dict(torch.load(work / "checkpoint.pt", weights_only=True)["network"])
    return network.eval()


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


def halve(path: Path, notes: Mapping[str, str] = MappingProxyType({})) -> None:
    """Keep the weights of an ONNX file in half precision, and compute with them in single precision."""
    import onnx

    model = onnx.load(path)
    casts = []
    for weights in model.graph.initializer:
        if weights.data_type == onnx.TensorProto.FLOAT and np.prod(weights.dims) > 64:
            array, name = onnx.numpy_helper.to_array(weights), weights.name
            weights.CopyFrom(onnx.numpy_helper.from_array(array.astype(np.float16), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
    for key, value in notes.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("render", "crops", "train", "check", "export"))
    parser.add_argument("--work", type=Path, required=True, help="folder of shards and checkpoints")
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--shards", default="0:40")
    parser.add_argument("--samples", type=int, default=500_000)
    parser.add_argument("--count", type=int, default=100, help="lines by script and grade, for check")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if not features.check("raqm"):
        sys.exit("train_line_scripts: this Pillow has no raqm, which joins letters; install a wheel of Pillow")
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.step == "crops":
        from line_crops import collect

        collect(arguments.work, PHOTOS, photo_names(10_000))
    else:
        {"render": render, "train": train, "check": check, "export": export}[arguments.step](arguments)


if __name__ == "__main__":
    main()
