"""Photos -> batches of arrays: the one loader for training, evaluation and answering.

Pictures are decoded ahead by threads (Pillow gives up the interpreter's lock while it decodes and resizes). A
picture that cannot be read is in its batch's ``errors``, never missing.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whereshot import images, preprocess
from whereshot.errors import ImageError

NO_FILE = "the record names no image file"


@dataclass(frozen=True)
class Batch:
    """Crops of some photos: ``crops`` (m, 3, h, w) belong to ``rows[owner]``; the unreadable rows are in ``errors``."""

    rows: NDArray[np.int64]
    crops: NDArray[np.float32]
    owner: NDArray[np.int64]
    errors: dict[int, str]


def batches(
    sources: Sequence[images.Source | None],
    settings: preprocess.Preprocess,
    *,
    batch_size: int = 16,
    threads: int = 1,
    order: NDArray[np.int64] | None = None,
    random_crops: Callable[[int], np.random.Generator] | None = None,
) -> Iterator[Batch]:
    """All photos in batches, in ``order`` (all rows by default).

    ``random_crops`` gives the random generator of a row, for training; without it the crops are the fixed ones.
    """
    rows = np.arange(len(sources)) if order is None else np.asarray(order, np.int64)
    chunks = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]

    def load(row: int) -> NDArray[np.float32] | str:
        source = sources[row]
        if source is None:
            return NO_FILE
        try:
            if random_crops is not None:
                return preprocess.load_random(source, settings, random_crops(row))
            return preprocess.load(source, settings)
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        ahead: deque[tuple[NDArray, list[Future]]] = deque()
        for chunk in [*chunks[: threads + 1]]:
            ahead.append((chunk, [pool.submit(load, int(row)) for row in chunk]))
        for following in [*chunks[threads + 1 :], *[None] * len(ahead)]:
            chunk, futures = ahead.popleft()
            loaded = [future.result() for future in futures]
            if following is not None:
                ahead.append((following, [pool.submit(load, int(row)) for row in following]))
            yield _batch(chunk, loaded, settings)


def _batch(chunk: NDArray[np.int64], loaded: list[NDArray | str], settings: preprocess.Preprocess) -> Batch:
    good = [(row, crops) for row, crops in zip(chunk, loaded, strict=True) if not isinstance(crops, str)]
    errors = {int(row): text for row, text in zip(chunk, loaded, strict=True) if isinstance(text, str)}
    empty = np.empty((0, 3, settings.size, settings.size), np.float32)
    counts = [len(crops) for _, crops in good]
    return Batch(
        rows=np.array([row for row, _ in good], dtype=np.int64),
        crops=np.concatenate([empty, *(crops for _, crops in good)]),
        owner=np.repeat(np.arange(len(good)), counts),
        errors=errors,
    )


def content_digest(path: str | Path) -> bytes | None:
    """16 bytes that name a file by what is in it; None where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError:
        return None
