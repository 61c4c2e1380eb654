"""Towns in web addresses: by the domain of their country or a municipal word, never by likeness."""

from __future__ import annotations

import pytest

from whereshot.earth.towns import gazetteer
from whereshot.evidence.town_hosts import host_towns

COMPANIES = "marca vans nissan batman lincoln phoenix tours essen delta hamburg toledo columbia verona"


@pytest.mark.parametrize("name", COMPANIES.split())
@pytest.mark.parametrize("ending", ["com", "co", "net"])
def test_a_name_under_a_worldwide_domain_is_no_town(name: str, ending: str) -> None:
    assert list(host_towns(f"www.{name}.{ending}")) == []


@pytest.mark.parametrize(
    ("address", "name", "code"),
    [
        ("www.stockholm.se/park", "Stockholm", "SE"),
        ("www.hamburg.de", "Hamburg", "DE"),
        ("www.stadt-koeln.de", "Köln", "DE"),
        ("www.comune.monza.it", "Monza", "IT"),
        ("www.ville-essen.com", "Essen", "DE"),
    ],
)
def test_a_municipal_address_names_its_town(address: str, name: str, code: str) -> None:
    ((_, towns),) = host_towns(address)
    assert (gazetteer().name(towns[0]), gazetteer().country_codes[towns[0]]) == (name, code)


def test_only_the_usual_name_of_a_town_counts_which_may_be_english() -> None:
    assert list(host_towns("www.muenchen.de")) == []


def test_a_town_of_another_country_than_the_domain_is_not_meant() -> None:
    assert list(host_towns("www.altafulla.de")) == []
