"""Heat over a picture: where crops lie in it, and in words where the most heat is."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.locate.explain.base import HeatMap, grid_of, on_picture
from whereshot.photos import preprocess
from whereshot.photos.preprocess import Preprocess


def test_crops_lie_where_they_were_cut() -> None:
    """A hot patch of each crop, laid back on a wide picture."""
    settings = Preprocess(size=64, resize=64, crops=3)
    size = (192, 64)
    view = preprocess.fixed_view(size, settings)
    crops = np.zeros((3, 8, 8))
    crops[1, 2, 7] = 1.0  # the middle crop covers 64 to 128; its last column the pixels 120 to 128
    heat = on_picture(crops, view, size, (8, 24))
    assert heat.shape == (8, 24) and np.isfinite(heat).all()
    assert np.argwhere(heat > 0).tolist() == [[2, 15]]
    middle = Preprocess(size=64, resize=64)
    view = preprocess.fixed_view(size, middle)
    seen = on_picture(np.ones((1, 8, 8)), view, size, (8, 24))
    assert HeatMap(seen, "% of the attention").seen_share == pytest.approx(1 / 3)
    assert np.isnan(seen[:, :8]).all() and np.isnan(seen[:, 16:]).all() and (seen[:, 8:16] == 1).all()


@pytest.mark.parametrize(
    ("hot", "words"),
    [((0, 0), "at the top left"), ((4, 4), "in the middle"), ((8, 4), "at the bottom"), ((4, 8), "at the right")],
)
def test_where_it_is_in_words(hot: tuple[int, int], words: str) -> None:
    values = np.zeros((9, 9))
    values[hot] = 2.0
    values[0, 8] = -5.0
    assert HeatMap(values, "nats").where() == words
    assert HeatMap(np.zeros((3, 3)), "nats").where() == "nowhere"
    assert HeatMap(values, "nats").strongest == 5.0
    assert grid_of((400, 200), 7) == (7, 14) and grid_of((10, 1000), 7) == (21, 7)
