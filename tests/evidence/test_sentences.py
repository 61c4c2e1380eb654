"""Running text and the words of signs."""

from __future__ import annotations

import pytest

from whereshot.evidence.base import Line
from whereshot.evidence.sentences import is_mention, is_of_genitive, is_running_text
from whereshot.evidence.text import cues_of

RUNNING = [
    "La sopa del día se sirve con pan",
    "Ihr neuer Wagen wartet bei uns auf Sie",
    "Buon compleanno Marco, da tutti noi",
    "Votre nouvelle voiture vous attend chez nous",
    "A palavra do dia é paz",
]
SIGNS = [
    "Banco Central de Chile", "Instituto Nacional de Estadística", "Rijksmuseum Amsterdam", "Stadt Köln",
    "New Zealand Post Office", "Pollo con papas", "Government of Tamil Nadu", "Ministerio de Vivienda y Urbanismo",
]  # fmt: skip


@pytest.mark.parametrize("text", [*RUNNING, *map(str.upper, RUNNING)])
def test_sentences_are_running_text(text: str) -> None:
    assert is_running_text(text)


@pytest.mark.parametrize("text", [*SIGNS, *map(str.upper, SIGNS), ""])
def test_names_on_signs_are_not(text: str) -> None:
    assert not is_running_text(text)


def test_a_word_with_a_capital_inside_a_sentence_is_a_mention() -> None:
    line = "Our soup of the day comes with fresh Tatar and bread"
    assert is_mention(line, line.index("Tatar"), line.index("Tatar") + 5)
    assert not is_mention(line, 0, 3)  # the first word
    assert not is_mention(line, line.index("soup"), line.index("soup") + 4)
    assert not is_mention("Tatar mit Brot", 0, 5)


@pytest.mark.parametrize(
    ("before", "is_it"), [("Bank of ", True), ("Banque de la ", True), ("is ", False), ("", False)]
)
def test_words_of_possession(before: str, is_it: bool) -> None:
    assert is_of_genitive(before) == is_it


def _countries_named(text: str) -> list[str]:
    cues = cues_of([Line(text, 0.95, (100, 100, 600, 150))])
    return [cue.what for cue in cues if cue.kind != "text/language" and cue.countries]


@pytest.mark.parametrize(
    "text",
    [
        "La soupe du jour est servie avec Argentine et du pain",
        "LA SOUPE DU JOUR EST SERVIE AVEC TURKEY ET DU PAIN",
        "Our soup of the day comes with fresh Tatar and bread",
        "Uw nieuwe Seeb staat voor u klaar",
    ],
)
def test_a_country_a_company_or_a_dish_that_a_sentence_mentions_says_nothing(text: str) -> None:
    assert _countries_named(text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [("Banco Central de Chile", "Chile"), ("Embassy of the Republic of Kenya", "Kenya"), ("ARGENTINA", "ARGENTINA")],
)
def test_a_country_that_a_sign_names_counts(text: str, what: str) -> None:
    assert any(what in named for named in _countries_named(text))
