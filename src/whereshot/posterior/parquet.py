"""Posteriors as a table: one row per photo and place, for Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from whereshot.foundation.errors import InputError
from whereshot.foundation.tables import write_parquet
from whereshot.posterior.base import Posterior


def to_table(posterior: Posterior, ids: Sequence[str]) -> pa.Table:
    """Return a table with one row per photo and place with mass, heaviest first for each photo.

    ``ids`` (n,) name the rows of the posterior. Columns are id, latitude, longitude, mass and spread_km. Raises
    InputError where the number of ids differs from the number of rows.
    """
    if len(ids) != len(posterior):
        raise InputError(f"{len(ids)} ids for {len(posterior)} rows")
    names, places, mass, spread_km = [], [np.empty((0, 2))], [np.empty(0)], [np.empty(0)]
    for row, name in enumerate(ids):
        one = posterior[row].top(posterior.log_mass.shape[1])
        kept = one.mass[0] > 0
        names += [name] * int(kept.sum())
        places.append(one.places[0, kept])
        mass.append(one.mass[0, kept])
        spread_km.append(one.spread_km[0, kept])
    position = np.concatenate(places)
    return pa.table(
        {
            "id": pa.array(names, pa.string()),
            "latitude": position[:, 0],
            "longitude": position[:, 1],
            "mass": np.concatenate(mass),
            "spread_km": np.concatenate(spread_km),
        }
    )


def write(posterior: Posterior, path: str | Path, ids: Sequence[str]) -> None:
    """Write the table of ``to_table`` to one Parquet file. Raises InputError and OutputError."""
    write_parquet(to_table(posterior, ids), Path(path))
