"""Features of a frozen backbone, computed once per picture and kept by what is in the file.

A cache folder holds Parquet shards per backbone and preprocessing; a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whereshot.foundation import output_files
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import write_parquet
from whereshot.models import runtime
from whereshot.photos.batches import NO_FILE, content_digest
from whereshot.photos.preprocess import Preprocess

SHARD_PHOTOS = 512


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/whereshot/features``, by default under ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "whereshot" / "features"


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
    shard_photos: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[NDArray[np.float32], dict[int, str]]:
    """Pooled features (n, dim) of pictures and the errors by row, whose features are zero.

    ``identity`` names the backbone's weights; ``make`` gives a function whose output is named "pooled"; ``already``
    are features that are known, by row. ``shard_photos`` are written at a time, by default ``SHARD_PHOTOS``; ``say``
    is told in one line how many photos an earlier run did.
    """
    folder = (cache or default_cache()) / f"{identity}-{settings.digest()}"
    digests = [None if path is None or row in already else content_digest(path) for row, path in enumerate(paths)]
    known = _read(folder)
    todo: dict[bytes | int, int] = {}
    for row, digest in enumerate(digests):
        if row in already:
            continue
        if digest is None:
            todo[row] = row  # no file, or unreadable: the loader says why
        elif digest not in known:
            todo.setdefault(digest, row)
    done = sum(digest in known for digest in digests)
    if done and todo:
        say(f"going on: {done} of {len(paths) - len(already)} photos were looked at before")
    errors: dict[int, str] = {}
    if todo:
        rows = list(todo.values())
        pending: dict[bytes, NDArray[np.float32]] = {}
        blocks = runtime.compute_outputs(
            [paths[row] for row in rows], settings, make, workers=workers, track=track, what="computing features"
        )
        try:
            for positions, outputs, failed in blocks:
                for position, vector in zip(positions, outputs.get("pooled", ()), strict=False):
                    digest = digests[rows[position]]
                    if digest is not None:
                        pending[digest] = vector
                errors.update({rows[position]: text for position, text in failed.items()})
                if len(pending) >= (shard_photos or SHARD_PHOTOS):
                    known.update(_flush(folder, pending))
        finally:
            known.update(_flush(folder, pending))
    dim = len(next(iter([*known.values(), *already.values()]), ()))
    features = np.zeros((len(paths), dim), np.float32)
    failed_digests = {digests[row]: text for row, text in errors.items() if digests[row] is not None}
    for row, digest in enumerate(digests):
        if row in already:
            features[row] = already[row]
        elif digest is not None and digest in known:
            features[row] = known[digest]
        else:
            errors.setdefault(row, failed_digests.get(digest, NO_FILE))
    return features, errors


def _read(folder: Path) -> dict[bytes, NDArray[np.float32]]:
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
    """Write what is pending as one shard, and hand it back."""
    done = dict(pending)
    if pending:
        matrix = np.stack(list(pending.values())).astype(np.float32)
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
        table = pa.table({"digest": pa.array(list(pending), pa.binary(16)), "features": vectors})
        output_files.make_folder(folder)
        write_parquet(table, folder / f"{uuid.uuid4().hex}.parquet")
        pending.clear()
    return done
