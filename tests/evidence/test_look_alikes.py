"""Latin look-alikes become the Greek or Cyrillic letters that stand there, and nothing else changes."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whereshot.evidence.base import Line
from whereshot.evidence.language import identify
from whereshot.evidence.look_alikes import fold_lines, fold_look_alikes, telling_script
from whereshot.evidence.text_segments import script_of


@pytest.mark.parametrize(
    ("read", "folded"),
    [
        (["AΘHNA"], ["ΑΘΗΝΑ"]),
        (["EEOΔOΣ", "KENTPO"], ["ΕΕΟΔΟΣ", "ΚΕΝΤΡΟ"]),
        (["ΦAPMAKEIO", "TABEPNA"], ["ΦΑΡΜΑΚΕΙΟ", "ΤΑΒΕΡΝΑ"]),
        (["CAДOBAЯ"], ["САДОВАЯ"]),
        (["Aθήva"], ["Αθήνα"]),
    ],
)
def test_one_telling_letter_folds_its_look_alikes(read: list[str], folded: list[str]) -> None:
    assert fold_look_alikes(read) == folded


@pytest.mark.parametrize(
    "lines",
    [
        ["sllutstlA", "llυlA'b νA"],  # a mirrored sign: υ and ν are misread u and v
        ["SΛMSUNG", "5 μm", "100 Ω"],
        ["WELCOME TO", "KENT"],
        ["THE BANK", "OF THE", "DOWNTOWN", "ΔELTA"],
        [],
    ],
)
def test_latin_stays_latin(lines: list[str]) -> None:
    changed = fold_look_alikes(lines)
    assert [word for line in changed for word in line.split() if script_of(word[0]) == "Latin"] == [
        word for line in lines for word in line.split() if script_of(word[0]) == "Latin"
    ]


def test_a_latin_translation_beside_the_greek_name_stays() -> None:
    assert fold_look_alikes(["ΑΘΗΝΑ", "ATHINA", "WELCOME TO", "GREECE"])[1:] == ["ATHINA", "WELCOME TO", "GREECE"]


def test_a_line_that_looks_greek_is_folded_without_a_telling_letter() -> None:
    box = (0, 0, 10, 10)
    greek, latin = Line("KENTPO", 0.9, box, script="Greek"), Line("KENT", 0.9, box, script="Latin")
    assert [line.text for line in fold_lines([greek, latin])] == ["ΚΕΝΤΡΟ", "KENT"]


def test_a_greek_name_read_with_latin_look_alikes_is_greek() -> None:
    assert next(iter(identify(["AΘHNA"]).items())) == ("el", pytest.approx(0.98, abs=0.03))
    assert next(iter(identify("CAДOBAЯ УЛИЦA"))) in ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tg", "mn")


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("ABEZHIKMNOPTYXaouvnΓΔΘΛΞΠΣΦΨΩАДЖЯ .'1"), max_size=20), max_size=4))
def test_folding_keeps_the_shape_of_a_text_and_is_done_once(lines: list[str]) -> None:
    once = fold_look_alikes(lines)
    assert [len(line) for line in once] == [len(line) for line in lines]
    assert all(a.isalpha() == b.isalpha() for a, b in zip("".join(once), "".join(lines), strict=True))
    script = telling_script(lines)
    if script is None:
        assert once == lines
    else:
        assert {script_of(b) for a, b in zip("".join(lines), "".join(once), strict=True) if a != b} <= {script}
        assert all(unicodedata.name(char) for char in "".join(once))


@pytest.mark.parametrize(("text", "confidence"), [("YOUR DOG POOP", 0.95), ("THE E ON", 0.6)])
def test_a_line_that_can_only_be_latin_or_was_hardly_read_stays_latin(text: str, confidence: float) -> None:
    line = Line(text, confidence, (0, 0, 200, 20), script="Greek")
    assert [own.text for own in fold_lines([line])] == [text]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Москва 7оо", "Москва 700"),
        ("Тверь з5о", "Тверь 350"),
        ("Αθήνα 7οο", "Αθήνα 700"),
        ("ул. Зои 5б", "ул. Зои 5б"),
        ("зоо", "зоо"),
        ("O2 5G", "O2 5G"),
    ],
)
def test_letters_among_digits_are_the_digits_that_they_look_like(text: str, folded: str) -> None:
    assert [line.text for line in fold_lines([Line(text, 0.9, (0, 0, 100, 20))])] == [folded]
