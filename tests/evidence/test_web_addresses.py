"""Hosts in lines of text."""

from __future__ import annotations

from whereshot.evidence.web_addresses import addresses, country_of_domain, host_names, host_words


def test_addresses_and_mail_are_found_and_lost_spaces_are_not() -> None:
    assert [labels for _, labels in addresses("see www.stockholm.se/felanmalan")] == [["stockholm", "se"]]
    assert [labels for _, labels in addresses("info@example.org")] == [["example", "org"]]
    assert list(addresses("Ende.Der nächste Satz steht hier ohne Leerzeichen")) == []


def test_the_country_of_a_domain() -> None:
    assert country_of_domain(["bbc", "co", "uk"]) == "GB"
    assert country_of_domain(["example", "com"]) is None
    assert country_of_domain(["youtu", "be"]) is None
    assert country_of_domain(["shop", "zz"]) is None


def test_names_without_endings() -> None:
    assert host_names(["www", "comune", "roma", "it"]) == ["comune", "roma"]
    assert host_words("www.stockholm.se and www.hamburg.de") == ["stockholm", "hamburg"]
