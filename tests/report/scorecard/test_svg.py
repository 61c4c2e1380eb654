"""Drawings: lines and axes lie where the values are."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.report.scorecard import (
    svg,
)


def test_lines_end_where_the_values_say() -> None:
    """The share axis runs upward over the drawing's height, a log axis by the logarithm."""
    plot = svg.Plot(svg.Scale(1, 10_000, [], log=True), svg.shares(), "x", "y", 400, 290)
    x, y = plot.at(np.array([1.0, 100.0, 10_000.0]), np.array([0.0, 0.5, 1.0]))
    assert x.tolist() == [58, 58 + (400 - 82) / 2, 400 - 24]
    assert y.tolist() == [290 - 48, (290 - 48 + 10) / 2, 10]


@pytest.mark.parametrize(("most", "top"), [(0.0, 1.0), (0.118, 0.125), (3.0, 3.0), (41.0, 50.0), (1000.0, 1000.0)])
def test_axes_reach_the_largest_value_in_round_steps(most: float, top: float) -> None:
    scale = svg.up_to(most)
    assert scale.high == pytest.approx(top) and 2 <= len(scale.ticks) <= 7
