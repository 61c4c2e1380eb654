"""Coverage and area of regions of highest density, and recall by the area searched."""

from __future__ import annotations

import math

import numpy as np
import pytest

from whereshot.earth import sphere
from whereshot.evaluate import Answers, Protocol, Scored, Truth, score
from whereshot.evaluate.regions import recall_curve


def regions_answers() -> Answers:
    """Return four answers, of which the last failed."""
    points = np.zeros((4, 2))
    points[3] = math.nan
    return Answers(
        "a",
        points,
        region_level=np.array([0.2, 0.85, 0.99, math.nan]),
        region_area_km2={0.9: np.array([10.0, 20.0, 30.0, math.nan])},
        searched_km2=np.array([50.0, 5_000.0, 5e5, math.nan]),
    )


def test_coverage_and_area() -> None:
    scores = score(regions_answers(), np.zeros((4, 2)), Protocol(draws=5)).scores
    assert scores["region_coverage_50"].value == 1 / 4
    assert scores["region_coverage_90"].value == 2 / 4
    assert scores["region_area_90_km2"].value == pytest.approx((60 + sphere.EARTH_AREA_KM2) / 4)
    assert "region_area_50_km2" not in scores


def test_recall_by_the_area_searched() -> None:
    row = score(regions_answers(), np.zeros((4, 2)), Protocol(draws=5))
    assert [row.scores[f"recall_{km2}_km2"].value for km2 in ("100", "10000", "1000000")] == [1 / 4, 2 / 4, 3 / 4]
    curve = recall_curve(row.kept, np.array([1.0, 50.0, 5_000.0, 1e9]))
    assert curve is not None and curve.tolist() == [0, 1 / 4, 2 / 4, 1]


def test_points_alone_have_no_recall() -> None:
    truth = np.zeros((2, 2))
    scored = Scored(Answers("a", truth), Truth(truth), np.zeros(2), np.zeros(2, bool))
    assert recall_curve(scored, np.array([1.0])) is None
