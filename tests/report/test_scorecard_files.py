"""The files of a scorecard."""

from __future__ import annotations

import json
from pathlib import Path

from whereshot.evaluate import Protocol
from whereshot.evaluate.evaluation import evaluate_files
from whereshot.evaluate.prediction_files import read_prediction_files
from whereshot.report.scorecard_files import write_scorecard


def test_the_files_of_a_scorecard(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("id,lat,lon\na,10,20\nb,-30,40\n")
    evaluation = evaluate_files(read_prediction_files([f"same={truth}"], [], truth), Protocol(draws=10))
    names = write_scorecard(evaluation, tmp_path / "card")
    assert names == ["report.md", "report.json", "report.html"]
    assert sorted(path.name for path in (tmp_path / "card").iterdir()) == sorted(names)
    document = json.loads((tmp_path / "card" / "report.json").read_text("utf-8"))
    assert (document["name"], document["photos"], document["accuracy"]["1"]) == ("same", 2, 1.0)
    assert "report.tex" in write_scorecard(evaluation, tmp_path / "card", latex=True)
