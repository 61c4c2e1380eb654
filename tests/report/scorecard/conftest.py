"""One report for all tests of the scorecard."""

from __future__ import annotations

import numpy as np
import pytest

from scored_cities import CITIES, QUICK, made
from whereshot.earth import sphere
from whereshot.evaluate import Answers, Report, make_report, score
from whereshot.report import scorecard
from whereshot.report.scorecard.base import Section


@pytest.fixture(scope="session")
def report() -> Report:
    """The scores of two methods on the six cities."""
    rng = np.random.default_rng(4)
    answers, truth = made(rng)
    other = Answers("other", sphere.move(truth.points, 0.0, 400.0))
    rows = [score(own, truth, QUICK) for own in (answers, other)]
    return make_report(rows, photos=len(truth), failed=2, audit="none")


@pytest.fixture(scope="session")
def found(report: Report) -> list[Section]:
    """The sections of the scorecard of these."""
    return scorecard.sections(report, training=np.repeat(CITIES[:3], 30, axis=0))


@pytest.fixture(scope="session")
def page(report: Report, found: list[Section]) -> str:
    """The page of these."""
    return scorecard.to_html(report, found)
