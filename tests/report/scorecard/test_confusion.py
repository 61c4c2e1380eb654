"""The confusion matrix, with neighbours beside each other."""

from __future__ import annotations

import numpy as np

from scored_cities import CITIES, QUICK
from whereshot.evaluate import Answers, Report, score
from whereshot.report.scorecard import (
    confusion,
)


def test_the_matrix_has_neighbours_side_by_side(report: Report) -> None:
    one = confusion.matrix(report.rows[0])
    told = {row[0]: row for row in one.table.rows}
    assert told["France"][1:] == ["Belgium 6", "12", "50.0"]
    assert told["Australia"] == ["Australia", "United States 12", "12", "0.0"]
    assert told["Germany"][1] == "no answer 2"
    order = list(told)
    assert abs(order.index("France") - order.index("Belgium")) == 1
    assert abs(order.index("Germany") - order.index("Belgium")) <= 2


def test_an_order_of_neighbours_is_that_of_a_line(rng: np.random.Generator) -> None:
    line = np.stack([np.zeros(12), np.linspace(0, 60, 12) + rng.uniform(0, 2, 12)], axis=1)
    mixed = rng.permutation(12)
    order = mixed[confusion.near_order(line[mixed])]
    assert order.tolist() in ([*range(12)], [*range(11, -1, -1)])


def test_photos_of_one_country_are_told_apart_by_cells(rng: np.random.Generator) -> None:
    truth = np.stack([rng.uniform(55.5, 57, 60), rng.uniform(9, 10, 60)], axis=1)
    right = confusion.matrix(score(Answers("x", truth), truth, QUICK))
    assert "S2 cell" in right.table.heads[0] and len(right.table.rows) >= 8
    assert {row[3] for row in right.table.rows} == {"100.0"}
    abroad = np.concatenate([truth, CITIES[:3]])  # a few elsewhere change nothing
    assert "S2 cell" in confusion.matrix(score(Answers("x", abroad), abroad, QUICK)).table.heads[0]
    one = np.repeat(CITIES[:1], 5, axis=0)
    assert confusion.matrix(score(Answers("x", one), one, QUICK)) is None
