"""Features of a frozen backbone, computed once per picture and cached by the content of its file.

The cache holds Parquet files for each pair of backbone and preprocessing. A run that was killed continues from them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.foundation import output_files
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import write_parquet
from whereshot.foundation.user_folders import cache_folder
from whereshot.models import runtime
from whereshot.photos.batches import content_digest
from whereshot.photos.preprocess import Preprocess
from whereshot.photos.reject_reasons import NO_FILE_DETAIL

SHARD_PHOTOS = 512
"""Photos whose features are written at a time. A kill loses at most this number of photos."""


def default_cache() -> Path:
    """Return ``$XDG_CACHE_HOME/whereshot/features``, by default under ``~/.cache``."""
    return cache_folder("features")


def cached_features(
    paths: Sequence[str | None],
    settings: Preprocess,
    identity: str,
    make: Callable[[], runtime.Compute],
    *,
    cache: Path | None = None,
    workers: int = 1,
    track: Track = silent,
    already: Mapping[int, NDArray[np.floating]] = {},
    digests: Sequence[bytes | None] | None = None,
    shard_photos: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[NDArray[np.float32], dict[int, str]]:
    """Return pooled features (n, dim) of pictures, and the errors by row. The features of a failed row are zero.

    ``identity`` names the backbone's weights. ``make`` returns a function whose output is named "pooled". ``already``
    holds features that are known, by row. ``digests`` are the files' digests (``content_digest``) where the caller has
    them. ``shard_photos`` photos are written to the cache at a time, by default ``SHARD_PHOTOS``. ``say`` gets one line
    with the number of photos that an earlier run finished. Raises OutputError where the cache cannot be written.
    """
    folder = (cache or default_cache()) / f"{identity}-{settings.digest()}"
    if digests is None:
        digests = [None if path is None or row in already else content_digest(path) for row, path in enumerate(paths)]
    known = _read(folder)
    todo: dict[bytes | int, int] = {}
    for row, digest in enumerate(digests):
        if row in already:
            continue
        if digest is None:
            todo[row] = row  # the file is missing or unreadable: the loader gives the reason
        elif digest not in known:
            todo.setdefault(digest, row)
    done = sum(digest in known for row, digest in enumerate(digests) if row not in already)
    if done and todo:
        say(f"continuing: {done} of {len(paths) - len(already)} photos were looked at before")
    rows = list(todo.values())
    parts = runtime.compute_outputs(
        [paths[row] for row in rows], settings, make, workers=workers, track=track, what="computing features"
    )
    errors = _compute_missing(parts, rows, digests, known, folder, shard_photos or SHARD_PHOTOS) if todo else {}
    dim = len(next(iter([*known.values(), *already.values()]), ()))
    features = np.zeros((len(paths), dim), np.float32)
    failed_digests = {digests[row]: text for row, text in errors.items() if digests[row] is not None}
    for row, digest in enumerate(digests):
        if row in already:
            features[row] = already[row]
        elif digest is not None and digest in known:
            features[row] = known[digest]
        else:
            errors.setdefault(row, failed_digests.get(digest, NO_FILE_DETAIL))
    return features, errors


def _compute_missing(
    parts: Iterable[runtime.Part],
    rows: Sequence[int],
    digests: Sequence[bytes | None],
    known: dict[bytes, NDArray[np.float32]],
    folder: Path,
    shard_photos: int,
) -> dict[int, str]:
    """Add the computed features to ``known`` and to the cache, also when the work is interrupted; return the errors.

    ``rows`` are the photos that ``parts`` count from 0.
    """
    errors: dict[int, str] = {}
    pending: dict[bytes, NDArray[np.float32]] = {}
    try:
        for positions, outputs, failed in parts:
            for position, vector in zip(positions, outputs.get("pooled", ()), strict=False):
                digest = digests[rows[position]]
                if digest is not None:
                    pending[digest] = vector
            errors.update({rows[position]: text for position, text in failed.items()})
            if len(pending) >= shard_photos:
                known.update(_flush(folder, pending))
    finally:
        known.update(_flush(folder, pending))
    return errors


def _read(folder: Path) -> dict[bytes, NDArray[np.float32]]:
    """Return all cached features by the digest of the file."""
    known: dict[bytes, NDArray[np.float32]] = {}
    for shard in sorted(folder.glob("*.parquet")):
        try:
            table = pq.read_table(shard)
        except (pa.ArrowInvalid, OSError):
            shard.unlink(missing_ok=True)  # a broken shard is computed again
            continue
        vectors = table["features"].combine_chunks()
        matrix = vectors.flatten().to_numpy().reshape(len(vectors), -1)
        known.update(zip(table["digest"].to_pylist(), matrix, strict=True))
    return known


def _flush(folder: Path, pending: dict[bytes, NDArray[np.float32]]) -> dict[bytes, NDArray[np.float32]]:
    """Write the pending features as one shard, empty ``pending``, and return the features."""
    done = dict(pending)
    if pending:
        matrix = np.stack(list(pending.values())).astype(np.float32)
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
        table = pa.table({"digest": pa.array(list(pending), pa.binary(16)), "features": vectors})
        output_files.make_folder(folder)
        write_parquet(table, folder / f"{uuid.uuid4().hex}.parquet")
        pending.clear()
    return done
