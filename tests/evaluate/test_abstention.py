"""Risk against coverage, and the area under that curve."""

from __future__ import annotations

import numpy as np
import pytest

from scored_answers import stated
from whereshot.evaluate import (
    Answers,
    Protocol,
    score,
)


def test_risk_coverage(rng: np.random.Generator) -> None:
    """Against the mean of the risks of all prefixes; ties, and a method that knows nothing of itself."""
    given_, truth, share, right = stated(rng, 4000)
    row = score(given_, truth, Protocol(draws=50))
    wrong = ~right[np.argsort(-share)]
    prefixes = np.cumsum(wrong) / np.arange(1, 4001)
    assert row.scores["aurc_200"].value == pytest.approx(prefixes.mean(), rel=0.01)
    assert row.curves["risk_200"].y[-1] == pytest.approx(wrong.mean())
    same = Answers("a", given_.points, confidence=np.full(4000, 0.3))
    assert score(same, truth, Protocol(draws=5)).scores["aurc_200"].value == pytest.approx(wrong.mean())
