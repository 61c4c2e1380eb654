"""Longitudes by hour of the day."""

from __future__ import annotations

import numpy as np

from scored_cities import CITIES, QUICK
from whereshot.evaluate import Answers, Report, Truth, score
from whereshot.report.scorecard import (
    hours,
)


def test_longitudes_by_hour(report: Report, rng: np.random.Generator) -> None:
    """Photos were posted at noon of the sun: 139.76 east is 3 h UTC, 74 west 17 h."""
    one = hours.by_hour(report.rows[0])
    rows = {row[0]: row for row in one.table.rows}
    assert (rows["03"][1], rows["03"][2], rows["17"][2]) == ("12", "140", "-74")
    assert rows["07"][1:] == ["0", "", "", "", ""]
    truth = Truth(CITIES, taken_at=np.full(6, np.datetime64("2020-01-01")))
    assert hours.by_hour(score(Answers("x", CITIES), truth, QUICK)) is None
    assert hours.by_hour(score(Answers("x", CITIES), CITIES, QUICK)) is None
