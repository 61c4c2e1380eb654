"""Towns whose names are words or people's names, and towns whose names are nothing else."""

from __future__ import annotations

import pytest

from whereshot.evidence.ambiguous_names import FIRST_NAME, SURNAME, OtherMeanings, expected_zipf, other_meanings

WORDS = "Datteln Singen Essen Nice Reading Cheddar Vans Nissan Marka Delta Pare Split Tours Orange Male"
TOWNS = "Altafulla Tarragona Maastricht Mussoorie Hamburg Rotterdam København Berlin Ljubljana Stewiacke Oaxaca Kyoto"


@pytest.mark.parametrize("name", WORDS.split())
def test_a_word_is_known_whatever_its_case(name: str) -> None:
    assert other_meanings(name).word_zipf > 2
    assert other_meanings(name.upper()) == other_meanings(name.lower()) == other_meanings(name)


@pytest.mark.parametrize("name", TOWNS.split())
def test_a_name_that_only_towns_have_is_no_word(name: str) -> None:
    assert other_meanings(name).word_zipf == 0


@pytest.mark.parametrize("name", ["Charlotte", "Sofia", "Florence", "Lincoln", "Martina", "Victor"])
def test_names_of_people_are_known(name: str) -> None:
    assert other_meanings(name).person == FIRST_NAME


def test_surnames_are_known() -> None:
    assert other_meanings("Garcia").person == SURNAME


def test_an_unknown_name_has_no_other_meaning() -> None:
    assert other_meanings("Xyzzyville") == OtherMeanings(0.0, 0)
    assert other_meanings("") == OtherMeanings(0.0, 0)


def test_larger_towns_are_written_of_more_often() -> None:
    assert expected_zipf(2_000_000) > expected_zipf(20_000) > expected_zipf(0)
