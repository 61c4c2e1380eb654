"""Numbers of the country, the region and the nearest town of positions."""

from __future__ import annotations

import numpy as np

from whereshot.earth.countries import countries
from whereshot.earth.towns import gazetteer
from whereshot.evaluate import Truth
from whereshot.evaluate.naming import named, named_truth

PARIS, BERLIN, SEA = (48.857, 2.352), (52.52, 13.405), (0.0, -30.0)


def test_country_region_and_town() -> None:
    found = named(np.array([PARIS, BERLIN, SEA]))
    assert [countries().all[number].code for number in found["country"][:2]] == ["FR", "DE"]
    assert found["country"][2] == found["region"][2] == -1
    assert gazetteer().names[found["city"][0]].startswith("Paris")


def test_the_same_few_places_again_and_again() -> None:
    """Repeated positions are looked up once; the numbers are those of the single positions."""
    points = np.tile([PARIS, BERLIN], (6000, 1))
    few, many = named(np.array([PARIS, BERLIN])), named(points)
    for level, numbers in many.items():
        np.testing.assert_array_equal(numbers, np.tile(few[level], 6000))


def test_the_truth_is_named_once() -> None:
    truth = Truth(np.array([PARIS]))
    assert named_truth(truth) is named_truth(truth)
