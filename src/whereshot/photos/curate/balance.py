"""The step ``--balance``: keep at most N photos, drawn by lot, of each S2 cell, country, or value of a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whereshot.earth import s2
from whereshot.foundation.errors import InputError
from whereshot.photos.curate import draw_by_lot, positions
from whereshot.photos.curate.base import Dropped, Settings, Step

REASON = "balance"
LEVEL = 8
"""S2 cells of about 36 km."""


def check(settings: Settings, has_column: Any) -> None:
    """Raise InputError for a number, a level or a column that cannot be used."""
    if settings["most"] < 1:
        raise InputError(f"--balance must be at least 1; got {settings['most']}")
    by = settings.get("by", "cell")
    if by == "cell":
        positions.check_level(settings.get("level", LEVEL), "--balance-level")
    elif by != "country" and not has_column(by):
        raise InputError(f"--balance-by takes cell, country or a column of the records; {by!r} is none")


def choose(table: pa.Table, settings: Settings) -> Sequence[Dropped]:
    """Drop the photos above the number, in each group."""
    by, most = settings.get("by", "cell"), settings["most"]
    if by in ("cell", "country"):
        rows, without = positions.known(table)
        dropped = [without]
        groups: NDArray[np.int64] | NDArray[np.uint64] = _places(positions.points(table, rows), by, settings)
    else:
        rows, dropped = np.arange(len(table)), []
        groups = draw_by_lot.numbered(table[by].cast(pa.string()))
    lot = draw_by_lot.lots(table["id"], settings.get("seed", 0))[rows]
    chosen, _ = draw_by_lot.drawn([groups], lot, most)
    lost, groups = rows[~chosen], groups[~chosen]

    def sentence(k: int) -> str:
        if by == "cell":
            name = f"cell {s2.token(groups[k : k + 1])[0]}"
        elif by == "country":
            name = _country(int(groups[k]))
        else:
            name = f"{by} {table[by][int(lost[k])].as_py()!r}"
        return f"{most} photos of {name} were drawn, and it is not one of them"

    return [*dropped, Dropped(lost, REASON, sentence)]


def _places(points: NDArray[np.float64], by: str, settings: Settings) -> NDArray[np.int64] | NDArray[np.uint64]:
    if by == "cell":
        return s2.encode(points, settings.get("level", LEVEL))
    from whereshot.earth.countries import countries

    return countries().index_of(points)


def _country(number: int) -> str:
    from whereshot.earth.countries import countries

    return "no country" if number < 0 else countries().all[number].name


def _columns(settings: Settings) -> tuple[str, ...]:
    by = settings.get("by", "cell")
    return ("id", "latitude", "longitude") if by in ("cell", "country") else ("id", by)


STEP = Step(choose=choose, check=check, chooses_by=_columns)
