"""Train the networks that read lines in many scripts, on rendered lines: evidence/data/line_reader_*.

    python scripts/train_line_readers.py render --work DIR --fonts FOLDER --shards 0:10     # again with 10:20, ...
    python scripts/train_line_readers.py train --work DIR --group abugidas --samples 800000 # resumes where it stopped
    python scripts/train_line_readers.py check --work DIR --group abugidas                  # fonts and words kept apart
    python scripts/train_line_readers.py curve --work DIR --group abugidas                  # the loss while it learned
    python scripts/train_line_readers.py export --work DIR --group abugidas

A shard is 2,000 lines of one script; its seed is its number and its script. Rendering and training may run at the same
time: training takes the shards that are there. Photos of the shared table that may train what is shipped stand behind
the lines; without them, textures do. It needs Pillow with raqm, and the fonts of ``line_fonts.DEBIAN_PACKAGES``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import line_texts
import line_training
import numpy as np
import torch
from line_errors import edit_distance, letters_of
from line_training import (
    DATA,
    ahead,
    convolution,
    halve,
    jittered,
    load_checkpoint,
    read_shard,
    stretched,
    write_shard,
)
from rendered_lines import GRADES, PLATES, Renderer
from torch import nn

from whereshot.evidence.line_readers import GROUPS, HEIGHT_PX, SignHead, decode, steps_of
from whereshot.evidence.line_scripts import as_input
from whereshot.evidence.writing import FOREIGN, to_signs

SHARD = 2000
LONGEST_RENDERED_PX = 560
WEIGHTS = {
    "Arabic": 2.0, "Cyrillic": 1.4, "Hangul": 1.6, "Thai": 1.8, "Georgian": 0.8, "Armenian": 0.8, "Greek": 0.8,
    "Lao": 0.7, "Ethiopic": 0.8, "Devanagari": 1.6, "Bengali": 1.2, "Malayalam": 1.3, "Odia": 0.8, "Sinhala": 0.8,
    "Khmer": 0.9, "Myanmar": 0.9,
}  # fmt: skip
"""How often a script is seen, relative to the others."""
GRADE_SHARES = {"clean": 0.25, "street": 0.6, "hard": 0.15}
READ_GRADES = {name: dataclasses.replace(grade, upside_down=0.0, mirrored=0.0) for name, grade in GRADES.items()}
"""The grades of ``rendered_lines`` without lines that are upside down or mirrored."""
TRAINED_GRADES = {name: dataclasses.replace(grade, plates=PLATES) for name, grade in READ_GRADES.items()}
ALWAYS = " 0123456789.,:!?-()'\"/%+" + FOREIGN
"""Signs that every script has."""
LEAST_COUNT = 3
"""A sign that fewer words have is left out, and so are the words."""
STRETCH = (-0.1, 0.35)
"""Logarithm of the least and the greatest factor by which the lines of a batch become wider."""
BATCH, CHUNK = 32, 16
RATE, WARM_UP, MOST_NORM = 1.6e-3, 30_000, 5.0
FEATURES = 160
SAVED_EVERY = 100


class LineReader(nn.Module):
    """Lines (n, 1, 40, w), normalised, in; features (n, steps, FEATURES) out, two steps for each four pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = nn.Sequential(
            convolution(1, 24, 3, stride=2, padding=1),
            convolution(24, 40, 3, padding=1),
            nn.MaxPool2d(2),
            convolution(40, 64, 3, padding=1),
            convolution(64, 96, 3, padding=1),
            nn.MaxPool2d((2, 1)),
            convolution(96, 136, 3, padding=1),
            convolution(136, 208, (5, 1)),
        )
        self.context = nn.ModuleList(
            convolution(208, 208, (1, 5), padding=(0, 2 * dilation), dilation=(1, dilation))
            for dilation in (1, 2, 1, 2)
        )
        self.steps = nn.Conv2d(208, 2 * FEATURES, 1)

    def forward(self, lines: torch.Tensor) -> torch.Tensor:
        found = self.columns(lines)
        for block in self.context:
            found = found + block(found)
        found = torch.relu(self.steps(found)).squeeze(2).transpose(1, 2)
        return found.reshape(found.shape[0], -1, FEATURES)


def signs_of(script: str) -> str:
    """Return every sign of a script that is frequent enough, in order."""
    counts = Counter(sign for word in line_texts.words_by_script()[script] for sign in set(to_signs(word, script)))
    return ALWAYS + "".join(sorted(s for s, n in counts.items() if n >= LEAST_COUNT and s not in ALWAYS))


def renderer_of(arguments: argparse.Namespace, part: str) -> Renderer:
    size = {"height_px": HEIGHT_PX, "longest_px": LONGEST_RENDERED_PX, "is_whole": True}
    return line_training.renderer_of(arguments, part, **size)


def render(arguments: argparse.Namespace) -> None:
    start, stop = map(int, arguments.shards.split(":"))
    renderer = renderer_of(arguments, "train")
    scripts = arguments.scripts or [script for scripts in GROUPS.values() for script in scripts]
    signs = {script: set(signs_of(script)) for script in scripts}
    every = [script for scripts in GROUPS.values() for script in scripts]
    for number in range(start, stop):
        for script in scripts:
            path = arguments.work / f"{script}{number:04}.npz"
            if path.exists():
                continue
            rng, began = np.random.default_rng((number, every.index(script))), time.perf_counter()
            lines, texts = [], []
            while len(lines) < SHARD:
                grade = TRAINED_GRADES[str(rng.choice(list(GRADE_SHARES), p=list(GRADE_SHARES.values())))]
                line = renderer.line(script, rng, grade)
                if signs[script].issuperset(to_signs(line.text, script)):
                    lines.append(line.pixels)
                    texts.append(line.text)
            write_shard(path, lines, texts=np.array(texts))
            print(f"{path.stem}: {SHARD / (time.perf_counter() - began):.0f} lines/s", flush=True)


Batch = tuple[str, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def batches(work: Path, script: str, signs: str, rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches of lines of similar width, without end: pixels, steps, the numbers of all signs, their counts.

    Lines with other signs than ``signs`` are left out: a checkpoint keeps its signs, new lines may have more.
    """
    number = {sign: 1 + row for row, sign in enumerate(signs)}
    while True:
        shards = sorted(work.glob(f"{script}[0-9]*.npz"))
        every, arrays = read_shard(shards[rng.integers(len(shards))])
        texts, widths = arrays["texts"].tolist(), np.array([line.shape[1] for line in every])
        known = np.flatnonzero([all(sign in number for sign in to_signs(text, script)) for text in texts])
        order = rng.permutation(known)[: BATCH * CHUNK]
        order = order[np.argsort(widths[order], kind="stable")]
        for part in rng.permutation(len(order) // BATCH):
            rows = order[part * BATCH : (part + 1) * BATCH]
            wide = float(np.exp(rng.uniform(*STRETCH)))
            lines = [stretched(jittered(every[row], rng, is_cut=False), wide) for row in rows]
            wanted = [[number[sign] for sign in to_signs(texts[row], script)] for row in rows]
            images, widths_px = as_input(lines)
            steps = torch.tensor([steps_of(int(width)) for width in widths_px])
            numbers = torch.tensor([number for line in wanted for number in line])
            yield script, torch.from_numpy(images), steps, numbers, torch.tensor([len(line) for line in wanted])


def of_all(work: Path, signs: dict[str, str], rng: np.random.Generator) -> Iterator[Batch]:
    """Yield batches, each of one script, in random order by ``WEIGHTS``."""
    scripts = [script for script in signs if any(work.glob(f"{script}[0-9]*.npz"))]
    if not scripts:
        sys.exit(f"train_line_readers: no lines of {', '.join(signs)} in {work}; draw some with the step render")
    weights = np.array([WEIGHTS.get(script, 1.0) for script in scripts])
    sources = {script: batches(work, script, signs[script], rng) for script in scripts}
    while True:
        yield next(sources[scripts[rng.choice(len(scripts), p=weights / weights.sum())]])


def networks_of(work: Path, group: str) -> tuple[LineReader, nn.ModuleDict, dict[str, str], dict]:
    """Return the network, its heads, the signs of each script, and the checkpoint, {} where there is none."""
    state = load_checkpoint(work / f"{group}.pt")
    signs = state.get("signs") or {script: signs_of(script) for script in GROUPS[group]}
    network, heads = LineReader(), nn.ModuleDict({s: nn.Linear(FEATURES, len(own) + 1) for s, own in signs.items()})
    if state:
        network.load_state_dict(state["network"])
        heads.load_state_dict(state["heads"])
    return network, heads, signs, state


def train(arguments: argparse.Namespace) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network, heads, signs, state = networks_of(arguments.work, arguments.group)
    network = network.to(memory_format=torch.channels_last)
    path = arguments.work / f"{arguments.group}.pt"
    training = line_training.Training(
        path, {"network": network, "heads": heads}, arguments.samples, arguments.rate, WARM_UP, state, {"signs": signs}
    )
    losses: dict[str, list[float]] = {script: [] for script in signs}
    rng = np.random.default_rng(training.seen)
    for number, (script, pixels, steps, wanted, counts) in enumerate(ahead(of_all(arguments.work, signs, rng)), 1):
        with torch.autocast("cpu", torch.bfloat16):
            found = network(pixels.contiguous(memory_format=torch.channels_last))
        log_share = heads[script](found.float()).log_softmax(dim=2).transpose(0, 1)
        loss = nn.functional.ctc_loss(log_share, wanted, steps, counts, zero_infinity=True)
        training.step(loss, len(counts), MOST_NORM)
        losses[script].append(loss.item())
        if number % SAVED_EVERY == 0 or training.is_over:
            training.save({name: round(float(np.mean(own[-20:])), 3) for name, own in losses.items() if own})
        if training.is_over:
            break


def curve(arguments: argparse.Namespace) -> None:
    """Print the loss of each script, in nats a sign, after every doubling of the lines that were seen."""
    *_, state = networks_of(arguments.work, arguments.group)
    line_training.print_curve(state, list(state["signs"]))


def check(arguments: argparse.Namespace) -> None:
    """Print the share of characters that are read right on fonts and words kept apart, by script and grade."""
    network, heads, signs, state = networks_of(arguments.work, arguments.group)
    network.eval()
    renderer = renderer_of(arguments, "test")
    print(f"{state['seen']} lines seen\n| script | " + " | ".join(GRADES) + " |\n|---|" + "---:|" * len(GRADES))
    for script, own in signs.items():
        head = SignHead(tuple(own), heads[script].weight.detach().numpy(), heads[script].bias.detach().numpy())
        cells = []
        for grade in READ_GRADES.values():
            rng, wrong, letters = np.random.default_rng(7), 0, 0
            for _ in range(arguments.count):
                line = renderer.line(script, rng, grade)
                pixels, widths = as_input([line.pixels])
                with torch.inference_mode():
                    steps = network(torch.from_numpy(pixels))[0, : steps_of(int(widths[0]))].numpy()
                text = decode(steps @ head.weight.T + head.bias, head, script).text
                text, truth = letters_of(text), letters_of(line.text)
                wrong, letters = wrong + min(edit_distance(text, truth), len(truth)), letters + len(truth)
            cells.append(f"{100 * (1 - wrong / letters):.1f}")
        print(f"| {script} | " + " | ".join(cells) + " |", flush=True)


def export(arguments: argparse.Namespace) -> None:
    """Write the network as ONNX and its heads as safetensors, both with weights in half precision."""
    from safetensors.torch import save_file

    network, heads, signs, _ = networks_of(arguments.work, arguments.group)
    path = arguments.out / f"line_reader_{arguments.group}.onnx"
    torch.onnx.export(
        network.eval(), (torch.zeros(2, 1, HEIGHT_PX, 160),), str(path), input_names=["lines"],
        output_names=["features"], dynamic_axes={"lines": {0: "n", 3: "width"}, "features": {0: "n", 1: "steps"}},
        opset_version=17, dynamo=False,
    )  # fmt: skip
    halve(path)
    heads_path = path.with_suffix(".safetensors")
    half = {name: value.half().contiguous() for name, value in heads.state_dict().items()}
    save_file(half, heads_path, {"signs": json.dumps(signs, ensure_ascii=False)})
    print(f"{path}: {path.stat().st_size:,} bytes; {heads_path}: {heads_path.stat().st_size:,} bytes")


STEPS = {"render": render, "train": train, "check": check, "curve": curve, "export": export}


def main() -> None:
    parser = line_training.parser_of(__doc__, STEPS, shards="0:10", samples=800_000, out=DATA)
    parser.add_argument("--group", choices=tuple(GROUPS), default="alphabets")
    parser.add_argument("--rate", type=float, default=RATE, help="greatest learning rate; to end a training sooner")
    parser.add_argument("--scripts", nargs="*", help="scripts to render, all of them if none is given")
    line_training.run(parser, STEPS)


if __name__ == "__main__":
    main()
