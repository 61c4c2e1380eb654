"""The look-up of polygons against plain tests of every polygon."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.earth import sphere
from whereshot.earth.partition.lookup import Polygons


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 12), size=st.sampled_from([0.01, 0.3, 5.0, 60.0]))
def test_lookup_agrees_with_plain_tests(seed: int, count: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    middle = (
        rng.uniform([-180, -90], [180, 90], (count, 1, 2))
        if size > 1
        else rng.uniform(10, 10 + 3 * size, (count, 1, 2))
    )
    corners = middle + rng.normal(0, size, (count, 7, 2))
    clipped = np.clip(corners, [-180, -90], [180, 90])
    shapes = [shape for shape in (shapely.MultiPoint(one).convex_hull for one in clipped) if shape.area > 0]
    low, high = clipped.reshape(-1, 2).min(0) - size, clipped.reshape(-1, 2).max(0) + size
    spots = np.concatenate([rng.uniform(low, high, (400, 2)), clipped.reshape(-1, 2)])
    points = np.clip(spots, [-179.9, -89.9], [179.9, 89.9])[:, ::-1]
    wanted = [
        next((row for row, shape in enumerate(shapes) if shape.intersects(shapely.Point(point[::-1]))), -1)
        for point in points
    ]
    lookup = Polygons(shapes)
    assert lookup.index_of(points).tolist() == wanted
    assert lookup.index_of(points[::-1]).tolist() == wanted[::-1]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), km=st.sampled_from([1.0, 30.0, 400.0]))
def test_strays_agree_with_dense_borders(seed: int, km: float) -> None:
    rng = np.random.default_rng(seed)
    shapes = [
        shapely.box(x, y, x + w, y + h) for x, y, w, h in rng.uniform([170, 50, 0.1, 0.1], [175, 60, 4, 4], (4, 4))
    ]
    borders = [shapely.get_coordinates(shapely.segmentize(shape, 0.004).exterior)[:, ::-1] for shape in shapes]
    points = sphere.points(np.stack([rng.uniform(45, 68, 300), rng.uniform(165, 190, 300)], axis=1))
    found = Polygons(shapes).index_of(points, km)
    nearest = np.array([sphere.Nearest(border).query(points)[0] for border in borders])
    for row in np.flatnonzero(Polygons(shapes).index_of(points) < 0):
        best = nearest[:, row].min()
        if found[row] < 0:
            assert best > km - 0.1
        else:
            assert nearest[found[row], row] <= best + 0.1 and best <= km + 0.1
