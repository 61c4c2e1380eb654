"""Answers among photos that failed, and protocols that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scored_answers import answers
from whereshot.evaluate import (
    Answers,
    Protocol,
    score,
)
from whereshot.foundation.errors import ConfigError


def test_scattered_answers_leave_failures_between(rng: np.random.Generator) -> None:
    some, truth = answers(rng, 3)
    rows = np.array([4, 0, 2])
    everywhere = some.scatter(rows, 5)
    np.testing.assert_array_equal(everywhere.points[rows], some.points)
    assert np.isnan(everywhere.points[[1, 3]]).all() and np.isnan(everywhere.log_density[[1, 3]]).all()  # type: ignore[index]
    whole = np.zeros((5, 2))
    whole[rows] = truth
    row = score(everywhere, whole, Protocol(draws=20))
    assert (row.photos, row.failed) == (5, 2)
    few = score(some, truth, Protocol(draws=20))
    for name in ("accuracy_25", "accuracy_2500", "geoscore", "coverage_90"):
        assert row.scores[name].value == pytest.approx(few.scores[name].value * 3 / 5)
    assert Answers("a", some.points).scatter(rows, 5).log_density is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"radius_km": 3959.0}, "radius 3959 km is not the Earth's; known: 6371.0088, 6371, 6372.795, 6378.137"),
        ({"draws": 0}, "0 draws and an interval of 0.95 cannot be drawn"),
        ({"cell_level": 9}, "the level of S2 cells lies between 0 and 5; got 9"),
    ],
)
def test_protocols_that_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Protocol(**wrong)
    assert str(caught.value) == said
