"""Evidence as a whole: every kind answers, every trust has its reliability, and a cue says one thing."""

from __future__ import annotations

import pytest

from whereshot.evidence import EVIDENCE, Cue, PhotoFacts, Proposal
from whereshot.evidence.fusion import fitted_reliabilities
from whereshot.evidence.patterns import patterns
from whereshot.evidence.place_names import TRUSTS
from whereshot.foundation.errors import InputError


def test_every_kind_of_evidence_answers_to_nothing_with_nothing() -> None:
    for kind, evidence in EVIDENCE.items():
        assert evidence(PhotoFacts()) == [], kind


def test_every_trust_has_a_reliability() -> None:
    trusted = fitted_reliabilities()
    assert {pattern.kind for pattern in patterns()} | set(TRUSTS) | {"exif", "text/language"} <= trusted.table.keys()
    assert all(0 < trusted.on(trust, "sign") < 1 for trust in trusted.table)


PLACE = Proposal("Munich", 48.14, 11.58, "DE", 5.0, 1.0)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "must give one of countries, proposals or log_likelihood; it gives none"),
        ({"countries": {}}, "must give one of countries, proposals or log_likelihood; it gives none"),
        ({"countries": {"DE": 1.0}, "proposals": (PLACE,)}, "it gives countries and proposals"),
        ({"countries": {"DE": 0.0}}, "needs weights of 0 or more, not all 0"),
        ({"countries": {"DE": 1.0, "FR": -1.0}}, "needs weights of 0 or more, not all 0"),
        ({"countries": {"DE": float("nan")}}, "needs weights of 0 or more, not all 0"),
        ({"proposals": (PLACE,), "discount": 1.5}, "needs a discount from 0 to 1; got 1.5"),
    ],
)
def test_a_cue_that_says_nothing_or_too_much_is_refused(said: dict, problem: str) -> None:
    with pytest.raises(InputError) as error:
        Cue("own", "what", "means", "text/word", **said)
    assert str(error.value).startswith("cue 'own' ('what') ")
    assert str(error.value).endswith(problem)
