"""Names of towns in a line, and towns of misread names."""

from __future__ import annotations

from whereshot.earth.towns import gazetteer
from whereshot.evidence.town_spans import MOST_TOWNS, WrittenLine, is_ideographic, misread_towns, town_spans


def names(text: str) -> list[str]:
    return [span.text for span in town_spans(WrittenLine.of(0, text))]


def test_the_longest_name_is_taken() -> None:
    assert names("Vilanova i la Geltrú 12") == ["Vilanova i la Geltrú"]
    assert names("NEW YORK") == ["NEW YORK"]


def test_an_article_is_no_part_of_a_name() -> None:
    assert names("Platja d'Altafulla") == ["Altafulla"]


def test_small_letters_and_worldwide_words_are_no_names() -> None:
    assert names("salat mit datteln") == []
    assert names("Pizza Taxi") == []


def test_a_span_knows_the_text_around_it() -> None:
    (span,) = town_spans(WrittenLine.of(0, "21073 Hamburg (links"))
    assert (span.before, span.text, span.after) == ("21073 ", "Hamburg", " (links")
    assert len(span.towns) <= MOST_TOWNS
    assert gazetteer().name(span.towns[0]) == "Hamburg"


def test_a_misread_name_finds_towns_with_the_number_of_errors() -> None:
    towns, errors = misread_towns("Barcelonq")
    assert (gazetteer().name(towns[0]), errors) == ("Barcelona", 1)
    assert len(misread_towns("Rom")[0]) == 0


def test_only_two_or_more_signs_are_ideographic() -> None:
    assert is_ideographic("東京")
    assert not is_ideographic("東")
    assert not is_ideographic("Tokyo")
