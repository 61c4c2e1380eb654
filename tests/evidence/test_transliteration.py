"""Text of native scripts in Latin letters."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.evidence.text_segments import BLOCKS, NATIVE_SCRIPTS, script_of
from whereshot.evidence.transliteration import MOST_LETTERS, in_latin
from whereshot.evidence.writing import fold_writing
from whereshot.foundation.package_data import read_toml


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("გორი", "gori"),
        ("Գյումրի", "gyumri"),
        ("київ", "kyiv"),
        ("хлеб", "khleb"),
        ("Београд", "beograd"),
        ("Αθήνα", "athina"),
        ("חיפה", "chifa"),
        ("القاهرة", "alqahra"),
        ("داروخانه", "darukhane"),
        ("서울", "seoul"),
        ("เชียงใหม่", "chiangmai"),
        ("ถนน", "thanon"),
        ("ວຽງຈັນ", "vayngchan"),
        ("ភ្នំពេញ", "phnompeny"),
        ("ရန်ကုန်", "rankun"),
        ("दिल्ली", "dilli"),
        ("नगर", "nagar"),
        ("ঢাকা", "dhaka"),
        ("ਅੰਮ੍ਰਿਤਸਰ", "amritasar"),
        ("અમદાવાદ", "amadavad"),
        ("ଭୁବନେଶ୍ୱର", "bhubaneshwara"),
        ("சென்னை", "chennai"),
        ("హైదరాబాద్", "haidarabad"),
        ("ಬೆಂಗಳೂರು", "bengaluru"),
        ("കൊച്ചി", "kochchi"),
        ("කොළඹ", "kolamba"),
        ("አዲስ አበባ", "adis abeba"),
    ],
)
def test_words_can_be_read_aloud(text: str, latin: str) -> None:
    assert in_latin(text) == latin


def test_other_words_and_signs_stay() -> None:
    assert in_latin("ул. Мира 12, KIOSK") == "ul. mira 12, KIOSK"
    assert in_latin("Hotel 12") == in_latin("東京") == in_latin("") == ""


LETTERS = "".join(
    char
    for (start, script), (stop, _) in itertools.pairwise(BLOCKS)
    if script in NATIVE_SCRIPTS
    for char in map(chr, range(start, min(stop, start + 200)))
    if char.isalpha()
)


@given(st.text(LETTERS, min_size=1, max_size=30))
def test_any_letters_become_latin_letters_or_nothing(text: str) -> None:
    assert re.fullmatch("[a-z' ]*", in_latin(fold_writing(text)))


def test_a_long_text_is_cut() -> None:
    assert len(in_latin("а" * (MOST_LETTERS + 50))) == MOST_LETTERS


@pytest.mark.parametrize("script", sorted(read_toml("evidence/data/transliteration.toml")))
def test_every_letter_of_a_table_is_of_its_script_and_stands_there_once(script: str) -> None:
    letters = [
        letter for row in read_toml("evidence/data/transliteration.toml")[script].values() for letter in row.split()
    ]
    assert len(letters) == len(set(letters))
    assert {script_of(letter[0]) for letter in letters} == {script}
