"""The photos with the largest and the smallest errors, with small pictures where they are wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whereshot.earth import place_names, sphere
from whereshot.evaluate import Row, Scored
from whereshot.report import single_page
from whereshot.report.scorecard.base import PhotoGroup, ScoreTable, ShownPhoto, kilometres, short_path

SHOWN = 12


def galleries(row: Row, thumbnails: Path | None = None) -> list[PhotoGroup]:
    """Return the worst and the best photos. ``thumbnails`` is the folder from which the paths of pictures start."""
    scored = row.kept
    answered = np.flatnonzero(~scored.failed)
    order = answered[np.argsort(scored.error_km[answered], kind="stable")]
    count = min(SHOWN, (len(order) + 1) // 2)
    lots = {"Worst photos": order[::-1][:count], "Best photos": order[:count]}
    return [_gallery(scored, rows, title, thumbnails) for title, rows in lots.items() if len(rows)]


def _gallery(scored: Scored, rows: NDArray[np.int64], title: str, thumbnails: Path | None) -> PhotoGroup:
    truth = scored.truth
    ids = [short_path(str(truth.ids[at])) if truth.ids is not None else str(at + 1) for at in rows]
    taken, put = (_places(points[rows]) for points in (truth.points, scored.answers.points))
    within = scored.answers.within.get(200)
    stated = ["" if within is None or np.isnan(within[at]) else f"{100 * within[at]:.0f}" for at in rows]
    cells = [
        [*texts, kilometres(float(scored.error_km[at])), sure]
        for at, sure, *texts in zip(rows, stated, ids, taken, put, strict=True)
    ]
    photos = []
    for at, (name, where, answer, error, sure) in zip(rows, cells, strict=True):
        lines = [f"{error} km off", f"Taken: {where}", f"Answer: {answer}"]
        lines += [f"Stated within 200 km: {sure} %"] if sure else []
        small = None
        if thumbnails is not None and truth.images is not None and truth.images[at]:
            small = single_page.thumbnail(str(thumbnails / str(truth.images[at])))
        photos.append(ShownPhoto(name, lines, small))
    heads = ["photo", "taken", "answer", "error, km", "stated within 200 km, %"]
    return PhotoGroup(ScoreTable(heads, cells, title, left=3), photos)


def _places(points: sphere.Points) -> list[str]:
    return [
        ", ".join(part for part in (name.name, name.country) if part) or f"{latitude:.2f}, {longitude:.2f}"
        for name, (latitude, longitude) in zip(place_names.place_names(points), points.tolist(), strict=True)
    ]
