"""Ordinary words that only look like public words: phrases with the letters of a name, words of the lines' language."""

from whereshot.evidence.ordinary_words import is_of_other_language, is_other_phrase


def test_a_phrase_is_not_the_name_with_its_letters() -> None:
    assert is_other_phrase("C'est la", 0.03) is False, "not all of its words are frequent"
    assert is_other_phrase("La Vie", 0.03)
    assert not is_other_phrase("Adgang forbudt", 0.15), "the table has the phrase itself"


def test_an_ordinary_word_of_the_lines_is_no_word_of_a_country_with_another_language() -> None:
    spanish = {"es": 0.97, "ca": 0.02}
    assert is_of_other_language("Agua Mineral", "drink", ["BR", "PT"], spanish)
    assert not is_of_other_language("Agua Mineral", "drink", ["BR", "ES"], spanish), "Spain uses the language"
    assert not is_of_other_language("Correios", "drink", ["BR", "PT"], spanish), "no Spanish word"
    assert is_of_other_language("Correios", "language-variety", ["BR", "PT"], spanish), (
        "a variety presupposes its language"
    )
    assert not is_of_other_language("Agua Mineral", "drink", ["BR", "PT"], {"es": 0.6, "pt": 0.4})
    assert not is_of_other_language("Agua Mineral", "drink", ["BR", "PT"], {"es": 0.4, "it": 0.2})


def test_lines_in_english_or_no_language_leave_out_no_word() -> None:
    assert not is_of_other_language("water", "language-variety", ["BR"], {"en": 0.99})
    assert not is_of_other_language("agua", "language-variety", ["BR"], {})


def test_a_country_with_languages_that_are_not_known_keeps_its_words() -> None:
    assert not is_of_other_language("Tok", "language-variety", ["PG"], {"id": 0.9})
