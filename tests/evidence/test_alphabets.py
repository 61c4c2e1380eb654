"""Letters by which languages of one script differ."""

import pytest

from whereshot.evidence.alphabets import MOST_WORDS, WORD_COST, _owners, log_alphabet
from whereshot.evidence.known_languages import LANGUAGES, NUMBER
from whereshot.evidence.language import identify
from whereshot.evidence.text_segments import native_script, script_of
from whereshot.evidence.writing import fold_writing


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("хліб і м'ясо", "uk"),
        ("прыпынак грамадскага", "be"),
        ("забрањен улаз", "sr"),
        ("добредојдовте", "mk"),
        ("дәріхана", "kk"),
        ("дэлгүүр өргөө", "mn"),
        ("хуш омадед ба тоҷикистон", "tg"),
        ("дўкон ва ошхона", "uz"),
        ("گوشت و مرغ تازه", "fa"),
        ("مطعم الشرق", "ar"),
        ("ٹریڈرز اور کپڑے", "ur"),
        ("ښاروالی روغتون", "ps"),
        ("دەرمانخانەی ڕێگای نوێ، کۆلێژی پزیشکی هەولێر", "ku"),
        ("শাৰদীয় ৰাতি", "as"),
        ("রাস্তার দোকান", "bn"),
        ("ኣብ ቐዳማይ", "ti"),
        ("फळांचे दुकान", "mr"),
    ],
)
def test_languages_are_told_by_their_letters_also_in_the_spelling_of_readers(text: str, language: str) -> None:
    for written in (text, fold_writing(text)):
        assert next(iter(identify([written]))) == language


def test_a_letter_costs_other_languages_a_bounded_number_of_nats() -> None:
    one, many = (
        log_alphabet("Cyrillic", ["їжа"]),
        log_alphabet("Cyrillic", ["їжа", "її", "мої", "твої", "свої", "цієї"]),
    )
    assert one[NUMBER["uk"]] == many[NUMBER["uk"]] == 0
    assert one[NUMBER["ru"]] == -WORD_COST
    assert many[NUMBER["ru"]] == -MOST_WORDS * WORD_COST


def test_every_letter_of_the_table_is_of_its_script_and_of_languages_that_use_the_script() -> None:
    for (script, letter), owners in _owners().items():
        assert script_of(letter) == script, letter
        codes = [code for code, number in NUMBER.items() if owners[number]]
        assert codes, letter
        assert all(script in LANGUAGES[code].scripts for code in codes), (letter, codes)
        assert letter == fold_writing(letter) or letter in "ةپ", f"readers never give {letter!r}"


def test_the_script_of_most_letters_is_the_native_script_of_a_text() -> None:
    assert native_script("ถนนสุขุมวิท Soi 11") == "Thai"
    assert native_script("Sukhumvit ซอย") == native_script("東京") == native_script("12") == ""
