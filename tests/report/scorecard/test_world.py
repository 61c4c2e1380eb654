"""Maps of photos by cell: every photo counts, at its place."""

from __future__ import annotations

import numpy as np
import pytest

from scored_cities import CITIES, QUICK
from whereshot.earth import sphere
from whereshot.evaluate import Answers, Report, score
from whereshot.report.scorecard import (
    world,
)


def test_maps_count_every_photo_and_place_it(report: Report) -> None:
    counted, off = world.maps(report.rows[0])
    assert sum(int(row[2]) for row in counted.table.rows) == 72
    near = [row[0] for row in counted.table.rows]
    assert any("Japan" in name for name in near) and any("Australia" in name for name in near)
    assert off.table.rows[0][0].endswith("Australia")  # all of Sydney is put in New York
    assert float(off.table.rows[0][3].replace(",", "")) == pytest.approx(15_990, rel=0.01)
    assert ("e5", "over 2500 km") in off.legend
    frame = world.MapFrame.of(CITIES, 4)
    left, middle, right = (frame.project(np.array([[0.0, at]]))[0, 0] for at in (-180.0, 0.0, 180.0))
    assert (left, middle, right) == pytest.approx((-frame.half[0], 0, frame.half[0]))


def test_photos_of_one_region_get_a_map_of_it(rng: np.random.Generator) -> None:
    truth = np.stack([rng.uniform(55, 57, 50), rng.uniform(9, 12, 50)], axis=1)
    row = score(Answers("x", sphere.move(truth, 90.0, 20.0)), truth, QUICK)
    frame = world.MapFrame.of(truth, 4)
    plane = frame.project(truth)
    assert (np.abs(plane) <= frame.half).all() and np.abs(plane[:, 1]).max() > 0.3 * frame.half[1]
    assert frame.level > 6
    counted, _ = world.maps(row)
    assert sum(int(cells[2]) for cells in counted.table.rows) <= 50 and 'class="land"' in counted.svg
    assert len(counted.svg) < 400_000


def test_median_errors_of_cells_are_medians(rng: np.random.Generator) -> None:
    truth = CITIES[rng.integers(0, len(CITIES), 101)]
    row = score(Answers("x", sphere.move(truth, 10.0, rng.exponential(200, 101))), truth, QUICK)
    cells = world.PhotoCells.of(row.scored, 4)
    own = world.s2.encode(truth, 4)
    for at, cell in enumerate(cells.ids):
        assert cells.median_km[at] == pytest.approx(np.median(row.scored.error_km[own == cell]))
        assert cells.photos[at] == (own == cell).sum()
