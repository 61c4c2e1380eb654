"""Claimed places: what may be claimed, and how likely a posterior makes it."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.foundation.errors import InputError
from whereshot.locate.claimed_place import Claim
from whereshot.posterior.base import Posterior

TOWNS = np.array([[48.137, 11.575], [49.452, 11.077], [52.52, 13.405], [35.69, 139.69]])
"""Munich, Nuremberg, Berlin, Tokyo."""


def belief(*shares: float) -> Posterior:
    return Posterior.from_mass(TOWNS, [shares], np.full(4, 1.0))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("48.86, 2.35", "48.8600, 2.3500"),
        ("-33.9 18.4", "-33.9000, 18.4000"),
        ("48.2083° N, 16.3700° E", "48.2083, 16.3700"),
        ("48°12'30\"N 16°22'12\"E", "48.2083, 16.3700"),
        ("48,2083; 16,37", "48.2083, 16.3700"),
        ("33.85S 151.2E", "-33.8500, 151.2000"),
        ("Denmark", "Denmark"),
        ("Altafulla", "Altafulla, Catalonia, Spain"),
        ("Paris, Texas", "Paris, Texas, United States"),
        ("Deutschland", "Germany"),
        ("España", "Spain"),
        ("England", "England, United Kingdom"),
        ("northern ireland", "Northern Ireland, United Kingdom"),
        ("Bavaria", "Bavaria, Germany"),
        ("Catalonia", "Catalonia, Spain"),
        ("Punjab, Pakistan", "Punjab, Pakistan"),
    ],
)
def test_claims_are_understood(text: str, name: str) -> None:
    assert Claim.parse(text).name == name


def test_what_is_no_place_is_refused() -> None:
    with pytest.raises(InputError) as error:
        Claim.parse("Xyzzyplugh")
    assert str(error.value) == "no place 'Xyzzyplugh' is known; give a town, a region, a country, or LAT,LON"
    with pytest.raises(InputError, match="latitude must lie between"):
        Claim.parse("95, 10")
    with pytest.raises(InputError) as error:
        Claim.parse("-91,0")
    assert str(error.value) == "the position (-91, 0) is impossible: latitude must lie between -90 and 90 degrees"
    with pytest.raises(InputError, match=r"^latitude -33\.85 has a minus sign, but its hemisphere is N$"):
        Claim.parse("-33.85 N, 151.2 E")


def test_a_town_of_a_regions_name_is_meant_where_it_is_large() -> None:
    assert Claim.parse("Madrid").point is not None
    assert Claim.parse("Galicia").region is not None


@pytest.mark.parametrize(
    ("claim", "mass", "rank", "best", "shares"),
    [
        ("Germany", 0.9, 1, "Japan", (0.1, 0.7, 0.25)),
        ("Japan", 0.1, 2, "Germany", (0.9, 0.3, 0.75)),
        ("Bavaria", 0.8, 1, "Berlin, Germany", (0.1, 0.1, 0.25)),
        ("48.137, 11.575", 0.5, 1, "Nuremberg, Bavaria, Germany", (0.3, 0.1, 0.25)),
    ],
)
def test_a_claim_beside_the_best_other_of_its_kind(
    claim: str, mass: float, rank: int, best: str, shares: tuple[float, float, float]
) -> None:
    after, unread, prior = belief(0.5, 0.3, 0.1, 0.1), belief(0.1, 0.1, 0.1, 0.7), belief(0.25, 0.25, 0.25, 0.25)
    claimed = Claim.parse(claim)
    assert claimed.mass(*after) == pytest.approx(mass, abs=0.03)
    assert claimed.rank(after) == rank
    others = claimed.others(after, unread, prior)
    assert others.best == best
    assert (others.probability, others.unread, others.prior) == pytest.approx(shares, abs=0.03)
