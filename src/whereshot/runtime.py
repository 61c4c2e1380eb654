"""Photos -> a network's outputs: in this process, or spread over processes of one thread each.

A network is given as a function that makes it, so that each process makes its own; processes start by spawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whereshot import images, processes
from whereshot.dataset import Batch, batches
from whereshot.errors import InputError, ModelError, require
from whereshot.preprocess import Preprocess
from whereshot.progress import Track, silent

Compute = Callable[[Batch], dict[str, NDArray]]
"""Outputs by name, each (photos of the batch, ...)."""

BATCH = 16
WORTH_A_PROCESS = 64
"""Photos per process below which starting one costs more than it saves."""


class TorchCompute:
    """Runs a torch module on batches: ``apply(crops, owner, photos)`` gives a tensor or tensors by name."""

    def __init__(self, apply: Callable[..., Any], device: str = "cpu") -> None:
        self.apply, self.device = apply, device

    def __call__(self, batch: Batch) -> dict[str, NDArray]:
        import torch

        with torch.inference_mode():
            crops = torch.from_numpy(batch.crops).to(self.device)
            owner = torch.from_numpy(batch.owner).to(self.device)
            outputs = self.apply(crops, owner, len(batch.rows))
            return {name: value.float().cpu().numpy() for name, value in outputs.items()}


class OnnxCompute:
    """Runs network.onnx by ONNX Runtime on one thread, photo by photo: more at once are no faster and need memory.

    ``network`` is a path, or the bytes of the file; it takes (photos, crops, 3, h, w). Raises ModelError.
    """

    def __init__(self, network: str | bytes) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()  # nothing about the user is recorded or sent
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of many kinds, all of the runtime's own
            name = "network.onnx" if isinstance(network, bytes) else network
            raise ModelError(f"{name}: ONNX Runtime cannot read it ({str(error).splitlines()[0]})") from error
        self._names = [output.name for output in self._session.get_outputs()]

    def __call__(self, batch: Batch) -> dict[str, NDArray]:
        parts = []
        for number in range(len(batch.rows)):
            crops = np.ascontiguousarray(batch.crops[batch.owner == number][None])
            parts.append(self._session.run(None, {"pixels": crops}))
        return {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(self._names)}


def pick_device(device: str | None) -> str:
    """The device to compute on: the one asked for, else a GPU where there is one. Raises InputError."""
    torch = require("torch", extra="torch")
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch says "not compiled with" by an assertion
        raise InputError(f"device {device!r} cannot be used here ({str(error).splitlines()[0]})") from error
    return device


def default_workers(photos: int, device: str = "cpu") -> int:
    """As many processes as cores, where there are photos enough to be worth it; one beside a GPU."""
    return 1 if device != "cpu" else max(1, min(processes.cores(), photos // WORTH_A_PROCESS))


def compute_outputs(
    sources: Sequence[images.Source | None],
    settings: Preprocess,
    make: Callable[[], Compute],
    *,
    workers: int = 1,
    track: Track = silent,
    what: str = "looking at photos",
) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray], dict[int, str]]]:
    """(rows, outputs, errors) of some photos at a time, each photo exactly once, in any order of blocks."""
    if workers > 1 and all(source is None or not isinstance(source, images.Image.Image) for source in sources):
        parts = _spread(sources, settings, make, workers)
    else:
        parts = _in_process(sources, settings, make)
    counted = _by_photo(parts)
    yield from (part for part in track(counted, total=len(sources), what=what) if part is not None)


def _by_photo(parts: Iterator[tuple]) -> Iterator[tuple | None]:
    """Each block followed by one None for every further photo in it, so that a bar counts photos."""
    for rows, outputs, errors in parts:
        yield rows, outputs, errors
        yield from [None] * (len(rows) + len(errors) - 1)


def _in_process(sources: Sequence, settings: Preprocess, make: Callable[[], Compute]) -> Iterator[tuple]:
    compute = make()
    for batch in batches(sources, settings, batch_size=BATCH):
        yield batch.rows, compute(batch) if len(batch.rows) else {}, batch.errors


def _spread(sources: Sequence, settings: Preprocess, make: Callable[[], Compute], workers: int) -> Iterator[tuple]:
    starts = range(0, len(sources), BATCH)
    tasks = [(start, list(sources[start : start + BATCH])) for start in starts]
    yield from processes.spread(tasks, _start, (make, settings), _work, workers)


_worker: tuple[Compute, Preprocess] | None = None


def _start(make: Callable[[], Compute], settings: Preprocess) -> None:
    global _worker
    _worker = (make(), settings)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)  # two threads beside a busy core are slower than one


def _work(task: tuple[int, list]) -> tuple:
    start, sources = task
    compute, settings = _worker
    parts = [
        (batch.rows + start, compute(batch) if len(batch.rows) else {}, batch.errors)
        for batch in batches(sources, settings, batch_size=len(sources))
    ]
    told = [outputs for _, outputs, _ in parts if outputs]
    outputs = {name: np.concatenate([part[name] for part in told]) for name in (told[0] if told else ())}
    errors = {row + start: text for _, _, failed in parts for row, text in failed.items()}
    return np.concatenate([rows for rows, _, _ in parts]), outputs, errors
