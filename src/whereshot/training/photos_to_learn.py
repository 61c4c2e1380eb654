"""The photos of a library that is learned: their table, their features, and the same file given twice."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whereshot.models.learned_photos import LearnedPhotos
from whereshot.models.model_folder import ModelFolder
from whereshot.photos.records import Records

SESSION = datetime.timedelta(hours=1)
"""Photos belong to one session where no pause between them is longer. A session is held out as a whole."""


def groups_of(table: pa.Table) -> list[str]:
    """Return the group (n,) of each photo. The photos of a group are held out together.

    The column "group" counts, then "album", then the session of the time "taken_at"; else each photo is a group.
    """
    ids = table["id"].to_pylist()
    for column in ("group", "album"):
        if column in table.column_names and table[column].null_count < len(table):
            names = table[column].to_pylist()
            return [f"{column}:{name}" if name else f"id:{own}" for name, own in zip(names, ids, strict=True)]
    if "taken_at" not in table.column_names:
        return [f"id:{own}" for own in ids]
    taken = table["taken_at"].to_pylist()
    groups = [f"id:{own}" for own in ids]
    last, session = None, 0
    for row in sorted((row for row, at in enumerate(taken) if at is not None), key=lambda row: taken[row]):
        session += last is None or taken[row] - last > SESSION
        last = taken[row]
        groups[row] = f"session:{session}"
    return groups


def photo_table(records: Records) -> pa.Table:
    """Return what a library keeps of each photo: id, image, latitude, longitude, accuracy_km (0 if unknown), group."""
    table = records.table
    accuracy = records.numbers("accuracy_km") if "accuracy_km" in table.column_names else np.zeros(len(records))
    columns = {
        "id": table["id"],
        "image": table["image"],
        "latitude": pa.array(records.points[:, 0]),
        "longitude": pa.array(records.points[:, 1]),
        "accuracy_km": pa.array(np.nan_to_num(accuracy, nan=0.0)),
        "group": pa.array(groups_of(table), pa.string()),
    }
    return pa.table(columns)


@dataclass(frozen=True)
class PhotosToLearn:
    """Photos to learn: a table with one row for each, their pooled features (n, d) and their digests."""

    table: pa.Table
    pooled: NDArray[np.float16]
    learned: LearnedPhotos


def library_of_folder(folder: ModelFolder) -> PhotosToLearn:
    """Return the photos that a model folder has learned."""
    table = folder.photos.drop_columns([name for name in ("digest", "place") if name in folder.photos.column_names])
    return PhotosToLearn(table, folder.arrays["pooled"], folder.known_photos)


def known_features(folder: ModelFolder, photos: LearnedPhotos) -> dict[int, NDArray[np.float32]]:
    """Return the features of the photos whose files the library has already, by row."""
    row_of = {digest.tobytes(): row for row, digest in enumerate(folder.known_photos.files)}
    found = ((row, row_of.get(digest.tobytes())) for row, digest in enumerate(photos.files))
    return {row: folder.arrays["pooled"][at].astype(np.float32) for row, at in found if at is not None}


def find_copies(files: NDArray[np.uint8]) -> tuple[list[int], list[int]]:
    """Return the rows of digests (n, 16) that are repeated later, and for each the last row with the same digest."""
    last = {digest.tobytes(): row for row, digest in enumerate(files)}
    pairs = [(row, last[digest.tobytes()]) for row, digest in enumerate(files)]
    copied = [(row, other) for row, other in pairs if other != row]
    return [row for row, _ in copied], [other for _, other in copied]


def merged(before: PhotosToLearn, given: PhotosToLearn) -> PhotosToLearn:
    """Return old and new photos, each file once. Where a file is given again, its new position counts."""
    learned = before.learned.append(given.learned)
    rows = np.setdiff1d(np.arange(len(learned)), find_copies(learned.files)[0])
    table = pa.concat_tables([before.table.select(given.table.column_names), given.table])
    pooled = np.concatenate([before.pooled, given.pooled]) if len(given.pooled) else before.pooled
    return PhotosToLearn(table.take(pa.array(rows)), np.ascontiguousarray(pooled[rows]), learned.take(rows))
