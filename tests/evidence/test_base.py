"""Cues state exactly one kind of meaning, with weights that are weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from whereshot.evidence.base import SURFACES, Cue, Line, PhotoFacts, Proposal, mean_surfaces
from whereshot.foundation.errors import InputError
from whereshot.photos.recorded import Recorded

PARIS = Proposal("Paris", 48.86, 2.35, "FR", 5.0, 1.0)


def cue(**parts: Any) -> Cue:
    return Cue("text/place", "PARIS", "the place Paris", "text/place/plain", **parts)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "must give one of countries, proposals or log_likelihood; it gives none"),
        ({"countries": {"FR": 1.0}, "proposals": (PARIS,)}, "it gives countries and proposals"),
        ({"countries": {"FR": 0.0}}, "needs weights of 0 or more, not all 0"),
        ({"countries": {"FR": -1.0, "DE": 2.0}}, "needs weights of 0 or more"),
        ({"countries": {"FR": float("inf")}}, "needs weights of 0 or more"),
        ({"proposals": (PARIS,), "discount": 1.5}, "needs a discount from 0 to 1; got 1.5"),
    ],
)
def test_cues_that_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        cue(**parts)
    assert str(caught.value).startswith("cue 'text/place' ('PARIS') ")


def test_one_meaning_is_enough() -> None:
    assert cue(countries={"FR": 1.0}).proposals == ()
    assert cue(proposals=(PARIS,), discount=0.5).countries is None
    likelihood = cue(log_likelihood=lambda places: np.zeros(len(places))).log_likelihood
    assert likelihood is not None and likelihood(np.zeros((3, 2))).tolist() == [0, 0, 0]


def test_a_photo_without_facts() -> None:
    assert PhotoFacts() == PhotoFacts((), Recorded())


def test_a_line_is_moved_and_scaled_with_its_corners() -> None:
    line = Line("RUE", 0.9, (10, 20, 30, 40), ((10.5, 20.0), (30.0, 21.0), (29.5, 40.0), (10.0, 39.0)))
    moved = line.scaled(2.0, left=100, top=-10)
    assert moved.box == (220, 20, 260, 60)
    assert moved.corners == ((221.0, 20.0), (260.0, 22.0), (259.0, 60.0), (220.0, 58.0))
    assert Line("RUE", 0.9, (10, 20, 30, 40)).scaled(0.5).corners is None


def test_mean_surfaces_leave_out_lines_that_were_not_judged() -> None:
    judged = [Line("A", 1.0, (0, 0, 1, 1), surfaces={"sign": share, "package": 1 - share}) for share in (1.0, 0.5)]
    found = mean_surfaces([*judged, Line("B", 1.0, (0, 0, 1, 1))])
    assert found is not None
    assert set(found) == set(SURFACES)
    assert (found["sign"], found["package"], found["screen"]) == (0.75, 0.25, 0.0)
    assert mean_surfaces([Line("B", 1.0, (0, 0, 1, 1))]) is None
