"""Columns and ids of tables: known names, repeated ids, and files that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from prediction_tables import N, read, table, write
from whereshot.evaluate import Truth
from whereshot.evaluate.tables import NAMED, Problems, read_truth
from whereshot.foundation.errors import InputError


def test_columns_are_named_or_known_by_their_usual_names(places: NDArray, truth: Truth, tmp_path: Path) -> None:
    plain = table(places)
    usual = {"image_id": plain["id"], "Lat": plain["latitude"], "LNG": plain["longitude"]}
    np.testing.assert_allclose(read(write(tmp_path / "a.csv", usual), truth)[0].points, places)
    odd = {"what": plain["id"], "north": plain["latitude"], "east": plain["longitude"]}
    path = write(tmp_path / "b.csv", odd)
    named = read(path, truth, id="what", latitude="north", longitude="east")[0]
    np.testing.assert_allclose(named.points, places)
    with pytest.raises(InputError) as caught:
        read(path, truth)
    said = f"{path}: no id column among what, north, east; name it: --column id=NAME"
    assert str(caught.value) == said
    with pytest.raises(InputError, match=r"no column 'nort'; did you mean 'north'\?$"):
        read(path, truth, latitude="nort")


def test_many_faults_are_counted(places: NDArray, truth: Truth, tmp_path: Path) -> None:
    columns = table(places)
    columns["latitude"][:25] = [""] * 25
    _, problems = read(write(tmp_path / "them.csv", columns), truth)
    assert len(problems.rows) == 25
    assert problems.notes()[NAMED:] == ["them.csv: 5 more counted as a miss"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda columns: columns["id"].__setitem__(4, "002"),
            "id '002' occurs in rows 3, 5; keep one answer per photo",
        ),
        (lambda columns: columns["id"].__setitem__(4, ""), "row 5 has no id, nor have 0 others"),
        (
            lambda columns: columns.update(id=[f"x{n}" for n in range(N)]),
            "none of 30 ids is in the truth, whose first is '000'; the first here is 'x0'",
        ),
    ],
)
def test_ids_that_are_refused(places: NDArray, truth: Truth, tmp_path: Path, change: Any, said: str) -> None:
    columns = table(places)
    change(columns)
    path = write(tmp_path / "them.csv", columns)
    with pytest.raises(InputError) as caught:
        read(path, truth)
    assert str(caught.value) == f"{path}: {said}"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "an empty table; the first line must name the columns"),
        ("a.csv", "id,latitude,longitude\n", "no photo in this table"),
        ("a.csv", "id,id,latitude\n", "more than one column is called 'id'; rename all but one"),
        ("a.jsonl", '{"id": "1"\n', "line 1 is not JSON (Expecting ',' delimiter); expected one object per line"),
        ("a.jsonl", "[1]\n", "line 1 is not a JSON object"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_truth(path, {}, None, Problems())
    assert str(caught.value) == f"{path}: {said}"


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone.csv: no such file$"):
        read_truth(tmp_path / "gone.csv", {}, None, Problems())
    (tmp_path / "a.parquet").write_text("text")
    with pytest.raises(InputError, match=r"a.parquet: not a readable Parquet file"):
        read_truth(tmp_path / "a.parquet", {}, None, Problems())
