"""Folding the spelling of writing, and the order in which the eye meets its signs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth.towns import gazetteer
from whereshot.evidence.line_readers import SCRIPTS_READ
from whereshot.evidence.text_segments import script_of_word
from whereshot.evidence.writing import FOREIGN, STANDS_BEFORE, fold_writing, from_signs, to_signs

SAME = [
    ("Орёл", "орел"),
    ("ΑΘΉΝΑ", "αθηνα"),
    ("Αθήνας", "αθηνασ"),
    ("کرمانشاه", "كرمانشاه"),
    ("أحمد", "احمد"),
    ("مَدِينَة", "مدينة"),
    ("مـديـنـة", "مدينة"),
    ("יְרוּשָׁלַיִם", "ירושלים"),
    ("ԵՐԵՎԱՆ", "երևան"),
    ("ᲗᲑᲘᲚᲘᲡᲘ", "თბილისი"),
    ("१२३ ०", "123 0"),
    ("٤٥", "45"),
    ("ड़", "ड़"),
    ("กํา", "กำ"),
    ("میدان", "ميدان"),
]


@pytest.mark.parametrize(("text", "same"), SAME)
def test_spellings_that_readers_take_for_the_same(text: str, same: str) -> None:
    assert fold_writing(text) == fold_writing(same)


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = fold_writing(text)
    assert fold_writing(once) == once


def _names(script: str) -> list[str]:
    known = gazetteer()
    found = []
    for index in range(0, len(known), 7):
        found += [word for name in known.other_names(index) for word in name.split() if script_of_word(word) == script]
        if len(found) > 300:
            break
    return found


@pytest.mark.parametrize("script", sorted(SCRIPTS_READ))
def test_names_of_towns_come_back_from_their_signs(script: str) -> None:
    names = [fold_writing(name) for name in _names(script)]
    assert names
    names = [name for name in names if name.isalnum() or len(name) > 1]
    wrong = [
        n for n in names if not any("a" <= char <= "z" for char in n) and from_signs(to_signs(n, script), script) != n
    ]
    assert len(wrong) <= 0.005 * len(names), wrong[:5]


@pytest.mark.parametrize(
    ("text", "script", "signs"),
    [
        ("शिव", "Devanagari", "िशव"),
        ("शक्ति", "Devanagari", "शिक्त"),
        ("কোন", "Bengali", "েকান"),
        ("கொடு", "Tamil", "ெகாடு"),
        ("മേള", "Malayalam", "േമള"),
        ("เชียง", "Thai", "เชียง"),
        ("ရန်ကုန်မေ", "Myanmar", "ရန်ကုန်ေမ"),
        ("한글", "Hangul", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
        ("שער 12", "Hebrew", "12 רעש"),
        ("شارع 15 (ب)", "Arabic", "(ب) 15 عراش"),
        ("Hotel კახა", "Georgian", FOREIGN * 5 + " კახა"),
    ],
)
def test_signs_stand_as_the_eye_meets_them(text: str, script: str, signs: str) -> None:
    assert "".join(to_signs(text, script)) == signs


@pytest.mark.parametrize("script", sorted(STANDS_BEFORE))
def test_a_sign_without_a_consonant_stays(script: str) -> None:
    for sign in STANDS_BEFORE[script]:
        assert from_signs([sign], script) == sign
