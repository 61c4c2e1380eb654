"""The step balance: at most N photos of each cell, country or user stay, drawn by lot."""

from __future__ import annotations

from pathlib import Path

import pytest

from curating import clean, crowd, rejects_of, write_records
from whereshot.foundation.errors import InputError
from whereshot.photos.records import Records


@pytest.mark.parametrize(("by", "kept"), [("cell", 10), ("country", 10), ("user", 15)])
def test_balance_keeps_so_many_of_each(tmp_path: Path, by: str, kept: int) -> None:
    found = clean(crowd(tmp_path), tmp_path / "out", balance={"most": 5, "by": by, "seed": 3})
    assert found["kept"] == kept
    ids = Records.read(tmp_path / "out").strings("id")
    rejected = rejects_of(tmp_path / "out")
    if by != "user":
        assert rejected.pop("nowhere") == ("no position", "it has no position")
    assert {reason for reason, _ in rejected.values()} == {"balance"}
    named = {"cell": "cell ", "country": "Belgium", "user": "user 'a'"}[by]
    assert any(f"5 photos of {named}" in detail for _, detail in rejected.values())
    # whoever was drawn among many is drawn among few
    few = [row for row in Records.read(crowd(tmp_path)).table.to_pylist() if row["id"] in ids[:7]]
    again = write_records(tmp_path / "few.parquet", few)
    assert clean(again, tmp_path / "again", balance={"most": 5, "by": by, "seed": 3})["kept"] == 7


def test_balance_by_what_is_not_there(tmp_path: Path) -> None:
    for given_, told in (
        ({"most": 0}, "--balance must be at least 1; got 0"),
        ({"most": 1, "by": "town"}, "--balance-by takes cell, country or a column of the records; 'town' is none"),
        ({"most": 1, "level": 40}, "--balance-level takes a level of S2 from 0 to 30; got 40"),
    ):
        with pytest.raises(InputError, match=told):
            clean(crowd(tmp_path), tmp_path / "out", balance=given_)
