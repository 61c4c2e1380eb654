"""The prior: a probability on the whole Earth, most of it where people are."""

from __future__ import annotations

import numpy as np
import pytest

from whereshot.earth.countries import countries
from whereshot.posterior.prior import density_prior


def test_the_prior_is_one_row_that_is_nowhere_zero() -> None:
    prior = density_prior()
    assert len(prior) == 1 and prior.shared and prior is density_prior()
    assert prior.mass.sum() == pytest.approx(1) and (prior.mass > 0).all()


def test_photos_are_taken_in_europe_rather_than_in_the_southern_ocean() -> None:
    prior = density_prior()
    assert prior.mass_within([[48.86, 2.35]], 1000)[0] > 50 * prior.mass_within([[-58.0, -120.0]], 1000)[0]


def test_countries_of_the_prior_are_those_that_its_places_lie_in() -> None:
    """They are shipped, for finding them takes a tenth of a second of every start."""
    assert np.array_equal(density_prior().support.country_index, countries().index_of(density_prior().places))
