"""Load photos as batches of arrays: the same loader for training, evaluation and answering.

Threads (the decoders release Python's lock) or processes decode pictures in advance. A picture that cannot be read is
in the ``errors`` of its batch; it is never missing. A source is a path, also of a picture in a packed tar, or bytes.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation import processes
from whereshot.foundation.errors import ImageError, InputError
from whereshot.photos import emptiness, picture_bytes, preprocess
from whereshot.photos.photo import PhotoLike
from whereshot.photos.reject_reasons import NO_FILE_DETAIL

if TYPE_CHECKING:
    from whereshot.photos.augment import AugmentSettings


class Loaded(NamedTuple):
    """The crops (c, size, size, 3) of one picture, 0 to 255, and whether the picture is empty.

    Emptiness is tested only with fixed crops. Training draws random crops from all pictures.
    """

    crops: NDArray[np.uint8]
    empty: bool = False


@dataclass(frozen=True)
class Batch:
    """Crops of some photos of one shape: ``crops`` (m, 3, h, w) belong to ``rows[owner]``.

    ``errors`` has the rows of the same chunk that cannot be read. ``empty`` (n,) are the rows of empty pictures.
    """

    rows: NDArray[np.int64]
    crops: NDArray[np.float32]
    owner: NDArray[np.int64]
    errors: dict[int, str]
    empty: NDArray[np.bool_]


class Loader(Protocol):
    """A function that yields photos in batches, in ``order`` (by default all rows).

    With ``random_crops``, a (seed, epoch), it yields the random crops of training. They depend only on these two
    numbers and the row, and are changed as ``augment`` states. Without it the crops are fixed.
    """

    def __call__(
        self,
        sources: Sequence[PhotoLike | None],
        settings: preprocess.Preprocess,
        *,
        batch_size: int = 16,
        order: NDArray[np.int64] | None = None,
        random_crops: Sequence[int] | None = None,
        augment: AugmentSettings | None = None,
    ) -> Iterator[Batch]:
        """Yield the batches of photos (rows of ``sources``) in ``order``, by default all in their order."""
        ...


def batches(
    sources: Sequence[PhotoLike | None],
    settings: preprocess.Preprocess,
    *,
    batch_size: int = 16,
    order: NDArray[np.int64] | None = None,
    random_crops: Sequence[int] | None = None,
    augment: AugmentSettings | None = None,
    threads: int = 1,
) -> Iterator[Batch]:
    """The Loader that decodes in ``threads`` threads of this process."""
    chunks = chunked(len(sources), batch_size, order)

    def load_row(row: int) -> Loaded | str:
        return load(sources[row], settings, random_crops, row, augment)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        ahead: deque[tuple[NDArray[np.int64], list[Future[Loaded | str]]]] = deque()
        for chunk in [*chunks[: threads + 1]]:
            ahead.append((chunk, [pool.submit(load_row, int(row)) for row in chunk]))
        rest: list[NDArray[np.int64] | None] = [*chunks[threads + 1 :], *[None] * len(ahead)]
        for following in rest:
            chunk, futures = ahead.popleft()
            loaded = [future.result() for future in futures]
            if following is not None:
                ahead.append((following, [pool.submit(load_row, int(row)) for row in following]))
            yield from joined(chunk, loaded, settings)


class Processes:
    """The Loader that decodes in ``workers`` processes, which are kept between epochs. Use it in a ``with``.

    It is faster where decoding can use several cores. For pictures in memory (PIL) use ``batches``.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise InputError(f"workers must be at least 1; got {workers}")
        self._pool = processes.Pool(_start, (), _load_all, workers)

    def __call__(
        self,
        sources: Sequence[PhotoLike | None],
        settings: preprocess.Preprocess,
        *,
        batch_size: int = 16,
        order: NDArray[np.int64] | None = None,
        random_crops: Sequence[int] | None = None,
        augment: AugmentSettings | None = None,
    ) -> Iterator[Batch]:
        """Yield the batches of photos in ``order``; see ``Loader``."""
        chunks = chunked(len(sources), batch_size, order)
        tasks = (([sources[row] for row in chunk], chunk, settings, random_crops, augment) for chunk in chunks)
        for chunk, loaded in zip(chunks, self._pool.map(tasks), strict=True):
            yield from joined(chunk, loaded, settings)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()


def _start() -> None:
    """Decoding processes need no preparation: decoders use one thread."""


def _load_all(
    task: tuple[
        list[PhotoLike | None],
        NDArray[np.int64],
        preprocess.Preprocess,
        Sequence[int] | None,
        AugmentSettings | None,
    ],
) -> list[Loaded | str]:
    sources, rows, settings, random_crops, augment = task
    pairs = zip(sources, rows, strict=True)
    return [load(source, settings, random_crops, int(row), augment) for source, row in pairs]


def load(
    source: PhotoLike | None,
    settings: preprocess.Preprocess,
    random_crops: Sequence[int] | None,
    row: int,
    augment: AugmentSettings | None = None,
) -> Loaded | str:
    """Return the crops of one row, or the reason why it has none."""
    if source is None:
        return NO_FILE_DETAIL
    try:
        if random_crops is None:
            image = preprocess.decode(source, settings)
            return Loaded(preprocess.crops_of(image, settings), emptiness.is_empty(image))
        rng = generator(random_crops, row)
        crop = preprocess.RandomCrop() if augment is None else augment.crop
        return Loaded(augmented(preprocess.random_pixels(source, settings, rng, crop), augment, rng))
    except ImageError as error:
        return str(error)


def augmented(crops: NDArray[np.uint8], augment: AugmentSettings | None, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return random crops (c, size, size, 3) after augmentation; ``rng`` has already drawn the crop."""
    if augment is None:
        return crops
    from whereshot.photos import augment as augmenting  # it imports OpenCV, which only training needs

    return np.stack([augmenting.apply(crop, augment, rng) for crop in crops])


def generator(random_crops: Sequence[int], row: int) -> np.random.Generator:
    """Return the random generator for the crop of a row in a (seed, epoch)."""
    return np.random.default_rng([*random_crops, row])


def chunked(photos: int, batch_size: int, order: NDArray[np.int64] | None) -> list[NDArray[np.int64]]:
    """Return the rows of each batch."""
    rows = np.arange(photos) if order is None else np.asarray(order, np.int64)
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]


def joined(
    chunk: NDArray[np.int64], loaded: Sequence[Loaded | str], settings: preprocess.Preprocess
) -> Iterator[Batch]:
    """Yield the batches of loaded pictures: one for each shape of their crops, at least one.

    A text in ``loaded`` is the reason why a row has no picture.
    """
    errors = {int(row): text for row, text in zip(chunk, loaded, strict=True) if isinstance(text, str)}
    shapes: dict[tuple[int, ...], list[tuple[int, Loaded]]] = {}
    for row, picture in zip(chunk, loaded, strict=True):
        if not isinstance(picture, str):
            shapes.setdefault(picture.crops.shape[1:], []).append((row, picture))
    for good in shapes.values() or [[]]:
        nothing = np.empty((0, *(good[0][1].crops.shape[1:] if good else (settings.size, settings.size, 3))), np.uint8)
        yield Batch(
            rows=np.array([row for row, _ in good], dtype=np.int64),
            crops=preprocess.normalised(np.concatenate([nothing, *(picture.crops for _, picture in good)]), settings),
            owner=np.repeat(np.arange(len(good)), [len(picture.crops) for _, picture in good]),
            errors=errors,
            empty=np.array([picture.empty for _, picture in good], dtype=bool),
        )
        errors = {}


def content_digest(path: str | Path) -> bytes | None:
    """Return 16 bytes that identify the content of a picture's file, also in a tar; None where it cannot be read."""
    try:
        if picture_bytes.is_member(path):
            return hashlib.blake2b(picture_bytes.contents(path), digest_size=16).digest()
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except (OSError, ImageError):
        return None
