"""Ids of predictions find the photos of the truth, and are never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from prediction_tables import read, table, write
from whereshot.evaluate import Truth
from whereshot.evaluate.tables import Problems, read_truth


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda name: f"{name}.jpg",
            "30 ids differ from the truth's in folder or ending; '000.jpg' is taken for '000'",
        ),
        (
            lambda name: f"/data/{name}.JPG",
            "30 ids differ from the truth's in folder or ending; '/data/000.JPG' is taken for '000'",
        ),
        (lambda name: str(int(name)), "30 ids differ from the truth's in leading zeros; '0' is taken for '000'"),
    ],
)
def test_ids_written_in_another_way(change: Any, note: str, places: NDArray, truth: Truth, tmp_path: Path) -> None:
    columns = table(places)
    columns["id"] = [change(name) for name in columns["id"]]
    answers, problems = read(write(tmp_path / "them.csv", columns), truth)
    assert problems.notes() == [f"them.csv: {note}"]
    np.testing.assert_allclose(answers.points, places)


def test_ids_that_could_be_two_photos_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(
        "id,lat,lon\n007,1,2\n07,3,4\na/x.jpg,5,6\nb/x.jpg,7,8\nc/y.jpg,1,1\nz.png,1,1\n"
    )
    (tmp_path / "them.csv").write_text("id,lat,lon\n7,1,2\nx.jpg,5,6\nd/y.jpg,1,1\nz.jpg,1,1\n07,3,4\n")
    truth = read_truth(tmp_path / "truth.csv", {}, None, Problems())
    _, problems = read(tmp_path / "them.csv", truth)
    assert [problem.id for problem in problems.rows if problem.what == "an id too many"] == [
        "7",
        "x.jpg",
        "d/y.jpg",
        "z.jpg",
    ]
