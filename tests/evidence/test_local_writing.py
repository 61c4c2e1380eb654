"""Writing of the place and other writing: signs, goods, letters without sense, English that stands everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import line
from whereshot.evidence import EVIDENCE, Line, PhotoFacts
from whereshot.evidence.local_writing import FEATURES, Writing, features, fitted_weights, judge_writing, writing_of


def judge(*texts: str, confidence: float = 0.97) -> Writing:
    lines = [Line(text, confidence, (0, 40 * number, 400, 40 * number + 30)) for number, text in enumerate(texts)]
    return judge_writing(lines, EVIDENCE["text"](PhotoFacts(tuple(lines))))


SIGNS = [
    ("Hunde sind an der Leine zu führen", "Betreten der Wiese verboten"),
    ("Hunde skal føres i snor", "Hundens affald skal fjernes"),
    ("Está prohibido pisar el césped", "Ayuntamiento de Altafulla"),
    ("Interdit aux chiens", "même tenus en laisse"),
]
NOT_OF_THE_PLACE = [
    ("Hustenbonbons mit Honig", "Zutaten: Zucker, Honig", "Energie 1655 kJ", "Fett 0,1 g", "Salz 0,02 g", "75 g"),
    ("Olio extra vergine di oliva", "Ingredienti: olio 100 %", "Grassi 91 g", "Sale 0 g", "500 ml"),
    ("IBBIBEJIEKTPOTPAHC", "KBITOK", "y MiCkOMy", "TPOIEEBYCI", "IbBIB", "08JIMPA"),
    ("HHRHHI", "KEERKY", "WELLm", "Hoimehe", "i dezycmauia nuea"),
]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_notice_in_sentences_belongs_to_the_place(sign: tuple[str, ...]) -> None:
    assert judge(*sign).weight > 0.7


@pytest.mark.parametrize("texts", NOT_OF_THE_PLACE)
def test_goods_and_misread_letters_do_not(texts: tuple[str, ...]) -> None:
    assert judge(*texts, confidence=0.85).weight < 0.5


def test_a_company_and_its_town_on_goods_are_no_further_witnesses() -> None:
    """They come from where the language comes from: one piece of evidence."""
    writing = judge("Zutaten: Zucker, Honig", "Nährwerte pro 100 g", "Fett 0,1 g", "Bonbon GmbH", "91325 Adelsdorf")
    assert 0 < writing.weight < 0.6


def test_english_counts_only_beside_another_kind_of_cue() -> None:
    alone = judge("Please keep your dog with you", "and take your litter home")
    assert alone.only_english
    assert alone.weight == 0
    assert alone.local > 0.5
    fined = judge("Please keep your dog on a lead", "Maximum penalty £1000")
    assert not fined.only_english
    assert fined.weight == fined.local > 0.7


def test_nothing_read_has_no_weight() -> None:
    assert judge() == Writing(0.0, False)
    assert judge("24", "***") == Writing(0.0, False)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_any_lines_have_features_and_a_probability(texts: list[str]) -> None:
    lines = [line(text) for text in texts]
    values = features(lines, EVIDENCE["text"](PhotoFacts(tuple(lines))))
    assert values.shape == (len(FEATURES),)
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert 0 <= writing_of(values, *fitted_weights()).local <= 1


def test_writing_that_is_seen_and_not_read_has_no_weight() -> None:
    unread = Line("", 0.98, (0, 0, 400, 30), script="Khmer")
    cues = EVIDENCE["text"](PhotoFacts((), unread=(unread,)))
    assert cues
    assert judge_writing((), cues) == Writing()
