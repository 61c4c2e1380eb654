"""What all parts of a scorecard share: distances as text, scores with intervals, the level of cells."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.evaluate import Value
from whereshot.report.scorecard.base import PART_KM, fine_level, kilometres, part_km, short_path, with_interval


@pytest.mark.parametrize(
    ("km", "text"), [(12345.6, "12,346"), (42.16, "42.2"), (0.0123, "0.012"), (float("nan"), ""), (float("inf"), "")]
)
def test_a_distance_has_the_digits_that_matter(km: float, text: str) -> None:
    assert kilometres(km) == text


def test_a_score_has_its_interval_in_brackets() -> None:
    assert with_interval(Value(0.5, 0.25, 0.75), 100, ".1f") == "50.0 [25.0, 75.0]"
    assert with_interval(Value(-3.0, -5.0, 1.0), 1, "+.0f") == "-3 [-5, +1]"
    assert with_interval(None, 100, ".1f") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/somebody/photos/of/a/long/holiday/lima/0001.jpg", "…/lima/0001.jpg"),
        ("lima/0001.jpg", "lima/0001.jpg"),
        ("5000 exp(-km / 1492.7), a/b/c, which is a sentence and not a path", None),
        ("a-name-that-is-long-and-has-no-folder-in-front.jpg", None),
    ],
)
def test_a_long_path_is_shortened(text: str, shown: str | None) -> None:
    assert short_path(text) == (shown or text)


def test_cells_are_finer_where_the_photos_lie_close_together() -> None:
    world = np.array([[48.86, 2.35], [-33.87, 151.2], [40.71, -74.0]])
    city = np.array([[48.86, 2.35], [48.80, 2.30], [48.90, 2.40]])
    assert part_km(world) > PART_KM and fine_level(world, 4) == 4
    assert part_km(city) < 10 and fine_level(city, 4) > 8
    one = np.array([[48.86, 2.35]])
    assert part_km(one) == 5.0 and 4 <= fine_level(one, 4) <= 13
