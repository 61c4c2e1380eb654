"""Positions in a table of photos: which rows have one, and which levels of S2 there are."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from whereshot.foundation.errors import InputError
from whereshot.photos.curate import positions


def test_rows_with_half_a_position_have_none() -> None:
    table = pa.table(
        {
            "latitude": pa.array([1.0, None, 2.0, math.nan, None, -90.0]),
            "longitude": pa.array([10.0, 20.0, None, 40.0, None, 180.0]),
        }
    )
    rows, without = positions.known(table)
    assert rows.tolist() == [0, 5]
    assert (without.rows.tolist(), without.reason, without.sentence(0)) == (
        [1, 2, 3, 4],
        "no position",
        "it has no position",
    )
    assert positions.points(table, rows)[0].tolist() == [1, 10]
    assert positions.points(table, rows[:0]).shape == (0, 2)


def test_levels_of_s2() -> None:
    positions.check_level(0, "--level")
    positions.check_level(30, "--level")
    for level in (-1, 31):
        with pytest.raises(InputError, match=f"--level takes a level of S2 from 0 to 30; got {level}"):
            positions.check_level(level, "--level")
