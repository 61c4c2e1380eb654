"""The writers of answers: one for each format that a command offers, and JSON that every program can read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from whereshot.locate.prediction import WITHIN_KM, Evidence, Place, Prediction
from whereshot.locate.within_probabilities import WithinProbabilities
from whereshot.posterior.prior import density_prior
from whereshot.report import answer_formats
from whereshot.report.answer_formats import CellFormat, LocatedPhotos, LookalikeFormat, PredictionFormat, ReportFormat


def test_each_format_has_its_writer() -> None:
    assert tuple(answer_formats.PREDICTION_WRITERS) == get_args(PredictionFormat)
    assert tuple(answer_formats.LOOKALIKE_WRITERS) == get_args(LookalikeFormat)
    assert tuple(answer_formats.VERDICT_WRITERS) == get_args(ReportFormat)
    assert tuple(answer_formats.CELL_WRITERS) == get_args(CellFormat)
    assert set(answer_formats.CELL_ENDINGS.values()) == set(get_args(CellFormat))


@pytest.mark.parametrize("form", get_args(PredictionFormat))
def test_a_photo_that_failed_is_in_every_format(form: PredictionFormat) -> None:
    failed = Prediction(id="a.jpg", path="a.jpg", error="a.jpg: not a picture")
    answers = LocatedPhotos("compact", True, ["a.jpg"], [failed], [None])
    assert "not a picture" in answer_formats.PREDICTION_WRITERS[form](answers)


@pytest.mark.parametrize("form", ["table", "html"])
def test_evidence_that_moved_nothing_is_shown_where_it_is_asked_for(form: str) -> None:
    shares = WithinProbabilities(dict.fromkeys(WITHIN_KM, 0.1))
    cues = (Evidence("text/place", "Mon-Sat", "Monza", 0.02), Evidence("text/word", "Gare", "a station", 1.0))
    one = Prediction("a.jpg", "a.jpg", 48.0, 2.0, 900.0, 0.9, shares, place=Place(), evidence=cues)
    answers = LocatedPhotos("compact", False, ["a.jpg"], [one], [density_prior().top(20)])
    write = answer_formats.PREDICTION_WRITERS[form]
    short, long = write(answers), write(replace(answers, all_evidence=True))
    assert "Mon-Sat" not in short and "Gare" in short
    assert "Mon-Sat" in long and "Gare" in long
    assert "Mon-Sat" in answer_formats.PREDICTION_WRITERS["json"](answers)


def test_json_has_no_infinity() -> None:
    text = answer_formats.json_text({"a": [float("nan"), (float("inf"), 1.5)], "b": Path("c"), 1: "é"})
    assert json.loads(text) == {"a": [None, [None, 1.5]], "b": "c", "1": "é"}
    assert "é" in text
