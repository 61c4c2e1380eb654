"""Names of one script, found in text that was read with errors."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth.name_index import name_keys
from whereshot.earth.spelling_index import _NEAR, SpellingIndex, letter_cost, spelled, weigh

NAMES = ["Київ", "Одеса", "Харків", "Харковець", "Кременчук"]


def found(names: list[str], text: str, allowed: float) -> list[tuple[str, float]]:
    (key,) = name_keys([text])
    return [(names[each.row], each.errors) for each in SpellingIndex(name_keys(names)).whole(key, allowed)]


def test_exact_names_are_found_whatever_their_case_and_in_every_row() -> None:
    index = SpellingIndex(name_keys(["Київ", "КИЇВ", "Одеса"]))
    assert index.exact("киів") == [0, 1]  # keys have no accents
    assert index.exact("киіс") == []


@pytest.mark.parametrize(
    ("text", "allowed", "expected"),
    [
        ("харжів", 1, [("Харків", 1.0)]),
        ("харкпв", 0.5, []),
        ("кремнчук", 1, [("Кременчук", 1.0)]),
        ("кременчуук", 1, [("Кременчук", 1.0)]),
        ("одеся", 0, []),
    ],
)
def test_names_are_found_with_a_wrong_missing_or_further_letter(
    text: str, allowed: float, expected: list[tuple[str, float]]
) -> None:
    assert found(NAMES, text, allowed) == expected


def test_marks_and_letters_that_look_alike_count_half() -> None:
    assert letter_cost("ц", "щ") == letter_cost("ث", "ت") == letter_cost("\u0e48", "") == 0.5
    assert letter_cost("ሱ", "ሲ") == 0.5  # syllables with one consonant
    assert letter_cost("ж", "о") == letter_cost("ж", "") == 1.0


@pytest.mark.parametrize("group", _NEAR.split())
def test_letters_that_look_alike_are_spelled_as_in_keys(group: str) -> None:
    """A letter that keys spell otherwise, such as the Arabic forms of yeh, would never be met."""
    assert len(set(group)) == len(group) >= 2
    assert [spelled(name_keys([letter])[0]) for letter in group] == list(group)
    assert all(unicodedata.category(letter) in ("Lo", "Ll", "Mc", "Nd") for letter in group)
    scripts = {unicodedata.name(letter).split()[0] for letter in group if not letter.isascii()}
    assert len(scripts) == 1


def test_syllables_of_hangul_are_compared_by_their_letters() -> None:
    assert found(["부산광역시"], "부신광역시", 1) == [("부산광역시", 0.5)]


def test_names_inside_writing_without_spaces_are_found_with_their_places() -> None:
    names = ["สุรินทร์", "เชียงใหม่"]
    (text,) = name_keys(["เทศบาลเมืองสุรนทร์ครับ"])  # one vowel sign is missing
    (one,) = SpellingIndex(name_keys(names)).inside(text, lambda letters: 1.0)
    assert (names[one.row], one.errors) == ("สุรินทร์", 0.5)
    assert text[one.start : one.stop] == "สุรนทร์"


def test_an_empty_index_and_a_text_of_other_letters_find_nothing() -> None:
    assert SpellingIndex([]).whole("киів", 1) == []
    assert list(SpellingIndex([]).inside("киів", lambda letters: 1.0)) == []
    assert found(NAMES, "აფთიაქი", 2) == []


ALPHABET = "абвгд"


@given(st.text(ALPHABET, min_size=1, max_size=8), st.lists(st.text(ALPHABET, min_size=1, max_size=8), max_size=6))
def test_the_index_finds_what_a_table_of_costs_finds(text: str, names: list[str]) -> None:
    index = SpellingIndex(names)
    expected = {row for row, name in enumerate(names) if weigh(text, name)[0] <= 1}
    assert {each.row for each in index.whole(text, 1.0)} == expected


@given(st.text(ALPHABET, max_size=6), st.text(ALPHABET, min_size=1, max_size=6), st.text(ALPHABET, max_size=6))
def test_a_name_inside_a_text_costs_nothing(before: str, name: str, after: str) -> None:
    cost, start, stop = weigh(before + name + after, name, inside=True)
    assert cost == 0
    assert (before + name + after)[start:stop] == name
