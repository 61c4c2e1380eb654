"""The probabilities of an answer by distance."""

from __future__ import annotations

import pytest

from whereshot.locate.within_probabilities import WithinProbabilities


def test_they_are_read_by_the_distance_in_km_and_written_by_it_as_text() -> None:
    shares = WithinProbabilities({1: 0.2, 25: 0.9})
    assert (shares[25], list(shares), len(shares)) == (0.9, [1, 25], 2)
    assert shares.to_document() == {"1": 0.2, "25": 0.9}
    assert shares == {1: 0.2, 25: 0.9}


def test_a_photo_without_an_answer_has_none() -> None:
    assert not WithinProbabilities()
    with pytest.raises(KeyError):
        WithinProbabilities()[25]
