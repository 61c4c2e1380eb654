"""The reasons of an answer: an answer that cues moved always has some, and they sum to what was moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from conftest import line
from whereshot.evidence import fuse
from whereshot.evidence.text import cues_of
from whereshot.locate.answers import CANDIDATE_KM, answer_rows
from whereshot.locate.no_sights import is_only_prior
from whereshot.locate.photo_evidence import Explained
from whereshot.locate.prediction import Prediction
from whereshot.photos.recorded import Recorded
from whereshot.posterior.prior import density_prior, prior_widening

SIGNS = (
    ("RODOVIA BR-116", "Pedágio a 2 km", "Pão de queijo R$ 5,00"),
    ("Bahnhofstraße", "Polizei", "Geöffnet Mo-Fr", "Eintritt 5 €"),
    ("Apteka", "Szkoła podstawowa", "ul. Długa 12", "www.sklep.pl", "12,50 zł"),
    ("Hwy 11 North", "Tim Hortons"),
    ("Bologna", "Farmacia", "Via Garibaldi"),
)


def answer_to(texts: tuple[str, ...]) -> Prediction:
    fused = fuse(density_prior(), cues_of([line(text) for text in texts]))
    explained = Explained(fused.posterior, prior_widening(), None, (), Recorded(), fused)
    (answer,) = answer_rows(fused.posterior, widening=explained.widening)
    return replace(answer, evidence=explained.evidence(np.array(answer.answered[:2]), None))


@pytest.mark.parametrize("texts", SIGNS)
def test_an_answer_that_moved_has_reasons_that_sum_to_the_move(texts: tuple[str, ...]) -> None:
    answer = answer_to(texts)
    assert answer.evidence_words() and not is_only_prior(answer)
    before = density_prior().mass_within([answer.answered[:2]], CANDIDATE_KM)[0]
    fused = fuse(density_prior(), cues_of([line(text) for text in texts]))
    moved = np.log(fused.posterior.mass_within([answer.answered[:2]], CANDIDATE_KM)[0] / before)
    assert moved > 1
    assert sum(item.nats for item in answer.evidence) == pytest.approx(moved, abs=0.05)
    nats = [abs(item.nats) for item in answer.evidence]
    assert nats == sorted(nats, reverse=True)


def test_many_reasons_for_one_country_are_all_told() -> None:
    """Each of them alone could be left out without loss."""
    answer = answer_to(SIGNS[0])
    assert answer.countries[0][0] == "BR" and answer.countries[0][1] > 0.85
    assert len(answer.evidence_words()) == len(answer.evidence) >= 3
