"""Scores by country, continent, cell, user and scene."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.evaluate import (
    Answers,
    Protocol,
    Truth,
    score,
)


def test_macro_averages_weigh_countries_alike() -> None:
    """Ninety photos of one country all right, ten of another all wrong."""
    truth = np.repeat([[48.857, 2.352], [52.52, 13.405]], [90, 10], axis=0)
    points = truth + np.repeat([[0.0, 0.0], [20.0, 0.0]], [90, 10], axis=0)
    row = score(Answers("a", points), truth, Protocol(draws=100))
    assert row.scores["accuracy_25"].value == 0.9
    assert row.scores["accuracy_25_by_country"].value == 0.5
    assert row.scores["accuracy_25_by_continent"].value == 0.9
    assert row.scores["accuracy_25_by_cell"].value == 0.5
    assert [(one.name, one.photos) for one in row.groups["country"]] == [("FR", 90), ("DE", 10)]
    assert [tuple(one.scores["accuracy_25"]) for one in row.groups["country"]] == [(1, 1, 1), (0, 0, 0)]


def test_scores_of_users_and_scenes() -> None:
    points = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 50.0], [0.0, 50.0]])
    scenes = {"indoor": [0.8, 0, 0, 0.5], "natural": [0.1, 1, 0, 0.2], "urban": [0.1, 0, 1, 0.3]}
    truth = Truth(
        np.zeros((4, 2)),
        user=np.array(["a", "a", "a", "b"]),
        scenes={name: np.array(share) for name, share in scenes.items()},
    )
    scores = score(Answers("a", points), truth, Protocol(draws=50)).scores
    assert scores["accuracy_25_by_user"].value == pytest.approx((2 / 3 + 0) / 2)
    shares = {name: scores[f"accuracy_25_{name}"].value for name in ("indoor", "natural", "urban", "outdoor")}
    assert shares == {"indoor": 0.5, "natural": 1.0, "urban": 0.0, "outdoor": 0.5}
    assert "accuracy_25_indoor" not in score(Answers("a", points), np.zeros((4, 2)), Protocol(draws=5)).scores
