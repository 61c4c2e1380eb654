"""Frequencies of cells: KL divergence and entropy by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from whereshot.evaluate import (
    Answers,
    Protocol,
    score,
)


def test_frequencies_of_cells() -> None:
    """Two true cells, one predicted: by hand, over the 24 cells of level 1."""
    truth = np.repeat([[10.0, 10.0], [-40.0, 100.0]], [6, 2], axis=0)
    points = np.tile([10.0, 10.0], (8, 1))
    scores = score(Answers("a", points), truth, Protocol(draws=20, cell_level=1)).scores
    total = 8 + 24
    expected = 7 / total * math.log(7 / 9) + 3 / total * math.log(3 / 1)
    assert scores["kl"].value == pytest.approx(expected)
    assert scores["entropy_true"].value == pytest.approx(stats.entropy([6, 2]))
    assert scores["entropy_predicted"].value == 0
    assert score(Answers("a", truth), truth, Protocol(draws=20)).scores["kl"].value == 0
