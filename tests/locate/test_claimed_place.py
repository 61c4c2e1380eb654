"""Claimed places: what may be claimed, and how likely a posterior makes it."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth import areas, country_names
from whereshot.earth.countries import countries
from whereshot.foundation import package_data
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
        ("Korea", "South Korea"),
        ("U.S.", "United States"),
        ("U.K.", "United Kingdom"),
        ("the Netherlands", "Netherlands"),
        ("UAE", "United Arab Emirates"),
        ("Bayern", "Bavaria, Germany"),
        ("Catalunya", "Catalonia, Spain"),
        ("TX", "Texas, United States"),
        ("tx", "Texas, United States"),
        ("Tuvalu", "Tuvalu"),
        ("Réunion", "Réunion"),
        ("Georgia", "Georgia (also Georgia, United States)"),
        ("Congo", "Congo - Kinshasa (also Congo - Brazzaville)"),
        ("LA", "Laos (also Louisiana, United States)"),
        ("CA", "Canada (also California, United States)"),
        ("ON", "Ontario, Canada"),
        ("ZH", "Zürich, Switzerland"),
        ("WA", "Washington, United States (also Western Australia, Australia)"),
        ("Zug, Switzerland", "Zug, Zug, Switzerland"),
        ("Zug", "Zug, Switzerland"),
        ("Georgia, USA", "Georgia, United States"),
        ("Galicia, Spain", "Galicia, Spain"),
        ("Nassau, Bahamas", "Nassau, New Providence, Bahamas"),
    ],
)
def test_claims_are_understood(text: str, name: str) -> None:
    assert Claim.parse(text).name == name


@pytest.mark.parametrize(
    ("region", "town"),
    [("Catalonia", "Altafulla"), ("England", "Blackpool"), ("Hawaii", "Kaanapali"), ("Brittany", "Roscoff")],
)
def test_a_region_holds_its_towns_on_the_coast(region: str, town: str) -> None:
    claim, spot = Claim.parse(region), Claim.parse(town).point
    assert spot is not None
    on_the_beach = Posterior.from_mass(np.concatenate([TOWNS, spot]), [[0.1, 0.1, 0.1, 0.1, 0.6]], np.full(5, 1.0))
    assert claim.mass(on_the_beach) == pytest.approx(0.6)
    assert claim.rank(on_the_beach) == 1


def test_what_is_no_place_is_refused() -> None:
    with pytest.raises(InputError) as error:
        Claim.parse("Xyzzyplugh")
    assert str(error.value) == "no place 'Xyzzyplugh' is known; give a town, a region, a country, or LAT,LON"
    with pytest.raises(InputError) as error:
        Claim.parse("Altafula")
    assert str(error.value) == "no place 'Altafula' is known; did you mean 'Altafulla, Catalonia'?"
    with pytest.raises(InputError, match="latitude must lie between"):
        Claim.parse("95, 10")
    with pytest.raises(InputError) as error:
        Claim.parse("-91,0")
    assert str(error.value) == "the position (-91, 0) is impossible: latitude must lie between -90 and 90 degrees"
    with pytest.raises(InputError, match=r"^latitude -33\.85 has a minus sign, but its hemisphere is N$"):
        Claim.parse("-33.85 N, 151.2 E")


def test_every_country_is_claimed_by_its_codes_and_its_names() -> None:
    """All codes of ISO 3166 and XK, by codes, English, native, usual and former names."""
    rows = package_data.read_table("earth/data/country_names.parquet").to_pylist()
    usual = country_names.usual_names()["countries"]
    assert len(rows) == 250
    shared = set()
    for row in rows:
        code = row["country_code"]
        for name in (code, row["country_code3"], *row["names"], *usual.get(code, ())):
            claimed = Claim.parse(name).country
            assert claimed is not None, name
            same = country_names.find_codes(name)
            assert claimed.code == same[0] and code in same, name
            shared |= {name} if len(same) > 1 else set()
            assert areas.read_area(name).name == countries().by_code[same[0]].name
    assert shared == {"Congo", "Kongo", "Saint-Martin"}


def test_a_claim_of_a_state_holds_its_overseas_regions() -> None:
    """Réunion is a part of France and has its own name."""
    towns = Posterior.from_mass(np.array([[-20.88, 55.45], [48.86, 2.35], [52.52, 13.4]]), [[0.5, 0.3, 0.2]], 1.0)
    france, reunion = Claim.parse("France"), Claim.parse("Réunion")
    assert france.mass(towns) == pytest.approx(0.8, abs=0.03)
    assert reunion.mass(towns) == pytest.approx(0.5, abs=0.03)
    assert france.rank(towns) == reunion.rank(towns) == 1
    assert france.off_km((-20.88, 55.45)) == 0
    assert france.others(towns, towns, towns).best == "Germany"
    assert reunion.others(towns, towns, towns).best == "France"


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
