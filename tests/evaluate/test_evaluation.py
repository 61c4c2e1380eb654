"""A whole evaluation: stated facts reach the protocol, and the document names what was learned."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from whereshot.evaluate import Protocol
from whereshot.evaluate.evaluation import ModelOptions, StatedFacts, evaluate_files, evaluate_models
from whereshot.evaluate.prediction_files import read_prediction_files
from whereshot.foundation.errors import InputError
from whereshot.photos.records import Records
from whereshot.photos.test_sets import find

QUICK = Protocol(draws=10)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    (tmp_path / "truth.csv").write_text("id,lat,lon\na,10,20\nb,-30,40\n")
    return tmp_path / "truth.csv"


def test_facts_are_in_the_protocol_of_files(truth: Path) -> None:
    files = read_prediction_files([f"same={truth}"], [], truth)
    plain = evaluate_files(files, QUICK)
    assert plain.report.protocol["track"] == "not stated (--track)"
    stated = evaluate_files(files, QUICK, facts=StatedFacts(track="text", audit="no duplicates"))
    assert stated.report.protocol["track"] == "text: text read in the photo as well"
    assert stated.report.protocol["audit"] == "no duplicates"
    assert "learned_photos" not in stated.to_json() and "benchmark" not in stated.to_json()
    assert stated.learned_in_words == ""


def test_photos_of_another_set_are_refused(truth: Path) -> None:
    files = read_prediction_files([f"same={truth}"], [], truth)
    with pytest.raises(InputError, match="has 237 photos; these are 2"):
        evaluate_files(files, QUICK, facts=StatedFacts(benchmark=find("im2gps")))


def test_a_model_on_photos_that_cannot_be_read() -> None:
    records = Records(pa.table({"id": ["a"], "latitude": [10.0], "longitude": [20.0], "image": ["gone.jpg"]}))
    evaluation = evaluate_models(records, ModelOptions(["prior"]), QUICK, source="photos.csv")
    (problem,) = evaluation.problems.rows
    assert (problem.file, problem.id, problem.what) == ("photos.csv", "a", "not read")
    document = evaluation.to_json()
    assert (document["photos"], document["failed"]) == (1, 1)
    assert document["learned_photos"] == {"given": 1, "learned": 0, "left_out": 0}
    assert evaluation.report.protocol["learned photos"] == evaluation.learned_in_words
    assert str(evaluation.report.protocol["track"]).startswith("image: ")
    assert evaluation.remark == ""  # nobody expects sights of the prior
    compact = evaluate_models(records, ModelOptions(["compact"]), QUICK, source="photos.csv")
    assert compact.remark.startswith(
        "compact: no sights, and evaluate reads no text: the scores are of where photos are usually taken. With text: "
        "whereshot locate PHOTOS --posterior FILE.parquet; whereshot evaluate --posterior FILE.parquet"
    )
