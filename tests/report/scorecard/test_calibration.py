"""Plots of calibration appear only where a method states its certainty."""

from __future__ import annotations

import numpy as np

from scored_cities import CITIES, QUICK
from whereshot.evaluate import Answers, Truth, score
from whereshot.report.scorecard import calibration


def test_without_statements_there_are_no_plots_of_them() -> None:
    assert calibration.figures(score(Answers("x", CITIES), CITIES, QUICK)) == []


def test_points_of_few_photos_are_marked_and_every_point_has_its_number() -> None:
    spots = np.tile(CITIES, (4, 1))  # 24 photos, of which 3 state 30 % and 21 state 90 %
    stated = np.where(np.arange(24) < 3, 0.3, 0.9)
    row = score(Answers("x", spots, within={25: stated}), Truth(spots), QUICK)
    (figure,) = (one for one in calibration.figures(row) if one.name == "reliability-25")
    assert figure.table.heads[-1] == "photos" and [line[-1] for line in figure.table.rows] == ["3", "21"]
    assert figure.svg.count('<circle class="few"') == 1 and figure.svg.count('<circle class="s0"') == 1
    assert "<title>3 photos</title>" in figure.svg and "photos: 21</title>" in figure.svg
    assert ("few", "fewer than 10 photos: chance") in figure.legend
    assert row.to_json()["curves"]["reliability_25"]["photos"][4] == 3
