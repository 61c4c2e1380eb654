"""Read the positions of the photos in a table, and which photos have a position."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whereshot.earth import s2, sphere
from whereshot.foundation.errors import InputError
from whereshot.photos.curate.base import Dropped
from whereshot.photos.reject_reasons import NO_POSITION


def check_level(level: int, option: str) -> None:
    """Raise InputError for a level that S2 does not have."""
    if not 0 <= level <= s2.MAX_LEVEL:
        raise InputError(f"{option} takes a level of S2 from 0 to {s2.MAX_LEVEL}; got {level}")


def known(table: pa.Table) -> tuple[NDArray[np.int64], Dropped]:
    """Return the rows that have a position, and the others."""
    is_known = np.isfinite(_degrees(table)).all(axis=1)
    return np.flatnonzero(is_known), Dropped(np.flatnonzero(~is_known), NO_POSITION, lambda _: "it has no position")


def points(table: pa.Table, rows: NDArray[np.int64]) -> sphere.Points:
    """Return the positions (n, 2) of some rows."""
    return sphere.points(_degrees(table)[rows])


def _degrees(table: pa.Table) -> NDArray[np.float64]:
    columns = [table[name].to_numpy().astype(np.float64) for name in ("latitude", "longitude")]
    return np.stack(columns, axis=1)
