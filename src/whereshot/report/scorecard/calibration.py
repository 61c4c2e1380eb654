"""Figures that compare stated probabilities with outcomes: reliability, circles, regions, risk and recall."""

from __future__ import annotations

import numpy as np

from whereshot.evaluate import DISTANCES_KM, LEVELS, Row
from whereshot.evaluate.abstention import RISKS_KM
from whereshot.report.scorecard.base import Figure, ScoreTable, with_interval
from whereshot.report.scorecard.svg import Plot, Scale, shares

LEAST_PHOTOS = 10
"""A point of a reliability curve that stands for fewer photos is marked, and no line goes through it."""
_COUNTS_HEIGHT = 0.15  # the highest bar of the numbers of photos, as a part of the plot
_TABLE_ROWS = 12
_AREAS = [(1.0, "1"), (1e2, "100"), (1e4, "10⁴"), (1e6, "10⁶"), (5.1e8, "Earth")]


def figures(row: Row) -> list[Figure]:
    """Return the figures of all stated probabilities and areas that a method has."""
    found = [_reliability(row, km) for km in DISTANCES_KM if f"reliability_{km}" in row.curves]
    if any(f"{kind}coverage_{round(100 * level)}" in row.scores for kind in ("", "region_") for level in LEVELS):
        found.append(_coverage(row))
    if any(f"risk_{km}" in row.curves for km in RISKS_KM):
        found.append(_risk(row))
    if "recall_by_area" in row.curves:
        found.append(_recall(row))
    return found


def _reliability(row: Row, km: int) -> Figure:
    curve = row.curves[f"reliability_{km}"]
    known = np.isfinite(curve.x) & np.isfinite(curve.y)
    x, y, low, high = (values[known] for values in (curve.x, curve.y, *curve.interval))
    photos = (np.full(len(curve.x), LEAST_PHOTOS) if curve.photos is None else curve.photos)[known]
    many = photos >= LEAST_PHOTOS
    plot = Plot(shares(), shares(), f"stated probability of being within {km} km", "share of photos that are")
    for at, count in zip(x.tolist(), photos.tolist(), strict=True):
        plot.bar(at - 0.012, at + 0.012, 0, _COUNTS_HEIGHT * count / photos.max(), "count", _photos(count))
    plot.rule([0, 1], [0, 1], "mark")
    for at, bottom, top in zip(x, low, high, strict=True):
        plot.rule([at, at], [bottom, top], "whisker")
    plot.line(x[many], y[many], "s0")
    cells = [
        [*(f"{100 * part:.1f}" for part in bin_), f"{count:,}"]
        for *bin_, count in zip(x, y, low, high, photos.tolist(), strict=True)
    ]
    hints = [f"stated {stated} %, true {true} % [{a}, {b}], photos: {n}" for stated, true, a, b, n in cells]
    for chosen, name in ((many, "s0"), (~many, "few")):
        plot.dots(x[chosen], y[chosen], name, [hint for hint, is_shown in zip(hints, chosen, strict=True) if is_shown])
    ece = row.scores.get(f"ece_{km}")
    title = f"Reliability within {km} km"
    description = f"Share of photos that are within {km} km against the stated probability; on the diagonal it is true."
    description += f" Expected calibration error {with_interval(ece, 100, '.1f')} %." if ece else ""
    table = ScoreTable(["stated, %", "true, %", "low, %", "high, %", "photos"], cells, title, left=0, folded=True)
    legend = [("s0", f"{LEAST_PHOTOS} photos or more"), ("count", "number of photos"), ("mark", "as it should be")]
    if not many.all():
        legend.insert(1, ("few", f"fewer than {LEAST_PHOTOS} photos: chance"))
    name = f"reliability-{km}"
    return Figure(name, title, description, plot.svg(name, title, description), table, legend)


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"


def _coverage(row: Row) -> Figure:
    plot = Plot(
        Scale(0.4, 1.0, [(level, f"{100 * level:.0f}") for level in LEVELS]),
        Scale(0.0, 1.0, [(tick, f"{100 * tick:.0f} %") for tick in (0, 0.25, 0.5, 0.75, 1.0)]),
        "stated level, %",
        "share of photos inside",
    )
    plot.rule([0.4, 1], [0.4, 1], "mark")
    kinds = [("", "circles", "s0", -0.006), ("region_", "regions of highest density", "s1", 0.006)]
    legend, rows = [], []
    for prefix, words, name, shift in kinds:
        known = [level for level in LEVELS if f"{prefix}coverage_{round(100 * level)}" in row.scores]
        if not known:
            continue
        legend.append((name, words))
        for level in known:
            percent = round(100 * level)
            score = row.scores[f"{prefix}coverage_{percent}"]
            inside = with_interval(score, 100, ".1f")
            plot.rule([level + shift] * 2, [score.low, score.high], "whisker")
            plot.dots(np.array([level + shift]), np.array([score.value]), name, [f"{percent} % {words}: {inside} %"])
            area = row.scores.get(f"{prefix}area_{percent}_km2")
            rows.append([f"{words}, {percent} %", inside, with_interval(area, 1, ",.0f")])
    title = "Do circles and regions contain the stated share?"
    description = "Share of photos whose place lies inside, at each stated level; on the diagonal the level is true."
    table = ScoreTable(["level", "inside, %", "mean area, km²"], rows, title, folded=True)
    svg = plot.svg("coverage", title, description)
    return Figure("coverage", title, description, svg, table, [*legend, ("mark", "as it should be")])


def _risk(row: Row) -> Figure:
    plot = Plot(shares(), shares(), "share of photos answered, the surest first", "share of these too far off")
    legend, rows = [], []
    shown = [km for km in RISKS_KM if f"risk_{km}" in row.curves]
    steps = np.linspace(0.1, 1, 10)
    for number, km in enumerate(shown):
        curve = row.curves[f"risk_{km}"]
        plot.band(curve.x, *curve.interval, f"s{number}")
        plot.line(curve.x, curve.y, f"s{number}")
        legend.append((f"s{number}", f"more than {km} km off"))
        rows.append(
            [f"{km} km", *(f"{100 * curve.y[min(np.searchsorted(curve.x, s), len(curve.y) - 1)]:.1f}" for s in steps)]
        )
    title = "Answering only the surest photos"
    description = "Risk among the photos answered, against how many are answered; a good confidence starts low."
    table = ScoreTable(["% too far off when answering", *(f"{100 * s:.0f} %" for s in steps)], rows, title, folded=True)
    return Figure("risk", title, description, plot.svg("risk", title, description), table, legend)


def _recall(row: Row) -> Figure:
    curve = row.curves["recall_by_area"]
    plot = Plot(Scale(1.0, 5.1e8, _AREAS, log=True), shares(), "area searched in km²", "share of photos found")
    plot.line(curve.x, curve.y, "s0")
    picked = np.unique(np.linspace(0, len(curve.x) - 1, _TABLE_ROWS).astype(int))
    rows = [[f"{curve.x[i]:,.0f}", f"{100 * curve.y[i]:.1f}"] for i in picked]
    title = "Finding a photo by searching"
    description = "Share of photos found when the likeliest places are searched first, by the area searched."
    table = ScoreTable(["km² searched", "% found"], rows, title, left=0, folded=True)
    return Figure(
        "recall",
        title,
        description,
        plot.svg("recall", title, description),
        table,
        [("s0", "regions of highest density")],
    )
