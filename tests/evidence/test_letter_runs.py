"""Runs of letters that tell the languages of Arabic writing apart."""

import pytest

from whereshot.evidence.known_languages import CODES, NUMBER
from whereshot.evidence.letter_runs import LISTED, log_runs
from whereshot.evidence.lexicon import fold, lexicon
from whereshot.evidence.writing import fold_writing


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("خیابان گلستان", "fa"),
        ("چهارراه سرچشمه", "fa"),
        ("بہاولپور", "ur"),
        ("المستشفيات", "ar"),
        ("القنيطرة", "ar"),
    ],
)
def test_names_that_no_list_has_are_told_by_their_letters(words: str, language: str) -> None:
    for written in (words, fold_writing(words)):
        scores = log_runs(written.split())
        assert CODES[int(scores.argmax())] == language


def test_languages_without_a_list_are_in_the_middle() -> None:
    scores = log_runs(["گلستان"])
    listed = [scores[NUMBER[code]] for code in LISTED]
    assert min(listed) < scores[NUMBER["ps"]] < max(listed) == 0
    assert scores[NUMBER["ps"]] == scores[NUMBER["ku"]]


def test_the_lists_are_read_in_the_spelling_of_readers() -> None:
    words = dict(lexicon().between("\u0621", "\u06ff"))
    assert len(words) > 20_000
    assert all("\u0621" <= word <= "\u06ff" and fold(word) == word for word in words)
    assert "fa" in words[fold("بانک")]
