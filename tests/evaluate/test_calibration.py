"""Coverage of circles, Brier score, calibration error and the reliability curve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from scored_answers import stated
from whereshot.earth import sphere
from whereshot.evaluate import (
    Answers,
    Protocol,
    score,
)


def test_a_radius_holds_at_the_very_distance() -> None:
    points, truth = np.array([[0, 1.0], [0, 1.0]]), np.zeros((2, 2))
    error = sphere.distance_km(points[0], truth[0])
    radius = {0.5: np.array([error, math.nextafter(error, 0)])}
    row = score(Answers("a", points, None, radius), truth, Protocol(draws=10))
    assert row.scores["coverage_50"].value == 0.5


def test_brier_and_reliability_are_those_of_scikit_learn(rng: np.random.Generator) -> None:
    given_, truth, share, right = stated(rng, 3000)
    row = score(given_, truth, Protocol(draws=200))
    assert row.scores["brier_200"].value == pytest.approx(brier_score_loss(right, share))
    hits, said = calibration_curve(right, share, n_bins=15)
    curve = row.curves["reliability_200"]
    np.testing.assert_allclose(curve.x, said)
    np.testing.assert_allclose(curve.y, hits)
    weight = np.histogram(share, 15, (0, 1))[0] / 3000
    ece = row.scores["ece_200"]
    assert ece.value == pytest.approx((weight * np.abs(hits - said)).sum())
    assert ece.low < ece.value < ece.high
    assert curve.low is not None and curve.high is not None
    assert ((curve.low <= curve.y) & (curve.y <= curve.high)).all()
