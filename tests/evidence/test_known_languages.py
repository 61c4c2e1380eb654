"""The table of languages: every code has a number, a prior and a name."""

from __future__ import annotations

import pytest

from whereshot.evidence.known_languages import (
    CODES,
    IDENTIFIER_LABELS,
    LANGUAGES,
    NUMBER,
    PRIOR,
    RARE,
    RELATED_PAIRS,
    RELATIVES,
    language_name,
)


def test_the_prior_sums_to_one_and_is_smaller_for_rare_languages() -> None:
    assert PRIOR.sum() == pytest.approx(1)
    assert PRIOR[NUMBER["lb"]] / PRIOR[NUMBER["de"]] == pytest.approx(RARE)


def test_numbers_are_positions_of_codes() -> None:
    assert [CODES[number] for number in NUMBER.values()] == list(LANGUAGES)


def test_relatives_and_labels_are_known_languages() -> None:
    assert {*RELATIVES, *IDENTIFIER_LABELS} <= set(LANGUAGES)
    pairs = {(CODES[number], CODES[relative]) for number, relative in RELATED_PAIRS.T.tolist()}
    assert pairs == {(code, relative) for code, relatives in RELATIVES.items() for relative in relatives}


def test_names() -> None:
    assert language_name("sv") == "Swedish"
    assert language_name("tlh") == "tlh"
