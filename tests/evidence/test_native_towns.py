"""Towns by their names in one native script."""

import pytest

from whereshot.earth.name_index import name_keys
from whereshot.earth.towns import gazetteer
from whereshot.evidence.known_languages import LANGUAGES
from whereshot.evidence.native_towns import countries_writing, errors_allowed, native_towns, place_kinds, without_kinds
from whereshot.evidence.text_segments import NATIVE_SCRIPTS, native_script
from whereshot.foundation.package_data import read_toml


def first(script: str, text: str, exact: bool) -> str | None:
    (key,) = name_keys([text])
    found = native_towns(script).exact(key) if exact else native_towns(script).misread(key)
    known = gazetteer()
    return None if found is None else known.name(found.towns[known.populations[found.towns].argmax()])


@pytest.mark.parametrize(
    ("script", "text", "town"),
    [
        ("Georgian", "გორი", "Gori"),
        ("Thai", "เชียงใหม่", "Chiang Mai"),
        ("Hangul", "수원시", "Suwon"),
        ("Hebrew", "חיפה", "Haifa"),
        ("Arabic", "الإسكندرية", "Alexandria"),
        ("Armenian", "Գյումրի", "Gyumri"),
    ],
)
def test_towns_are_found_by_their_own_names(script: str, text: str, town: str) -> None:
    assert first(script, text, exact=True) == town


def test_towns_are_found_with_wrong_letters_as_far_as_the_name_is_long() -> None:
    assert first("Cyrillic", "днепропетровсх", exact=False) == "Dnipro"
    assert first("Cyrillic", "киьв", exact=False) is None
    assert errors_allowed(3, "Thai") == 0 < errors_allowed(6, "Thai") < errors_allowed(12, "Thai")


def test_errors_weigh_more_where_the_reader_is_sure_and_more_where_spaces_differ() -> None:
    """ "Moti Magari" is a hill in Udaipur, and no misread Motihari, which has one word."""
    (key,) = name_keys(["मोती मगरी"])
    doubtful, sure, whole = (
        native_towns("Devanagari").misread(key, spaces, confidence)
        for spaces, confidence in ((1, 0.7), (1, 0.99), (0, 0.99))
    )
    assert doubtful is not None and sure is not None and whole is not None
    assert doubtful.errors == sure.errors == 2
    assert doubtful.nats > sure.nats + 4
    assert whole.nats == pytest.approx(sure.nats + 2)
    (new_delhi,) = name_keys(["नई दिल्ली"])
    read_with_its_space, read_without = (native_towns("Devanagari").misread(new_delhi[:-1], n) for n in (1, 0))
    assert read_with_its_space is not None and read_without is not None
    assert read_with_its_space.nats > read_without.nats


def test_towns_inside_writing_without_spaces_do_not_overlap() -> None:
    (key,), (town,) = name_keys(["สวนสัตว์เชียงใหม่ครับ"]), name_keys(["เชียงใหม่"])
    found = native_towns("Thai").inside(key)
    assert key[found[0].start : found[0].stop] == town
    assert all(a.stop <= b.start or b.stop <= a.start for a in found for b in found if a is not b)


def test_only_towns_of_countries_that_write_the_script_are_kept() -> None:
    assert {"UA", "RU", "BG", "RS"} <= countries_writing("Cyrillic")
    assert "US" not in countries_writing("Cyrillic")
    (key,) = name_keys(["Чикаго"])
    assert native_towns("Cyrillic").exact(key) is None


def test_kinds_of_places_are_left_out_where_they_are_written_together_with_the_name() -> None:
    assert "수원" in without_kinds("수원시", "Hangul")
    assert list(without_kinds("горлівка", "Cyrillic")) == ["горлівка"]


@pytest.mark.parametrize("script", sorted(read_toml("evidence/data/native_places.toml")))
def test_every_script_of_the_table_is_native_and_its_words_are_written_in_it(script: str) -> None:
    assert script in NATIVE_SCRIPTS
    assert any(script in language.scripts for language in LANGUAGES.values())
    words = [*place_kinds(script).before, *place_kinds(script).after]
    assert words
    assert {native_script(word) for word in words} == {script}
