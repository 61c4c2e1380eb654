"""The weakest places, and what photos would help there."""

from __future__ import annotations

import numpy as np

from scored_cities import CITIES, QUICK
from whereshot.evaluate import Answers, Report, Truth, score
from whereshot.report.scorecard import (
    where_to_collect,
)


def test_the_weakest_places_and_what_to_collect_there(report: Report) -> None:
    cells, regions, countries = where_to_collect.weakest(report.rows[0].scored)
    assert cells.rows[0][0].endswith("Australia") and regions.rows[0][0] == "New South Wales, Australia"
    sydney = countries.rows[0]
    assert (sydney[0], sydney[2], sydney[5]) == ("Australia", "12", "0")
    assert "what distinguishes it from United States: 12 of 12 misses go there" in sydney[1]
    assert not {"Japan", "United States"} & {row[0] for row in countries.rows}  # better than the mean


def test_nothing_helps_a_photo_without_an_answer() -> None:
    truth = np.repeat(CITIES[:3], 4, axis=0)
    points = truth.copy()
    points[:3], points[4:6] = np.nan, CITIES[4]
    row = score(Answers("x", points), truth, QUICK)
    told = {cells[0]: cells[1] for cells in where_to_collect.weakest(row.scored)[2].rows}
    assert told == {
        "France": "nothing for 3 of 4 photos: they have no answer",
        "Belgium": "what distinguishes it from United States: 2 of 2 misses go there",
    }


def test_what_it_was_trained_on_is_counted(report: Report) -> None:
    *_, countries = where_to_collect.weakest(report.rows[0].scored, np.repeat(CITIES[:3], 30, axis=0))
    assert countries.heads[3] == "trained on"
    told = {row[0]: row for row in countries.rows}
    assert told["Australia"][3] == "0"
    assert told["Australia"][1].startswith("photos of any kind: it was trained on none; ")


def test_the_weakest_of_one_region_are_finer_cells(rng: np.random.Generator) -> None:
    truth = np.stack([rng.uniform(55, 57, 200), rng.uniform(9, 12, 200)], axis=1)
    bad = truth[:, 1] < 9.5
    points = np.where(bad[:, None], CITIES[2], truth)
    cells, *_ = where_to_collect.weakest(score(Answers("x", points), truth, QUICK).scored, truth[bad])
    assert int(cells.caption.split()[-1]) > 4
    assert cells.rows[0][-1] == "0" and all(float(row[-1]) < 100 for row in cells.rows)
    assert cells.rows[0][2] == cells.rows[0][3] and int(cells.rows[0][2]) >= 3  # trained on just these


def test_scenes_say_what_to_collect() -> None:
    truth = np.repeat(CITIES[[0, 2]], 20, axis=0)
    points = truth.copy()
    points[:10] = CITIES[3]
    natural = np.repeat([0.9, 0.1], [10, 30])
    scenes = {"indoor": np.zeros(40), "natural": natural, "urban": 1 - natural}
    row = score(Answers("x", points), Truth(truth, scenes=scenes), QUICK)
    (france,) = where_to_collect.weakest(row.scored)[2].rows
    assert france[1].startswith("natural photos: 0 of 10 within 200 km; what distinguishes it from Australia")
