"""Wider circles: narrow ones stay, the widest reach around the Earth, and a radius can be taken back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whereshot.earth import sphere
from whereshot.posterior.prior import prior_widening
from whereshot.posterior.widening import AS_IT_IS, Widening

FACTORS, DOUBLING = st.floats(0.5, 4.0), st.one_of(st.just(math.inf), st.floats(2000.0, 20_000.0))


def test_a_radius_of_the_doubling_distance_becomes_twice_as_large() -> None:
    assert Widening(1.0, 8000.0).wider(8000.0) == pytest.approx(16_000.0)
    assert Widening(2.0, 8000.0).wider(4000.0) == pytest.approx(16_000.0)


def test_a_circle_around_a_town_stays_and_the_widest_is_the_whole_earth() -> None:
    wide = prior_widening()
    assert wide.wider(25.0) == pytest.approx(25.0, rel=1e-3)
    assert wide.wider(sphere.HALF_CIRCUMFERENCE_KM) == sphere.HALF_CIRCUMFERENCE_KM


@given(st.floats(0.0, 4000.0), FACTORS, DOUBLING)
def test_a_radius_is_taken_back(radius_km: float, factor: float, doubling_km: float) -> None:
    widening = Widening(factor, doubling_km)
    wider = float(widening.wider(radius_km))
    assert wider >= factor * radius_km or wider == sphere.HALF_CIRCUMFERENCE_KM
    if wider < sphere.HALF_CIRCUMFERENCE_KM:
        assert widening.narrower(wider) == pytest.approx(radius_km, rel=1e-6, abs=1e-6)


@given(st.lists(st.floats(0.0, sphere.HALF_CIRCUMFERENCE_KM), min_size=2, max_size=6), FACTORS, DOUBLING)
def test_a_larger_level_never_has_a_smaller_circle(radii: list[float], factor: float, doubling_km: float) -> None:
    widening = Widening(factor, doubling_km)
    ordered = widening.wider(sorted(radii)).tolist()
    assert ordered == sorted(ordered)
    inverse = widening.narrower(sorted(radii)).tolist()
    assert inverse == sorted(inverse)


def test_nothing_is_changed_by_default() -> None:
    assert AS_IT_IS.wider([3.0, 900.0]).tolist() == AS_IT_IS.narrower([3.0, 900.0]).tolist() == [3.0, 900.0]
