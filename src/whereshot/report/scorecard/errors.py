"""Figures of the errors: a histogram, and cumulative curves of all methods."""

from __future__ import annotations

import itertools

import numpy as np

from whereshot.evaluate import DISTANCES_KM, Row
from whereshot.report.scorecard.base import Figure, ScoreTable, kilometres
from whereshot.report.scorecard.svg import Plot, Scale, shares, up_to

EDGES_KM = np.array([0.1, *(10 ** np.arange(-0.75, 4.1, 0.25)), 20_100])
"""Edges of the bars in km: quarters of a decade from 100 m to half the circumference of the Earth."""
SERIES = 8
"""Number of methods that have a colour."""

_KM = Scale(0.1, 30_000, [(0.1, "0.1"), (1, "1"), (25, "25"), (200, "200"), (750, "750"), (2500, "2500")], log=True)


def histogram(row: Row) -> Figure:
    """Return the histogram of errors on a log scale. Photos without an answer have a separate bar."""
    scored = row.kept
    error = scored.error_km[~scored.failed]
    count, _ = np.histogram(np.clip(error, EDGES_KM[0], EDGES_KM[-1]), EDGES_KM)
    share = count / len(scored)
    plot = Plot(_KM, up_to(float(max(share.max(), row.failed / len(scored))), True), "error in km", "share of photos")
    for km in DISTANCES_KM:
        plot.rule([km, km], [0, plot.y.high], "mark")
    labels = [f"{kilometres(low)} to {kilometres(high)}" for low, high in itertools.pairwise(EDGES_KM)]
    labels[0] = f"under {kilometres(EDGES_KM[1])}"
    for low, high, part, photos, label in zip(EDGES_KM, EDGES_KM[1:], share, count, labels, strict=False):
        plot.bar(low * 1.03, high / 1.03, 0, part, "s0", f"{label} km: {photos:,} photos, {100 * part:.1f} %")
    legend = [("s0", "photos by error"), ("mark", "thresholds")]
    rows = [[label, f"{n:,}", f"{100 * part:.1f}"] for label, n, part in zip(labels, count, share, strict=True)]
    if row.failed:
        lost = row.failed / len(scored)
        plot.bar(22_000, 30_000, 0, lost, "lost", f"no answer: {row.failed:,} photos, {100 * lost:.1f} %")
        legend.append(("lost", "no answer"))
        rows.append(["no answer", f"{row.failed:,}", f"{100 * lost:.1f}"])
    title = f"Errors of {row.name}"
    middle = kilometres(float(np.median(scored.error_km)))
    description = f"Histogram of {len(scored):,} photos by error on a log scale; the median is {middle} km."
    table = ScoreTable(["error, km", "photos", "share of photos, %"], rows, title, folded=True)
    return Figure("histogram", title, description, plot.svg("histogram", title, description), table, legend)


def cumulated(rows: list[Row]) -> Figure:
    """Return the curves of the share of photos within each distance, for up to ``SERIES`` methods."""
    shown = [row for row in rows if row.scored is not None][:SERIES]
    plot = Plot(_KM, shares(), "within km", "share of photos")
    for km in DISTANCES_KM:
        plot.rule([km, km], [0, 1], "mark")
    at = np.geomspace(_KM.low, 20_100, 120)
    for number, row in reversed(list(enumerate(shown))):
        error = np.sort(row.kept.error_km[~row.kept.failed])
        plot.line(at, np.searchsorted(error, at, side="right") / len(row.kept), f"s{number}")
    heads = ["method", *(f"within {km} km, %" for km in DISTANCES_KM)]
    cells = [[row.name, *(f"{100 * row.scores[f'accuracy_{km}'].value:.1f}" for km in DISTANCES_KM)] for row in shown]
    title = "Share of photos within a distance"
    curves = "Cumulative curve" if len(shown) == 1 else f"Cumulative curves of {len(shown)} methods"
    description = f"{curves}; higher is better."
    legend = [(f"s{number}", row.name) for number, row in enumerate(shown)]
    table = ScoreTable(heads, cells, title, folded=True)
    return Figure("cumulated", title, description, plot.svg("cumulated", title, description), table, legend)
