"""The fine map of a page: the blocks around the answers, also over the date line, and no more than a page can hold."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from whereshot.earth.base_map import UNIT
from whereshot.report import map_detail
from whereshot.report.map_detail import map_detail as detail_of


def boxes(*points: tuple[float, float]) -> list[list[int]]:
    return [block["box"] for block in detail_of(np.array(points))]


def test_an_answer_has_its_own_block_and_those_near_its_edges() -> None:
    assert boxes((42.0, 2.0)) == [[0, 40, 4, 44]]
    assert sorted(boxes((40.1, 3.9))) == [[0, 36, 4, 40], [0, 40, 4, 44], [4, 36, 8, 40], [4, 40, 8, 44]]
    assert sorted(boxes((-18.0, 180.0))) == [[-180, -20, -176, -16], [176, -20, 180, -16]]
    assert detail_of(np.empty((0, 2))) == []


def test_land_and_lines_are_those_of_the_place() -> None:
    (block,) = detail_of(np.array([[42.0, 2.0]]))
    rings = [np.array(ring).reshape(-1, 2).cumsum(axis=0) / UNIT for ring in block["land"]]
    assert all((ring[0] == ring[-1]).all() for ring in rings)
    land = shapely.make_valid(shapely.Polygon(max(rings, key=len)))
    assert land.covers(shapely.Point(1.5, 42.5))
    assert not land.covers(shapely.Point(3.8, 41.0))
    assert block["rivers"] and block["borders"] and block["regions"]


def test_a_block_without_land_is_sea_where_the_coarse_map_may_have_land() -> None:
    (block,) = detail_of(np.array([[30.0, -42.0]]))
    assert [block[kind] for kind in ("land", "rivers", "borders", "regions")] == [[], [], [], []]


def test_places_with_few_answers_are_left_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_detail, "MOST_NUMBERS", 4_000)
    found = boxes((62.0, 6.0), (42.0, 2.0), (42.0, 2.0))
    assert found[0] == [0, 40, 4, 44]
    assert [4, 60, 8, 64] not in found  # the fjords
