"""Photos -> a network's outputs: in this process, or spread over processes of one thread each.

A network is given as a function that makes it, so that each process makes its own; processes start by spawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whereshot.foundation import processes
from whereshot.foundation.errors import InputError, ModelError, require
from whereshot.foundation.progress import Track, silent
from whereshot.photos import images
from whereshot.photos.batches import Batch, batches, load
from whereshot.photos.emptiness import EMPTY
from whereshot.photos.preprocess import Preprocess, normalised

Compute = Callable[[Batch], dict[str, NDArray[Any]]]
"""Outputs by name, each (photos of the batch, ...)."""

Task = tuple[int, list[images.Source | None]]
"""The row of the first of some photos, and these."""

Part = tuple[NDArray[np.int64], dict[str, NDArray[Any]], dict[int, str]]
"""Rows (n,), outputs by name (n, ...), and the errors of the other rows."""

BATCH = 16
WORTH_A_PROCESS = 64
"""Photos per process below which starting one costs more than it saves."""


class TorchCompute:
    """Runs a torch module on batches: ``apply(crops, owner, photos)`` gives a tensor or tensors by name."""

    def __init__(self, apply: Callable[..., Any], device: str = "cpu") -> None:
        self.apply, self.device = apply, device

    def __call__(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """Return the outputs of a batch by name, each (photos, ...)."""
        import torch

        with torch.inference_mode():
            crops = torch.from_numpy(batch.crops).to(self.device)
            owner = torch.from_numpy(batch.owner).to(self.device)
            outputs = self.apply(crops, owner, len(batch.rows))
            return {name: value.float().cpu().numpy() for name, value in outputs.items()}


class OnnxCompute:
    """Runs network.onnx by ONNX Runtime on one thread, photo by photo: more at once are no faster and need memory, and
    crops that were just prepared are still in the processor's cache.

    ``network`` is a path, or the bytes of the file; it takes (photos, crops, 3, h, w). Raises ModelError.
    """

    def __init__(self, network: str | bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of many kinds, all of the runtime's own
            name = "network.onnx" if isinstance(network, bytes) else network
            raise ModelError(f"{name}: ONNX Runtime cannot read it ({str(error).splitlines()[0]})") from error
        self._names = [output.name for output in self._session.get_outputs()]

    def __call__(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """Return the outputs of a batch by name, each (photos, ...)."""
        return self._together([self._one(batch.crops[batch.owner == number]) for number in range(len(batch.rows))])

    def look(self, sources: Sequence[images.Source | None], settings: Preprocess) -> Part:
        """The outputs of some photos, each decoded right before it is looked at."""
        rows, found, empty, errors = [], [], [], {}
        for row, source in enumerate(sources):
            picture = load(source, settings, None, row)
            if isinstance(picture, str):
                errors[row] = picture
            else:
                rows.append(row)
                empty.append(picture.empty)
                found.append(self._one(normalised(picture.crops, settings)))
        return np.array(rows, np.int64), _with_empty(self._together(found), np.array(empty, bool)), errors

    def _one(self, crops: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        result: list[NDArray[np.float64]] = self._session.run(None, {"pixels": np.ascontiguousarray(crops[None])})
        return result

    def _together(self, parts: Sequence[list[NDArray[np.float64]]]) -> dict[str, NDArray[Any]]:
        return {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(self._names) if parts}


def pick_device(device: str | None) -> str:
    """The device to compute on: the one asked for, else a GPU where there is one. Raises InputError."""
    if device is None:
        return "cuda" if require("torch", extra="torch").cuda.is_available() else "cpu"
    check_device(device)
    return device


def check_device(device: str | None) -> None:
    """Refuse a device that this machine does not have, also for a model that would not use it. Raises InputError.

    The CPU is always there, with torch or without.
    """
    if device in (None, "cpu"):
        return
    torch = require("torch", extra="torch")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch says "not compiled with" by an assertion
        raise InputError(f"device {device!r} cannot be used here ({str(error).splitlines()[0]})") from error


def default_workers(photos: int, device: str = "cpu") -> int:
    """As many processes as cores, where there are photos enough to be worth it; one beside a GPU."""
    return 1 if device != "cpu" else max(1, min(processes.cores(), photos // WORTH_A_PROCESS))


def compute_outputs(
    sources: Sequence[images.Source | None],
    settings: Preprocess,
    make: Callable[[], Compute],
    *,
    workers: int = 1,
    pool: Workers | None = None,
    track: Track = silent,
    what: str = "looking at photos",
) -> Iterator[Part]:
    """(rows, outputs, errors) of 16 photos at a time, in order; each photo exactly once.

    ``pool`` are processes that are there already. Pictures in memory (PIL) stay in this process.
    """
    in_memory = any(isinstance(source, Image.Image) for source in sources)
    if in_memory or (pool is None and workers <= 1):
        parts = _in_process(sources, settings, make)
    elif pool is not None:
        parts = pool.map(_tasks(sources))
    else:
        parts = _spread(_tasks(sources), settings, make, workers)
    counted = _by_photo(parts)
    yield from (part for part in track(counted, total=len(sources), what=what) if part is not None)


class Workers:
    """Processes of one thread each that run a network on photos; they stay until they are closed."""

    def __init__(self, make: Callable[[], Compute], settings: Preprocess, workers: int) -> None:
        self._pool = processes.Pool(_start, (make, settings), _work, workers)

    def map(self, tasks: Iterable[Task]) -> Iterator[Part]:
        """What a network says of the photos of each task, in order; some tasks are ahead of the reader."""
        return self._pool.map(tasks)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _tasks(sources: Sequence[images.Source | None]) -> Iterator[Task]:
    for start in range(0, len(sources), BATCH):
        yield start, list(sources[start : start + BATCH])


def _by_photo(parts: Iterator[Part]) -> Iterator[Part | None]:
    """Each block followed by one None for every further photo in it, so that a bar counts photos."""
    for rows, outputs, errors in parts:
        yield rows, outputs, errors
        yield from [None] * (len(rows) + len(errors) - 1)


def _in_process(
    sources: Sequence[images.Source | None], settings: Preprocess, make: Callable[[], Compute]
) -> Iterator[Part]:
    compute, left = make(), len(sources)
    parts: list[Part] = []
    if isinstance(compute, OnnxCompute):
        yield from (_looked_at(task, compute, settings) for task in _tasks(sources))
        return
    for batch in batches(sources, settings, batch_size=BATCH):  # which decodes ahead, beside a GPU
        parts.append(_outputs_of(batch, compute))
        seen = sum(len(rows) + len(errors) for rows, _, errors in parts)
        if seen == min(BATCH, left):
            yield join_parts(parts)
            left, parts = left - seen, []


def _spread(tasks: Iterable[Task], settings: Preprocess, make: Callable[[], Compute], workers: int) -> Iterator[Part]:
    with Workers(make, settings, workers) as pool:
        yield from pool.map(tasks)


_worker: tuple[Compute, Preprocess] | None = None


def _start(make: Callable[[], Compute], settings: Preprocess) -> None:
    global _worker
    _worker = (make(), settings)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)  # two threads beside a busy core are slower than one


def _work(task: Task) -> Part:
    if _worker is None:
        raise RuntimeError("_start has not been called in this process")
    compute, settings = _worker
    return _looked_at(task, compute, settings)


def _looked_at(task: Task, compute: Compute, settings: Preprocess) -> Part:
    start, sources = task
    if isinstance(compute, OnnxCompute):
        rows, outputs, errors = compute.look(sources, settings)
    else:
        pieces = batches(sources, settings, batch_size=len(sources))
        rows, outputs, errors = join_parts([_outputs_of(batch, compute) for batch in pieces])
    return rows + start, outputs, {row + start: text for row, text in errors.items()}


def _outputs_of(batch: Batch, compute: Compute) -> Part:
    outputs = _with_empty(compute(batch), batch.empty) if len(batch.rows) else {}
    return batch.rows, outputs, batch.errors


def _with_empty(outputs: dict[str, NDArray[Any]], empty: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """A network's outputs, where there are any, and which of their pictures have nothing to see."""
    return outputs | {EMPTY: empty} if len(empty) else outputs


def join_parts(parts: Sequence[Part]) -> Part:
    """Several parts as one, in the order of their rows."""
    rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _, _ in parts)])
    given = [outputs for _, outputs, _ in parts if outputs]
    order = np.argsort(rows)
    outputs = {name: np.concatenate([part[name] for part in given])[order] for name in (given[0] if given else ())}
    return rows[order], outputs, {row: text for _, _, errors in parts for row, text in errors.items()}
