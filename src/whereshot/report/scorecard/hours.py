"""A figure of the longitude of photos by the hour (UTC) of posting or taking, as box plots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whereshot.evaluate import Row
from whereshot.report.scorecard.base import Figure, ScoreTable
from whereshot.report.scorecard.svg import Plot, Scale

LEAST_PHOTOS = 24
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def by_hour(row: Row) -> Figure | None:
    """Return box plots of the true and the answered longitudes of each hour; None where no times are known."""
    truth, scored = row.kept.truth, row.kept
    times, verb = (truth.posted_at, "posting") if truth.posted_at is not None else (truth.taken_at, "taking")
    if times is None:
        return None
    known = ~np.isnat(times)
    if known.sum() < LEAST_PHOTOS:
        return None
    hour = np.full(len(times), -1)
    hour[known] = times[known].astype("datetime64[h]").astype(np.int64) % 24
    ticks = [(at, f"{at:02d}") for at in range(0, 24, 2)]
    degrees = [(-180, "180° W"), (-90, "90° W"), (0, "0°"), (90, "90° E"), (180, "180° E")]
    plot = Plot(Scale(-0.6, 23.6, ticks), Scale(-180, 180, degrees), f"hour of {verb} (UTC)", "longitude", 900, 340)
    rows = []
    kinds = (
        ("true", truth.points, known, "s0", -0.2),
        ("answered", scored.answers.points, known & ~scored.failed, "s1", 0.2),
    )
    for at in range(24):
        cells = [f"{at:02d}"]
        for word, points, usable, name, shift in kinds:
            own = points[usable & (hour == at), 1]
            if word == "true":
                cells.append(f"{len(own):,}")
            if len(own) == 0:
                cells += ["", ""]
                continue
            quantiles = np.quantile(own, QUANTILES)
            _box(
                plot, at + shift, quantiles, name, f"{at:02d} h, {word}: {len(own)} photos, median {quantiles[2]:.0f}°"
            )
            cells += [f"{quantiles[2]:.0f}", f"{quantiles[1]:.0f} to {quantiles[3]:.0f}"]
        rows.append(cells)
    title = f"Longitude by hour of {verb}"
    description = (
        f"Box plots of {int(known.sum()):,} photos: quartiles, whiskers from 5 to 95 %. True places beside the answers."
    )
    heads = ["hour", "photos", "true median °", "true quartiles", "answered median °", "answered quartiles"]
    legend = [("s0", "true"), ("s1", f"answered by {row.name}")]
    table = ScoreTable(heads, rows, title, folded=True)
    return Figure("hours", title, description, plot.svg("hours", title, description), table, legend, wide=True)


def _box(plot: Plot, at: float, quantiles: NDArray[np.float64], name: str, words: str) -> None:
    low, first, middle, third, high = quantiles.tolist()
    plot.rule([at, at], [low, high], "whisker")
    plot.bar(at - 0.16, at + 0.16, first, third, name, words)
    plot.rule([at - 0.16, at + 0.16], [middle, middle], "median")
