"""The histogram of errors counts every photo."""

from __future__ import annotations

from scored_cities import CITIES, QUICK
from whereshot.evaluate import Answers, Report, score
from whereshot.report.scorecard import (
    errors,
)


def test_the_histogram_counts_every_photo(report: Report) -> None:
    one = errors.histogram(report.rows[0])
    counts = [int(row[1]) for row in one.table.rows]
    assert sum(counts) == 72
    assert one.table.rows[-1][:2] == ["no answer", "2"]
    row = score(Answers("exact", CITIES[:4]), CITIES[:4], QUICK)
    assert errors.histogram(row).table.rows[0][1:] == ["4", "100.0"]
