"""The step one-per-user-cell: one photo of each user in each cell stays, drawn by lot."""

from __future__ import annotations

from pathlib import Path

import pytest

from curating import clean, crowd, rejects_of
from whereshot.earth import s2
from whereshot.foundation.errors import InputError
from whereshot.photos.records import Records


def test_one_photo_of_each_user_and_cell(tmp_path: Path) -> None:
    found = clean(crowd(tmp_path), tmp_path / "out", one_per_user_cell={"level": 8, "seed": 1})
    assert found["rejected"] == {"same user and cell": 36, "no position": 1}
    kept = Records.read(tmp_path / "out")
    users = kept.strings("user")
    assert (users.count(None), users.count("a"), users.count("b")) == (20, 2, 2)  # of unknown users all stay
    drawn = {row["id"] for row in kept.table.to_pylist() if row["user"]}
    details = [detail for reason, detail in rejects_of(tmp_path / "out").values() if reason == "same user and cell"]
    assert {detail.split("'")[3] for detail in details} == drawn
    token = s2.token(s2.encode([[10.0, 5.0]], 8))[0]
    assert sum(f"in cell {token} of level 8" in detail for detail in details) == 18
    clean(crowd(tmp_path), tmp_path / "other", one_per_user_cell={"level": 8, "seed": 2})
    assert set(Records.read(tmp_path / "other").strings("id")) != set(kept.strings("id"))
    with pytest.raises(InputError, match="--one-per-user-cell takes a level of S2 from 0 to 30; got 31"):
        clean(crowd(tmp_path), tmp_path / "none", one_per_user_cell={"level": 31})
