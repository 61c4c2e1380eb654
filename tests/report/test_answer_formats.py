"""The writers of answers: one for each format that a command offers, and JSON that every program can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from whereshot.locate.prediction import Prediction
from whereshot.report import answer_formats
from whereshot.report.answer_formats import LocatedPhotos, LookalikeFormat, PredictionFormat


def test_each_format_has_its_writer() -> None:
    assert list(answer_formats.PREDICTION_WRITERS) == list(PredictionFormat)
    assert list(answer_formats.LOOKALIKE_WRITERS) == list(LookalikeFormat)
    assert list(answer_formats.VERDICT_WRITERS) == ["table", "json"]


@pytest.mark.parametrize("form", PredictionFormat)
def test_a_photo_that_failed_is_in_every_format(form: PredictionFormat) -> None:
    failed = Prediction(id="a.jpg", path="a.jpg", error="a.jpg: not a picture")
    answers = LocatedPhotos("compact", True, ["a.jpg"], [failed], [None])
    assert "not a picture" in answer_formats.PREDICTION_WRITERS[form](answers)


def test_json_has_no_infinity() -> None:
    text = answer_formats.json_text({"a": [float("nan"), (float("inf"), 1.5)], "b": Path("c"), 1: "é"})
    assert json.loads(text) == {"a": [None, [None, 1.5]], "b": "c", "1": "é"}
    assert "é" in text
