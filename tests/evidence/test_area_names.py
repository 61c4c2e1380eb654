"""Countries, states and provinces that are named without a town."""

import pytest

from whereshot.evidence.area_names import area_cues
from whereshot.evidence.base import Cue, Line
from whereshot.evidence.place_names import place_cues

BOX = (0, 0, 100, 20)


def cues_in(text: str) -> list[Cue]:
    lines = [Line(text, 0.9, BOX)]
    return area_cues(lines, place_cues(lines))


def test_a_state_proposes_its_largest_towns() -> None:
    (cue,) = cues_in("Govt. of Tamil Nadu")
    assert cue.trust == "text/area/region"
    assert cue.what == "Tamil Nadu"
    assert cue.means == "the region Tamil Nādu (India)"
    assert {proposal.country_code for proposal in cue.proposals} == {"IN"}
    assert max(cue.proposals, key=lambda proposal: proposal.weight).name == "Chennai"


def test_a_country_is_evidence_on_the_country() -> None:
    (cue,) = cues_in("State Bank of India")
    assert cue.trust == "text/area/country"
    assert cue.means == "the country India"
    assert cue.countries is not None
    assert cue.countries["IN"] == 1
    assert 0 < cue.countries["PK"] < 0.1


@pytest.mark.parametrize("text", ["Made in China", "Nevada Smith", "India Street", "central park", "TX 4711", ""])
def test_other_uses_of_a_name_give_no_cue(text: str) -> None:
    assert cues_in(text) == []


def test_an_area_beside_its_town_is_not_counted_again() -> None:
    assert cues_in("London, Ontario") == []
    assert cues_in("Welcome to Queensland") == []


@pytest.mark.parametrize(("text", "countries"), [("Welcome to Koro Island", 0), ("Island", 1), ("Iceland tours", 1)])
def test_an_island_is_not_the_country_iceland(text: str, countries: int) -> None:
    assert sum(cue.means == "the country Iceland" for cue in cues_in(text)) == countries


@pytest.mark.parametrize("text", ["Eastern", "Northern Region", "CENTRAL", "Province de l'Est"])
def test_a_direction_is_no_province_of_any_country(text: str) -> None:
    assert cues_in(text) == []


def test_a_region_of_two_countries_proposes_towns_of_both() -> None:
    (cue,) = cues_in("PUNJAB JUTI")
    assert cue.means == "the region Punjab (Pakistan, India)"
    weights = {code: sum(one.weight for one in cue.proposals if one.country_code == code) for code in ("PK", "IN")}
    assert 0.2 < weights["IN"] / (weights["PK"] + weights["IN"]) < 0.8


def test_a_country_with_the_name_of_another_country_or_state_leaves_both_open() -> None:
    (congo,) = cues_in("Congo")
    assert congo.means == "the country Congo - Kinshasa or Congo - Brazzaville"
    assert congo.countries is not None and congo.countries["CD"] == congo.countries["CG"] == 1
    (georgia,) = cues_in("Georgia")
    assert georgia.means == "the country Georgia"
    assert georgia.countries is not None and georgia.countries["GE"] == 1
