"""The step ``--one-per-user-cell``: keep one photo, drawn by lot, of each user in each S2 cell.

A user's many photos of one place are nearly one observation of it. A photo without a user counts as the only photo of a
user of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whereshot.earth import s2
from whereshot.foundation.errors import InputError
from whereshot.photos.curate import draw_by_lot, positions
from whereshot.photos.curate.base import Dropped, Settings, Step

REASON = "same user and cell"


def check(settings: Settings, has_column: Any) -> None:
    """Raise InputError for a level that S2 does not have, and where no record has a user."""
    positions.check_level(settings["level"], "--one-per-user-cell")
    if not has_column("user"):
        raise InputError("--one-per-user-cell needs a column 'user', and no record has one")


def choose(table: pa.Table, settings: Settings) -> Sequence[Dropped]:
    """Drop all of a user's photos in a cell but one."""
    known, without = positions.known(table)
    points = positions.points(table, known)
    cells = s2.encode(points, settings["level"])
    lot = draw_by_lot.lots(table["id"], settings.get("seed", 0))[known]
    users = draw_by_lot.numbered(table["user"])[known]
    alone = pc.is_null(table["user"]).to_numpy()[known]
    own = np.where(alone, 1 + np.arange(len(known)), 0)
    chosen, winner = draw_by_lot.drawn([cells, users, own], lot, 1)
    rows = known[~chosen]

    def sentence(k: int) -> str:
        other = known[winner[~chosen][k]]
        user, token = table["user"][rows[k]].as_py(), s2.token(cells[~chosen][k : k + 1])[0]
        return (
            f"of user {user!r} in cell {token} of level {settings['level']}, {table['id'][other].as_py()!r} was drawn"
        )

    return [without, Dropped(rows, REASON, sentence)]


STEP = Step(choose=choose, check=check, chooses_by=lambda settings: ("id", "user", "latitude", "longitude"))
