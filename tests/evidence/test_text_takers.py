"""Photos with text: the share of travellers and of the people who live there."""

import math

import pytest

from whereshot.evidence.text_takers import country_shares, fitted_travellers, log_correction


def test_shares_are_probabilities() -> None:
    photos, people = zip(*country_shares().values(), strict=True)
    assert sum(photos) == pytest.approx(1, abs=0.02)
    assert sum(people) == pytest.approx(1)


def test_travellers_alone_change_nothing() -> None:
    assert all(value == pytest.approx(0) for value in log_correction(1.0).values())


def test_residents_take_photos_where_many_people_live() -> None:
    correction = log_correction(0.5)
    assert correction["IN"] > math.log(2)
    assert correction["MX"] > 0 > correction["US"]
    assert correction["ES"] < 0


def test_some_text_is_photographed_by_residents() -> None:
    assert 0 < fitted_travellers() < 1
