"""Curves with intervals, and scores of groups, the largest first."""

from __future__ import annotations

import numpy as np

from scored_answers import answers, stated
from whereshot.evaluate import Answers, Protocol, score


def test_only_curves_that_the_answers_allow(rng: np.random.Generator) -> None:
    given, truth = answers(rng, 20)
    assert score(Answers("points", given.points), truth, Protocol(draws=5)).curves == {}
    with_radius = score(given, truth, Protocol(draws=5)).curves
    assert set(with_radius) == {"risk_25", "risk_200", "risk_750"}
    with_probabilities = score(stated(rng, 50)[0], stated(rng, 50)[1], Protocol(draws=5)).curves
    assert "reliability_200" in with_probabilities


def test_the_risk_curve_ends_at_the_share_of_misses(rng: np.random.Generator) -> None:
    given, truth, _, right = stated(rng, 300)
    curve = score(given, truth, Protocol(draws=50)).curves["risk_200"]
    assert curve.x[-1] == 1.0
    assert curve.y[-1] == np.mean(~right)
    low, high = curve.interval
    assert low[-1] <= curve.y[-1] <= high[-1]
    assert set(curve.to_json()) == {"x_label", "y_label", "x", "y", "low", "high"}


def test_groups_are_sorted_by_their_photos() -> None:
    truth = np.repeat([[48.857, 2.352], [52.52, 13.405], [41.9, 12.5]], [2, 5, 3], axis=0)
    groups = score(Answers("a", truth), truth, Protocol(draws=5)).groups
    assert [(group.name, group.photos) for group in groups["country"]] == [("DE", 5), ("IT", 3), ("FR", 2)]
    assert "scene" not in groups
