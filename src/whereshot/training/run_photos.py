"""The photos of a run: the rows that can be used, and the rejected rows with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whereshot.foundation.errors import ConfigError, ImageError, InputError, nearest_name
from whereshot.foundation.progress import Track, silent
from whereshot.foundation.tables import rejects_table
from whereshot.photos import images
from whereshot.photos.records import Records
from whereshot.photos.reject_reasons import NO_FILE_DETAIL, NO_POSITION
from whereshot.photos.sources import SOURCES
from whereshot.training.run_file import PLACE, DataSettings


def read_records(settings: DataSettings) -> tuple[Records, pa.Table]:
    """Read the records of a run; return those with a position, and the rejects. Raises InputError, ConfigError."""
    path = settings.train
    if path.is_file() and (settings.columns or path.suffix.lower() != ".parquet"):
        ingested = SOURCES["table"]([path], settings.columns, silent)
        records, rejects = ingested.records, ingested.rejects
    else:
        records = Records.read(path)
        lost = records[~records.has_position]
        rejects = rejects_table(
            (name, image, NO_POSITION, "latitude or longitude is missing")
            for name, image in zip(lost.strings("id"), lost.strings("image"), strict=True)
        )
        records = records[records.has_position]
    if len(records) == 0:
        raise InputError(f"{path}: no photo with a position to train on")
    if settings.split_by != PLACE and settings.split_by not in records.table.column_names:
        known = [*records.table.column_names, PLACE]
        raise ConfigError(f"data.split_by: no column {settings.split_by!r}; {nearest_name(settings.split_by, known)}")
    return records, rejects


def split(records: Records, settings: DataSettings, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows to train on and the rows for validation; a group is never divided. Raises InputError."""
    rows = np.arange(len(records))
    if settings.validation == 0:
        return rows, rows[:0]
    parts = records.with_column("_row", rows).split(settings.validation, by=settings.split_by, seed=seed)
    train_rows, validation_rows = (part.table["_row"].to_numpy().copy() for part in parts)
    if len(train_rows) == 0 or len(validation_rows) == 0:
        raise InputError(
            f"data.validation = {settings.validation} leaves {len(train_rows)} photos and {len(validation_rows)}"
        )
    return train_rows, validation_rows


def weights(points: NDArray[np.float64], weigh_by: str) -> NDArray[np.float64]:
    """Return the weight (n,) of each photo, 1 on average: equal for all photos, or equal for all positions."""
    if weigh_by == "photo":
        return np.ones(len(points))
    _, inverse, counts = np.unique(points, axis=0, return_inverse=True, return_counts=True)
    weight = 1 / counts[inverse]
    result: NDArray[np.float64] = weight / weight.mean()
    return result


def unreadable(paths: Sequence[str | None], track: Track) -> dict[int, str]:
    """Return the errors of pictures that cannot be decoded, by row, before a long training starts."""

    def problem(path: str | None) -> str | None:
        if path is None:
            return NO_FILE_DETAIL
        try:
            images.open_rgb(path, min_side=64)
        except ImageError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=2) as pool:
        problems = track(pool.map(problem, paths), total=len(paths), what="checking pictures")
        return {row: text for row, text in enumerate(problems) if text is not None}
