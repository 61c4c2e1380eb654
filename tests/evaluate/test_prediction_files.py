"""Files of several methods are read together and scored side by side; a calibration corrects their circles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from whereshot.evaluate import Protocol
from whereshot.evaluate.prediction_files import name_files, read_prediction_files, score_files
from whereshot.foundation.errors import InputError
from whereshot.posterior import parquet
from whereshot.posterior.base import Posterior

QUICK = Protocol(draws=10)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    (tmp_path / "truth.csv").write_text("id,lat,lon\na,10,20\nb,-30,40\nc,50,60\n")
    return tmp_path / "truth.csv"


def write(path: Path, rows: str) -> str:
    path.write_text("id,lat,lon,radius_90\n" + rows)
    return str(path)


def test_names_of_files(tmp_path: Path) -> None:
    assert name_files(["ours=x.csv", "b/theirs.csv"]) == {"ours": Path("x.csv"), "theirs": Path("b/theirs.csv")}
    strange = tmp_path / "a=b.csv"  # a file whose own name has the sign
    strange.touch()
    assert name_files([str(strange)]) == {"a=b": strange}
    with pytest.raises(InputError, match="two files are called 'x'; give them names as NAME=FILE"):
        name_files(["a/x.csv", "b/x.csv"])


def test_several_methods_are_compared_with_the_first(truth: Path, tmp_path: Path) -> None:
    right = write(tmp_path / "right.csv", "a,10,20,5\nb,-30,40,5\nc,50,60,5\n")
    wrong = write(tmp_path / "wrong.csv", "a,10,21,5\nb,-30,41,5\n")
    files = read_prediction_files([right, f"other={wrong}"], [], truth)
    report = score_files(files, QUICK)
    assert [row.name for row in report.rows] == ["right", "other"]
    assert [row.failed for row in report.rows] == [0, 1]
    assert (report.comparisons[0].win, report.comparisons[0].loss) == (3, 0)
    assert report.notes == ["wrong.csv: id c: no prediction; counted as a miss"]
    assert report.protocol["audit"] == "none: what it was trained on is not known"


def test_a_single_file_of_each_kind_belongs_together(truth: Path, tmp_path: Path) -> None:
    points = write(tmp_path / "points.csv", "a,10,20,5\nb,-30,40,5\nc,50,60,5\n")
    places = np.array([[10.0, 20.0], [-30.0, 40.0], [50.0, 60.0]])
    posterior = Posterior.from_mass(places, np.ones((3, 3)), np.full(3, 10.0))
    parquet.write(posterior, tmp_path / "spread.parquet", ["a", "b", "c"])
    files = read_prediction_files([points], [str(tmp_path / "spread.parquet")], truth)
    (answers,) = files.answers
    assert answers.name == "points"
    np.testing.assert_allclose(answers.points, places)
    assert answers.log_density is not None


def test_a_calibration_corrects_the_circles(truth: Path, tmp_path: Path) -> None:
    points = write(tmp_path / "points.csv", "a,10,20.5,40\nb,-30,40.5,40\nc,50,60.5,40\n")
    files = read_prediction_files([points], [], truth)
    assert score_files(files, QUICK).rows[0].scores["coverage_90"].value == 1 / 3
    calibration = tmp_path / "calibration.json"
    calibration.write_text(json.dumps({"circles": {"90": {"all": 2.0}}, "by": None, "confidence_edges": []}))
    report = score_files(files, QUICK, calibration)
    assert report.rows[0].scores["coverage_90"].value == 1.0
    assert report.protocol["calibration"] == "calibration.json"
    calibration.write_text("no JSON")
    with pytest.raises(InputError, match=r"calibration\.json: cannot be read as JSON"):
        score_files(files, QUICK, calibration)
