"""Plots of calibration appear only where a method states its certainty."""

from __future__ import annotations

from scored_cities import CITIES, QUICK
from whereshot.evaluate import Answers, score
from whereshot.report.scorecard import (
    calibration,
)


def test_without_statements_there_are_no_plots_of_them() -> None:
    assert calibration.figures(score(Answers("x", CITIES), CITIES, QUICK)) == []
