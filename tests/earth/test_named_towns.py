"""Towns that a text may mean, with a country or a region in many notations."""

from __future__ import annotations

import pytest

from whereshot.earth.named_towns import find_place
from whereshot.earth.towns import gazetteer


@pytest.mark.parametrize(
    ("text", "name", "region", "country_code"),
    [
        ("Altafulla", "Altafulla", "Catalonia", "ES"),
        ("altafulla ", "Altafulla", "Catalonia", "ES"),
        ("Altafulla, Tarragona", "Altafulla", "Catalonia", "ES"),
        ("Altafulla, Catalonia, Spain", "Altafulla", "Catalonia", "ES"),
        ("Paris", "Paris", "Île-de-France", "FR"),
        ("Paris, France", "Paris", "Île-de-France", "FR"),
        ("Paris, FR", "Paris", "Île-de-France", "FR"),
        ("Paris, TX", "Paris", "Texas", "US"),
        ("Paris TX", "Paris", "Texas", "US"),
        ("Paris, Texas, USA", "Paris", "Texas", "US"),
        ("Springfield, US", "Springfield", "Missouri", "US"),
        ("Springfield Illinois", "Springfield", "Illinois", "US"),
        ("London, UK", "London", "England", "GB"),
        ("London, Ontario", "London", "Ontario", "CA"),
        ("Sydney, NSW", "Sydney", "New South Wales", "AU"),
        ("Washington, D.C.", "Washington", "District of Columbia", "US"),
        ("Köln, Germany", "Köln", "North Rhine-Westphalia", "DE"),
        ("東京", "Tokyo", "Tokyo", "JP"),
        ("Saint-Denis, Réunion", "Saint-Denis", "Reunion", "RE"),
        ("Cayenne, France", "Cayenne", "Guyane", "GF"),
        ("Texas, Paris", "Paris", "Texas", "US"),
        ("Paris (Texas)", "Paris", "Texas", "US"),
        ("Paris/Texas", "Paris", "Texas", "US"),
        ("Paris - Texas", "Paris", "Texas", "US"),
        ("Paris\nTexas", "Paris", "Texas", "US"),
        ("TX Paris", "Paris", "Texas", "US"),
        ("Portland, OR", "Portland", "Oregon", "US"),
        ("Portland, Ore.", "Portland", "Oregon", "US"),
        ("Ontario, London", "London", "Ontario", "CA"),
        ("Ontario, CA", "Ontario", "California", "US"),
        ("Zürich, ZH", "Zürich", "Zürich", "CH"),
        ("Zürich, Kt. ZH", "Zürich", "Zürich", "CH"),
        ("Monza (MB)", "Monza", "Lombardy", "IT"),
        ("San José, Costa Rica", "San José", "San José", "CR"),
        ("Costa Rica, San José", "San José", "San José", "CR"),
        ("San José Costa Rica", "San José", "San José", "CR"),
        ("Hamilton NZ", "Hamilton", "Waikato", "NZ"),
        ("Athens, Georgia", "Athens", "Georgia", "US"),
        ("Birmingham, Alabama", "Birmingham", "Alabama", "US"),
        ("Valencia, Venezuela", "Valencia", "Carabobo", "VE"),
        ("München, Bayern", "Munich", "Bavaria", "DE"),
        ("Frankfurt (Oder)", "Frankfurt (Oder)", "Brandenburg", "DE"),
        ("Santiago de Compostela", "Santiago de Compostela", "Galicia", "ES"),
    ],
)
def test_places_of_names(text: str, name: str, region: str, country_code: str) -> None:
    town = find_place(text)[0]
    assert (town.name, town.region, town.country_code) == (name, region, country_code)


def test_candidates_are_sorted_by_size() -> None:
    found = find_place("Springfield, US")
    assert len(found) > 20
    assert {town.country_code for town in found} == {"US"}
    sizes = [town.population for town in found]
    assert sizes == sorted(sizes, reverse=True)
    towns = gazetteer()
    assert [towns.names[town.index] for town in found] == [town.name for town in found]
    assert (found[0].latitude, found[0].longitude) == pytest.approx(tuple(towns.points[found[0].index]))


@pytest.mark.parametrize("text", ["", " , ", "Nowherevillestadt", "Altafulla, Japan", "Paris, Nowherevillestadt"])
def test_no_place_of_that_name(text: str) -> None:
    assert find_place(text) == []
