"""Compute the outputs of a network for photos, in this process or in several processes of one thread each.

A network is given as a function that makes it, so that each process makes its own. Processes are started by spawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation import processes
from whereshot.foundation.errors import InputError, ModelError, first_line, require
from whereshot.foundation.onnx_session import open_session
from whereshot.foundation.progress import Track, silent
from whereshot.photos.batches import Batch, batches, load
from whereshot.photos.emptiness import EMPTY
from whereshot.photos.photo import Photo, PhotoLike
from whereshot.photos.preprocess import Preprocess, normalised

Compute = Callable[[Batch], dict[str, NDArray[Any]]]
"""The result: outputs by name, each (photos of the batch, ...)."""

Task = tuple[int, list[PhotoLike | None]]
"""A task: the row of the first photo, and the sources of the photos."""

Part = tuple[NDArray[np.int64], dict[str, NDArray[Any]], dict[int, str]]
"""A part of the results: rows (n,), outputs by name (n, ...), and the errors of the other rows."""

BATCH = 16
WORTH_A_PROCESS = 64
"""Smallest number of photos per process. For fewer photos, starting a process costs more time than it saves."""


class TorchCompute:
    """Runs a torch module on batches: ``apply(crops, owner, photos)`` returns a tensor, or tensors by name."""

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
    """Runs network.onnx with ONNX Runtime on one thread, photo by photo.

    Larger batches are no faster and need more memory. ``network`` is a path, or the bytes of the file. Its input is
    (photos, crops, 3, h, w). Raises ModelError.
    """

    def __init__(self, network: str | bytes) -> None:
        try:
            self._session = open_session(network)
        except Exception as error:  # ONNX Runtime raises many kinds of errors
            name = "network.onnx" if isinstance(network, bytes) else network
            raise ModelError(f"{name}: ONNX Runtime cannot read it ({first_line(error)})") from error
        self._names = [output.name for output in self._session.get_outputs()]

    def __call__(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """Return the outputs of a batch by name, each (photos, ...)."""
        return self._joined([self._outputs_of(batch.crops[batch.owner == number]) for number in range(len(batch.rows))])

    def outputs_of(self, sources: Sequence[PhotoLike | None], settings: Preprocess) -> Part:
        """Return the outputs of some photos. Each photo is decoded directly before the network runs on it."""
        rows, found, empty, errors = [], [], [], {}
        for row, source in enumerate(sources):
            picture = load(source, settings, None, row)
            if isinstance(picture, str):
                errors[row] = picture
            else:
                rows.append(row)
                empty.append(picture.empty)
                found.append(self._outputs_of(normalised(picture.crops, settings)))
        return np.array(rows, np.int64), _with_empty(self._joined(found), np.array(empty, bool)), errors

    def _outputs_of(self, crops: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        result: list[NDArray[np.float64]] = self._session.run(None, {"pixels": np.ascontiguousarray(crops[None])})
        return result

    def _joined(self, parts: Sequence[list[NDArray[np.float64]]]) -> dict[str, NDArray[Any]]:
        return {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(self._names) if parts}


def pick_device(device: str | None) -> str:
    """Return the device to compute on: the given device, else a GPU where there is one. Raises InputError."""
    if device is None:
        return "cuda" if require("torch", extra="torch").cuda.is_available() else "cpu"
    check_device(device)
    return device


def check_device(device: str | None) -> None:
    """Raise InputError for a device that this machine does not have, even for a model that would not use it.

    The CPU is always available, with or without torch.
    """
    if device in (None, "cpu"):
        return
    torch = require("torch", extra="torch")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch raises AssertionError for "not compiled with CUDA"
        raise InputError(f"device {device!r} cannot be used here ({first_line(error)})") from error


def default_workers(photos: int, device: str = "cpu") -> int:
    """Return the number of processes: one per core, fewer for few photos, one beside a GPU."""
    return 1 if device != "cpu" else max(1, min(processes.cores(), photos // WORTH_A_PROCESS))


def compute_outputs(
    sources: Sequence[PhotoLike | None],
    settings: Preprocess,
    make: Callable[[], Compute],
    *,
    workers: int = 1,
    pool: Workers | None = None,
    track: Track = silent,
    what: str = "looking at photos",
) -> Iterator[Part]:
    """Yield (rows, outputs, errors) of 16 photos at a time, in order. Each photo comes exactly once.

    ``pool`` holds processes that run already. Pictures in memory (PIL) are computed in this process.
    """
    in_memory = any(source is not None and Photo.of(source).in_memory for source in sources)
    if in_memory or (pool is None and workers <= 1):
        parts = _in_process(sources, settings, make)
    elif pool is not None:
        parts = pool.map(_tasks(sources))
    else:
        parts = _spread(_tasks(sources), settings, make, workers)
    counted = _by_photo(parts)
    yield from (part for part in track(counted, total=len(sources), what=what) if part is not None)


class Workers:
    """Processes of one thread each that run a network on photos, until they are closed."""

    def __init__(self, make: Callable[[], Compute], settings: Preprocess, workers: int) -> None:
        self._pool = processes.Pool(_start, (make, settings), _work, workers)

    def map(self, tasks: Iterable[Task]) -> Iterator[Part]:
        """Yield the outputs for the photos of each task, in order. Some tasks are computed ahead."""
        return self._pool.map(tasks)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _tasks(sources: Sequence[PhotoLike | None]) -> Iterator[Task]:
    for start in range(0, len(sources), BATCH):
        yield start, list(sources[start : start + BATCH])


def _by_photo(parts: Iterator[Part]) -> Iterator[Part | None]:
    """Yield each part, and one None for each further photo in it, so that a progress bar counts photos."""
    for rows, outputs, errors in parts:
        yield rows, outputs, errors
        yield from [None] * (len(rows) + len(errors) - 1)


def _in_process(
    sources: Sequence[PhotoLike | None], settings: Preprocess, make: Callable[[], Compute]
) -> Iterator[Part]:
    compute, left = make(), len(sources)
    parts: list[Part] = []
    if isinstance(compute, OnnxCompute):
        yield from (_compute_task(task, compute, settings) for task in _tasks(sources))
        return
    for batch in batches(sources, settings, batch_size=BATCH):  # decodes ahead while a GPU computes
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
        sys.modules["torch"].set_num_threads(1)  # two threads on a busy core are slower than one


def _work(task: Task) -> Part:
    if _worker is None:
        raise RuntimeError("_start has not been called in this process")
    compute, settings = _worker
    return _compute_task(task, compute, settings)


def _compute_task(task: Task, compute: Compute, settings: Preprocess) -> Part:
    start, sources = task
    if isinstance(compute, OnnxCompute):
        rows, outputs, errors = compute.outputs_of(sources, settings)
    else:
        pieces = batches(sources, settings, batch_size=len(sources))
        rows, outputs, errors = join_parts([_outputs_of(batch, compute) for batch in pieces])
    return rows + start, outputs, {row + start: text for row, text in errors.items()}


def _outputs_of(batch: Batch, compute: Compute) -> Part:
    outputs = _with_empty(compute(batch), batch.empty) if len(batch.rows) else {}
    return batch.rows, outputs, batch.errors


def _with_empty(outputs: dict[str, NDArray[Any]], empty: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Return the outputs of a network with "empty", which marks the pictures that show nothing."""
    return outputs | {EMPTY: empty} if len(empty) else outputs


def join_parts(parts: Sequence[Part]) -> Part:
    """Return several parts as one part, in the order of their rows."""
    rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _, _ in parts)])
    given = [outputs for _, outputs, _ in parts if outputs]
    order = np.argsort(rows)
    outputs = {name: np.concatenate([part[name] for part in given])[order] for name in (given[0] if given else ())}
    return rows[order], outputs, {row: text for _, _, errors in parts for row, text in errors.items()}
