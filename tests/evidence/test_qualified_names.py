"""Towns with their state, province or country: the right one in every notation, and none where two names are a list."""

from __future__ import annotations

import pytest

from conftest import line
from whereshot.evidence.place_names import place_cues
from whereshot.evidence.qualified_names import area_below, area_spans, greeted_area, qualified_names
from whereshot.evidence.town_spans import WrittenLine


@pytest.mark.parametrize(
    ("texts", "name", "code"),
    [
        (["LONDON ONTARIO"], "London", "CA"),
        (["London, Ontario"], "London", "CA"),
        (["LONDON ON"], "London", "CA"),
        (["London,", "Ont."], "London", "CA"),
        (["Ontario", "London"], "London", "CA"),
        (["Canada - Hamilton"], "Hamilton", "CA"),
        (["TORONTO ONTARIO"], "Toronto", "CA"),
        (["City of Toronto", "Ontario, Canada"], "Toronto", "CA"),
        (["Welcome to Paris, Texas", "Population 24,476"], "Paris", "US"),
        (["PARIS TX 75460"], "Paris", "US"),
        (["City of Naples", "Florida"], "Naples", "US"),
        (["Portland, OR"], "Portland", "US"),
        (["Valencia, Venezuela"], "Valencia", "VE"),
        (["San José, Costa Rica"], "San José", "CR"),
        (["Hamilton, New Zealand"], "Hamilton", "NZ"),
        (["Athens, Georgia"], "Athens", "US"),
        (["Birmingham, Alabama"], "Birmingham", "US"),
        (["Newcastle, N.S.W."], "Newcastle", "AU"),
        (["Victoria, BC"], "Victoria", "CA"),
        (["Milano (MI)"], "Milan", "IT"),
        (["8000 Zürich ZH"], "Zürich", "CH"),
        (["Zürich, Kt. ZH"], "Zürich", "CH"),
        (["Ulm, Germany"], "Ulm", "DE"),
        (["Firenze", "Italia"], "Florence", "IT"),
        (["Greenfield, Indiana"], "Greenfield", "US"),
        (["Chelsea, Massachusetts"], "Chelsea", "US"),
        (["Nice, France"], "Nice", "FR"),
        (["City of Watertown", "New York"], "Watertown", "US"),
        (["Cooma", "N.S.W."], "Cooma", "AU"),
        (["DUBBO", "NSW 2830"], "Dubbo", "AU"),
        (["Moosomin", "Sask."], "Moosomin", "CA"),
        (["Tandil, Bs. As."], "Tandil", "AR"),
        (["Toowoomba, Qld."], "Toowoomba", "AU"),
        (["Knysna, W. Cape"], "Knysna", "ZA"),
        (["Siliguri, W. Bengal"], "Siliguri", "IN"),
        (["Delicias, Chih."], "Ciudad Delicias", "MX"),
        (["Tepatitlán", "Jal."], "Tepatitlán de Morelos", "MX"),
    ],
)
def test_the_area_decides_which_town_is_meant(texts: list[str], name: str, code: str) -> None:
    cue = place_cues([line(text) for text in texts])[0]
    assert cue.trust == "text/place/qualified"
    assert cue.discount == 1.0, "an exact name is not misread"
    assert {proposal.country_code for proposal in cue.proposals} == {code}
    assert cue.proposals[0].name == name


@pytest.mark.parametrize(
    "texts",
    [["PARIS", "NEW YORK"], ["TURN LEFT OR RIGHT"], ["LONDON IN SUMMER"], ["Show me Paris"]],
)
def test_lists_of_cities_and_ordinary_words_qualify_nothing(texts: list[str]) -> None:
    assert not list(qualified_names([WrittenLine.of(number, text) for number, text in enumerate(texts)]))


def test_a_code_needs_capitals() -> None:
    assert [span.text for span in area_spans(WrittenLine.of(0, "Altafulla, OR"))] == ["OR"]
    assert area_spans(WrittenLine.of(0, "Altafulla, or")) == []


@pytest.mark.parametrize("text", ["Welcome to Ontario", "Province of Ontario", "Ontario, Canada"])
def test_a_greeted_area_is_named(text: str) -> None:
    found = greeted_area([WrittenLine.of(0, text)])
    assert found is not None
    assert [(area.name, area.country_code) for area in found[2]] == [("Ontario", "CA")]
    (cue,) = place_cues([line(text)])
    assert (cue.trust, cue.means) == ("text/place/region", "the region Ontario (Canada)")


def test_a_lone_area_is_no_town_of_its_name() -> None:
    assert place_cues([line("ONTARIO")]) == []


@pytest.mark.parametrize("texts", [["HOPE", "IN"], ["LOVE", "ME"], ["Orange", "OR"]])
def test_an_ordinary_word_above_a_code_is_no_town(texts: list[str]) -> None:
    assert not list(qualified_names([WrittenLine.of(number, text) for number, text in enumerate(texts)]))


@pytest.mark.parametrize("text", ["Welcome to South Fork", "Bienvenidos a San José de Chiquitos", "Welcome to Western"])
def test_a_part_of_a_longer_name_is_no_greeted_area(text: str) -> None:
    assert greeted_area([WrittenLine.of(0, text)]) is None


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (["Welcome to Paradise Cove", "Manitoba"], "CA"),
        (["Welcome to Wallaby Gully", "Queensland"], "AU"),
        (["Bienvenidos a Villa Escondida", "Jujuy"], "AR"),
        (["Airport York Landing", "Saskatchewan"], "CA"),
        (["Welcome to Kotapalli Colony", "Telangana"], "IN"),
    ],
)
def test_the_area_below_says_where_an_unknown_place_is(texts: list[str], code: str) -> None:
    (cue,) = [cue for cue in place_cues([line(text) for text in texts]) if cue.trust == "text/place/region"]
    assert {proposal.country_code for proposal in cue.proposals} == {code}
    assert cue.what == texts[1]


@pytest.mark.parametrize(
    "texts",
    [["Welcome to our shop", "Manitoba"], ["Welcome to Matei", "Northern"], ["Open daily", "Manitoba"], ["Manitoba"]],
)
def test_no_area_below_without_a_greeted_name(texts: list[str]) -> None:
    assert area_below([WrittenLine.of(number, text) for number, text in enumerate(texts)]) is None
