"""The JSON document of a report."""

from __future__ import annotations

import json

import numpy as np

from scored_answers import EXPECTED, answers
from whereshot.evaluate import (
    Answers,
    Protocol,
    make_report,
    score,
)
from whereshot.report.answer_formats import finite


def test_report_is_the_document_of_the_contract(rng: np.random.Generator) -> None:
    given_, truth = answers(rng, 25, failed=[0, 9])
    baseline = Answers("always Paris", np.tile([48.86, 2.35], (25, 1)))
    rows = [score(each, truth, Protocol(draws=50)) for each in (given_, baseline)]
    document = finite(make_report(rows, photos="all").to_json())
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert list(document) == [
        "name",
        "photos",
        "failed",
        "accuracy",
        "geoscore",
        "mean_km",
        "median_km",
        "nll",
        "coverage",
        "intervals",
        "scores",
        "curves",
        "groups",
        "baselines",
        "comparisons",
        "notes",
        "protocol",
    ]
    assert (document["photos"], document["failed"]) == (25, 2)
    assert list(document["accuracy"]) == ["1", "25", "200", "750", "2500"]
    assert list(document["coverage"]) == ["50", "80", "90", "95"]
    assert list(document["intervals"]) == list(document["scores"])
    assert list(EXPECTED) == [name for name in document["scores"] if name in EXPECTED]
    assert all(low <= high for low, high in document["intervals"].values() if low is not None)
    assert document["accuracy"]["25"] == rows[0].scores["accuracy_25"].value
    (paris,) = document["baselines"]
    assert (paris["name"], paris["nll"], paris["coverage"], paris["failed"]) == ("always Paris", None, {}, 0)
    assert set(paris) == set(document) - {"baselines", "comparisons", "notes", "protocol"}
    assert document["protocol"]["threshold"] == "<=" and document["protocol"]["photos"] == "all"
    assert document["protocol"]["radius_km"] == 6371.0088
