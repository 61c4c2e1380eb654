"""The single checks of an audit: which training photo a test photo shares something with."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from curating import picture
from whereshot.photos.curate import audit_checks
from whereshot.photos.records import Records

NOON = datetime.datetime(2012, 7, 1, 12, tzinfo=datetime.UTC)


def records(*rows: dict) -> Records:
    return Records(
        pa.Table.from_pylist([{"id": f"{n}", "latitude": 0.0, "longitude": 0.0} | row for n, row in enumerate(rows)])
    )


def test_the_first_photo_with_the_same_value_is_named() -> None:
    train = records({"user": "a"}, {"user": None}, {"user": "b"}, {"user": "a"})
    found = audit_checks.same_value(
        "same user", ("user",), train, records({"user": "a"}, {"user": None}, {"user": "c"})
    )
    assert found.twin.tolist() == [0, -1, -1] and found.rows.tolist() == [True, False, False]
    assert found.sentence(0) == "of user 'a', as training photo '0'"


def test_the_first_column_with_values_on_both_sides_counts() -> None:
    train = records({"sequence": None, "group": "g"}, {"sequence": "s", "group": "h"})
    found = audit_checks.same_value(
        "same sequence",
        ("sequence", "group"),
        train,
        records({"sequence": "s", "group": "g"}, {"sequence": "t", "group": "g"}),
    )
    assert found.twin.tolist() == [1, 0]


@pytest.mark.parametrize(("apart_s", "twin"), [(-61, -1), (-60, 0), (0, 0), (60, 0), (61, -1)])
def test_the_limit_of_seconds_belongs_to_it(apart_s: int, twin: int) -> None:
    train = records({"user": "a", "taken_at": NOON}, {"user": "b", "taken_at": NOON})
    test = records({"user": "a", "taken_at": NOON + datetime.timedelta(seconds=apart_s)})
    assert audit_checks.seconds_apart(train, test, 60.0).twin.tolist() == [twin]


def test_places_a_metre_apart_are_the_same() -> None:
    train = records({"latitude": 10.0}, {"latitude": 20.0})
    finding, nearest_km = audit_checks.same_place(train, records({"latitude": 20.000005}, {"latitude": 20.01}))
    assert finding.twin.tolist() == [1, -1]
    assert nearest_km == pytest.approx([0.000556, 1.112], rel=1e-3)


def test_processes_read_the_same_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str | None] = [None, str(tmp_path / "none.jpg")]
    for seed in range(4):
        picture(seed).save(tmp_path / f"{seed}.jpg")
        paths.append(str(tmp_path / f"{seed}.jpg"))
    here = audit_checks.hash_all(paths)
    assert here[:2] == [(None, None), (None, None)] and len({digest for digest, _ in here}) == 5
    monkeypatch.setattr(audit_checks, "FEW_PHOTOS", 2)
    monkeypatch.setattr(audit_checks, "PORTION_PHOTOS", 4)
    monkeypatch.setattr(audit_checks, "cores", lambda: 2)
    test = records(*({"image": path} for path in paths))
    findings, notes = audit_checks.same_pictures(test, test, 4, lambda found, **_: found)
    assert [np.flatnonzero(finding.rows).tolist() for finding in findings] == [[2, 3, 4, 5]] * 2
    assert notes == [
        f"2 of 6 {which} photos could not be read, and were not compared by picture" for which in ("training", "test")
    ]
