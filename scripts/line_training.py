"""Shared steps of training networks on rendered lines: renderer, shards, checkpoints with a curve, options.

``train_line_readers.py``, ``train_line_scripts.py`` and ``train_text_look.py`` use it. A shard is an .npz file of lines
of one height, side by side, with their widths and one further array or more with an entry for each line. A checkpoint
is a .pt file with the weights by name, the optimiser, the lines seen, the processor seconds, and the curve: (lines
seen, processor seconds, means by name) at every save.
"""

from __future__ import annotations

import argparse
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from line_backgrounds import Backgrounds
from line_fonts import find_fonts, split
from line_texts import Words
from numpy.typing import NDArray
from PIL import features
from rendered_lines import PHOTOS, Renderer, photo_names, photos_of
from torch import nn

from whereshot.evidence.line_scripts import SHORTEST

ROOT = Path(__file__).parents[1]
DATA = ROOT / "src" / "whereshot" / "evidence" / "data"
BACKGROUND_PHOTOS = 400
LAST_RATE = 1e-5
"""The learning rate falls to this."""

Item = TypeVar("Item")
Network = TypeVar("Network", bound=nn.Module)
Step = Callable[[argparse.Namespace], None]


def renderer_of(arguments: argparse.Namespace, part: str, **size: Any) -> Renderer:
    """Return the renderer of a part, "train" or "test", which have no font and no word in common."""
    fonts = find_fonts([Path("/usr/share/fonts"), *arguments.fonts], arguments.work / "fonts.json")
    photos = photos_of(PHOTOS, photo_names(BACKGROUND_PHOTOS))
    return Renderer(Words(part), split(fonts, part), Backgrounds(photos), **size)


# ---- shards


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays by name to an .npz file, whole or not at all."""
    with path.with_suffix(".part").open("wb") as file:
        np.savez(file, **arrays)
    path.with_suffix(".part").rename(path)


def write_shard(path: Path, lines: list[NDArray[np.uint8]], **arrays: NDArray[Any]) -> None:
    """Write lines (height, width) with their widths and ``arrays``, each with an entry for each line."""
    widths = np.array([line.shape[1] for line in lines], np.int32)
    write_arrays(path, pixels=np.concatenate(lines, axis=1), widths=widths, **arrays)


def read_shard(path: Path) -> tuple[list[NDArray[np.uint8]], dict[str, NDArray[Any]]]:
    """Return the lines of a shard, and its other arrays by name."""
    with np.load(path) as data:
        arrays = {name: data[name] for name in data.files}
    pixels, widths = arrays.pop("pixels"), arrays.pop("widths")
    ends = np.cumsum(widths)
    return [pixels[:, start:stop] for start, stop in zip(ends - widths, ends, strict=True)], arrays


def jittered(line: NDArray[np.uint8], rng: np.random.Generator, *, is_cut: bool = True) -> NDArray[np.uint8]:
    """Return a line with other polarity, moved, and cut a little if ``is_cut``: changes that are cheap at each use."""
    if rng.random() < 0.4:
        line = 255 - line
    if rng.random() < 0.3:
        line = np.roll(line, int(rng.integers(-2, 3)), axis=0)
    if is_cut and line.shape[1] > 80 and rng.random() < 0.3:
        kept = int(rng.integers(line.shape[1] * 2 // 3, line.shape[1]))
        start = int(rng.integers(line.shape[1] - kept))
        line = line[:, start : start + kept]
    return line


def stretched(line: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Return a line (height, width) that is ``factor`` times as wide."""
    columns = max(SHORTEST, round(line.shape[1] * factor))
    return np.asarray(cv2.resize(line, (columns, line.shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)


class _End(NamedTuple):
    """The end of the batches, with the error that ended them."""

    error: BaseException | None


def ahead(batches: Iterator[Item]) -> Iterator[Item]:
    """Yield the batches, which a thread prepares while the network learns. An error of theirs is raised here."""
    ready: queue.Queue[Item | _End] = queue.Queue(maxsize=4)

    def prepare() -> None:
        try:
            for batch in batches:
                ready.put(batch)
        except BaseException as error:  # also the SystemExit of a missing shard
            ready.put(_End(error))
        else:
            ready.put(_End(None))

    threading.Thread(target=prepare, daemon=True).start()
    while not isinstance(batch := ready.get(), _End):
        yield batch
    if batch.error is not None:
        raise batch.error


# ---- checkpoints


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint, {} where there is none."""
    state: dict[str, Any] = torch.load(path, weights_only=True) if path.exists() else {}
    return state


def convolution(ins: int, outs: int, kernel: int | tuple[int, int], **how: Any) -> nn.Sequential:
    """Return a convolution with batch normalisation and ReLU."""
    return nn.Sequential(nn.Conv2d(ins, outs, kernel, bias=False, **how), nn.BatchNorm2d(outs), nn.ReLU(inplace=True))


@dataclass
class Training:
    """A training that can be stopped and continued: its modules by name, already with the weights of a checkpoint.

    The learning rate rises over ``warm_up`` lines to ``rate``, and falls with half a cosine to the end of ``samples``.
    """

    path: Path
    modules: Mapping[str, nn.Module]
    samples: int
    rate: float
    warm_up: int
    state: dict[str, Any]
    """What ``load_checkpoint`` returned."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Further content of the checkpoint."""
    decay: float = 1e-2

    def __post_init__(self) -> None:
        self.parameters = [parameter for module in self.modules.values() for parameter in module.parameters()]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=self.rate, weight_decay=self.decay)
        if self.state:
            self.optimizer.load_state_dict(self.state["optimizer"])
        self.seen, self.before = self.state.get("seen", 0), self.state.get("seen", 0)
        self.curve, self.spent_s = self.state.get("curve", []), self.state.get("spent_s", 0.0)
        self.started = time.process_time()
        print(f"{sum(parameter.numel() for parameter in self.parameters)} parameters", flush=True)

    @property
    def is_over(self) -> bool:
        """Whether all lines were seen."""
        return self.seen >= self.samples

    def step(self, loss: torch.Tensor, count: int, most_norm: float | None = None) -> None:
        """Take a step on a batch of ``count`` lines; the gradient is cut to the norm ``most_norm``."""
        progress = min(1.0, self.seen / self.samples)
        warm = min(1.0, (self.seen + count) / self.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = float(self.rate * warm * (0.5 + 0.5 * np.cos(np.pi * progress)) + LAST_RATE)
        self.optimizer.zero_grad()
        loss.backward()
        if most_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, most_norm)
        self.optimizer.step()
        self.seen += count

    def save(self, means: Mapping[str, float]) -> None:
        """Write the checkpoint, whole or not at all, with a point of the curve, and print that point."""
        took_s = time.process_time() - self.started
        self.curve = [*self.curve, (self.seen, round(self.spent_s + took_s), dict(means))]
        weights = {name: module.state_dict() for name, module in self.modules.items()}
        part = self.path.with_suffix(".part")
        torch.save(
            {**weights, **self.notes, "seen": self.seen, "curve": self.curve, "spent_s": self.spent_s + took_s,
             "optimizer": self.optimizer.state_dict()}, part,
        )  # fmt: skip
        part.rename(self.path)
        speed = (self.seen - self.before) / took_s
        print(f"{time.strftime('%T')} {self.seen} lines, {speed:.0f} a processor second; {dict(means)}", flush=True)


def begin(path: Path, make: Callable[[], Network], samples: int, rate: float, warm_up: int) -> tuple[Network, Training]:
    """Return a new network, or the one of a checkpoint, and its training, on one thread and from a fixed seed."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network, state = make().to(memory_format=torch.channels_last), load_checkpoint(path)
    if state:
        network.load_state_dict(state["network"])
    return network, Training(path, {"network": network}, samples, rate, warm_up, state)


def trained(path: Path, network: Network) -> Network:
    """Return a network with the weights of a checkpoint, ready to be asked."""
    network.load_state_dict(load_checkpoint(path)["network"])
    return network.eval()


def print_curve(state: Mapping[str, Any], names: list[str]) -> None:
    """Print the means of a checkpoint's curve as a table, after every doubling of the lines that were seen."""
    print("| lines seen | processor minutes | " + " | ".join(names) + " |\n|" + "---:|" * (len(names) + 2))
    wanted = 10_000
    for seen, spent_s, means in state["curve"]:
        if seen >= wanted or seen == state["seen"]:
            wanted *= 2
            cells = " | ".join(f"{means[name]:.2f}" if name in means else "" for name in names)
            print(f"| {seen:,} | {spent_s / 60:.0f} | {cells} |")


# ---- export and options


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


def parser_of(description: str | None, steps: Mapping[str, Step], *, shards: str, samples: int, out: Path) -> Any:
    """Return a parser with the options of all trainings of lines, and the defaults of this training."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=tuple(steps))
    parser.add_argument("--work", type=Path, required=True, help="folder of shards and checkpoints")
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="more folders of fonts")
    parser.add_argument("--shards", default=shards)
    parser.add_argument("--samples", type=int, default=samples)
    parser.add_argument("--count", type=int, default=100, help="lines by script and grade, for check")
    parser.add_argument("--out", type=Path, default=out)
    return parser


def run(parser: argparse.ArgumentParser, steps: Mapping[str, Step]) -> None:
    """Parse the command line and run its step."""
    arguments = parser.parse_args()
    if not features.check("raqm"):
        sys.exit(f"{Path(sys.argv[0]).stem}: this Pillow has no raqm, which joins letters; install a wheel of Pillow")
    arguments.work.mkdir(parents=True, exist_ok=True)
    steps[arguments.step](arguments)
