"""Names of places in lines: towns by their authorities, and words, people, dishes and brands that are no towns."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import FuseWorld, line
from whereshot.earth import sphere
from whereshot.evidence.place_names import place_cues
from whereshot.evidence.text import cues_of
from whereshot.posterior.decision import best


def test_a_town_hall_names_its_town(fuse_world: FuseWorld) -> None:
    fused = fuse_world(cues_of([line("Ajuntament d'Altafulla")]))
    decided = best(fused.posterior, 25, 1)
    assert sphere.distance_km(decided[0], np.array([41.143, 1.373])) < 5


def test_a_year_is_no_postcode() -> None:
    assert not [cue for cue in cues_of([line("Est. 1998 Nice"), line("2023 March")]) if cue.trust == "text/place/named"]


@pytest.mark.parametrize(
    "texts",
    [
        ["Salat mit Datteln", "4 Datteln in Ringe schneiden"],
        ["Frische Datteln", "100 g"],
        ["www.vans.com"],
        ["KEEP CLIMBING", "delta.com"],
        ["Autohaus Müller Probefahrt", "www.nissan.com"],
        ["CHARLOTTE"],
        ["Sofia & Martin", "Just Married"],
        ["Hannah Lincoln", "1890 - 1952"],
        ["CLUB SANDWICH", "Turkey Bacon Cheddar"],
        ["BOLOGNA SANDWICH", "Buffalo Wings"],
        ["PANAMA HATS"],
        ["CORK SCREWS"],
        ["BERLIN DÖNER KEBAP"],
        ["Mon-Sat"],
        ["Salat (z"],
        ["Pfanne"],
        ["EL Senf"],
        ["Deutsch"],
        ["UNIQUE"],
        ["MATURE"],
        ["PARE"],
        ["ARRÊT"],
        ["Honden aan de lijn"],
        ["NICE DAY"],
        ["SPLIT"],
        ["Vienna Teng"],
        ["Chelsea Clinton"],
        ["Rioja"],
        ["Apotheke"],
    ],
    ids=" / ".join,
)
def test_words_people_dishes_and_brands_are_no_places(texts: list[str]) -> None:
    assert place_cues([line(text) for text in texts]) == []


@pytest.mark.parametrize("text", ["Willkommen in Essen", "45657 Datteln", "Ville de Nice", "www.stadt-essen.de"])
def test_support_makes_a_word_a_town(text: str) -> None:
    assert [cue.trust for cue in place_cues([line(text)])] == ["text/place/named"]


@pytest.mark.parametrize("text", ["Maastricht", "Vilanova i la Geltrú", "KOLDING 14", "A7 Flensburg", "MUSSOORIE"])
def test_a_name_alone_in_its_line_is_plain(text: str) -> None:
    lines = [line(text), line("Bitte nicht betreten und die Wege nicht verlassen")]
    assert [cue.trust for cue in place_cues(lines)] == ["text/place/plain"]


def test_a_world_city_alone_is_weak() -> None:
    assert [cue.trust for cue in place_cues([line("TOKYO")])] == ["text/place/weak"]


def test_a_name_in_a_sentence_is_no_evidence() -> None:
    assert place_cues([line("2015 MEDIBANK MELBOURNE FESTIVAL RUN")]) == []
    assert place_cues([line("Der Wein aus Altafulla schmeckt")]) == []


def test_towns_near_each_other_support_each_other() -> None:
    cues = place_cues([line("Reus 12"), line("Altafulla 25")])
    (cue,) = cues
    assert (cue.what, cue.trust, cue.means) == (
        "Reus / Altafulla",
        "text/place/qualified",
        "named together: Reus and Altafulla (Spain)",
    )
    assert {proposal.country_code for proposal in cue.proposals} == {"ES"}


@pytest.mark.parametrize(
    ("texts", "code"),
    [(["Bruxelles", "Brussel"], "BE"), (["Helsinki", "Helsingfors"], "FI"), (["Oulu / Uleåborg"], "FI")],
)
def test_two_names_of_one_town_support_each_other(texts: list[str], code: str) -> None:
    cues = place_cues([line(text) for text in texts])
    assert {cue.trust for cue in cues} == {"text/place/named"}
    assert {proposal.country_code for cue in cues for proposal in cue.proposals} == {code}


def test_a_misread_name_counts_only_with_support() -> None:
    assert place_cues([line("Rotterdqm")]) == []
    (cue,) = place_cues([line("Gemeente Rotterdqm")])
    assert (cue.trust, cue.discount) == ("text/place/named", 0.6)


@pytest.mark.parametrize("text", ["FILLING STATION", "Police station"])
def test_a_word_is_no_misread_town(text: str) -> None:
    """Dilling is a town in Sudan."""
    assert place_cues([line(text)]) == []


def test_goods_are_not_where_they_were_made() -> None:
    assert place_cues([line("Made in Sheffield, England")]) == []


@pytest.mark.parametrize("text", ["Welcome to York Landing", "WELCOME TO YORK LANDING", "Airport Elkin Creek"])
def test_a_name_that_goes_on_is_trusted_less(text: str) -> None:
    (cue,) = place_cues([line(text)])
    assert cue.discount == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("text", "towns"),
    [
        ("Montreux Vevey", {"Montreux / Vevey"}),
        ("Gare de Montreux Vevey", {"Montreux"}),
        ("Zermatt Visp", {"Zermatt / Visp"}),
        ("Bahnhof Zürich Altstetten", {"Zürich"}),
    ],
)
def test_a_town_beside_a_name_takes_nothing_from_it(text: str, towns: set[str]) -> None:
    assert {(cue.what, cue.discount) for cue in place_cues([line(text)])} == {(town, 1.0) for town in towns}


@pytest.mark.parametrize("text", ["Welcome to York", "Welcome to York Visitor Centre", "York Railway Station"])
def test_a_title_after_a_name_takes_nothing_from_it(text: str) -> None:
    assert place_cues([line(text)])[0].discount == 1.0


def test_a_name_with_a_distance_does_not_qualify_another() -> None:
    """Córdoba is a province too, and México a country; on a board both are towns."""
    (cue,) = place_cues([line("Sevilla 530"), line("Córdoba 390")])
    assert cue.means == "named together: Sevilla and Córdoba (Spain)"
    (cue,) = place_cues([line("London, Ontario")])
    assert cue.trust == "text/place/qualified" and "Ontario" in cue.means
