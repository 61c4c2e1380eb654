"""Train the small network that looks where a picture may have writing: evidence/data/text_look.onnx.

    python scripts/train_text_look.py scenes --work DIR --fonts FOLDER --shards 0:30    # again with 30:60, ...
    python scripts/train_text_look.py train --work DIR --samples 48000                  # resumes where it stopped
    python scripts/train_text_look.py check --work DIR                                  # lines missed, by threshold
    python scripts/train_text_look.py curve --work DIR
    python scripts/train_text_look.py export --work DIR

It takes the features that the text detector has of a picture at half its size, and learns what the detector finds at
the whole size, on drawn scenes (``text_scenes.py``). A shard is 100 scenes; its seed is its number. Shards from 900 on
are for ``check`` alone, with fonts and words that no other shard has. It needs what ``train_line_scripts.py`` needs.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import line_training
import numpy as np
import rapidocr
import torch
from line_training import DATA, ahead, convolution, halve, load_checkpoint, renderer_of
from numpy.typing import NDArray
from text_scenes import SceneMaker, training_photos
from torch import nn

from whereshot.evidence.ocr import LARGEST_SIDE, Reader
from whereshot.evidence.text_detector import normalised
from whereshot.evidence.text_look import FEATURES, INT8_DETECTOR, shrunk
from whereshot.foundation.onnx_session import open_session
from whereshot.foundation.package_data import read_bytes

SHARD, FIRST_TEST_SHARD = 100, 900
CHANNELS = 96
"""Channels of the detector's features."""
BATCH = 16
RATE, WARM_UP = 3e-3, 1_000
SAVED_EVERY = 100
CHECKPOINT = "checkpoint.pt"
THRESHOLDS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


class TextLook(nn.Module):
    """The detector's features (n, 96, h, w), in bytes, in; the logit of each cell of 2 x 2 of them being text out."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Sequential(
            nn.BatchNorm2d(2 * CHANNELS), convolution(2 * CHANNELS, 48, 1), convolution(48, 48, 3, padding=1),
            convolution(48, 48, 3, padding=1), nn.Conv2d(48, 1, 1),
        )  # fmt: skip

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        values = features.float() / 255
        pooled = [nn.functional.avg_pool2d(values, 2), nn.functional.max_pool2d(values, 2)]
        found: torch.Tensor = self.cells(torch.cat(pooled, dim=1))
        return found.squeeze(1)


class Probability(nn.Module):
    """The look's probability of text instead of its logit."""

    def __init__(self, look: TextLook) -> None:
        super().__init__()
        self.look = look

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.look(features))


Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]
"""Features (n, 96, h, w), whether each cell is text (n, rows, columns), and its weight."""


class Int8Reader(Reader):
    """A reader whose detector is the one in whole numbers of 8 bits: the teacher."""

    @functools.cached_property
    def _engine(self) -> Any:
        with resources.as_file(resources.files("whereshot") / INT8_DETECTOR) as file:
            engine = rapidocr.RapidOCR(params={"Global.log_level": "critical", "Global.max_side_len": LARGEST_SIDE,
                                               "Det.model_path": str(file)})  # fmt: skip
            engine._load_det_model()  # it keeps the network
        return engine


def scenes(arguments: argparse.Namespace) -> None:
    """Draw and label the scenes of the shards that are not there."""
    start, stop = map(int, arguments.shards.split(":"))
    renderer = renderer_of(arguments, "test" if start >= FIRST_TEST_SHARD else "train")
    maker = SceneMaker(renderer, training_photos(), Int8Reader(looks_first=False))
    for number in range(start, stop):
        path = arguments.work / f"scenes{number:03}.npz"
        if path.exists():
            continue
        rng, began = np.random.default_rng(number), time.perf_counter()
        drawn = [maker.scene(rng) for _ in range(SHARD)]
        small = [shrunk(one.pixels) for one in drawn]
        line_training.write_arrays(
            path, pixels=np.stack(small), is_text=np.stack([one.is_text for one in drawn]),
            weights=np.stack([one.weights for one in drawn]),
        )  # fmt: skip
        print(f"shard {number}: {SHARD / (time.perf_counter() - began):.1f} scenes/s", flush=True)


def _read(paths: list[Path]) -> Arrays:
    """Return the shards, with the features that the detector gives of each scene at half its size."""
    session = open_session(read_bytes(INT8_DETECTOR))
    name, features, labels = session.get_inputs()[0].name, [], []
    for path in paths:
        with np.load(path) as data:
            labels.append((data["is_text"], data["weights"]))
            for pixels in data["pixels"]:
                values = normalised(pixels, 1 / 255, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
                features.append(session.run([FEATURES], {name: values})[0][0])
    is_text, weights = (np.concatenate(arrays) for arrays in zip(*labels, strict=True))
    return np.stack(features), is_text, weights


def _paths(work: Path, *, is_test: bool) -> list[Path]:
    return [path for path in sorted(work.glob("scenes*.npz")) if (int(path.stem[6:]) >= FIRST_TEST_SHARD) == is_test]


def batches(data: Arrays, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield batches of scenes, some of them mirrored, without end."""
    while True:
        for rows in rng.permutation(len(data[0]))[: len(data[0]) // BATCH * BATCH].reshape(-1, BATCH):
            is_mirrored = rng.random() < 0.5
            yield tuple(
                torch.from_numpy(np.ascontiguousarray(one[rows][..., ::-1] if is_mirrored else one[rows]))
                for one in data
            )


def train(arguments: argparse.Namespace) -> None:
    path = arguments.work / CHECKPOINT
    network, training = line_training.begin(path, TextLook, arguments.samples, RATE, WARM_UP)
    losses: list[float] = []
    data = _read(_paths(arguments.work, is_test=False))
    for features, is_text, weights in ahead(batches(data, np.random.default_rng(training.seen))):
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(features.contiguous(memory_format=torch.channels_last))
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), is_text.float(), weight=weights)
        training.step(loss, BATCH)
        losses.append(loss.item())
        if len(losses) % SAVED_EVERY == 0 or training.is_over:
            training.save({"loss": round(float(np.mean(losses[-SAVED_EVERY:])), 4)})
        if training.is_over:
            break


def loaded(work: Path) -> TextLook:
    return line_training.trained(work / CHECKPOINT, TextLook())


def check(arguments: argparse.Namespace) -> None:
    """Print how much text is missed and how much else is found, by threshold, in cells and in whole scenes."""
    network = Probability(loaded(arguments.work)).eval()
    features, is_text, weights = _read(_paths(arguments.work, is_test=True))
    with torch.inference_mode():
        found = np.concatenate([network(torch.from_numpy(own[None])).numpy() for own in features])
    text, other = (is_text > 0) & (weights > 0), (is_text == 0) & (weights > 0)
    found = np.where(text | other, found, 0)
    has_text = text.any(axis=(1, 2))
    most = found.max(axis=(1, 2))
    print(
        "| threshold | cells of text missed | other cells found | scenes with text missed | scenes without text found |"
    )
    print("|---:|---:|---:|---:|---:|")
    for least in THRESHOLDS:
        cells = [(found[text] < least).mean(), (found[other] >= least).mean()]
        shares = [*cells, (most[has_text] < least).mean(), (most[~has_text] >= least).mean()]
        print(f"| {least} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |")
    print(f"\n{has_text.sum()} scenes with text and {(~has_text).sum()} without.")


def export(arguments: argparse.Namespace) -> None:
    """Write the network as ONNX with weights in half precision."""
    size = {FEATURES: {2: "height", 3: "width"}, "text": {1: "rows", 2: "columns"}}
    example = torch.zeros(1, CHANNELS, 16, 24, dtype=torch.uint8)
    torch.onnx.export(
        Probability(loaded(arguments.work)).eval(), (example,), str(arguments.out), input_names=[FEATURES],
        output_names=["text"], dynamic_axes=size, opset_version=17, dynamo=False,
    )  # fmt: skip
    halve(arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


def curve(arguments: argparse.Namespace) -> None:
    """Print the loss after every doubling of the scenes that were seen."""
    line_training.print_curve(load_checkpoint(arguments.work / CHECKPOINT), ["loss"])


STEPS = {"scenes": scenes, "train": train, "check": check, "curve": curve, "export": export}


def main() -> None:
    out = DATA / "text_look.onnx"
    line_training.run(line_training.parser_of(__doc__, STEPS, shards="0:30", samples=48_000, out=out), STEPS)


if __name__ == "__main__":
    main()
