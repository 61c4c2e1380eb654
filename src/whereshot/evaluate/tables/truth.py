"""Read a table of the true positions of photos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from whereshot.evaluate.base import Truth
from whereshot.evaluate.tables.base import (
    PredictionTable,
    Problems,
    given_positions,
    ids_of,
    positions_named,
    positions_of,
    read_columns,
)
from whereshot.foundation.errors import InputError, first_line
from whereshot.photos.records import RESERVED, SCHEMA, Records
from whereshot.photos.scenes import SCENES

OTHERS = {
    "user": ("user", "author", "owner", "user_id"),
    "group": ("group", "group_id"),
    "image": ("image", "path"),
    "posted_at": ("posted_at",),
    "taken_at": ("taken_at",),
    "country": ("country",),
    "region": ("region",),
    "sub-region": ("sub-region", "sub_region", "area"),
    "city": ("city",),
    **{f"scene_{scene}": (f"scene_{scene}", f"prob_{scene}") for scene in SCENES},
}
"""Optional columns of a table of the truth."""


def read_truth(path: Path, columns: Mapping[str, str], cluster: str | None, problems: Problems) -> Truth:
    """Read where photos were taken, with users, scenes and labels, where the table has them.

    ``columns`` names columns of the table. ``cluster`` is the column whose photos the bootstrap draws together. Raises
    InputError for ids that are missing or occur twice, and for photos without a usable position.
    """
    known = (
        positions_named("true") | OTHERS | ({cluster: (cluster.lower(),)} if cluster and cluster not in OTHERS else {})
    )
    table = read_columns(path, columns, known, "--truth-column")
    problems.warnings += table.notes
    if table.rows == 0:
        raise InputError(f"{path}: no photo in this table")
    if table.broken:
        row = min(table.broken)
        more = f"; so are {len(table.broken) - 1} more rows" if len(table.broken) > 1 else ""
        raise InputError(f"{path}: row {row} cannot be scored: {table.broken[row]}{more}")
    ids = ids_of(table)
    points, wrong = positions_of(table)
    if wrong:
        row = min(wrong)
        more = f"; so are {len(wrong) - 1} more rows" if len(wrong) > 1 else ""
        latitude, longitude = given_positions(table)[0].T
        swapped = (np.abs(latitude) > 90).any() and np.nanmax(np.abs(longitude)) <= 90
        hint = "; did you swap latitude and longitude?" if swapped else ""
        raise InputError(
            f"{path}: row {table.row_numbers[row]} (id {ids[row]}) cannot be scored: {wrong[row]}{more}{hint}"
        )
    if cluster is not None and cluster not in table:
        raise InputError(f"{path}: no column {cluster!r} to group photos by")
    parts = {"id": pa.array(ids, pa.string()), "latitude": points[:, 0], "longitude": points[:, 1]}
    for name in table.columns:
        if name in parts:
            continue
        kind = next((schema.field(name).type for schema in (SCHEMA, RESERVED) if name in schema.names), pa.string())
        if pa.types.is_floating(kind):
            parts[name] = pa.array(table.numbers(name)[0], from_pandas=True)
        elif pa.types.is_timestamp(kind):
            parts[name] = _times(table, name, kind, problems)
        else:
            parts[name] = table.texts(name)
    return Truth.of_records(Records(pa.table(parts)), cluster)


def _times(table: PredictionTable, name: str, kind: pa.DataType, problems: Problems) -> pa.Array:
    try:
        return table.columns[name].cast(pa.timestamp("us")).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problems.warnings.append(f"{table.path}: {name} is left out: {first_line(error)}")
        return pa.nulls(table.rows, kind)
