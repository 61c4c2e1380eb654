"""Airports in lines of text: which names are found, and what their cues say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.evidence.airports import airport_cues, airports, own_name
from whereshot.evidence.base import Line
from whereshot.evidence.text import cues_of

BOX = (0, 0, 100, 20)


def lines(*texts: str) -> list[Line]:
    return [Line(text, 0.9, (0, 30 * row, 100, 30 * row + 20)) for row, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "country"),
    [
        (["Jomo Kenyatta International Airport"], "KE"),
        (["JOMO KENYATTA", "INTERNATIONAL AIRPORT"], "KE"),
        (["Aeropuerto Internacional El Dorado"], "CO"),
        (["Welcome to Murtala Muhammed Airport, Lagos"], "NG"),
        (["Aéroport Charles de Gaulle"], "FR"),
        (["Sangster International Airport"], "JM"),
        (["Sân bay Tan Son Nhat"], "VN"),
        (["Bandara Soekarno-Hatta"], "ID"),
    ],
)
def test_airports_are_found_beside_a_word_for_airport(texts: list[str], country: str) -> None:
    (cue,) = airport_cues(lines(*texts))
    assert cue.kind == "text/place"
    assert max(cue.proposals, key=lambda place: place.weight).country_code == country


def test_a_cue_names_the_airport_and_its_country() -> None:
    (cue,) = airport_cues(lines("JOMO KENYATTA INTERNATIONAL AIRPORT"))
    assert cue.what == "JOMO KENYATTA"
    assert cue.means == "the airport Jomo Kenyatta International (Kenya)"
    (place,) = cue.proposals
    assert (place.latitude, place.longitude) == pytest.approx((-1.319, 36.928), abs=0.05)


@pytest.mark.parametrize(
    "texts",
    [
        ["Jomo Kenyatta Avenue"],
        ["Charles de Gaulle"],
        ["Airport Shuttle"],
        ["Airport Hotel", "Free parking for guests"],
        ["Central Airport"],
        [""],
    ],
)
def test_a_name_without_a_word_for_airport_and_ordinary_words_are_no_airport(texts: list[str]) -> None:
    assert airport_cues(lines(*texts)) == []


def test_the_name_of_an_airport_is_not_counted_as_a_town_too() -> None:
    cues = [cue for cue in cues_of(lines("Aeropuerto Internacional El Dorado")) if cue.kind == "text/place"]
    (meaning,) = [cue.means for cue in cues]
    assert meaning == "the airport El Dorado International (Colombia), or one of 2 other airports with this name"


def test_the_town_of_an_airport_stays_a_town() -> None:
    means = [cue.means for cue in cues_of(lines("Welcome to Nairobi", "Jomo Kenyatta Airport"))]
    assert any("Nairobi" in text for text in means)
    assert any("the airport Jomo Kenyatta" in text for text in means)


@given(st.text(max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    for cue in airport_cues(lines(text, "Airport")):
        assert cue.proposals


def test_own_names_have_no_word_for_airport() -> None:
    assert own_name("Flughafen München Franz Josef Strauß") == "München Franz Josef Strauß"
    assert all(airports().keys())
